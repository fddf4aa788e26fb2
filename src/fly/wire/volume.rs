//! A volume's JSON into the model.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{WireError, text};
use crate::model::{HostStatus, Region, Volume, VolumeId};

/// A volume with each value still as text, borrowed from the answer.
#[derive(Deserialize)]
struct WireVolume<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    region: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    size_gb: Option<&'a RawValue>,
    #[serde(borrow)]
    encrypted: Option<&'a RawValue>,
    #[serde(borrow)]
    attached_machine_id: Option<&'a RawValue>,
    #[serde(borrow)]
    attached_alloc_id: Option<&'a RawValue>,
    #[serde(borrow)]
    host_status: Option<&'a RawValue>,
}

/// Reads a list. `null`, Go's way to write an empty list, is one.
pub(in crate::fly) fn list(body: &[u8]) -> Result<Vec<Volume>, WireError> {
    let volumes: Option<Vec<WireVolume<'_>>> = serde_json::from_slice(body)?;
    volumes
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(index, volume)| volume.into_model(|| format!("volume {index} of the list")))
        .collect()
}

/// Reads one volume.
pub(in crate::fly) fn one(body: &[u8]) -> Result<Volume, WireError> {
    let volume: WireVolume<'_> = serde_json::from_slice(body)?;
    volume.into_model(|| "the volume".to_owned())
}

impl WireVolume<'_> {
    fn into_model(self, place: impl Fn() -> String) -> Result<Volume, WireError> {
        let required = |raw, key| {
            let text = text(raw).filter(|text| !text.is_empty());
            text.ok_or_else(|| WireError::Missing { place: place(), key })
        };
        Ok(Volume {
            id: VolumeId::new(required(self.id, "id")?),
            name: Arc::from(required(self.name, "name")?),
            region: Region::new(required(self.region, "region")?),
            size_gb: self.size_gb.and_then(|raw| raw.get().parse().ok()),
            encrypted: self.encrypted.and_then(|raw| raw.get().parse().ok()),
            is_attached: names_one(self.attached_machine_id) || names_one(self.attached_alloc_id),
            host_status: match text(self.host_status).as_deref() {
                Some("ok") => HostStatus::Ok,
                Some("unreachable") => HostStatus::Unreachable,
                _ => HostStatus::Unknown,
            },
            state: text(self.state).map_or_else(|| Arc::from("unknown"), Arc::from),
        })
    }
}

/// Whether an id is there. Anything odd is taken for one: better a volume too few than one twice.
fn names_one(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| !matches!(raw.get(), "null" | r#""""#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_is_what_is_there_and_nobodys_and_on_a_host_that_answers() {
        let table = [
            (r#""state":"created","host_status":"ok""#, true),
            (r#""state":"created","host_status":"ok","attached_machine_id":null"#, true),
            (r#""state":"created","host_status":"ok","attached_machine_id":"""#, true),
            (r#""state":"created","host_status":"ok","attached_machine_id":"m1""#, false),
            (r#""state":"created","host_status":"ok","attached_machine_id":7"#, false),
            (r#""state":"created","host_status":"ok","attached_alloc_id":"a1""#, false),
            (r#""state":"created","host_status":"unreachable""#, false),
            (r#""state":"created""#, false),
            (r#""state":"pending_destroy","host_status":"ok""#, false),
            (r#""host_status":"ok""#, false),
        ];
        for (rest, want) in table {
            let json = format!(r#"{{"id":"vol_1","name":"data","region":"lhr",{rest}}}"#);
            assert_eq!(one(json.as_bytes()).expect("a volume").is_free(), want, "{rest}");
        }
    }

    #[test]
    fn odd_sizes_cost_only_themselves() {
        let json = r#"{"id":"vol_1","name":"data","region":"lhr","size_gb":"3","encrypted":1}"#;
        let volume = one(json.as_bytes()).expect("a volume");
        assert_eq!((volume.size_gb, volume.encrypted), (None, None));
    }
}
