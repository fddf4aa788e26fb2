//! Damping: each rule as a table of what is wanted over time, what there is then, and why.

mod holds;
mod outcomes;
mod properties;
mod regions;
mod ticks;

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::{FlagValues, MapEnv, load};
use fly_autoscaler::decide::{
    Action, GroupTargets, History, Observed, Plan, Policy, Reason, Targets, Wanted, check, decide,
};
use fly_autoscaler::model::{
    Bounds, Machine, MachineState, MetricName, ProcessGroup, ScopeBounds, Timestamp,
};

use crate::double::machine;

/// A Thursday, 2026-01-01.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn group() -> ProcessGroup {
    ProcessGroup::new("app")
}

/// The policy of a configuration with these settings: `scale-down-cooldown=10m tolerance=0.1`. A `_` in a
/// value stands for a space.
fn policy(rules: &str) -> Policy {
    let pairs = rules.split_whitespace().map(|rule| {
        let (key, value) = rule.split_once('=').unwrap();
        (format!("FAS_{}", key.replace('-', "_").to_uppercase()), value.replace('_', " "))
    });
    let least = [("FAS_APP_NAME", "web"), ("FAS_STARTED_MACHINE_COUNT", "1")];
    let least = least.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let env: MapEnv = least.into_iter().chain(pairs).collect();
    let loaded = load(&FlagValues::default(), &env).unwrap_or_else(|errors| panic!("{errors}"));
    loaded.config.groups.into_iter().next().unwrap().policy
}

/// What is done for real between two decisions: what was planned is so, at once.
#[derive(Clone)]
struct Fleet {
    machines: Vec<Machine>,
    history: History,
    policy: Arc<Policy>,
    made: u32,
}

impl Fleet {
    fn new(started: usize, stopped: usize, policy: Policy) -> Self {
        let states =
            std::iter::repeat_n("started", started).chain(std::iter::repeat_n("stopped", stopped));
        let machines = states
            .enumerate()
            .map(|(number, state)| machine(&format!("m{number:03}"), state, "iad"))
            .collect();
        let history = History::new("s1");
        Self { machines, history, policy: Arc::new(policy), made: 0 }
    }

    fn started(&self) -> u32 {
        let runs = self.machines.iter().filter(|own| own.state == MachineState::Started);
        u32::try_from(runs.count()).unwrap()
    }

    fn decide(&self, wanted: Wanted, now: Timestamp) -> Plan {
        let observed = Observed { machines: self.machines.clone(), ..Observed::default() };
        let own = GroupTargets::app_wide(group(), Arc::clone(&self.policy), wanted);
        let plan = decide(&observed, &Targets { groups: vec![own] }, &self.history, now);
        assert_eq!(check::check(&plan, &observed), Vec::<String>::new());
        plan
    }

    /// The same, where only what comes of it matters.
    fn pass(&mut self, count: u32, now: Timestamp) {
        let _ = self.tick(started(&count.to_string()), now);
    }

    /// Decides and does it.
    fn tick(&mut self, wanted: Wanted, now: Timestamp) -> Plan {
        let plan = self.decide(wanted, now);
        self.history = plan.next.clone();
        for (scope, planned) in plan.actions() {
            let action = &planned.action;
            let region = action.region().unwrap();
            self.history.note_change(now, &scope.group, region, action);
            let state = match action {
                Action::Start { .. } => MachineState::Started,
                Action::Stop { .. } => MachineState::Stopped,
                Action::Destroy { machine, .. } => {
                    self.machines.retain(|own| own.id != *machine);
                    continue;
                }
                Action::Create { start, .. } => {
                    let state = if *start { "started" } else { "stopped" };
                    self.made += 1;
                    self.machines.push(machine(&format!("n{:03}", self.made), state, "iad"));
                    continue;
                }
                other => panic!("{other}"),
            };
            let own = self.machines.iter_mut().find(|own| Some(&own.id) == action.machine());
            own.unwrap().state = state;
        }
        plan
    }
}

fn started(text: &str) -> Wanted {
    let started = match text.split_once("..") {
        Some((min, max)) => Bounds { min: min.parse().ok(), max: max.parse().ok() },
        None => Bounds::exactly(text.parse().unwrap()),
    };
    Wanted::Bounds(ScopeBounds { started, ..ScopeBounds::default() })
}

/// `-`: the expressions could not be evaluated. `^5`: by a last value, which may only grow.
fn wanted(text: &str) -> Wanted {
    if let Some(text) = text.strip_prefix('^')
        && let Wanted::Bounds(bounds) = started(text)
    {
        let metric = MetricName::new("queue_depth");
        let (since, until, message) = (START, START, "NaN".into());
        let why = Reason::ScaleDownHeld { metric, since, until, message };
        return Wanted::GrowOnly(bounds, vec![why]);
    }
    if text == "-" { Wanted::Hold(vec![Reason::AppWideHeld]) } else { started(text) }
}

/// The codes of damping in a plan.
fn codes(plan: &Plan) -> String {
    let damping =
        ["within_tolerance", "stabilized", "limited_by_step", "cooling_down", "outside_hours"];
    let reasons = plan.scopes[0].reasons.iter().map(Reason::code);
    reasons.filter(|code| damping.contains(code)).collect::<Vec<_>>().join(" ")
}

/// Runs `script` from `there` of 100 machines: `seconds:wanted`, and gives `seconds:number` with a code of
/// damping behind it where there is one.
fn run(rules: &str, there: usize, script: &str) -> String {
    let mut fleet = Fleet::new(there, 100 - there, policy(rules));
    let mut said = Vec::new();
    for step in script.split_whitespace() {
        let (seconds, text) = step.split_once(':').unwrap();
        let now = START.plus(Duration::from_secs(seconds.parse().unwrap()));
        let plan = fleet.tick(wanted(text), now);
        let codes = codes(&plan).replace(' ', "+");
        let mark = if codes.is_empty() { String::new() } else { format!("={codes}") };
        said.push(format!("{seconds}:{}{mark}", fleet.started()));
    }
    said.join(" ")
}

fn check_all(table: &[(&str, usize, &str, &str)]) {
    for (rules, there, script, expected) in table {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(
            run(rules, *there, script),
            expected.join(" "),
            "{rules} from {there}: {script}"
        );
    }
}

#[test]
fn without_rules_every_wish_is_followed_at_once() {
    check_all(&[("org=o", 10, "0:20 15:1 30:0 45:50", "0:20 15:1 30:0 45:50")]);
}

#[test]
fn within_the_tolerance_nothing_is_done() {
    check_all(&[
        (
            "tolerance=0.1",
            10,
            "0:11 15:9 30:10",
            "0:10=within_tolerance 15:10=within_tolerance 30:10",
        ),
        ("tolerance=0.1", 10, "0:12 15:10", "0:12 15:10"),
        // Exactly, whatever floating point makes of it: 29 of 100 are 29 %.
        ("tolerance=0.29", 100, "0:71", "0:100=within_tolerance"),
        ("tolerance=0.28", 100, "0:71", "0:71"),
        // Per direction, and the own one before the common one.
        ("scale-down-tolerance=0.2", 10, "0:8 15:11", "0:10=within_tolerance 15:11"),
        ("tolerance=0.5 scale-up-tolerance=0", 10, "0:11 15:6", "0:11 15:11=within_tolerance"),
        // From nothing there is no share: it is never within.
        ("tolerance=1", 0, "0:1 15:2", "0:1 15:1=within_tolerance"),
        // Each end of a range for itself.
        (
            "tolerance=0.1",
            10,
            "0:11..20 15:2..9 30:2..8",
            "0:10=within_tolerance 15:10=within_tolerance 30:8",
        ),
    ]);
}

/// As the HPA has it: what there is, clamped between the least of the window for growing and the most of that
/// for shrinking, both seeded with what there is at the start.
#[test]
fn a_stabilization_window_takes_the_most_cautious_wish_in_it() {
    let down = "scale-down-stabilization-window=1m";
    check_all(&[
        // The seed: for one window after the start nothing shrinks.
        (
            down,
            10,
            "0:2 15:2 30:2 45:2 60:2",
            "0:10=stabilized 15:10=stabilized 30:10=stabilized 45:10=stabilized 60:2",
        ),
        // A peak is held for one window, then the highest wish after it.
        (
            down,
            1,
            "0:1 15:9 30:5 45:2 60:2 75:2 90:2 105:2",
            "0:1 15:9 30:9=stabilized 45:9=stabilized 60:9=stabilized 75:5=stabilized 90:2 105:2",
        ),
        // Growing is not held by the window for shrinking.
        (down, 2, "0:2 15:3 30:9", "0:2 15:3 30:9"),
        (
            "scale-up-stabilization-window=30s",
            2,
            "0:9 15:9 30:9 45:4",
            "0:2=stabilized 15:2=stabilized 30:9 45:4",
        ),
        // A short peak is never followed.
        (
            "scale-up-stabilization-window=1m",
            2,
            "0:2 45:2 60:9 75:2 90:9 105:9 120:9 135:9",
            "0:2 45:2 60:2=stabilized 75:2 90:2=stabilized 105:2=stabilized 120:2=stabilized 135:9",
        ),
        // The trap of the old HPA: between what both windows say, what there is stays, and a wish that
        // swings brings nothing about.
        (
            "scale-up-stabilization-window=1m scale-down-stabilization-window=1m",
            5,
            "0:5 15:9 30:2 45:9 60:2 75:9",
            "0:5 15:5=stabilized 30:5=stabilized 45:5=stabilized 60:5=stabilized 75:5=stabilized",
        ),
        // Each end of a range has its own window.
        (
            down,
            10,
            "0:1..10 60:1..8 75:3..4 120:3..4 135:3..4",
            "0:10 60:8 75:8=stabilized 120:4 135:4",
        ),
        // A window that is shorter than the time between ticks holds the first tick alone.
        (
            "scale-down-stabilization-window=1s",
            10,
            "0:2 15:2 30:9 45:1",
            "0:10=stabilized 15:2 30:9 45:1",
        ),
    ]);
}

#[test]
fn after_a_gap_the_window_begins_anew() {
    let down = "scale-down-stabilization-window=1m";
    check_all(&[
        // An hour without metrics, which records nothing, then a low number.
        (
            down,
            10,
            "0:10 15:- 30:- 3600:- 3615:1 3630:1 3660:1 3675:1",
            "0:10 15:10 30:10 3600:10 3615:10=stabilized 3630:10=stabilized 3660:10=stabilized 3675:1",
        ),
        // A tick or two do not matter: what was wanted before still counts.
        (
            down,
            10,
            "0:10 60:10 75:- 90:- 105:2 120:2",
            "0:10 60:10 75:10 90:10 105:10=stabilized 120:2",
        ),
        // The clock jumps an hour ahead, and back: neither is held for longer than a window.
        (
            down,
            10,
            "0:9 60:9 3660:2 3720:2 120:2 180:2",
            "0:10=stabilized 60:9 3660:9=stabilized 3720:2 120:2 180:2",
        ),
        (down, 10, "3600:10 0:2 45:2 60:2", "3600:10 0:10=stabilized 45:10=stabilized 60:2"),
    ]);
}

#[test]
fn a_step_is_counted_from_what_was_there_when_it_began() {
    check_all(&[
        // Without an interval each tick is a step.
        (
            "scale-up-step-size=3 scale-down-step-size=2",
            1,
            "0:9 15:9 30:9 45:4 60:4 75:4",
            "0:4=limited_by_step 15:7=limited_by_step 30:9 45:7=limited_by_step 60:5=limited_by_step 75:4",
        ),
        // With one, what was done in it counts.
        (
            "scale-down-step-size=2 scale-down-step-interval=1m",
            10,
            "0:1 15:1 30:9 45:1 60:1 75:1 120:1",
            "0:8=limited_by_step 15:8=limited_by_step 30:9 45:8=limited_by_step 60:6=limited_by_step 75:6=limited_by_step 120:4=limited_by_step",
        ),
        // In parts: one wish for less, then for still less.
        (
            "scale-down-step-size=4 scale-down-step-interval=1m",
            10,
            "0:9 15:8 30:1 45:1 60:1 75:1",
            "0:9 15:8 30:6=limited_by_step 45:6=limited_by_step 60:5=limited_by_step 75:4=limited_by_step",
        ),
        // A share is one of what was there at the start, not of what is left of it.
        (
            "scale-down-step-size=50% scale-down-step-interval=1m",
            10,
            "0:8 15:0 30:0 60:0 75:0",
            "0:8 15:5=limited_by_step 30:5=limited_by_step 60:4=limited_by_step 75:2=limited_by_step",
        ),
        // It rounds up, so that it gets everywhere, to zero and from it too.
        (
            "scale-down-step-size=1%",
            3,
            "0:0 15:0 30:0",
            "0:2=limited_by_step 15:1=limited_by_step 30:0",
        ),
        (
            "scale-up-step-size=100%",
            0,
            "0:9 15:9 30:9 45:9 60:9",
            "0:1=limited_by_step 15:2=limited_by_step 30:4=limited_by_step 45:8=limited_by_step 60:9",
        ),
        ("scale-up-step-size=10%", 11, "0:99", "0:13=limited_by_step"),
    ]);
}

#[test]
fn a_cooldown_follows_what_was_done_in_its_direction() {
    check_all(&[
        (
            "scale-down-cooldown=1m",
            10,
            "0:8 15:6 30:9 45:6 60:6",
            "0:8 15:8=cooling_down 30:9 45:9=cooling_down 60:6",
        ),
        // Growing cools nothing down but growing.
        (
            "scale-up-cooldown=1m",
            2,
            "0:4 15:6 30:1 45:6 60:6",
            "0:4 15:4=cooling_down 30:1 45:1=cooling_down 60:6",
        ),
        // What was kept from being done begins no cooldown anew.
        (
            "scale-down-cooldown=30s",
            9,
            "0:8 15:7 30:7 45:6 60:6",
            "0:8 15:8=cooling_down 30:7 45:7=cooling_down 60:6",
        ),
        // A clock that jumps back by more ends it, one that jumps back a little makes it twice as long at most.
        ("scale-down-cooldown=1m", 10, "3600:8 0:6", "3600:8 0:6"),
        (
            "scale-down-cooldown=1m",
            10,
            "50:8 0:6 50:6 109:6 110:6",
            "50:8 0:8=cooling_down 50:8=cooling_down 109:8=cooling_down 110:6",
        ),
    ]);
}

#[test]
fn outside_of_its_hours_a_direction_rests() {
    // From midnight on, in UTC.
    check_all(&[
        (
            "scale-down-only-during=08:00-18:00",
            10,
            "0:2 1000:12 28799:3 28800:3 64799:2 64800:1",
            "0:10=outside_hours 1000:12 28799:12=outside_hours 28800:3 64799:2 64800:2=outside_hours",
        ),
        (
            "scale-up-only-during=Fri",
            1,
            "0:9 86399:9 86400:9",
            "0:1=outside_hours 86399:1=outside_hours 86400:9",
        ),
        (
            "scale-down-only-during=00:00-01:00_Asia/Tokyo",
            10,
            "53999:2 54000:2 57599:1 57600:0",
            "53999:10=outside_hours 54000:2 57599:1 57600:1=outside_hours",
        ),
    ]);
}

#[test]
fn the_rules_follow_each_other() {
    check_all(&[
        (
            "scale-down-stabilization-window=30s scale-down-step-size=2 scale-down-cooldown=30s",
            10,
            "0:10 15:5 30:5 45:1 60:1 75:1",
            "0:10 15:10=stabilized 30:8=limited_by_step 45:8=stabilized+limited_by_step+cooling_down 60:6=limited_by_step 75:6=limited_by_step+cooling_down",
        ),
        (
            "tolerance=0.1 scale-down-step-size=2 scale-down-only-during=Fri",
            10,
            "0:9 15:5 86400:5",
            "0:10=within_tolerance 15:10=limited_by_step+outside_hours 86400:8=limited_by_step",
        ),
    ]);
}

#[test]
fn limits_are_not_damped() {
    let still = "scale-up-cooldown=1h scale-down-cooldown=1h scale-up-step-size=1 scale-down-step-size=1 scale-up-stabilization-window=1h scale-down-stabilization-window=1h";
    check_all(&[
        (&format!("{still} min-machines=6"), 2, "0:9", "0:6=stabilized"),
        (&format!("{still} max-machines=6"), 9, "0:1", "0:6=stabilized"),
        (&format!("{still} max-machines=6"), 9, "0:20", "0:6=stabilized"),
        (&format!("{still} min-machines=6"), 2, "0:0", "0:6=stabilized"),
    ]);
}

#[test]
fn every_reason_says_its_arithmetic_and_until_when() {
    let said = |rules: &str, script: &[(u64, &str)]| {
        let mut fleet = Fleet::new(10, 10, policy(rules));
        let mut plan = None;
        for (seconds, text) in script {
            plan = Some(fleet.tick(started(text), START.plus(Duration::from_secs(*seconds))));
        }
        plan.unwrap().scopes[0].reasons[0].to_string()
    };
    for (rules, script, text) in [
        (
            "tolerance=0.125",
            &[(0, "9")][..],
            "max started raised from 9 to 10 (tolerance 12.5 % of 10)",
        ),
        (
            "scale-down-stabilization-window=5m",
            &[(0, "10"), (60, "4")],
            "max started raised from 4 to 10 (scale-down stabilization-window 5m); more from 2026-01-01T00:05:00.000Z",
        ),
        (
            "scale-up-step-size=25% scale-up-step-interval=1m",
            &[(0, "11"), (30, "20")],
            "min started lowered from 20 to 13 (scale-up step-size 25%, from 10); more from 2026-01-01T00:01:00.000Z",
        ),
        (
            "scale-up-step-size=2",
            &[(0, "20")],
            "min started lowered from 20 to 12 (scale-up step-size 2, from 10)",
        ),
        (
            "scale-down-cooldown=10m",
            &[(0, "8"), (15, "4")],
            "max started raised from 4 to 8 (scale-down cooldown 10m); more from 2026-01-01T00:10:00.000Z",
        ),
        (
            "scale-down-only-during=Sat,Sun_Europe/London",
            &[(0, "8")],
            "max started raised from 8 to 10 (scale-down only-during Sat,Sun Europe/London); more from 2026-01-03T00:00:00.000Z",
        ),
    ] {
        assert_eq!(said(rules, script), text);
    }
}

/// Created and started have windows, steps and cooldowns of their own.
#[test]
fn the_two_numbers_do_not_wait_for_each_other() {
    let rules =
        "scale-up-cooldown=1h scale-down-cooldown=1h scale-up-step-size=2 destroy-force=true";
    let mut fleet = Fleet::new(4, 0, policy(rules));
    let both = |created, started| {
        Wanted::Bounds(ScopeBounds {
            created: Bounds::exactly(created),
            started: Bounds::exactly(started),
        })
    };
    // Two are made and left stopped; then two of the others are stopped.
    let plan = fleet.tick(both(9, 4), START);
    assert_eq!(
        (codes(&plan).as_str(), fleet.machines.len(), fleet.started()),
        ("limited_by_step", 6, 4)
    );
    let later = START.plus(Duration::from_secs(15));
    let plan = fleet.tick(both(9, 2), later);
    assert_eq!(
        (codes(&plan).as_str(), fleet.machines.len(), fleet.started()),
        ("limited_by_step cooling_down", 6, 2)
    );
    // Starting is no repetition of making.
    let plan = fleet.tick(both(9, 4), START.plus(Duration::from_secs(30)));
    assert_eq!((codes(&plan).as_str(), fleet.started()), ("limited_by_step cooling_down", 4));
    // Destroying by force what runs is a stop too.
    let mut fleet = Fleet::new(4, 0, policy(rules));
    let _ = fleet.tick(
        Wanted::Bounds(ScopeBounds { created: Bounds::exactly(3), ..ScopeBounds::default() }),
        START,
    );
    assert_eq!(fleet.started(), 3);
    assert_eq!(codes(&fleet.tick(started("1"), later)), "cooling_down");
}
