//! The scenarios of superfly/fly-autoscaler's own reconciler tests, under the same names, and beside
//! them what is done differently on purpose (`docs/differences.md`).

use std::sync::Arc;

use fly_autoscaler::act::{Outcome, UnderWay, act};
use fly_autoscaler::decide::{
    Action, GroupTargets, History, Observed, Plan, Policy, Targets, Verdict, Wanted, decide,
};
use fly_autoscaler::model::{
    AppName, Bounds, HostStatus, Machine, MachineState, ProcessGroup, ScopeBounds, Timestamp,
};
use fly_autoscaler::ports::ErrorClass;

use crate::double::{Double, machine, unpaused};

mod bugs;
mod differences;
mod whole_ticks;

fn bounds(min: Option<u32>, max: Option<u32>) -> Bounds {
    Bounds { min, max }
}

fn created(min: Option<u32>, max: Option<u32>) -> ScopeBounds {
    ScopeBounds { created: bounds(min, max), ..ScopeBounds::default() }
}

fn started(min: Option<u32>, max: Option<u32>) -> ScopeBounds {
    ScopeBounds { started: bounds(min, max), ..ScopeBounds::default() }
}

fn plan_for(machines: &[Machine], wanted: ScopeBounds, policy: Policy) -> Plan {
    let observed = Observed { machines: machines.to_vec(), ..Observed::default() };
    let group =
        GroupTargets::app_wide(ProcessGroup::new("app"), Arc::new(policy), Wanted::Bounds(wanted));
    let targets = Targets { groups: vec![group] };
    decide(&observed, &targets, &History::new("t"), Timestamp::from_millis(0))
}

async fn reconcile(
    api: &Double,
    machines: &[Machine],
    wanted: ScopeBounds,
) -> (Plan, Vec<Outcome>) {
    let plan = plan_for(machines, wanted, Policy::default());
    let never = std::future::pending();
    let outcomes =
        act(api, &AppName::new("app"), &plan, unpaused(1, &UnderWay::default()), never).await;
    (plan, outcomes)
}

fn states(table: &[(&str, &str, &str)]) -> Vec<Machine> {
    table.iter().map(|(id, state, region)| machine(id, state, region)).collect()
}

/// What was created is cloned from this machine.
fn sources(plan: &Plan) -> Vec<String> {
    plan.actions()
        .filter_map(|(_, planned)| match &planned.action {
            Action::Create { template, .. } => Some(template.source.to_string()),
            _ => None,
        })
        .collect()
}

fn codes(plan: &Plan) -> Vec<&'static str> {
    plan.scopes[0].reasons.iter().map(fly_autoscaler::decide::Reason::code).collect()
}

#[tokio::test]
async fn scale_no_scale() {
    let api = Double::default();
    let machines = states(&[("1", "started", "iad"), ("2", "stopped", "iad")]);
    let (plan, _) = reconcile(&api, &machines, started(Some(1), Some(2))).await;
    assert_eq!(plan.verdict, Verdict::Quiet);
    assert_eq!(api.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn scale_create_ok() {
    let api = Double::default();
    let machines = states(&[("1", "started", "iad"), ("2", "stopped", "den")]);
    let (plan, outcomes) = reconcile(&api, &machines, created(Some(4), Some(4))).await;
    assert_eq!(api.calls(), ["create iad", "create iad"]);
    assert_eq!(sources(&plan), ["1", "1"]);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_done()).count(), 2);
}

#[tokio::test]
async fn scale_create_err_no_machine_available() {
    let api = Double::default();
    let (plan, _) = reconcile(&api, &[], created(Some(1), None)).await;
    assert_eq!(plan.verdict, Verdict::Hold);
    let reasons: Vec<String> = plan.scopes[0].reasons.iter().map(ToString::to_string).collect();
    assert!(reasons[1].starts_with("no machine available to clone for scale up: "), "{reasons:?}");
    assert_eq!(api.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn scale_destroy_ok() {
    let api = Double::default();
    let machines = states(&[
        ("1", "started", "iad"),
        ("2", "stopped", "den"),
        ("3", "stopped", "iad"),
        ("4", "stopped", "mad"),
    ]);
    let (_, outcomes) = reconcile(&api, &machines, created(Some(2), Some(2))).await;
    assert_eq!(api.calls(), ["destroy 2", "destroy 3"]);
    assert!(outcomes.iter().all(Outcome::is_done));
}

#[tokio::test]
async fn scale_destroy_attempt_scale_to_zero() {
    let api = Double::default();
    let machines = states(&[
        ("1", "stopped", "iad"),
        ("2", "stopped", "iad"),
        ("3", "started", "iad"),
        ("4", "created", "iad"),
    ]);
    let (plan, _) = reconcile(&api, &machines, created(None, Some(0))).await;
    assert_eq!(api.calls(), ["destroy 1", "destroy 2", "destroy 4"]);
    assert!(codes(&plan).contains(&"keeps_last_machine"));
}

#[tokio::test]
async fn scale_start_ok() {
    let api = Double::default();
    let machines = states(&[
        ("1", "started", "iad"),
        ("2", "stopped", "iad"),
        ("3", "stopped", "iad"),
        ("4", "stopped", "iad"),
    ]);
    let _ = reconcile(&api, &machines, started(Some(3), Some(3))).await;
    assert_eq!(api.calls(), ["start 2", "start 3"]);
}

#[tokio::test]
async fn scale_start_failed() {
    let api = Double::default().failing("start 2", ErrorClass::Transient, false);
    let machines = states(&[
        ("1", "stopped", "iad"),
        ("2", "stopped", "iad"),
        ("3", "stopped", "iad"),
        ("4", "stopped", "iad"),
    ]);
    let (_, outcomes) = reconcile(&api, &machines, started(Some(2), Some(2))).await;
    assert_eq!(api.calls(), ["start 1", "start 2", "start 3"]);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_done()).count(), 2);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.error().is_some()).count(), 1);
}

#[tokio::test]
async fn scale_start_not_enough_stopped() {
    let api = Double::default();
    let machines = states(&[("1", "started", "iad"), ("2", "stopped", "iad")]);
    let (plan, _) = reconcile(&api, &machines, started(Some(5), Some(5))).await;
    assert_eq!(api.calls(), ["start 2"]);
    assert!(codes(&plan).contains(&"not_enough_stopped"));
}

#[tokio::test]
async fn scale_stop_ok() {
    let api = Double::default();
    let machines = states(&[
        ("1", "started", "iad"),
        ("2", "started", "iad"),
        ("3", "started", "iad"),
        ("4", "stopped", "iad"),
    ]);
    let _ = reconcile(&api, &machines, started(Some(1), Some(1))).await;
    assert_eq!(api.calls(), ["stop 1", "stop 2"]);
}

#[tokio::test]
async fn scale_stop_failed() {
    let api = Double::default().failing("stop 2", ErrorClass::Conflict, false);
    let machines = states(&[
        ("1", "started", "iad"),
        ("2", "started", "iad"),
        ("3", "started", "iad"),
        ("4", "stopped", "iad"),
    ]);
    let _ = reconcile(&api, &machines, started(Some(1), Some(1))).await;
    assert_eq!(api.calls(), ["stop 1", "stop 2", "stop 3"]);
}

#[tokio::test]
async fn unreachable_hosts() {
    let api = Double::default();
    let mut machines =
        states(&[("1", "started", "iad"), ("2", "started", "iad"), ("3", "stopped", "iad")]);
    machines[0].host_status = HostStatus::Unreachable;
    machines[0].config = None;
    machines[0].facts.group = None;
    let (plan, _) = reconcile(&api, &machines, started(Some(2), Some(2))).await;
    assert_eq!(api.calls(), ["start 3"]);
    assert_eq!(plan.scopes[0].observed.unreachable, 1);
}

mod acting {
    use super::*;
    use fly_autoscaler::act::{ActionResult, Skipped, Terms};
    use fly_autoscaler::decide::Effect;

    fn two_regions() -> Policy {
        let regions = ["iad", "lhr"].map(fly_autoscaler::model::Region::new).to_vec();
        Policy { regions: regions.into(), ..Policy::default() }
    }

    #[tokio::test]
    async fn a_failing_create_is_tried_once() {
        // Upstream's create loop never ends (superfly/fly-autoscaler#37).
        let api = Double::default().failing("create iad", ErrorClass::Rejected, false);
        let machines = states(&[("1", "started", "iad")]);
        let (_, outcomes) = reconcile(&api, &machines, created(Some(2), Some(2))).await;
        assert_eq!(api.calls(), ["create iad"]);
        assert_eq!(outcomes.len(), 1);
    }

    #[tokio::test]
    async fn a_region_without_room_passes_the_create_on() {
        let api = Double::default().failing("create lhr", ErrorClass::Capacity, false);
        let machines = states(&[("1", "started", "iad")]);
        let plan = plan_for(&machines, created(Some(2), Some(2)), two_regions());
        let app = AppName::new("app");
        let outcomes =
            act(&api, &app, &plan, unpaused(8, &UnderWay::default()), std::future::pending()).await;
        assert_eq!(api.calls(), ["create lhr", "create iad"]);
        assert!(outcomes[0].is_done());
    }

    #[tokio::test]
    async fn a_refused_token_stops_the_rest() {
        let api = Double::default().failing("start 2", ErrorClass::Authorization, false);
        let machines: Vec<Machine> =
            (1..6).map(|number| machine(&number.to_string(), "stopped", "iad")).collect();
        let (_, outcomes) = reconcile(&api, &machines, started(Some(4), Some(4))).await;
        assert_eq!(api.calls(), ["start 1", "start 2"]);
        let skipped = ActionResult::NotAttempted(Skipped::Authorization);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.result == skipped).count(), 2);
    }

    #[tokio::test]
    async fn an_ambiguous_create_counts_until_the_list_can_tell() {
        let api = Double::default().failing("create iad", ErrorClass::Transient, true);
        let machines = states(&[("1", "started", "iad")]);
        let (_, outcomes) = reconcile(&api, &machines, created(Some(2), Some(2))).await;
        assert_eq!(api.calls(), ["create iad", "find_created"]);
        let effect = outcomes[0].effect();
        assert!(matches!(effect, Some(Effect::Created { machine: None, .. })), "{effect:?}");

        let api = Double::default()
            .failing("create iad", ErrorClass::Transient, true)
            .listing_created("9");
        let (_, outcomes) = reconcile(&api, &machines, created(Some(2), Some(2))).await;
        assert!(outcomes[0].is_done());
    }

    #[tokio::test]
    async fn a_create_in_doubt_counts_in_the_region_that_was_asked() {
        let api = Double::default().failing("create lhr", ErrorClass::Capacity, false).failing(
            "create iad",
            ErrorClass::Transient,
            true,
        );
        let plan =
            plan_for(&states(&[("1", "started", "iad")]), created(Some(2), Some(2)), two_regions());
        let under_way = UnderWay::default();
        let outcomes =
            act(&api, &AppName::new("app"), &plan, unpaused(8, &under_way), std::future::pending())
                .await;
        assert_eq!(api.calls(), ["create lhr", "create iad", "find_created"]);
        let Some(Effect::Created { region, .. }) = outcomes[0].effect() else {
            panic!("no effect")
        };
        assert_eq!(region.as_str(), "iad");
    }

    #[tokio::test]
    async fn a_stop_that_may_have_happened_is_not_made_up_for() {
        let machines = states(&[("1", "started", "iad"), ("2", "started", "iad")]);
        let api = Double::default().failing("stop 1", ErrorClass::Transient, true);
        let _ = reconcile(&api, &machines, started(Some(1), Some(1))).await;
        assert_eq!(api.calls(), ["stop 1"]);
    }

    #[tokio::test]
    async fn nothing_begins_after_the_deadline() {
        let api = Double::default();
        let machines: Vec<Machine> =
            (1..6).map(|number| machine(&number.to_string(), "stopped", "iad")).collect();
        let plan = plan_for(&machines, started(Some(4), Some(4)), Policy::default());
        let over = std::future::ready(());
        let outcomes =
            act(&api, &AppName::new("app"), &plan, unpaused(2, &UnderWay::default()), over).await;
        assert_eq!(api.calls(), Vec::<String>::new());
        let skipped = ActionResult::NotAttempted(Skipped::Deadline);
        assert!(outcomes.iter().all(|outcome| outcome.result == skipped));
        assert_eq!(outcomes.len(), 4);
    }

    #[tokio::test]
    async fn once_paused_nothing_more_begins_neither_a_spare_nor_another_region() {
        let stopped: Vec<Machine> =
            (1..6).map(|number| machine(&number.to_string(), "stopped", "iad")).collect();
        let starts = || plan_for(&stopped, started(Some(4), Some(4)), Policy::default());
        let create =
            plan_for(&states(&[("1", "started", "iad")]), created(Some(2), Some(2)), two_regions());
        let paused = ActionResult::NotAttempted(Skipped::Paused);
        // (what is planned, the call that fails, the calls that are made, how many are not tried)
        for (plan, failing, calls, skipped) in [
            (starts(), "none", ["start 1"], 3),
            (starts(), "start 1", ["start 1"], 4),
            (create, "create lhr", ["create lhr"], 0),
        ] {
            let api = Double::default().failing(failing, ErrorClass::Capacity, false);
            let under_way = UnderWay::default();
            let is_paused = || !api.calls().is_empty();
            let terms = Terms { is_paused: &is_paused, ..unpaused(1, &under_way) };
            let outcomes =
                act(&api, &AppName::new("app"), &plan, terms, std::future::pending()).await;
            assert_eq!(api.calls(), calls, "{failing}");
            let told = outcomes.iter().filter(|outcome| outcome.result == paused);
            assert_eq!(told.count(), skipped, "{failing}: {outcomes:#?}");
            assert_eq!(outcomes.len(), skipped + 1);
        }
    }
}

/// Upstream's `TestReconciler_MinStartedMachineN`, from the setting to the number.
mod min_started_machine_n {
    use fly_autoscaler::config::{FlagValues, MapEnv, load};
    use fly_autoscaler::model::{Value, VariableTable};

    use super::*;

    /// The lower end of the started count that `expression` gives with these variables, or the error.
    fn calculate(expression: &str, variables: &[(&str, f64)]) -> Result<Option<u32>, String> {
        let collectors: String = variables
            .iter()
            .map(|(name, _)| {
                format!(
                    "\n  - {{type: prometheus, metric-name: {name}, address: 'http://h', query: q}}"
                )
            })
            .collect();
        let yaml = format!(
            "app-name: a\nmetric-collectors: {}{collectors}",
            if variables.is_empty() { "[]" } else { "" }
        );
        let env: MapEnv = [
            ("FAS_CONFIG_YAML", yaml.as_str()),
            ("FAS_CREATED_MACHINE_COUNT", "1"),
            ("FAS_STARTED_MACHINE_COUNT", expression),
        ]
        .into_iter()
        .collect();
        let config = load(&FlagValues::default(), &env).map_err(|error| error.to_string())?.config;
        let mut table = VariableTable::default();
        for (name, value) in variables {
            table.set(*name, Value::Number(*value));
        }
        match config.groups[0].expressions.evaluate(&table, Timestamp::from_millis(0)).0 {
            Ok(bounds) => Ok(bounds.started.min),
            Err(errors) => Err(errors[0].2.to_string()),
        }
    }

    #[test]
    fn constant() {
        assert_eq!(calculate("1", &[]), Ok(Some(1)));
    }

    #[test]
    fn round() {
        assert_eq!(calculate("2.6", &[]), Ok(Some(3)));
    }

    #[test]
    fn var() {
        assert_eq!(calculate("x + y + 2", &[("x", 4.0), ("y", 7.0)]), Ok(Some(13)));
    }

    #[test]
    fn min() {
        assert_eq!(calculate("min(x, y)", &[("x", 4.0), ("y", 7.0)]), Ok(Some(4)));
    }

    #[test]
    fn max() {
        assert_eq!(calculate("max(x, y)", &[("x", 4.0), ("y", 7.0)]), Ok(Some(7)));
    }

    #[test]
    fn neg() {
        assert_eq!(calculate("-2", &[]), Ok(Some(0)));
    }

    #[test]
    fn blank() {
        assert_eq!(calculate("", &[]), Ok(None));
    }

    #[test]
    fn nan() {
        let error = Err("expression returned NaN".to_owned());
        assert_eq!(calculate("x + 1", &[("x", f64::NAN)]), error);
    }

    #[test]
    fn inf() {
        assert_eq!(calculate("1 / 0", &[]), Err("expression returned Inf".to_owned()));
    }
}
