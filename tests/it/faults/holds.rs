//! What keeps a tick from acting, and what does not.

use std::time::Duration;

use fly_autoscaler::model::{HostStatus, TickOutcome, Timestamp};
use fly_autoscaler::ports::Clock as _;
use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule, ReleaseSpec};

use serde_json::json;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::running::get;

use super::{CREATED, STARTED, Stage, web};

fn release(status: &str, created_at: Timestamp) -> ReleaseSpec {
    ReleaseSpec { version: 7, status: status.into(), created_at }
}

#[tokio::test]
async fn a_running_release_holds_until_it_is_complete() {
    let stage = Stage::new(1, 2, 30.0).await;
    let now = stage.clock.now();
    stage.sim.world().set_release(&web(), Some(release("running", now))).unwrap();
    let mut scaler = stage.scaler("s1", &[STARTED]);

    let said = stage.say(&stage.tick(&mut scaler).await);
    assert_eq!(said, "held: release v7 is being deployed since 2026-08-21T11:00:00.000Z");
    assert_eq!(stage.changes(), 0);

    stage.sim.world().set_release(&web(), Some(release("complete", now))).unwrap();
    stage.settles(&mut scaler, (3, 3), "complete").await;
}

#[tokio::test]
async fn no_release_and_an_abandoned_one_do_not_hold() {
    let abandoned = release("running", Timestamp::parse_rfc3339("2026-08-21T09:00:00Z").unwrap());
    let why = "release v7 says `running` since 2026-08-21T09:00:00.000Z: taken as abandoned";
    for (release, noted) in [(None, None), (Some(abandoned), Some(why))] {
        let stage = Stage::new(1, 2, 30.0).await;
        stage.sim.world().set_release(&web(), release).unwrap();
        let mut scaler = stage.scaler("s1", &[STARTED]);
        let tick = stage.tick(&mut scaler).await;
        assert_eq!(tick.outcome, TickOutcome::Acted);
        let reasons =
            tick.plan.iter().flat_map(|plan| &plan.scopes).flat_map(|scope| &scope.reasons);
        let found = reasons.map(ToString::to_string).find(|reason| reason.contains("release"));
        assert_eq!(found.as_deref(), noted);
    }
}

#[tokio::test]
async fn without_the_guard_the_release_is_not_read() {
    let stage = Stage::new(1, 2, 30.0).await;
    let now = stage.clock.now();
    stage.sim.world().set_release(&web(), Some(release("running", now))).unwrap();
    let mut scaler = stage.scaler("s1", &[STARTED, ("FAS_RELEASE_GUARD", "off")]);
    stage.settles(&mut scaler, (3, 3), "unguarded").await;
    assert_eq!(stage.sim.world().total(Endpoint::Graphql), 0);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    for (count, actions) in [(STARTED, 2), (CREATED, 2)] {
        let stage = if count == STARTED {
            Stage::new(1, 2, 30.0).await
        } else {
            Stage::new(1, 0, 30.0).await
        };
        let before = stage.states();
        let mut scaler = stage.scaler("s1", &[count, ("FAS_DRY_RUN", "true")]);
        for _ in 0..3 {
            let tick = stage.tick(&mut scaler).await;
            assert_eq!((tick.outcome, tick.dry_run), (TickOutcome::Acted, true));
            assert_eq!(tick.plan.unwrap().actions().count(), actions);
        }
        assert_eq!(stage.states(), before);
        assert_eq!(stage.changes() + stage.sim.world().total(Endpoint::LeaseAcquire), 0);
    }
}

#[tokio::test]
async fn hosts_that_do_not_answer_stop_creates_but_not_starts() {
    let stage = Stage::new(5, 5, 120.0).await;
    // Every other of them: four that run or do not, and one more.
    let lost: Vec<_> = stage.states().into_iter().step_by(2).map(|(id, _)| id).collect();
    for id in &lost {
        stage.sim.world().set_host_status(&web(), id, HostStatus::Unreachable).unwrap();
    }
    let mut scaler = stage.scaler("s1", &[CREATED]);
    assert_eq!(
        stage.say(&stage.tick(&mut scaler).await),
        "held: 5 of 10 machines are on hosts that do not answer: nothing is created or destroyed"
    );
    assert_eq!(stage.changes(), 0);

    for id in &lost {
        stage.sim.world().set_host_status(&web(), id, HostStatus::Ok).unwrap();
    }
    stage.settles(&mut scaler, (12, 7), "all hosts answer").await;
}

#[tokio::test]
async fn ten_thousand_machines_are_read_page_by_page() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 9_998, 2);
    let stage = Stage::with(spec, 100_000.0).await;
    let mut scaler =
        stage.scaler("s1", &[STARTED, ("FAS_MAX_MACHINES", "20000"), ("FAS_TIMEOUT", "5m")]);

    let tick = stage.tick(&mut scaler).await;
    assert_eq!(stage.sim.world().total(Endpoint::List), 10);
    assert_eq!(stage.sim.world().total(Endpoint::Start), 2, "{}", stage.say(&tick));
    assert_eq!(stage.fleet(), (10_000, 10_000));
}

#[tokio::test]
async fn a_metric_that_takes_longer_than_the_tick_is_not_held_against_fly() {
    let stage = Stage::new(1, 2, 30.0).await;
    stage.sim.world().inject(FaultRule::always(Endpoint::PrometheusQuery, FaultKind::Hang));
    let mut scaler = stage.scaler("s1", &[STARTED, ("FAS_TIMEOUT", "500ms")]);
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(
        stage.say(&tick),
        "failed: the tick took longer than its timeout of 500ms: a metric was not there in time"
    );
    assert!(!tick.fly_failed, "else the next tick would wait, up to five minutes");

    stage.sim.world().clear_faults();
    stage.sim.world().inject(FaultRule::always(Endpoint::List, FaultKind::Hang));
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(
        stage.say(&tick),
        "failed: the tick took longer than its timeout of 500ms: Fly had not answered"
    );
    assert!(tick.fly_failed);
}

/// What Fly does not answer before the actions counts like what it does not answer during them.
#[tokio::test]
async fn a_release_or_a_lease_that_fly_does_not_give_makes_the_next_tick_wait() {
    for endpoint in [Endpoint::Graphql, Endpoint::LeaseAcquire] {
        for (code, fly_failed) in [(401, true), (429, true), (500, true), (409, false)] {
            let stage = Stage::new(1, 0, 30.0).await;
            let kind = FaultKind::Status { code, body: "{}".into(), retry_after: None };
            stage.sim.world().inject(FaultRule::always(endpoint, kind));
            let mut scaler = stage.scaler("s1", &[CREATED]);
            let tick = stage.tick(&mut scaler).await;
            assert_eq!(tick.outcome, TickOutcome::Held, "{endpoint:?} {code}");
            assert_eq!(tick.fly_failed, fly_failed, "{endpoint:?} {code}");
            stage.sim.world().clear_faults();
            assert!(!stage.tick(&mut scaler).await.fly_failed, "{endpoint:?} {code}");
        }
    }
}

/// A Fly that answers as the simulator would, with one of its answers a second late: too late for the
/// tick. Gives what the tick said and what was created.
async fn late(which: &str) -> (String, usize) {
    let stage = Stage::new(1, 0, 30.0).await;
    let list = get(&format!("{}/v1/apps/web/machines", stage.sim.url())).await.unwrap().1;
    let list = ResponseTemplate::new(200).set_body_raw(list, "application/json");
    let lease = json!({ "status": "success", "data": { "nonce": "n" } });
    let lease = ResponseTemplate::new(201).set_body_json(lease);
    let release = ResponseTemplate::new(200)
        .set_body_json(json!({ "data": { "app": { "currentRelease": null } } }));
    let delayed = |answer: &ResponseTemplate, name| match name == which {
        true => answer.clone().set_delay(Duration::from_millis(1500)),
        false => answer.clone(),
    };

    let fly = MockServer::start().await;
    let on = |verb: &str, end: &str| Mock::given(method(verb)).and(path_regex(format!("{end}$")));
    on("GET", "/machines").respond_with(list.clone()).up_to_n_times(1).mount(&fly).await;
    on("GET", "/machines").respond_with(delayed(&list, "second list")).mount(&fly).await;
    on("POST", "/lease").respond_with(delayed(&lease, "lease")).mount(&fly).await;
    on("DELETE", "/lease").respond_with(ResponseTemplate::new(200)).mount(&fly).await;
    on("POST", "/graphql").respond_with(release).mount(&fly).await;

    let (url, timeout) = (fly.uri(), ("FAS_TIMEOUT", "1s"));
    let fly_url = [("FLY_FLAPS_BASE_URL", url.as_str()), ("FLY_API_BASE_URL", &url)];
    let variables: Vec<_> = fly_url.into_iter().chain([CREATED, timeout]).collect();
    let mut scaler = stage.scaler("s1", &variables);
    let said = stage.say(&stage.tick(&mut scaler).await);
    let requests = fly.received_requests().await.unwrap();
    let is_create = |path: &str, verb: &str| verb == "POST" && path.ends_with("/machines");
    let creates = requests.iter().filter(|own| is_create(own.url.path(), own.method.as_str()));
    let given_back = requests.iter().filter(|own| own.method.as_str() == "DELETE").count();
    assert_eq!(given_back, 1, "the lease");
    (said, creates.count())
}

#[tokio::test]
async fn nothing_begins_once_the_ticks_time_is_over() {
    let over = "the tick took longer than its timeout of 1s: Fly had not answered";
    let held = "the lease could not be taken";
    for which in ["lease", "second list"] {
        let (said, creates) = late(which).await;
        assert_eq!(creates, 0, "{which}: {said}");
        assert_eq!(said, format!("failed: {over}; {held}: {over}"), "{which}");
    }
}
