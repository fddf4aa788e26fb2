use std::collections::BTreeMap;

use fly_autoscaler::decide::Verb;
use fly_autoscaler::model::Region;
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
    let picture = Picture {
        app: "shop",
        now: START,
        speed: 60.0,
        address: "http://127.0.0.1:9090",
        settings: &[],
        status: None,
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
        "fly-autoscaler demo  shop  Mon 10:00 UTC  http://127.0.0.1:9090  q quits  60x",
        " region req/s  by minute        started starting stopped other  machines",
        " nrt      210  ███████████████        ·        ·       ·     ·",
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
