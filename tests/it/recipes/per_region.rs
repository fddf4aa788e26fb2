//! Recipes with counts for single regions.

use std::collections::BTreeMap;
use std::time::Duration;

use fly_autoscaler::model::{HostStatus, MachineState, Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, Day, Endpoint, Load};

use super::{MINUTE, my_app, run, run_from};
use crate::placement::driven::Driven;

/// The traffic of some regions from now on; `None` for one that has no series any more.
type Traffic = &'static [(&'static str, Option<f64>)];

/// How many machines are to be started where, a minute later.
type Wanted = &'static [(&'static str, usize)];

/// How many are started in each region that has any that are.
fn started(driven: &Driven) -> BTreeMap<String, usize> {
    let machines = driven.machines().into_iter();
    let started = machines.filter(|(_, count)| count.started > 0);
    started.map(|(region, count)| (region.to_string(), count.started)).collect()
}

fn expected(cells: &[(&str, usize)]) -> BTreeMap<String, usize> {
    cells.iter().map(|(region, count)| ((*region).to_owned(), *count)).collect()
}

fn traffic(driven: &Driven, app: &AppSpec, cells: &[(&str, Option<f64>)]) {
    for (region, rate) in cells {
        driven.world().set_traffic(&app.name, &Region::new(region), *rate).unwrap();
    }
}

fn pool(regions: &[&str], stopped: usize) -> AppSpec {
    let (home, others) = regions.split_first().unwrap();
    let app = my_app().with_machines(home, 1, stopped);
    others.iter().fold(app, |app, region| app.with_machines(region, 0, stopped))
}

#[tokio::test]
async fn web_traffic_per_region_has_machines_where_requests_come_in() {
    let app = pool(&["iad", "lhr", "nrt", "syd"], 12);
    let driven = run("web-traffic-per-region", &app).await;
    let table: [(Traffic, Wanted, &str); 6] = [
        (&[("iad", Some(10.0))], &[("iad", 1)], "a few at one place"),
        (&[("lhr", Some(120.0))], &[("iad", 1), ("lhr", 3)], "more elsewhere"),
        (&[("fra", Some(40.0))], &[("iad", 1), ("lhr", 4)], "a region that is not listed"),
        (&[("nrt", Some(2000.0))], &[("iad", 1), ("lhr", 4), ("nrt", 10)], "no more than 10"),
        (
            &[("syd", Some(1000.0))],
            // 1, 4, 10 and 10 are wanted. Each claims 1 for its last machine, and the heaviest has the least to
            // lose by it: of the two that are equal the one that is listed last.
            &[("iad", 1), ("lhr", 4), ("nrt", 10), ("syd", 9)],
            "no more than 24 in all: one of the largest gives way",
        ),
        (
            &[("iad", Some(0.0)), ("nrt", Some(0.0)), ("syd", Some(0.0))],
            &[("lhr", 4)],
            "quiet again but for one",
        ),
    ];
    for (cells, wanted, what) in table {
        traffic(&driven, &app, cells);
        driven.pass(MINUTE).await;
        assert_eq!(started(&driven), expected(wanted), "{what}");
    }
    traffic(&driven, &app, &[("lhr", None)]);
    driven.pass(4 * MINUTE).await;
    assert_eq!(
        started(&driven),
        expected(&[("lhr", 4)]),
        "a series that ends is not yet no traffic"
    );
    driven.pass(2 * MINUTE).await;
    assert_eq!(started(&driven), expected(&[("lhr", 1)]), "only what comes in near it");
    let watched = driven.world().watched(&app.name).unwrap();
    assert_eq!(watched.most_running, 24);
    assert_eq!(driven.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn home_region_is_never_empty() {
    let app = pool(&["iad", "lhr", "nrt"], 12);
    let driven = run("home-region", &app).await;
    let table: [(Traffic, Wanted, &str); 4] = [
        (&[("iad", Some(0.0)), ("lhr", Some(20.0))], &[("iad", 1)], "too few to be far away for"),
        (&[("iad", Some(90.0)), ("lhr", Some(21.0))], &[("iad", 2), ("lhr", 1)], "enough"),
        (
            &[("iad", Some(0.0)), ("lhr", Some(1020.0)), ("nrt", Some(520.0))],
            // 20 and 10 are wanted. For the eleventh machine 20/8 and 10/4 are the same, and nrt has fewer.
            &[("iad", 1), ("lhr", 7), ("nrt", 4)],
            "all that the app may have, but for one at home",
        ),
        (&[("lhr", Some(0.0)), ("nrt", Some(0.0))], &[("iad", 1)], "night everywhere"),
    ];
    for (cells, wanted, what) in table {
        traffic(&driven, &app, cells);
        driven.pass(MINUTE).await;
        assert_eq!(started(&driven), expected(wanted), "{what}");
    }
    let watched = driven.world().watched(&app.name).unwrap();
    assert_eq!(watched.fewest_started_in[&Region::new("iad")], 1, "at every moment");
    assert_eq!(watched.most_running, 12);

    let machines = driven.world().machines(&app.name).unwrap();
    let home = machines.iter().find(|own| own.state == MachineState::Started).unwrap();
    driven.world().set_host_status(&app.name, &home.id, HostStatus::Unreachable).unwrap();
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven), expected(&[("iad", 2)]), "another for the one that is lost");
    assert_eq!(driven.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn one_per_region_replaces_what_is_lost() {
    let app = my_app().with_machines("iad", 1, 0).with_machines("fra", 1, 0);
    let driven = run("one-per-region", &app).await;
    let one_each = [("fra", 1), ("iad", 1), ("lhr", 1), ("nrt", 1), ("syd", 1)];
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven), expected(&one_each), "fra is not listed, and is left alone");

    let world = driven.world();
    let in_nrt = || {
        let machines = world.machines(&app.name).unwrap();
        machines.into_iter().find(|own| own.region == Region::new("nrt")).unwrap().id
    };
    world.set_state(&app.name, &in_nrt(), MachineState::Stopped).unwrap();
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven), expected(&one_each), "started again");

    let lost = in_nrt();
    world.set_host_status(&app.name, &lost, HostStatus::Unreachable).unwrap();
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven)["nrt"], 2, "another, while the host of the first does not answer");
    world.set_host_status(&app.name, &lost, HostStatus::Ok).unwrap();
    driven.pass(2 * MINUTE).await;
    assert_eq!(started(&driven), expected(&one_each), "it came back: one of the two has gone");
    assert_eq!(driven.total().present, 5);
    assert_eq!(driven.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn connection_count_keeps_between_15_and_25_connections_on_a_machine() {
    let app = my_app()
        .with_machines("iad", 1, 12)
        .with_machines("lhr", 1, 12)
        .with_machines("nrt", 1, 12);
    let driven = run("connection-count", &app).await;
    let table = [
        ([0.0, 0.0, 0.0], [1, 1, 1], "one in each"),
        ([25.0, 26.0, 1.0], [1, 2, 1], "up to 25 on each"),
        ([100.0, 200.0, 0.0], [4, 8, 1], "more"),
        (
            [80.0, 110.0, 2000.0],
            [4, 8, 10],
            "within the range nothing happens; and there is a limit",
        ),
        ([30.0, 0.0, 149.0], [2, 1, 10], "fewer"),
        ([0.0, 0.0, 0.0], [1, 1, 1], "none"),
    ];
    for (connections, wanted, what) in table {
        // The simulated app has a request open for a fifth of a second.
        let cells = [0, 1, 2].map(|at| (["iad", "lhr", "nrt"][at], Some(connections[at] * 5.0)));
        traffic(&driven, &app, &cells);
        driven.pass(MINUTE).await;
        let started = driven.machines().into_values().map(|count| count.started);
        assert_eq!(started.collect::<Vec<_>>(), wanted, "{what}");
    }
    assert_eq!(driven.refused(), Vec::<String>::new());
}

/// Half a day around the world, with noise: from Europe's evening to Asia's.
#[tokio::test]
async fn follow_the_sun_creates_machines_where_it_is_evening() {
    let peaks = [("iad", 400.0), ("lhr", 400.0), ("nrt", 300.0), ("gru", 100.0)];
    let mut app = my_app().with_machines("lhr", 1, 0);
    let day = Day::with_peak(peaks.map(|(code, rate)| (Region::new(code), rate)).into());
    app.load = Load::Day(Day { trough: 0.0, burst_chance: 0.0, ..day });
    let evening = Timestamp::parse_rfc3339("2026-03-02T18:00:00Z").unwrap();
    let driven = run_from("follow-the-sun", &app, evening).await;
    let mut hours = Vec::new();
    for _ in 0..14 {
        driven.pass(Duration::from_secs(3600)).await;
        let rates = driven.world().traffic(&app.name).unwrap();
        let machines = driven.machines();
        let rate = |code: &str| rates[&Region::new(code)];
        // iad is nearest to gru.
        for (code, rate) in
            [("iad", rate("iad") + rate("gru")), ("lhr", rate("lhr")), ("nrt", rate("nrt"))]
        {
            let count = machines.get(&Region::new(code)).copied().unwrap_or_default();
            // What was so two minutes ago, which noise may have changed since by a machine.
            let least = ((rate - 10.0) / 50.0).ceil().max(0.0) as usize;
            let most = ((rate - 5.0) / 40.0).ceil().max(0.0) as usize;
            let range = least.saturating_sub(1)..=most + 1;
            assert!(range.contains(&count.present), "{}: {code} {rate} {count:?}", driven.now());
        }
        hours.push(started(&driven));
    }
    let at = |hour: usize, code: &str| hours[hour].get(code).copied().unwrap_or(0);
    assert!(
        at(1, "lhr") >= 7 && at(4, "nrt") == 0,
        "London's evening, Tokyo's early day: {hours:?}"
    );
    assert!(at(6, "iad") >= 8, "Virginia's evening: {hours:?}");
    assert!(at(13, "nrt") >= 4 && at(13, "lhr") == 0, "Tokyo's, London's morning: {hours:?}");
    let asked = driven.world().requests().into_iter();
    assert!(asked.filter_map(|own| own.region).all(|region| region != Region::new("gru")));
    // Up and down once in each region; with the noise, not much more.
    let (creates, destroys) = (driven.done(Endpoint::Create), driven.done(Endpoint::Destroy));
    assert!((20..45).contains(&creates) && (12..45).contains(&destroys), "{creates} {destroys}");
    assert_eq!(driven.refused(), Vec::<String>::new());
}
