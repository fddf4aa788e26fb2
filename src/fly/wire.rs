//! Fly's JSON into the model.
//!
//! Tolerant by intent: a key that is new, missing or of another type than today costs at most that
//! one fact. Only what cannot be missing is insisted on: a machine's id, state and region. The config
//! is kept as the text that Fly sent; just the few facts that decisions need are read from it.

mod facts;
pub(super) mod org;
pub(super) mod region;
pub(super) mod volume;

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{HostStatus, Machine, MachineId, MachineState, Region, Timestamp};

/// An answer that is not what the API describes.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is no JSON, or not of the expected shape.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A machine lacks what each must have.
    #[error("{place} has no {key}")]
    Missing {
        /// Which machine.
        place: String,
        /// What is missing, or is no text.
        key: &'static str,
    },
    /// A list of regions that cannot be all of them.
    #[error("the list of regions {0}")]
    Regions(&'static str),
    /// A lease without the proof of it.
    #[error("the lease has no nonce")]
    NoNonce,
}

/// Reads a page of a list. `null`, Go's way to write an empty list, is one.
pub fn machines(body: &[u8]) -> Result<Vec<Machine>, WireError> {
    let page: Option<Vec<WireMachine<'_>>> = serde_json::from_slice(body)?;
    page.unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(index, machine)| machine.into_model(|| format!("machine {index} of the page")))
        .collect()
}

/// Reads one machine.
pub fn machine(body: &[u8]) -> Result<Machine, WireError> {
    let machine: WireMachine<'_> = serde_json::from_slice(body)?;
    machine.into_model(|| "the machine".to_owned())
}

/// Reads a lease: in the envelope `{"status", "data": {...}}` that the service sends, or bare as the
/// API description has it.
pub(super) fn lease_nonce(body: &[u8]) -> Result<String, WireError> {
    #[derive(Deserialize)]
    struct Envelope {
        nonce: Option<String>,
        data: Option<Bare>,
    }
    #[derive(Deserialize)]
    struct Bare {
        nonce: Option<String>,
    }
    let envelope: Envelope = serde_json::from_slice(body)?;
    let nonce = envelope.data.and_then(|data| data.nonce).or(envelope.nonce);
    // What cannot be sent back as a header is no proof.
    nonce
        .filter(|nonce| !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or(WireError::NoNonce)
}

/// Why an answer with a status of success says all the same that nothing was done, if it does:
/// `"status": "error"` (flyctl takes that for a failed start) or `"ok": false`.
pub(super) fn refusal(body: &[u8]) -> Result<Option<String>, WireError> {
    #[derive(Deserialize)]
    struct Done<'a> {
        ok: Option<bool>,
        #[serde(borrow)]
        status: Option<&'a RawValue>,
        #[serde(borrow)]
        message: Option<&'a RawValue>,
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let done: Done<'_> = serde_json::from_slice(body)?;
    let failed = done.ok == Some(false) || text(done.status).as_deref() == Some("error");
    let said = || text(done.message).or_else(|| text(done.error));
    Ok(failed.then(|| said().map_or_else(|| "it was not done".to_owned(), Cow::into_owned)))
}

/// A machine with each value still as text, borrowed from the answer.
#[derive(Deserialize)]
struct WireMachine<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    region: Option<&'a RawValue>,
    #[serde(borrow)]
    host_status: Option<&'a RawValue>,
    #[serde(borrow)]
    cordoned: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    image_ref: Option<&'a RawValue>,
    #[serde(borrow)]
    config: Option<&'a RawValue>,
    #[serde(borrow)]
    incomplete_config: Option<&'a RawValue>,
}

impl WireMachine<'_> {
    fn into_model(self, place: impl Fn() -> String) -> Result<Machine, WireError> {
        let required = |raw, key| {
            let text = text(raw).filter(|text| !text.is_empty());
            text.ok_or_else(|| WireError::Missing { place: place(), key })
        };
        let id = MachineId::new(required(self.id, "id")?);
        let known = self.config.or(self.incomplete_config);
        Ok(Machine {
            state: MachineState::parse(&required(self.state, "state")?),
            region: Region::new(required(self.region, "region")?),
            id,
            host_status: self.host_status(),
            is_cordoned: self.cordoned.is_some_and(|raw| raw.get() == "true"),
            created_at: text(self.created_at).and_then(|at| Timestamp::parse_rfc3339(&at)),
            image: self.image_ref.and_then(full_image_ref),
            facts: known.map(facts::read).unwrap_or_default(),
            config: self.config.map(|raw| Arc::from(raw.to_owned())),
        })
    }

    /// A list in summary form has no host status at all: such a machine is taken to be well. One with
    /// only an incomplete config is not, whatever it says.
    fn host_status(&self) -> HostStatus {
        let is_rebuilt = self.config.is_none() && self.incomplete_config.is_some();
        match self.host_status.map(|raw| text(Some(raw))) {
            Some(Some(status)) if status == "ok" => HostStatus::Ok,
            Some(Some(status)) if status == "unreachable" => HostStatus::Unreachable,
            None if !is_rebuilt => HostStatus::Ok,
            _ => HostStatus::Unknown,
        }
    }
}

/// The image as flyctl writes it into a clone: `registry/repository`, then `:tag` and `@digest` as
/// far as there are any. Source: fly-go `FullImageRef`.
fn full_image_ref(raw: &RawValue) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct ImageRef<'a> {
        #[serde(borrow)]
        registry: Option<&'a RawValue>,
        #[serde(borrow)]
        repository: Option<&'a RawValue>,
        #[serde(borrow)]
        tag: Option<&'a RawValue>,
        #[serde(borrow)]
        digest: Option<&'a RawValue>,
    }
    let image: ImageRef<'_> = serde_json::from_str(raw.get()).ok()?;
    let part = |raw| text(raw).filter(|text| !text.is_empty());
    let mut full = format!("{}/{}", part(image.registry)?, part(image.repository)?);
    for (sign, part) in [(':', part(image.tag)), ('@', part(image.digest))] {
        if let Some(part) = part {
            full.push(sign);
            full.push_str(&part);
        }
    }
    Some(Arc::from(full))
}

/// The text of a JSON string, borrowed unless it has escapes; `None` for anything else.
fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let json = raw?.get();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MachineFacts;

    fn one(json: &str) -> Machine {
        machine(json.as_bytes()).expect("a machine")
    }

    #[test]
    fn reads_a_whole_machine() {
        let config =
            r#"{"image": "old",  "new key": [1.50], "services": [{"autostop": "suspend"}]}"#;
        let machine = one(&format!(
            r#"{{"id":"148e306b73d789","name":"x","state":"started","region":"lhr","host_status":"ok",
            "cordoned":true,"created_at":"2026-08-21T10:00:00Z","nonce":null,"events":[{{"id":"e"}}],
            "image_ref":{{"registry":"registry.fly.io","repository":"app","tag":"v1","digest":"sha256:1","labels":null}},
            "config":{config}}}"#
        ));
        assert_eq!(machine.id.as_str(), "148e306b73d789");
        assert_eq!(machine.state, MachineState::Started);
        assert_eq!(machine.region.as_str(), "lhr");
        assert_eq!(machine.host_status, HostStatus::Ok);
        assert!(machine.is_cordoned);
        assert_eq!(machine.created_at, Timestamp::parse_rfc3339("2026-08-21T10:00:00Z"));
        assert_eq!(machine.image.as_deref(), Some("registry.fly.io/app:v1@sha256:1"));
        assert_eq!(machine.config.expect("a config").get(), config, "kept to the letter");
    }

    #[test]
    fn the_image_follows_what_is_known_of_it() {
        let table = [
            (r#"{"registry":"r","repository":"a","tag":"t"}"#, Some("r/a:t")),
            (r#"{"registry":"r","repository":"a","digest":"d"}"#, Some("r/a@d")),
            (r#"{"registry":"r","repository":"a","tag":"","digest":null}"#, Some("r/a")),
            (r#"{"registry":"r"}"#, None),
            (r#""r/a""#, None),
            ("null", None),
        ];
        for (image, want) in table {
            let json = format!(r#"{{"id":"m","state":"s","region":"r","image_ref":{image}}}"#);
            assert_eq!(one(&json).image.as_deref(), want, "{image}");
        }
    }

    #[test]
    fn the_host_is_well_only_where_fly_says_so_or_says_nothing() {
        let table = [
            (r#""host_status":"ok""#, HostStatus::Ok),
            (r#""host_status":"unreachable","incomplete_config":{}"#, HostStatus::Unreachable),
            (r#""host_status":"unknown""#, HostStatus::Unknown),
            (r#""host_status":"on fire""#, HostStatus::Unknown),
            (r#""host_status":7"#, HostStatus::Unknown),
            (r#""name":"summary""#, HostStatus::Ok),
            (r#""incomplete_config":{}"#, HostStatus::Unknown),
            (r#""config":null,"incomplete_config":{}"#, HostStatus::Unknown),
        ];
        for (rest, want) in table {
            let machine = one(&format!(r#"{{"id":"m","state":"s","region":"r",{rest}}}"#));
            assert_eq!(machine.host_status, want, "{rest}");
        }
    }

    #[test]
    fn facts_come_from_the_incomplete_config_but_a_clone_cannot() {
        let machine = one(r#"{"id":"m","state":"started","region":"r","host_status":"unreachable",
            "incomplete_config":{"metadata":{"fly_process_group":"web"}}}"#);
        assert_eq!(machine.facts.group, Some(crate::model::ProcessGroup::new("web")));
        assert!(machine.config.is_none());
    }

    #[test]
    fn odd_values_cost_only_themselves() {
        let machine = one(
            r#"{"id":"m","state":"hibern\u0061ting","region":"r","cordoned":"yes","created_at":7,
            "config":{"metadata":[],"standbys":null,"guest":{"memory_mb":256}}}"#,
        );
        assert_eq!(machine.state.as_str(), "hibernating");
        assert!(!machine.is_cordoned);
        assert_eq!(machine.created_at, None);
        assert_eq!(machine.facts, MachineFacts::default());
    }

    #[test]
    fn what_cannot_be_missing_is_named() {
        let table = [
            (
                r#"[{"id":"a","state":"s","region":"r"},{"state":"s"}]"#,
                "machine 1 of the page has no id",
            ),
            (r#"[{"id":"a","region":"r"}]"#, "machine 0 of the page has no state"),
            (r#"[{"id":7,"state":"s"}]"#, "machine 0 of the page has no id"),
            (r#"[{"id":"a","state":"s"}]"#, "machine 0 of the page has no region"),
            (r#"{"machines":[]}"#, "invalid type: map, expected a sequence at line 1 column 0"),
            ("[", "EOF while parsing a list at line 1 column 1"),
            ("", "EOF while parsing a value at line 1 column 0"),
        ];
        for (json, want) in table {
            let error = machines(json.as_bytes()).expect_err(json);
            assert_eq!(error.to_string(), want, "{json}");
        }
    }

    #[test]
    fn an_empty_list_may_be_null() {
        for json in ["[]", "null", " [ ] "] {
            assert_eq!(machines(json.as_bytes()).expect(json), [], "{json}");
        }
    }

    #[test]
    fn a_lease_is_read_with_and_without_its_envelope() {
        let table = [
            (r#"{"status":"success","data":{"nonce":"n1","expires_at":1}}"#, Some("n1")),
            (r#"{"nonce":"n2"}"#, Some("n2")),
            (r#"{"status":"success","data":null}"#, None),
            (r#"{"nonce":""}"#, None),
            (r#"{"nonce":"a\r\nb"}"#, None),
        ];
        for (json, want) in table {
            assert_eq!(lease_nonce(json.as_bytes()).ok().as_deref(), want, "{json}");
        }
    }

    #[test]
    fn a_success_may_say_no() {
        let table = [
            (r#"{"ok":true}"#, None),
            (r#"{"previous_state":"stopped","migrated":false,"new_host":""}"#, None),
            ("", None),
            (r#"{"status":"success"}"#, None),
            (r#"{"status":"error","message":"no room for machine"}"#, Some("no room for machine")),
            (r#"{"status":"error","error":"e"}"#, Some("e")),
            (r#"{"ok":false}"#, Some("it was not done")),
        ];
        for (json, want) in table {
            assert_eq!(refusal(json.as_bytes()).expect(json).as_deref(), want, "{json}");
        }
        assert!(refusal(b"<html>").is_err());
        assert!(refusal(b"done").is_err());
    }
}
