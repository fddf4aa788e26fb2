//! What is in force from the next tick on.

use fly_autoscaler::sim::{AppSpec, Endpoint};

use super::{CONFIG, Running, app};
use crate::running::until;

#[tokio::test]
async fn another_expression_counts() {
    let own = Running::with(CONFIG).await;
    own.want(2);
    own.until_running(2).await;
    own.reload(&CONFIG.replace("count: wanted", "count: wanted + 3"));
    own.until_running(5).await;
}

#[tokio::test]
async fn another_query_and_a_collector_more_count() {
    let own = Running::with(CONFIG).await;
    own.world().set_gauge(&app(), "other", &[], 6.0).unwrap();
    own.reload(&CONFIG.replace("sum(wanted{", "sum(other{"));
    own.until_running(6).await;
    let more = r#"  - {type: prometheus, address: $PROMETHEUS, metric-name: extra, query: 'sum(wanted{app="$APP_NAME"})'}"#;
    let config = CONFIG.replace("count: wanted", "count: wanted + extra");
    own.reload(&format!("{}{more}\n", config.replace("sum(wanted{", "sum(other{")));
    own.until_running(7).await;
    let metrics = own.scaler.get("/metrics").await.1;
    assert!(metrics.contains(r#"metric="extra""#), "{metrics}");
    // One that is no longer there has no value either.
    own.reload(CONFIG);
    own.until_running(1).await;
    let metrics = own.scaler.get("/metrics").await.1;
    assert!(!metrics.contains(r#"metric="extra""#), "{metrics}");
}

#[tokio::test]
async fn a_shorter_interval_counts_at_once() {
    let own = Running::with(&CONFIG.replace("interval: 1s", "interval: 1h")).await;
    until(
        "the first tick",
        || own.scaler.program.told(),
        async || {
            let status = own.scaler.status().await;
            if status["apps"][0]["last_tick"].is_object() {
                Ok(())
            } else {
                Err(status.to_string())
            }
        },
    )
    .await;
    own.want(4);
    own.reload(CONFIG);
    // Long before the hour is over.
    own.until_running(4).await;
    let status = own.scaler.status().await;
    assert_eq!(status["interval_seconds"], 1.0, "{status}");
    assert_eq!(own.scaler.get("/readyz").await.0, 200);
}

#[tokio::test]
async fn a_longer_interval_counts_for_readiness_too() {
    let own = Running::with(CONFIG).await;
    own.ticks(1).await;
    own.reload(&CONFIG.replace("interval: 1s", "interval: 1h"));
    own.until_reloads([1, 0, 0]).await;
    let status = own.scaler.status().await;
    assert_eq!(status["interval_seconds"], 3600.0, "{status}");
    let lists = own.world().total(Endpoint::List);
    // Several of the old intervals later it has ticked once at most, and is ready.
    let later = tokio::time::timeout(std::time::Duration::from_secs(5), async {
        let mut polls = tokio::time::interval(std::time::Duration::from_millis(100));
        while own.world().total(Endpoint::List) <= lists + 1 {
            polls.tick().await;
        }
    });
    assert!(later.await.is_err(), "{}", own.scaler.program.told());
    assert_eq!(own.scaler.get("/readyz").await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn another_token_is_sent_and_seen_nowhere() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 3);
    let with = |token: &str| format!("{CONFIG}api-token: {token}\n");
    let own = Running::of(&spec, &with("fm2_first"), &[("FAS_API_TOKEN", "")]).await;
    own.ticks(1).await;
    own.reload(&with("fm2_second"));
    own.until_reloads([1, 0, 0]).await;
    own.want(2);
    own.until_running(2).await;
    let changes = own.said("the configuration has changed")[0]["changes"].clone();
    assert_eq!(changes, "`api-token` changed");
    // It was looked at as the first one was.
    until(
        "the second look at a token",
        || own.scaler.program.told(),
        async || {
            let looks = own.world().total(Endpoint::TokenCurrent);
            if looks == 2 { Ok(()) } else { Err(looks.to_string()) }
        },
    )
    .await;
    for token in ["fm2_first", "fm2_second"] {
        assert!(!own.scaler.program.written().contains(token));
        assert!(!own.scaler.get("/api/v1/config").await.1.contains(token));
    }
}

#[tokio::test]
async fn another_token_for_those_who_step_in_counts_and_who_is_paused_stays_so() {
    let with = |token: &str| format!("{CONFIG}http-token: {token}\n");
    let own = Running::with(&with("fas_first_0123456789")).await;
    let client = fly_autoscaler::transport::client(Default::default()).unwrap();
    let asked = async |order: &str, token: &str| {
        let url = format!("{}/api/v1/{order}", own.scaler.url);
        client.post(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(asked("pause", "fas_first_0123456789").await, 200);
    own.reload(&with("fas_second_012345678"));
    own.until_reloads([1, 0, 0]).await;
    own.want(3);
    own.ticks(2).await;
    assert_eq!(own.running_in("iad"), 1, "paused as before");
    assert_eq!(asked("resume", "fas_first_0123456789").await, 401);
    assert_eq!(asked("resume", "fas_second_012345678").await, 200);
    own.until_running(3).await;
}

#[tokio::test]
async fn dry_run_and_back() {
    let own = Running::with(CONFIG).await;
    own.reload(&format!("{CONFIG}dry-run: true\n"));
    own.until_reloads([1, 0, 0]).await;
    own.want(4);
    own.ticks(2).await;
    assert_eq!(own.running_in("iad"), 1);
    own.reload(CONFIG);
    own.until_running(4).await;
}

#[tokio::test]
async fn debug_lines_come_and_go() {
    let own = Running::with(CONFIG).await;
    own.ticks(1).await;
    let debug = || own.scaler.program.written().matches(r#""level":"DEBUG""#).count();
    assert_eq!(debug(), 0);
    own.reload(&format!("{CONFIG}verbose: true\n"));
    until(
        "a debug line",
        || own.scaler.program.told(),
        async || {
            if debug() > 0 { Ok(()) } else { Err(String::new()) }
        },
    )
    .await;
    own.reload(CONFIG);
    own.until_reloads([2, 0, 0]).await;
    own.ticks(1).await;
    let before = debug();
    own.ticks(2).await;
    assert_eq!(debug(), before);
}

#[tokio::test]
async fn a_region_that_is_excluded_is_drained() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 2).with_machines("fra", 2, 0);
    let regions = |regions: &str| format!("{CONFIG}{regions}\n");
    let own = Running::of(&spec, &regions("regions: [iad, fra]"), &[]).await;
    own.want(3);
    own.ticks(2).await;
    assert_eq!((own.running_in("iad"), own.running_in("fra")), (1, 2));
    let without = "regions: [iad]\nexcluded-regions: [fra]\nexcluded-regions-drain: true";
    own.write(&regions(without));
    own.until_running_in("fra", 0).await;
    own.until_running(3).await;
    assert_eq!(own.world().total(Endpoint::Stop), 2, "{}", own.scaler.program.told());
}

/// The first configuration says nothing of regions, so that nobody has asked Fly for them.
#[tokio::test]
async fn regions_are_asked_for_once_somebody_speaks_of_them() {
    let own = Running::with(CONFIG).await;
    own.ticks(1).await;
    assert_eq!(own.world().total(Endpoint::Regions), 0);
    own.reload(&format!("{CONFIG}regions: [iad, zzz]\n"));
    own.scaler
        .program
        .line("that there is no such region", |line| {
            line.contains("Fly has no region").then_some(())
        })
        .await;
    assert_eq!(own.world().total(Endpoint::Regions), 1);
    own.reload(&format!("{CONFIG}regions: [iad, yyy]\n"));
    own.scaler
        .program
        .line("that of the other", |line| line.contains("Fly has no region `yyy`").then_some(()))
        .await;
    assert_eq!(own.world().total(Endpoint::Regions), 1);
}
