//! The real binary in trouble: it stops in time, and its ticks never overlap.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule, Load, SimOptions, Simulator};

use super::{STARTED, web};
use crate::running::{Autoscaler, until};

async fn fly() -> Simulator {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, 2);
    spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(10.0) };
    sim.world().add_app(&spec);
    sim
}

async fn serving(sim: &Simulator, variables: &[(&str, &str)]) -> Autoscaler {
    let (url, prometheus) = (sim.url(), sim.prometheus_url("acme"));
    let given = [
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_serving"),
        ("FAS_INTERVAL", "1s"),
        ("FAS_PROMETHEUS_ADDRESS", prometheus.as_str()),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
        ("FLY_FLAPS_BASE_URL", url.as_str()),
        ("FLY_API_BASE_URL", url.as_str()),
        STARTED,
    ];
    Autoscaler::start(&given.iter().chain(variables).copied().collect::<Vec<_>>()).await
}

/// Waits until the simulator was asked for something so many times.
async fn asked(sim: &Simulator, scaler: &Autoscaler, endpoint: Endpoint, times: u64) {
    let told = || scaler.program.told();
    until(&format!("{times} x {endpoint:?}"), told, async || match sim.world().total(endpoint) {
        total if total >= times => Ok(()),
        total => Err(total.to_string()),
    })
    .await;
}

#[tokio::test]
async fn a_signal_ends_it_between_two_ticks() {
    for signal in ["TERM", "INT"] {
        let sim = fly().await;
        let mut scaler = serving(&sim, &[("FAS_INTERVAL", "1h")]).await;
        asked(&sim, &scaler, Endpoint::List, 1).await;
        scaler.program.signal(signal);
        // Long before the next tick, on a busy machine too.
        let ended = tokio::time::timeout(Duration::from_secs(30), scaler.program.ended()).await;
        assert_eq!(ended.map(|status| status.code()), Ok(Some(0)), "{}", scaler.program.told());
        let written = scaler.program.written();
        assert!(written.contains(&format!("SIG{signal} received, stopping")), "{written}");
        assert!(written.contains(r#""msg":"stopped""#), "{written}");
    }
}

#[tokio::test]
async fn a_signal_ends_it_in_time_while_a_tick_hangs() {
    let sim = fly().await;
    sim.world().set_queue_depth(&web(), Some(30.0)).unwrap();
    sim.world().inject(FaultRule::always(Endpoint::Start, FaultKind::Hang));
    let mut scaler = serving(&sim, &[("FAS_SHUTDOWN_TIMEOUT", "500ms")]).await;
    asked(&sim, &scaler, Endpoint::Start, 2).await;

    scaler.program.signal("TERM");
    // Before the start that hangs is given up, which takes 15 s.
    let ended = tokio::time::timeout(Duration::from_secs(12), scaler.program.ended()).await;
    assert_eq!(ended.map(|status| status.code()), Ok(Some(0)), "{}", scaler.program.told());
    let written = scaler.program.written();
    let line = written.lines().find(|line| line.contains("stopped before the running tick ended"));
    let line = line.unwrap_or_else(|| panic!("nothing about the tick in {written}"));
    assert_eq!(line.matches("start ").count(), 2, "names what was not awaited: {line}");
}

#[tokio::test]
async fn a_tick_that_ends_in_time_is_awaited() {
    let sim = fly().await;
    sim.world().set_queue_depth(&web(), Some(30.0)).unwrap();
    let slow = FaultKind::Delay(Duration::from_secs(1));
    sim.world().inject(FaultRule::always(Endpoint::Start, slow).after());
    let mut scaler = serving(&sim, &[]).await;
    let told = || scaler.program.told();
    until("a start", told, async || match sim.world().machines(&web()).unwrap() {
        machines if machines.iter().any(|own| own.state.as_str() == "starting") => Ok(()),
        machines => Err(format!("{machines:?}")),
    })
    .await;

    scaler.program.signal("TERM");
    assert_eq!(scaler.program.ended().await.code(), Some(0));
    let written = scaler.program.written();
    assert!(written.contains(r#""msg":"tick ended""#), "{written}");
    assert!(!written.contains("not awaited"), "{written}");
}

#[tokio::test]
async fn a_slow_tick_is_never_overtaken_by_the_next() {
    const SLOW: Duration = Duration::from_millis(1500);
    let sim = fly().await;
    sim.world().inject(FaultRule::always(Endpoint::List, FaultKind::Delay(SLOW)));
    let scaler = serving(&sim, &[]).await;
    asked(&sim, &scaler, Endpoint::List, 4).await;

    let requests = sim.world().requests();
    let lists: Vec<_> = requests.iter().filter(|own| own.endpoint == Endpoint::List).collect();
    for pair in lists.windows(2) {
        let between = pair[1].at.since(pair[0].at);
        assert!(between >= SLOW, "{between:?}{}", scaler.program.told());
    }
    let (_, metrics) = scaler.get("/metrics").await;
    let skipped = metrics.lines().find(|line| line.contains(r#"{outcome="skipped"}"#));
    assert!(skipped.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
}
