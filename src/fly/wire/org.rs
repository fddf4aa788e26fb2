//! The lists that serve a whole organization.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{WireError, WireMachine, text};
use crate::model::{AppName, Region, Timestamp};
use crate::ports::{OrgChanges, OrgMachine};

/// One page of an organization's apps: their names, and where the next page begins. (Other than with the
/// machines of an app, that stands in the body.)
pub(in crate::fly) fn apps(body: &[u8]) -> Result<(Vec<AppName>, Option<String>), WireError> {
    #[derive(Deserialize)]
    struct Page<'a> {
        // `null` is Go's way to write an empty list; an answer without the key is another one.
        #[serde(borrow, deserialize_with = "Option::deserialize")]
        apps: Option<Vec<Named<'a>>>,
        #[serde(borrow)]
        next_cursor: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: Option<&'a RawValue>,
    }
    let page: Page<'_> = serde_json::from_slice(body)?;
    let named = page.apps.unwrap_or_default().into_iter().enumerate().map(|(index, app)| {
        let name = text(app.name).filter(|name| !name.is_empty());
        let place = || format!("app {index} of the page");
        name.map(AppName::new).ok_or_else(|| WireError::Missing { place: place(), key: "name" })
    });
    Ok((named.collect::<Result<_, _>>()?, cursor(page.next_cursor)))
}

fn cursor(raw: Option<&RawValue>) -> Option<String> {
    text(raw).filter(|cursor| !cursor.is_empty()).map(String::from)
}

/// One page of an organization's machines.
pub(in crate::fly) fn machines(body: &[u8]) -> Result<OrgChanges, WireError> {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow, deserialize_with = "Option::deserialize")]
        machines: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        next_cursor: Option<&'a RawValue>,
        #[serde(borrow)]
        last_updated_at: Option<&'a RawValue>,
        #[serde(borrow)]
        error_regions: Option<Vec<&'a RawValue>>,
    }
    let page: Page<'_> = serde_json::from_slice(body)?;
    let rows = page.machines.unwrap_or_default().into_iter().enumerate();
    let machines = rows.map(|(index, row)| machine(row, index)).collect::<Result<Vec<_>, _>>()?;
    let regions = page.error_regions.unwrap_or_default();
    Ok(OrgChanges {
        machines,
        error_regions: regions
            .into_iter()
            .filter_map(|raw| text(Some(raw)))
            .map(Region::new)
            .collect(),
        last: text(page.last_updated_at).and_then(|at| Timestamp::parse_rfc3339(&at)),
        rest: cursor(page.next_cursor),
    })
}

fn machine(row: &RawValue, index: usize) -> Result<OrgMachine, WireError> {
    #[derive(Deserialize)]
    struct Owned<'a> {
        #[serde(borrow)]
        app_name: Option<&'a RawValue>,
    }
    let place = || format!("machine {index} of the page");
    let owner: Owned<'_> = serde_json::from_str(row.get())?;
    let app = text(owner.app_name).filter(|name| !name.is_empty());
    let app = app.ok_or_else(|| WireError::Missing { place: place(), key: "app_name" })?;
    let wire: WireMachine<'_> = serde_json::from_str(row.get())?;
    let mut machine = wire.into_model(place)?;
    // Three keys of it, which must not be taken for a config.
    machine.config = None;
    Ok(OrgMachine { app: AppName::new(app), machine })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MachineState, ProcessGroup};

    #[test]
    fn a_page_of_machines_is_read_with_what_is_behind_it() {
        let body = r#"{"machines":[{"id":"m1","app_name":"web","state":"stopped","region":"lhr",
            "instance_id":"01","updated_at":"2026-08-21T10:00:00Z",
            "config":{"image":"i","guest":{},"metadata":{"fly_process_group":"app"}}}],
            "next_cursor":"c2","last_machine_id":"m1","last_updated_at":"2026-08-21T10:00:00Z",
            "error_regions":["iad"]}"#;
        let changes = machines(body.as_bytes()).expect("a page");
        let row = &changes.machines[0];
        assert_eq!((row.app.as_str(), &row.machine.state), ("web", &MachineState::Stopped));
        assert_eq!(row.machine.facts.group.as_ref().map(ProcessGroup::as_str), Some("app"));
        assert!(row.machine.config.is_none());
        assert_eq!(changes.error_regions, [Region::new("iad")]);
        assert_eq!(changes.last, Timestamp::parse_rfc3339("2026-08-21T10:00:00Z"));
        assert_eq!(changes.rest.as_deref(), Some("c2"));
    }

    #[test]
    fn empty_pages_and_odd_ones() {
        for body in [
            r#"{"machines":[],"next_cursor":"","last_updated_at":""}"#,
            r#"{"machines":null,"error_regions":null}"#,
        ] {
            let changes = machines(body.as_bytes()).expect(body);
            assert!(changes.machines.is_empty() && changes.last.is_none());
            assert_eq!(changes.rest, None, "{body}");
        }
        let refused = |body: &str| machines(body.as_bytes()).expect_err(body).to_string();
        assert_eq!(
            refused(r#"{"machines":[{"id":"m","state":"s","region":"r"}]}"#),
            "machine 0 of the page has no app_name"
        );
        assert_eq!(refused("{}"), "missing field `machines` at line 1 column 2");
    }

    #[test]
    fn apps_are_their_names() {
        let body =
            br#"{"total_apps":3,"apps":[{"id":"1","name":"a"},{"name":"b"}],"next_cursor":"c"}"#;
        let (names, next) = apps(body).expect("apps");
        assert_eq!(names, [AppName::new("a"), AppName::new("b")]);
        assert_eq!(next.as_deref(), Some("c"));
        assert_eq!(apps(br#"{"apps":null}"#).expect("apps"), (Vec::new(), None));
        let error = apps(br#"{"apps":[{"name":7}]}"#).expect_err("a number");
        assert_eq!(error.to_string(), "app 0 of the page has no name");
    }
}
