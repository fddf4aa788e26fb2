use std::fmt::Write as _;

use super::*;
use crate::decide::Tally;
use crate::journal::{
    ActionRecord, OutcomeRecord, ReasonRecord, ResultKind, SampleRecord, ScopeRecord,
};
use crate::model::{Bounds, Kind, MachineId, MetricName, ProcessGroup, ScopeBounds, Side, Value};
use crate::status::{Evaluated, MachineCount};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn scope(region: Option<&str>) -> Scope {
    Scope { group: ProcessGroup::new("app"), region: region.map(Region::new) }
}

fn reason(code: &str, weight: Weight, text: &str) -> ReasonRecord {
    ReasonRecord { code: code.into(), weight, text: text.into() }
}

fn started(count: u32) -> Option<ScopeBounds> {
    Some(ScopeBounds { started: Bounds::exactly(count), ..ScopeBounds::default() })
}

fn decided(region: Option<&str>, wanted: u32, reasons: Vec<ReasonRecord>) -> ScopeRecord {
    ScopeRecord {
        scope: scope(region),
        observed: Tally { created: 4, started: 2, stopped: 2, unreachable: 0 },
        wanted: started(wanted),
        targets: started(wanted),
        reasons,
        actions: Vec::new(),
        held_since: None,
    }
}

fn evaluated(region: Option<&str>, expression: &str, traffic: f64, gave: f64) -> Evaluated {
    Evaluated {
        scope: scope(region),
        kind: Kind::Started,
        side: None,
        expression: expression.into(),
        values: [("traffic".into(), Value::Number(traffic))].into(),
        gave: Some(gave),
        count: Some(gave.round() as u32),
        error: None,
    }
}

fn sample() -> SampleRecord {
    SampleRecord {
        metric: MetricName::new("traffic"),
        by_region: false,
        value: Some(412.0),
        regions: [].into(),
        failed_regions: [].into(),
        error: None,
        failures: Vec::new(),
    }
}

fn record(outcome: TickOutcome, scopes: Vec<ScopeRecord>) -> Record {
    let count = |state: &str| MachineCount {
        group: Some(ProcessGroup::new("app")),
        region: Region::new("lhr"),
        state: state.into(),
        count: 2,
    };
    Record {
        outcome,
        dry_run: false,
        paused: false,
        samples: vec![sample()],
        machines: vec![count("started"), count("stopped")],
        evaluated: vec![evaluated(None, "ceil(traffic / 50)", 412.0, 9.0)],
        scopes,
        outcomes: Vec::new(),
        advice: Vec::new(),
        error: None,
    }
}

fn explained(record: Record) -> Explanation {
    Explanation::of(&Passage {
        app: AppName::new("shop"),
        from: at(0),
        until: at(60),
        ticks: 5,
        at: at(30),
        record,
    })
}

/// The summary, then line by line its stage, its code and its text.
fn shown(explanation: &Explanation) -> String {
    let mut text = format!("{}\n", explanation.summary);
    let mut add = |place: &str, lines: &[Explained]| {
        for line in lines {
            let code = line.code.as_deref().map(|code| format!(" [{code}]")).unwrap_or_default();
            let _ = writeln!(text, "{place} {:?}: {}{code}", line.stage, line.text);
        }
    };
    add("-", &explanation.lines);
    for part in &explanation.parts {
        add(&part.scope.to_string(), &part.lines);
    }
    text
}

fn below() -> ReasonRecord {
    reason("below_min", Weight::Cause, "2 started, at least 4 wanted")
}

fn start(machine: &str) -> ActionRecord {
    ActionRecord {
        verb: Verb::Start,
        machine: Some(MachineId::new(machine)),
        region: Some(Region::new("lhr")),
        text: format!("start {machine} in lhr"),
        reason: below(),
        choice: Some("by id: 1st of 2 that can be started".into()),
    }
}

fn outcome(machine: &str, result: ResultKind, text: &str) -> OutcomeRecord {
    OutcomeRecord {
        scope: scope(None),
        verb: Verb::Start,
        machine: Some(MachineId::new(machine)),
        machine_region: Some(Region::new("lhr")),
        result,
        text: format!("start {machine} in lhr: {text}"),
        reason: below(),
    }
}

/// A tick that starts two machines, of which nine are wanted and four allowed.
fn acting() -> Record {
    let step = reason(
        "limited_by_step",
        Weight::Limit,
        "min started lowered from 9 to 4 (scale-up step-size 2, from 2)",
    );
    let own = ScopeRecord {
        targets: started(4),
        actions: vec![start("m1"), start("m2")],
        ..decided(None, 9, vec![below(), step])
    };
    record(TickOutcome::Acted, vec![own])
}

#[test]
fn what_was_done_is_explained_from_the_sample_to_flys_answer() {
    let mut record = acting();
    record.outcomes =
        vec![outcome("m1", ResultKind::Done, "done"), outcome("m2", ResultKind::Done, "done")];
    assert_eq!(
        shown(&explained(record)),
        "started 2 machines\n\
         - Collect: traffic = 412\n\
         - Observe: machines of app: lhr 2 started, 2 stopped\n\
         app Observe: 4 created, 2 started, 2 that can be started\n\
         app Evaluate: started: ceil(traffic / 50) = ceil(412 / 50) = 9\n\
         app Evaluate: asked for: 9 started\n\
         app Limit: min started lowered from 9 to 4 (scale-up step-size 2, from 2) [limited_by_step]\n\
         app Limit: after all limits: 4 started\n\
         app Choose: 2 started, at least 4 wanted [below_min]\n\
         app Choose: start m1 in lhr: by id: 1st of 2 that can be started [below_min]\n\
         app Choose: start m2 in lhr: by id: 1st of 2 that can be started [below_min]\n\
         app Act: start m1 in lhr: done\n\
         app Act: start m2 in lhr: done\n"
    );
}

#[test]
fn what_failed_in_part_says_what_and_what_stood_in() {
    let mut record = acting();
    record.outcomes = vec![
        outcome("m1", ResultKind::Failed, "failed, 500 no"),
        outcome("m3", ResultKind::Done, "done"),
        outcome("m2", ResultKind::NotAttempted, "not attempted"),
    ];
    let explanation = explained(record.clone());
    assert_eq!(explanation.summary, "started 1 machine, 1 action failed, 1 action not attempted");
    let shown = shown(&explanation);
    assert!(shown.contains("Act: start m1 in lhr: failed, 500 no\n"), "{shown}");
    let stood_in = "start m3 in lhr: done (the next in order, in place of one that failed)";
    assert!(shown.contains(stood_in), "{shown}");

    record.outcome = TickOutcome::Failed;
    record.outcomes.truncate(1);
    assert_eq!(explained(record).summary, "nothing was done, 1 action failed");
}

#[test]
fn why_nothing_was_done_is_in_the_summary() {
    let within = || reason("within_bounds", Weight::Cause, "2 started, 2 wanted");
    let cooling =
        reason("cooling_down", Weight::Limit, "max started raised from 1 to 2 (cooldown)");
    let failed = reason("metric_failed", Weight::Hold, "metric traffic: no answer");
    let quiet = |reasons| record(TickOutcome::Quiet, vec![decided(None, 2, reasons)]);
    let held = |since| {
        let own = ScopeRecord {
            wanted: None,
            targets: None,
            held_since: since,
            ..decided(None, 2, vec![failed.clone()])
        };
        record(TickOutcome::Held, vec![own])
    };
    let dry = Record { dry_run: true, ..acting() };
    let paused = Record { dry_run: true, paused: true, ..acting() };
    let error = Some("list machines shop: 500".to_owned());
    let failed =
        Record { outcome: TickOutcome::Failed, error, ..record(TickOutcome::Failed, Vec::new()) };
    for (record, summary) in [
        (quiet(vec![within()]), "nothing to do: 2 started, 2 wanted"),
        (
            quiet(vec![within(), cooling]),
            "nothing was done: 2 started, 2 wanted; max started raised from 1 to 2 (cooldown)",
        ),
        (held(Some(at(30))), "nothing was done, held: metric traffic: no answer"),
        (
            held(Some(at(5))),
            "nothing was done, held since 1970-01-01T00:00:05.000Z: metric traffic: no answer",
        ),
        (dry, "would start 2 machines; dry-run, so nothing was done"),
        (paused, "would start 2 machines; paused, so nothing was done"),
        (failed, "nothing was done, for there was no plan: list machines shop: 500"),
    ] {
        assert_eq!(explained(record).summary, summary);
    }
}

#[test]
fn a_hold_says_since_when_and_what_could_not_be_worked_out() {
    let own = ScopeRecord {
        wanted: None,
        targets: None,
        held_since: Some(at(5)),
        ..decided(None, 2, vec![reason("metric_failed", Weight::Hold, "metric traffic: no answer")])
    };
    let mut record = record(TickOutcome::Held, vec![own]);
    record.samples[0].value = None;
    record.samples[0].error = Some("no answer".into());
    record.evaluated[0] = Evaluated {
        values: [].into(),
        gave: None,
        count: None,
        error: Some("metric `traffic` has no value: no answer".into()),
        ..record.evaluated[0].clone()
    };
    let shown = shown(&explained(record));
    for line in [
        "Collect: traffic: no value\n",
        "Collect: traffic: no answer\n",
        "Evaluate: started: ceil(traffic / 50): metric `traffic` has no value: no answer\n",
        "Evaluate: asked for: not known\n",
        "Limit: metric traffic: no answer [metric_failed]\n",
        "Limit: held without a break since 1970-01-01T00:00:05.000Z\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn what_stands_in_for_a_metric_that_fails_is_said() {
    let mut record = acting();
    let own = &mut record.samples[0];
    own.by_region = true;
    own.regions = [(Region::new("iad"), 112.5), (Region::new("lhr"), 300.0)].into();
    own.value = Some(412.5);
    own.failures = vec!["lhr fails since T: NaN; its last value is used".into()];
    own.error = Some("lhr: NaN".into());
    let shown = shown(&explained(record));
    for line in [
        "Collect: traffic = 412.5 in all: iad 112.5, lhr 300\n",
        "Collect: traffic: lhr fails since T: NaN; its last value is used\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(!shown.contains("traffic: lhr: NaN"), "said once: {shown}");
}

#[test]
fn each_region_has_its_part_and_one_can_be_asked_for() {
    let by_region = || reason("by_region", Weight::Cause, "each region has its own numbers");
    let within = || reason("within_bounds", Weight::Cause, "2 started, 2 wanted");
    let scopes = vec![
        ScopeRecord { wanted: Some(ScopeBounds::default()), ..decided(None, 0, vec![by_region()]) },
        decided(Some("lhr"), 2, vec![within()]),
        decided(
            Some("iad"),
            3,
            vec![reason("within_bounds", Weight::Cause, "2 started, 2.. wanted")],
        ),
    ];
    let mut record = record(TickOutcome::Quiet, scopes);
    record.evaluated = vec![evaluated(Some("lhr"), "traffic / 50", 120.0, 2.4)];
    let explanation = explained(record);
    assert_eq!(
        explanation.summary,
        "nothing to do: app/lhr: 2 started, 2 wanted; app/iad: 2 started, 2.. wanted"
    );
    let lhr = explanation.clone().for_region(&Region::new("lhr"));
    let scopes: Vec<_> = lhr.parts.iter().map(|part| part.scope.to_string()).collect();
    assert_eq!(scopes, ["app", "app/lhr"]);
    let shown = shown(&lhr);
    let line = "app/lhr Evaluate: started: traffic / 50 = 120 / 50 = 2.4, rounded to 2\n";
    assert!(shown.contains(line), "{shown}");
    assert!(
        shown.contains("app/lhr Limit: after all limits: 2 started, as asked for\n"),
        "{shown}"
    );
}

#[test]
fn numbers_are_said_as_they_were_worked_out() {
    let text = |expression: &str, gave: f64, side| {
        let mut one = evaluated(None, expression, 412.0, gave);
        one.side = side;
        let mut record = record(TickOutcome::Quiet, vec![decided(None, 2, Vec::new())]);
        record.evaluated = vec![one];
        let explanation = explained(record);
        explanation.parts[0].lines[1].text.clone()
    };
    for (expression, gave, side, said) in [
        ("3", 3.0, Some(Side::Min), "min started: 3"),
        ("traffic", 412.0, Some(Side::Max), "max started: traffic = 412"),
        (
            "traffic / -50",
            -8.24,
            None,
            "started: traffic / -50 = 412 / -50 = -8.24, and less than none is none",
        ),
        ("1 / 3", 1.0 / 3.0, None, "started: 1 / 3 = 0.333333, rounded to 0"),
    ] {
        assert_eq!(text(expression, gave, side), said);
    }
}

#[test]
fn every_reason_of_a_record_is_a_line_with_its_code() {
    let mut record = acting();
    record.scopes[0].actions[1].reason =
        reason("stop_before_destroy", Weight::Cause, "stopped first");
    let explanation = explained(record.clone());
    let codes: Vec<_> =
        explanation.parts[0].lines.iter().filter_map(|own| own.code.clone()).collect();
    for reason in &record.scopes[0].reasons {
        assert!(codes.contains(&reason.code), "{codes:?}");
    }
    for action in &record.scopes[0].actions {
        assert!(codes.contains(&action.reason.code), "{codes:?}");
    }
    let shown = shown(&explanation);
    assert!(shown.contains("start m2 in lhr (stopped first): by id"), "{shown}");
    let (lhr, iad) = (Region::new("lhr"), Region::new("iad"));
    assert!(record.plans(Verb::Start, None) && !record.plans(Verb::Stop, None));
    assert!(record.plans(Verb::Start, Some(&lhr)) && !record.plans(Verb::Start, Some(&iad)));
}

#[test]
fn paused_and_dry_runs_and_advice_are_said_of_the_whole() {
    let mut record = Record { paused: true, ..acting() };
    record.advice = vec!["mind the proxy".into()];
    let shown = shown(&explained(record));
    assert!(
        shown.contains("- Act: the scaling of this app is paused: nothing is done\n"),
        "{shown}"
    );
    assert!(shown.contains("- Act: advice: mind the proxy\n"), "{shown}");
    let record = Record { dry_run: true, ..acting() };
    let explanation = explained(record);
    assert!(explanation.lines.iter().any(|line| line.text == "dry-run is on: nothing is done"));
}
