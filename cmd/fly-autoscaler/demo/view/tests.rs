use std::collections::BTreeMap;
use std::sync::Arc;

use fly_autoscaler::decide::{History, Plan, Reason, ScopePlan, Tally, Verb};
use fly_autoscaler::model::{
    AppName, Bounds, Kind, MetricName, ProcessGroup, Region, Scope, ScopeBounds, TickOutcome,
};
use fly_autoscaler::status::Tick;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::demo::world::START;

fn story() -> Story {
    let mut story = Story::default();
    let traffic: BTreeMap<Region, f64> = ["lhr", "fra", "iad", "sjc", "nrt", "syd", "gru"]
        .iter()
        .zip([120.0, 80.0, 200.0, 45.0, 210.0, 90.0, 0.0])
        .map(|(region, rate)| (Region::new(region), rate))
        .collect();
    for minute in 0..30 {
        let now = START.plus(std::time::Duration::from_secs(60 * minute));
        story.see_world(now, traffic.clone(), &[]);
    }
    let entry = |kind, what: &str, why: &str| Entry {
        at: START,
        kind,
        what: what.to_owned(),
        why: why.to_owned(),
    };
    let held = entry(EntryKind::Held, "", "metric traffic: no answer");
    let started =
        entry(EntryKind::Did(Verb::Start), "2 in fra lhr", "9 started, at least 11 wanted");
    story.decisions.extend([held, started]);
    story.failures.push_front(entry(EntryKind::Failed, "start in fra", "500 no host"));
    story
}

fn screen(width: u16, height: u16, story: &Story) -> String {
    screen_with(width, height, story, None)
}

fn screen_with(width: u16, height: u16, story: &Story, status: Option<AppStatus>) -> String {
    let picture = Picture {
        app: "shop",
        now: START,
        speed: 60.0,
        address: "http://127.0.0.1:9090",
        settings: &[],
        status,
        story,
    };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, &picture)).expect("a frame");
    terminal.backend().to_string()
}

#[test]
fn an_ordinary_terminal_shows_everything() {
    let screen = screen(80, 24, &story());
    for part in [
        "fly-autoscaler demo  shop  Mon 10:00 UTC  page http://127.0.0.1:9090  q quits",
        " region req/s  minutes  started  target  machines  why",
        " nrt      210  ███████        0       -",
        " targets",
        " started    -  of -",
        " today  ━ traffic 745 req/s  ━ 0 started, good for 0 ",
        " 10:00:00  hold    metric traffic: no answer",
        " 10:00:00  start   2 in fra lhr            9 started, at least 11 wanted",
        " 10:00:00  failed  start in fra            500 no host",
    ] {
        assert!(screen.contains(part), "no `{part}` in\n{screen}");
    }
}

/// Three regions: one to be scaled up, one that cannot be judged, one that is not scaled.
fn placed() -> AppStatus {
    let scope = |region: Option<&str>, started: Option<Bounds>, reason: Reason| ScopePlan {
        scope: Scope { group: ProcessGroup::new("app"), region: region.map(Region::new) },
        observed: Tally { started: 3, ..Tally::default() },
        wanted: started.map(|started| ScopeBounds { started, ..ScopeBounds::default() }),
        targets: started.map(|started| ScopeBounds { started, ..ScopeBounds::default() }),
        actions: Vec::new(),
        spares: Vec::new(),
        reasons: vec![reason],
        held_since: None,
    };
    let band = Bounds { min: Some(2), max: Some(4) };
    let within = Reason::WithinBounds { kind: Kind::Started, observed: 3, bounds: band };
    let failed = Reason::MetricFailed { metric: MetricName::new("t"), message: "is NaN".into() };
    let scopes = vec![
        scope(None, Some(Bounds::default()), Reason::NoTarget),
        scope(Some("lhr"), Some(band), within),
        scope(Some("fra"), None, failed),
        scope(Some("gru"), None, Reason::RegionExcluded { nearest: None }),
    ];
    let tick = Tick {
        at: START,
        outcome: TickOutcome::Quiet,
        dry_run: false,
        paused: false,
        evaluated: Vec::new(),
        samples: Vec::new(),
        machines: Vec::new(),
        plan: Some(Plan::new(scopes, History::default())),
        outcomes: Vec::new(),
        advice: Vec::new(),
        error: None,
        fly_failed: false,
        history: fly_autoscaler::model::SeriesSize::default(),
    };
    let mut status = AppStatus::new(AppName::new("shop"));
    status.record(Arc::new(tick), START);
    status
}

#[test]
fn each_region_has_its_target_its_machines_and_why() {
    let mut story = story();
    let lhr = story.regions.get_mut(&Region::new("lhr")).expect("a region");
    (lhr.started, lhr.starting, lhr.stopped) = (3, 1, 2);
    let iad = story.regions.get_mut(&Region::new("iad")).expect("a region");
    iad.started = 30;
    let at_80 = screen_with(80, 24, &story, Some(placed()));
    for part in [
        " lhr      120  ▅▅▅▅▅▅▅".trim_end_matches('▅'),
        "3    2..4  ■■■▣□□    3 started, 2..4 wanted",
        "0       ?            metric t: is NaN",
        "0       -            excluded (excluded-regions)",
        "30       -  ■■■■■+25",
    ] {
        assert!(at_80.contains(part), "no `{part}` in\n{at_80}");
    }
    let at_40 = screen_with(40, 24, &story, Some(placed()));
    assert!(at_40.contains("      120        3    2..4  ■■■▣□□"), "{at_40}");
    for width in [1, 34, 35, 65, 66, 79, 80, 81, 200] {
        screen_with(width, 24, &story, Some(placed()));
    }
}

#[test]
fn a_small_terminal_shows_what_matters_most() {
    let screen = screen(40, 10, &story());
    for part in [
        "fly-autoscaler demo  shop",
        " started    -  of -",
        " decisions",
        " 10:00:00  hold    metric traffic: no",
        "                   answer",
        " 10:00:00  start   2 in fra lhr: 9",
    ] {
        assert!(screen.contains(part), "no `{part}` in\n{screen}");
    }
}

#[test]
fn every_size_can_be_drawn_even_before_anything_happened() {
    let (empty, full) = (Story::default(), story());
    for width in [1, 2, 19, 20, 39, 65, 66, 120, 250] {
        for height in [1, 2, 3, 9, 17, 30, 80] {
            let drawn = [screen(width, height, &empty), screen(width, height, &full)];
            assert!(drawn.iter().all(|screen| screen.lines().count() == usize::from(height)));
        }
    }
}

#[test]
fn all_lines_are_given_out() {
    for height in 1..100 {
        let Heights { regions, targets, curve, decisions, failures } =
            Heights::within(Rect::new(0, 0, 80, height), 7);
        let used = 1 + regions + targets + curve + decisions + failures;
        assert_eq!(used, height);
    }
    let at_24 = Heights { regions: 8, targets: 3, curve: 5, decisions: 5, failures: 2 };
    assert_eq!(Heights::within(Rect::new(0, 0, 80, 24), 7), at_24);
}
