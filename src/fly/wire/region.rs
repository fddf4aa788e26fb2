//! Fly's list of its regions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{WireError, text};
use crate::model::{Catalog, Region, Site};

/// More regions than Fly will ever have: what names more is another list.
const MAX_REGIONS: usize = 1000;
/// The most characters of a code. Fly's have three.
const MAX_CODE_CHARS: usize = 16;
/// The most characters of a name.
const MAX_NAME_CHARS: usize = 100;

/// Reads the list. fly-go, which reads keys in any case, names them with a capital letter: both are taken.
pub(in crate::fly) fn catalog(body: &[u8]) -> Result<Catalog, WireError> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow, alias = "Regions")]
        regions: Vec<&'a RawValue>,
    }
    let Answer { regions } = serde_json::from_slice(body)?;
    if regions.len() > MAX_REGIONS {
        return Err(WireError::Regions("names more than can be regions"));
    }
    let sites: BTreeMap<Region, Site> = regions.into_iter().filter_map(site).collect();
    if sites.is_empty() {
        return Err(WireError::Regions("names none"));
    }
    Ok(Catalog::current(sites))
}

/// One region; `None` for what has no code that could be one.
fn site(row: &RawValue) -> Option<(Region, Site)> {
    #[derive(Deserialize)]
    struct Row<'a> {
        #[serde(borrow, alias = "Code")]
        code: Option<&'a RawValue>,
        #[serde(borrow, alias = "Name")]
        name: Option<&'a RawValue>,
        #[serde(borrow, alias = "Latitude")]
        latitude: Option<&'a RawValue>,
        #[serde(borrow, alias = "Longitude")]
        longitude: Option<&'a RawValue>,
        #[serde(borrow, alias = "Deprecated")]
        deprecated: Option<&'a RawValue>,
    }
    let row: Row<'_> = serde_json::from_str(row.get()).ok()?;
    let code = text(row.code)?.to_lowercase();
    let is_code = (1..=MAX_CODE_CHARS).contains(&code.len())
        && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_code {
        return None;
    }
    let region = Region::new(&code);
    let name = text(row.name).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    let (latitude, longitude) = place(row.latitude, row.longitude).unwrap_or_else(|| {
        let known = Catalog::builtin().get(&region);
        known.map_or((f64::NAN, f64::NAN), |site| (site.latitude, site.longitude))
    });
    let is_deprecated = row.deprecated.is_some_and(|raw| raw.get() == "true");
    Some((region, Site { name: Arc::from(name), latitude, longitude, is_deprecated }))
}

/// Degrees north and east, if that is what it says. Go writes 0 and 0 for what it does not know, and no
/// region floats in the Gulf of Guinea.
fn place(latitude: Option<&RawValue>, longitude: Option<&RawValue>) -> Option<(f64, f64)> {
    let degrees = |raw: Option<&RawValue>| raw?.get().parse::<f64>().ok();
    let (north, east) = (degrees(latitude)?, degrees(longitude)?);
    let is_place = north.abs() <= 90.0 && east.abs() <= 180.0 && (north, east) != (0.0, 0.0);
    is_place.then_some((north, east))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_its_code_and_its_place() {
        let body = r#"{"nearest":"lhr","regions":[
            {"code":"lhr","name":"London, United Kingdom","latitude":51.47,"longitude":-0.46,
             "gateway_available":true,"requires_paid_plan":false,"deprecated":false,"geo_region":"europe"},
            {"code":"ams","name":"Amsterdam","latitude":52.37,"longitude":4.9,"deprecated":true},
            {"Code":"IAD","Name":"Ashburn\u0007","Latitude":39.02,"Longitude":-77.46,"Deprecated":null},
            {"code":"new","name":7,"latitude":"north","longitude":null},
            {"code":"fra","latitude":0,"longitude":0},
            {"code":""},{"code":"a b"},{"name":"nowhere"},"lhr",null]}"#;
        let catalog = catalog(body.as_bytes()).expect("a list");
        let codes: Vec<&str> = catalog.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(codes, ["ams", "fra", "iad", "lhr", "new"]);
        assert!(catalog.is_current());
        let [lhr, iad, ams, new, fra] = ["lhr", "iad", "ams", "new", "fra"].map(Region::new);
        let of = |region: &Region| catalog.get(region).expect("listed").clone();
        assert_eq!((of(&lhr).latitude, of(&lhr).longitude), (51.47, -0.46));
        assert_eq!((&*of(&iad).name, catalog.offers(&iad)), ("Ashburn", true));
        assert!(!catalog.offers(&ams));
        assert!(catalog.offers(&new) && of(&new).latitude.is_nan(), "nobody knows where it is");
        assert_eq!(
            of(&fra),
            Catalog::builtin()
                .get(&fra)
                .map(|site| Site { name: "".into(), ..site.clone() })
                .expect("known")
        );
        assert_eq!(catalog.nearest(&new, [&lhr, &iad]), None);
        assert_eq!(catalog.nearest(&lhr, [&new, &iad]), Some(&iad));
    }

    #[test]
    fn what_cannot_be_all_regions_is_refused() {
        let many: Vec<String> = (0..1001).map(|n| format!(r#"{{"code":"r{n}"}}"#)).collect();
        let many = format!(r#"{{"regions":[{}]}}"#, many.join(","));
        let table = [
            (many.as_str(), "the list of regions names more than can be regions"),
            (r#"{"regions":[]}"#, "the list of regions names none"),
            (r#"{"Regions":[{"code":""}]}"#, "the list of regions names none"),
            (r#"{"nearest":"lhr"}"#, "missing field `regions` at line 1 column 17"),
            (r#"{"regions":null}"#, "invalid type: null, expected a sequence at line 1 column 15"),
        ];
        for (body, want) in table {
            assert_eq!(catalog(body.as_bytes()).expect_err(want).to_string(), want);
        }
    }
}
