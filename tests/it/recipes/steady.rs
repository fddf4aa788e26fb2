//! Recipes that go by the clock, by what will be, and by what was wanted a while ago.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fly_autoscaler::model::{MachineId, ProcessGroup, Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, Day, Endpoint, Load};

use super::{MINUTE, config, my_app, run, run_from};
use crate::placement::driven::Driven;

fn workers(started: usize, stopped: usize) -> AppSpec {
    let mut app = my_app().with_machines("iad", started, stopped);
    app.group = ProcessGroup::new("worker");
    app
}

#[tokio::test]
async fn office_hours_has_four_at_work_and_stops_nobody_before_the_evening() {
    // From when on, how many run then; after so many minutes, the queue until then, and how many run by then.
    type Case = (&'static str, usize, &'static [(u32, f64, usize)]);
    let cases: [Case; 9] = [
        // Winter time.
        ("2026-03-26T07:50:00Z", 1, &[(9, 0.0, 1), (13, 0.0, 4)]),
        ("2026-03-26T11:00:00Z", 4, &[(3, 95.0, 10), (30, 0.0, 10), (33, 500.0, 20)]),
        ("2026-03-26T17:50:00Z", 6, &[(9, 0.0, 6), (13, 0.0, 1)]),
        ("2026-03-27T02:00:00Z", 1, &[(3, 35.0, 4), (6, 0.0, 1)]),
        ("2026-03-27T17:50:00Z", 4, &[(9, 0.0, 4), (13, 0.0, 1)]),
        // A Saturday at noon.
        ("2026-03-28T12:00:00Z", 6, &[(3, 0.0, 1), (6, 35.0, 4), (9, 0.0, 1)]),
        // Summer time. The night to Monday is one as the others.
        ("2026-03-30T06:30:00Z", 3, &[(3, 0.0, 1)]),
        ("2026-03-30T06:50:00Z", 1, &[(9, 0.0, 1), (13, 0.0, 4)]),
        ("2026-03-30T16:50:00Z", 6, &[(9, 0.0, 6), (13, 0.0, 1)]),
    ];
    for (start, started, steps) in cases {
        let app = workers(started, 20 - started);
        let start = Timestamp::parse_rfc3339(start).unwrap();
        let driven = run_from("office-hours", &app, start).await;
        for (minutes, queue, wanted) in steps {
            driven.world().set_queue_depth(&app.name, Some(*queue)).unwrap();
            driven.pass(start.plus(*minutes * MINUTE).since(driven.now())).await;
            assert_eq!(driven.total().started, *wanted, "{start}, {minutes} minutes later");
        }
        assert_eq!(driven.refused(), Vec::<String>::new());
    }
}

/// An afternoon in which the traffic rises, as on all days before.
#[tokio::test]
async fn forecast_has_the_machines_that_are_needed_ten_minutes_later() {
    let day = Day::with_peak([(Region::new("lhr"), 900.0)].into());
    let mut app = my_app().with_machines("lhr", 10, 10);
    app.load = Load::Day(Day { noise: 0.0, burst_chance: 0.0, ..day });
    let noon = Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap();
    let driven = run_from("forecast", &app, noon).await;
    // The first hour is for comparing forecasts with what came.
    driven.pass(60 * MINUTE).await;
    let mut seen: Vec<(f64, usize)> = Vec::new();
    for _ in 0..5 * 60 {
        driven.pass(MINUTE).await;
        let rate: f64 = driven.world().traffic(&app.name).unwrap().values().sum();
        seen.push((rate, driven.total().started));
    }
    let needed = |rate: f64| (rate / 50.0).ceil() as usize;
    let pairs = || seen.windows(11).map(|window| (window[0], needed(window[10].0)));
    let short = pairs().filter(|((_, running), later)| running < later).count();
    let without = pairs().filter(|((rate, _), later)| needed(*rate) < *later).count();
    assert!(without > 60, "the traffic rises: {without}");
    assert!(short * 3 < without, "{short} minutes too few for what came, and {without} without");
    // A machine too many is one that is needed soon.
    let idle = seen.iter().filter(|(rate, running)| needed(rate + 50.0) < *running).count();
    assert!(idle < 15, "{idle} minutes with more than one machine to spare");
    assert_eq!(driven.refused(), Vec::<String>::new());
}

/// How many run every fifteen seconds, under a queue that is another each time.
async fn queue(driven: &Driven, app: &AppSpec, ticks: usize, depths: &[f64]) -> Vec<usize> {
    let mut seen = Vec::new();
    for tick in 0..ticks {
        let depth = depths[tick % depths.len()];
        driven.world().set_queue_depth(&app.name, Some(depth)).unwrap();
        driven.pass(Duration::from_secs(15)).await;
        seen.push(driven.total().started);
    }
    seen
}

#[tokio::test]
async fn damped_queue_does_not_flap_and_stops_those_that_were_cordoned_with_least_to_do() {
    let app = workers(1, 19);
    let driven = run("damped-queue", &app).await;
    assert_eq!(config("damped-queue", &driven.sim).state, Some(PathBuf::from("/data/fas.db")));
    let machines = driven.world().machines(&app.name).unwrap();
    // By id it would be the other way round.
    let ids = machines.iter().rev().map(|own| own.id.clone()).enumerate();
    let load: BTreeMap<MachineId, usize> = ids.map(|(load, id)| (id, load)).collect();
    for (id, load) in &load {
        let labels = [("instance", id.as_str())];
        driven.world().set_gauge(&app.name, "jobs_running", &labels, *load as f64).unwrap();
    }

    let up = queue(&driven, &app, 24, &[160.0]).await;
    assert_eq!(up.last(), Some(&16), "{up:?}");
    assert!(up.windows(4).all(|seen| seen[3] <= 2 * seen[0]), "at most twice as many: {up:?}");

    // Noise with a peak in every five minutes: nothing at all is done.
    let noise = queue(&driven, &app, 80, &[160.0, 100.0, 20.0, 155.0, 60.0, 60.0, 20.0]).await;
    assert!(noise.iter().all(|count| *count == 16), "{noise:?}");
    assert_eq!((driven.done(Endpoint::Start), driven.done(Endpoint::Cordon)), (15, 0));

    let quiet = driven.now();
    let down = queue(&driven, &app, 160, &[10.0, 5.0]).await;
    // A quarter each time, rounded up: what is promised, whatever the program does.
    let mut sizes = down.clone();
    sizes.dedup();
    assert_eq!(sizes, [16, 12, 9, 6, 4, 3, 2, 1], "{down:?}");
    let lasts: Vec<usize> =
        sizes[..7].iter().map(|size| down.iter().filter(|count| *count == size).count()).collect();
    assert!(lasts[0] >= 20, "five minutes: {lasts:?}");
    assert!(lasts[1..].iter().all(|ticks| *ticks >= 8), "two minutes each: {lasts:?}");

    // The first cordon of each machine, and its stop.
    let requests = driven.world().requests();
    let of = |endpoint: Endpoint| {
        let own = requests.iter().filter(move |own| own.endpoint == endpoint && own.at >= quiet);
        own.map(|own| (own.machine.clone().unwrap(), own.at)).collect::<Vec<_>>()
    };
    let cordoned: BTreeMap<MachineId, Timestamp> = of(Endpoint::Cordon).into_iter().collect();
    let stops = of(Endpoint::Stop);
    assert_eq!((stops.len(), cordoned.len()), (15, 15));
    for (id, at) in &stops {
        assert!(at.since(cordoned[id]) >= MINUTE, "{id} had a minute to finish");
    }
    let batches = sizes.windows(2).map(|pair| pair[0] - pair[1]);
    let mut order = stops.iter().map(|(id, _)| load[id]);
    let mut before = 0;
    for size in batches {
        let batch: Vec<usize> = order.by_ref().take(size).collect();
        assert!(batch.iter().all(|load| *load >= before), "{batch:?} after {before}");
        before = batch.into_iter().max().unwrap();
    }
    assert_eq!(driven.refused(), Vec::<String>::new());
}
