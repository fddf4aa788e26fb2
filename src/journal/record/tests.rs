use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::act::Skipped;
use crate::decide::{Action, Choice, History, Place, Plan};
use crate::model::{Bounds, Instead, Kind, ProcessGroup, SeriesSize, Side, Value};
use crate::ports::{ApiError, ErrorClass, Operation};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn group() -> ProcessGroup {
    ProcessGroup::new("app")
}

fn start(machine: &str) -> Action {
    Action::Start { machine: MachineId::new(machine), region: Region::new("lhr") }
}

fn choice() -> Choice {
    let place = Place { place: 1, of: 2 };
    Choice::Start { place, suspended: true, release: Some(12) }
}

fn below() -> Reason {
    Reason::BelowMin { kind: Kind::Started, observed: 1, target: 3 }
}

fn outcome(machine: &str, result: ActionResult) -> Outcome {
    Outcome {
        scope: Scope::app_wide(group()),
        action: start(machine),
        reason: below(),
        result,
        asked: None,
        left_volumes: Vec::new(),
        refusals: Vec::new(),
    }
}

fn tick() -> Tick {
    let started = Bounds::exactly(3);
    let bounds = Some(ScopeBounds { started, ..ScopeBounds::default() });
    let scope = ScopePlan {
        scope: Scope::app_wide(group()),
        observed: Tally { created: 3, started: 1, stopped: 2, unreachable: 0 },
        wanted: bounds,
        targets: bounds,
        actions: vec![PlannedAction { action: start("m1"), reason: below(), choice: choice() }],
        spares: Vec::new(),
        reasons: vec![below()],
        held_since: Some(at(5)),
    };
    let failure = Failure {
        region: Some(Region::new("lhr")),
        error: "the value is NaN".into(),
        since: at(60),
        instead: Instead::Number { value: 7.0 },
    };
    let sample = SampleStatus {
        metric: MetricName::new("traffic"),
        by_region: true,
        value: Some(7.5),
        regions: [(Region::new("lhr"), 7.0), (Region::new("iad"), 0.5)].into(),
        failed_regions: [(Region::new("lhr"), "the value is NaN".into())].into(),
        error: Some("lhr: the value is NaN".into()),
        failures: vec![failure],
    };
    Tick {
        at: at(100),
        outcome: TickOutcome::Acted,
        dry_run: false,
        paused: true,
        samples: vec![sample],
        machines: vec![MachineCount {
            group: Some(group()),
            region: Region::new("lhr"),
            state: "stopped".into(),
            count: 2,
        }],
        history: SeriesSize::default(),
        evaluated: vec![Evaluated {
            scope: Scope::app_wide(group()),
            kind: Kind::Started,
            side: None,
            expression: "ceil(traffic / 3)".into(),
            values: [("traffic".into(), Value::Number(7.5))].into(),
            gave: Some(3.0),
            count: Some(3),
            error: None,
        }],
        plan: Some(Plan::new(vec![scope], History::default())),
        outcomes: Vec::new(),
        advice: vec![crate::decide::Advice::ProxyStops { group: group() }],
        error: Some("the lease ran out".into()),
        fly_failed: true,
    }
}

#[test]
fn a_record_has_all_of_a_tick_that_can_be_explained() {
    let tick = tick();
    let record = Record::of(&tick);
    assert_eq!((record.outcome, record.dry_run, record.paused), (TickOutcome::Acted, false, true));
    let [sample] = record.samples.as_slice() else { panic!("{record:?}") };
    assert_eq!((sample.value, sample.regions.len(), sample.by_region), (Some(7.5), 2, true));
    assert_eq!(
        sample.failures,
        ["lhr fails since 1970-01-01T00:01:00.000Z: the value is NaN; `on-failure` says 7"]
    );
    assert_eq!(record.machines, tick.machines);
    assert_eq!(record.evaluated, tick.evaluated);
    let [scope] = record.scopes.as_slice() else { panic!("{record:?}") };
    assert_eq!((scope.observed.stopped, scope.held_since), (2, Some(at(5))));
    assert_eq!(scope.reasons, [ReasonRecord::from(&below())]);
    let [action] = scope.actions.as_slice() else { panic!("{scope:?}") };
    assert_eq!((action.verb, action.text.as_str()), (Verb::Start, "start m1 in lhr"));
    assert_eq!(action.reason.code, "below_min");
    assert_eq!(action.choice, Some(choice().to_string()));
    assert_eq!(record.advice.len(), 1);
    assert_eq!(record.error.as_deref(), Some("the lease ran out"));
}

#[test]
fn each_result_of_an_action_is_kept_with_what_fly_answered() {
    let error = |outcome_unknown| ApiError {
        operation: Operation::Start,
        subject: "m1".into(),
        class: ErrorClass::Transient,
        status: None,
        message: "no answer".into(),
        request_id: None,
        outcome_unknown,
    };
    let done = ActionResult::Done { machine: MachineId::new("m9"), region: Region::new("iad") };
    for (result, kind, machine, region, word) in [
        (done, ResultKind::Done, "m9", "iad", "done"),
        (ActionResult::Gone, ResultKind::Gone, "m1", "lhr", "gone"),
        (ActionResult::Failed(error(false)), ResultKind::Failed, "m1", "lhr", "no answer"),
        (ActionResult::Failed(error(true)), ResultKind::Unknown, "m1", "lhr", "may have"),
        (
            ActionResult::NotAttempted(Skipped::Deadline),
            ResultKind::NotAttempted,
            "m1",
            "lhr",
            "time was over",
        ),
    ] {
        let record = OutcomeRecord::from(&outcome("m1", result));
        assert_eq!(record.result, kind);
        assert_eq!(record.machine, Some(MachineId::new(machine)), "{kind:?}");
        assert_eq!(record.machine_region, Some(Region::new(region)), "{kind:?}");
        assert!(record.text.contains(word), "{}", record.text);
    }
}

#[test]
fn a_tick_without_a_plan_has_only_what_was_seen() {
    let mut tick = tick();
    tick.plan = None;
    let record = Record::of(&tick);
    assert_eq!((record.scopes.len(), record.samples.len()), (0, 1));
}

fn word() -> BoxedStrategy<String> {
    prop_oneof!["[a-z]{1,8}", any::<String>()].boxed()
}

fn number() -> BoxedStrategy<f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, ZERO};
    (POSITIVE | NEGATIVE | NORMAL | ZERO).boxed()
}

fn region() -> BoxedStrategy<Region> {
    "[a-z]{3}".prop_map(|own| Region::new(&own)).boxed()
}

fn scope() -> BoxedStrategy<Scope> {
    ("[a-z]{1,4}", option::of(region()))
        .prop_map(|(group, region)| Scope { group: ProcessGroup::new(group), region })
        .boxed()
}

fn reason() -> BoxedStrategy<ReasonRecord> {
    let weight = prop_oneof![Just(Weight::Cause), Just(Weight::Limit), Just(Weight::Hold)];
    (word(), weight, word())
        .prop_map(|(code, weight, text)| ReasonRecord { code, weight, text })
        .boxed()
}

fn verb() -> BoxedStrategy<Verb> {
    prop::sample::select(Verb::ALL.to_vec()).boxed()
}

fn machine() -> BoxedStrategy<Option<MachineId>> {
    option::of(word().prop_map(MachineId::new)).boxed()
}

fn sample() -> BoxedStrategy<SampleRecord> {
    let values = (option::of(number()), btree_map(region(), number(), 0..3));
    let texts = (btree_map(region(), word(), 0..2), option::of(word()), vec(word(), 0..2));
    (word(), any::<bool>(), values, texts)
        .prop_map(|(metric, by_region, (value, regions), (failed_regions, error, failures))| {
            let metric = MetricName::new(metric);
            SampleRecord { metric, by_region, value, regions, failed_regions, error, failures }
        })
        .boxed()
}

fn evaluated() -> BoxedStrategy<Evaluated> {
    let value = prop_oneof![
        number().prop_map(Value::Number),
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Truth),
        word().prop_map(|text| Value::Text(text.into())),
    ];
    let values = btree_map(word().prop_map(Arc::from), value, 0..3);
    let kind = prop_oneof![Just(Kind::Created), Just(Kind::Started)];
    let side = option::of(prop_oneof![Just(Side::Min), Just(Side::Max)]);
    let gave = (option::of(number()), option::of(any::<u32>()), option::of(word()));
    (scope(), kind, side, word(), values, gave)
        .prop_map(|(scope, kind, side, expression, values, (gave, count, error))| {
            let (expression, values) = (expression.into(), values.into_iter().collect());
            Evaluated { scope, kind, side, expression, values, gave, count, error }
        })
        .boxed()
}

fn decided() -> BoxedStrategy<ScopeRecord> {
    let bounds = || {
        let one = || (option::of(any::<u32>()), option::of(any::<u32>()));
        option::of((one(), one()).prop_map(|(created, started)| ScopeBounds {
            created: Bounds { min: created.0, max: created.1 },
            started: Bounds { min: started.0, max: started.1 },
        }))
    };
    let action = (verb(), machine(), option::of(region()), word(), reason(), option::of(word()))
        .prop_map(|(verb, machine, region, text, reason, choice)| ActionRecord {
            verb,
            machine,
            region,
            text,
            reason,
            choice,
        });
    let since = option::of(any::<i64>().prop_map(Timestamp::from_millis));
    (scope(), any::<u32>(), bounds(), bounds(), vec(reason(), 0..3), vec(action, 0..3), since)
        .prop_map(|(scope, created, wanted, targets, reasons, actions, held_since)| {
            let observed = Tally { created, ..Tally::default() };
            ScopeRecord { scope, observed, wanted, targets, reasons, actions, held_since }
        })
        .boxed()
}

fn ended() -> BoxedStrategy<OutcomeRecord> {
    use ResultKind::{Done, Failed, Gone, NotAttempted, Unknown};
    let result = prop::sample::select(vec![Done, Gone, Failed, Unknown, NotAttempted]);
    (scope(), verb(), machine(), option::of(region()), result, word(), reason())
        .prop_map(|(scope, verb, machine, machine_region, result, text, reason)| OutcomeRecord {
            scope,
            verb,
            machine,
            machine_region,
            result,
            text,
            reason,
        })
        .boxed()
}

fn record() -> BoxedStrategy<Record> {
    let head = (prop::sample::select(TickOutcome::ALL.to_vec()), any::<bool>(), any::<bool>());
    let count = (option::of(word()), region(), word(), any::<u32>()).prop_map(
        |(group, region, state, count)| MachineCount {
            group: group.map(ProcessGroup::new),
            region,
            state,
            count,
        },
    );
    let seen = (vec(sample(), 0..3), vec(count, 0..3), vec(evaluated(), 0..3));
    let done = (vec(decided(), 0..3), vec(ended(), 0..3));
    (head, seen, done, vec(word(), 0..2), option::of(word()))
        .prop_map(|(head, seen, (scopes, outcomes), advice, error)| Record {
            outcome: head.0,
            dry_run: head.1,
            paused: head.2,
            samples: seen.0,
            machines: seen.1,
            evaluated: seen.2,
            scopes,
            outcomes,
            advice,
            error,
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_record_survives_json(record in record()) {
        let json = serde_json::to_string(&record).expect("a record serializes");
        let back: Record = serde_json::from_str(&json).expect("and is read again");
        prop_assert_eq!(back, record);
    }
}
