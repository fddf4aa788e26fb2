//! `GET /v1/orgs/{slug}/machines`: what it shows is what the apps' own lists show, whoever looked at what
//! before.

use std::time::Duration;

use fly_autoscaler::model::{AppName, MachineState, Region};
use serde_json::Value;

use super::{Fly, START, each};

const ALL: &str = "/v1/orgs/acme/machines";

/// `id state updated_at` of each row, over all pages.
async fn rows(fly: &Fly, query: &str) -> Vec<String> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fly.get(&format!("{ALL}?limit=7{query}{cursor}")).await;
        rows.extend(page["machines"].as_array().unwrap().iter().map(row));
        match page["next_cursor"].as_str().unwrap() {
            "" => return rows,
            next => cursor = format!("&cursor={next}"),
        }
    }
}

fn row(machine: &Value) -> String {
    let text = |key: &str| machine[key].as_str().unwrap().to_owned();
    format!("{} {} {}", text("updated_at"), text("id"), text("state"))
}

/// The same from the lists of the apps: all rows of all apps, sorted and filtered here.
async fn expected(fly: &Fly, apps: &[&str], query: &str, after: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for app in apps {
        let list = fly.get(&format!("/v1/apps/{app}/machines?limit=1000{query}")).await;
        rows.extend(list.as_array().unwrap().iter().map(row));
    }
    // The times are all of one length, so that they sort as text.
    rows.retain(|row| row.split(' ').next() > Some(after));
    rows.sort_unstable();
    rows
}

#[tokio::test]
async fn it_shows_what_the_lists_of_the_apps_show() {
    const APPS: [&str; 4] = ["api", "cron", "shop", "web"];
    let fly = Fly::start(|options| options.boot_failure = 0.2).await;
    fly.add_apps(&APPS, 3, 3);
    let world = fly.sim.world();
    let mut dice = 7_u64;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % sides
    };
    let (mut compared, mut times) = (0, vec![String::new()]);
    for _ in 0..60 {
        let app = APPS[roll(APPS.len())];
        let ids = fly.ids(app);
        let path = format!("/v1/apps/{app}/machines/{}", ids[roll(ids.len())]);
        // Refusals, as of a stop while it starts, are part of it.
        match roll(8) {
            0 | 1 => drop(fly.ask("POST", &format!("{path}/start"), None).await),
            2 | 3 => drop(fly.ask("POST", &format!("{path}/stop"), None).await),
            4 => drop(fly.ask("POST", &format!("{path}/suspend"), None).await),
            5 if ids.len() > 2 => drop(fly.ask("DELETE", &path, None).await),
            6 => fly.add_apps(&[app], 2, 2),
            _ => world.set_list_lag(Duration::from_secs(roll(3) as u64)),
        }
        fly.clock.advance(Duration::from_millis([0, 300, 2_000, 70_000][roll(4)]));

        // This one first: reading an app's own list brings that app up to date.
        let query = ["", "&include_deleted=true", "&state=started", "&region=iad"][roll(4)];
        let after = times[roll(times.len())].clone();
        let since =
            if after.is_empty() { after.clone() } else { format!("&updated_after={after}") };
        let shown = rows(&fly, &format!("{query}{since}")).await;
        assert_eq!(shown, expected(&fly, &APPS, query, &after).await, "{query}{since}");
        compared += shown.len();
        times.extend(shown.last().and_then(|row| Some(row.split(' ').next()?.to_owned())));
    }
    assert!(compared > 200, "{compared} rows compared");
}

#[tokio::test]
async fn what_became_due_shows_though_nobody_asked_for_the_app() {
    let fly = Fly::start(|options| options.timings.jitter = 0.0).await;
    fly.add_apps(&["api", "web"], 0, 1);
    assert_eq!(rows(&fly, "").await.len(), 2);
    let id = &fly.ids("web")[0];
    fly.ask("POST", &format!("/v1/apps/web/machines/{id}/start"), None).await;
    let since = format!("&updated_after={START}");
    assert_eq!(rows(&fly, &since).await, Vec::<String>::new());

    fly.clock.advance(Duration::from_secs(60));

    // Under the time at which it happened, not that at which someone looked.
    assert_eq!(rows(&fly, &since).await, [format!("2026-03-02T12:00:02.000Z {id} started")]);
    assert_eq!(rows(&fly, "&updated_after=2026-03-02T12:00:02Z").await, Vec::<String>::new());
    assert_eq!(rows(&fly, "&updated_after=2026-03-02T12:00:01.999Z").await.len(), 1);
}

#[tokio::test]
async fn a_row_has_the_overview_of_a_config_and_a_summary_has_none() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web"], 1, 0);
    let page = fly.get(ALL).await;
    let machine = &page["machines"][0];
    assert_eq!(machine["app_name"], "web");
    let keys: Vec<&String> = machine["config"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["guest", "image", "metadata"]);
    assert_eq!(page["last_machine_id"], machine["id"]);
    assert_eq!(page["last_updated_at"], machine["updated_at"]);
    assert_eq!(page["error_regions"], serde_json::json!([]));
    let summary = fly.get(&format!("{ALL}?summary=true")).await;
    assert!(summary["machines"][0].get("config").is_none(), "{summary}");
}

#[tokio::test]
async fn destroyed_machines_show_where_they_are_asked_for_until_they_are_forgotten() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web"], 0, 2);
    let id = &fly.ids("web")[0];
    fly.ask("DELETE", &format!("/v1/apps/web/machines/{id}"), None).await;
    fly.clock.advance(Duration::from_secs(20));

    assert_eq!(rows(&fly, "").await.len(), 1);
    let deleted = rows(&fly, "&include_deleted=true").await;
    assert!(deleted[1].ends_with(&format!("{id} destroyed")), "{deleted:?}");
    fly.clock.advance(Duration::from_secs(60));
    assert_eq!(rows(&fly, "&include_deleted=true").await.len(), 1);

    fly.sim.world().remove_app(&AppName::new("web"));
    assert_eq!(rows(&fly, "&include_deleted=true").await, Vec::<String>::new());
}

#[tokio::test]
async fn regions_that_it_cannot_tell_of_are_named_and_missing() {
    let fly = Fly::start(|_| ()).await;
    let world = fly.sim.world();
    let spec = fly_autoscaler::sim::AppSpec::new("web", "acme");
    world.add_app(&spec.with_machines("iad", 1, 0).with_machines("lhr", 1, 1));
    world.set_error_regions("acme", &[Region::new("lhr"), Region::new("ams")]);
    let page = fly.get(ALL).await;
    assert_eq!(each(&page["machines"], "region"), ["iad"]);
    assert_eq!(page["error_regions"], serde_json::json!(["ams", "lhr"]));

    world.set_error_regions("acme", &[]);
    let page = fly.get(ALL).await;
    assert_eq!(each(&page["machines"], "region").len(), 3);
    assert_eq!(page["error_regions"], serde_json::json!([]));
}

#[tokio::test]
async fn a_cursor_goes_before_updated_after_and_ends_after_half_an_hour() {
    let fly = Fly::start(|options| options.page_size = 2).await;
    fly.add_apps(&["web"], 3, 0);
    let first = fly.get(&format!("{ALL}?limit=1000")).await;
    assert_eq!(each(&first["machines"], "id").len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("{ALL}?cursor={cursor}&updated_after=2030-01-01T00:00:00Z");
    let second = fly.get(&path).await;
    assert_eq!(each(&second["machines"], "id").len(), 1);
    assert_eq!(second["next_cursor"], "");

    // Changed in between: it has its turn at the end, and none is shown twice.
    let id = &fly.ids("web")[2];
    fly.clock.advance(Duration::from_secs(1));
    fly.sim.world().set_state(&AppName::new("web"), id, MachineState::Stopped).unwrap();
    assert_eq!(each(&fly.get(&path).await["machines"], "id"), [id.as_str()]);

    fly.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(fly.refusal(&path).await, "400 invalid_argument: cursor expired");
}

#[tokio::test]
async fn what_it_refuses() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web"], 1, 0);
    let table = [
        ("/v1/orgs/other/machines", "404 organization not found"),
        ("/v1/orgs/acme/machines?limit=0", "400 invalid_argument: limit is out of range"),
        ("/v1/orgs/acme/machines?cursor=fffffffffff.x-y", "400 invalid_argument: invalid cursor"),
        (
            "/v1/orgs/acme/machines?updated_after=yesterday",
            "400 invalid_argument: updated_after is not an RFC 3339 time",
        ),
    ];
    for (path, refusal) in table {
        assert_eq!(fly.refusal(path).await, refusal, "{path}");
    }
}
