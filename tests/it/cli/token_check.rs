//! What the real binary says of its token before anything fails because of it.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::model::{AppName, Timestamp};
use fly_autoscaler::sim::{
    Access, Endpoint, FaultKind, FaultRule, ManualClock, SimOptions, Simulator, Token,
};
use insta::assert_snapshot;
use secrecy::SecretString;
use serde_json::Value;

use super::{CommandLine, Fly, Ran, my_app};
use crate::running::{Autoscaler, until};

const DEPLOY: &str = "fm2_deploy";
const ORG: &str = "fm2_org,fm2_discharge";
const READ_ONLY: &str = "fm2_readonly";
const OTHER_APP: &str = "fm2_otherapp";
const OTHER_ORG: &str = "fm2_otherorg";
const USER: &str = "fo1_ofauser";

/// A Fly with `my-app` of `my-org`, of which one machine runs and another should, and with a token of
/// each kind.
async fn fly() -> Fly {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
    let access = [
        (DEPLOY, Access::App(AppName::new("my-app"))),
        (ORG, Access::Org("my-org".to_owned())),
        (READ_ONLY, Access::ReadOnly("my-org".to_owned())),
        (OTHER_APP, Access::App(AppName::new("my-api"))),
        (OTHER_ORG, Access::Org("my-other-org".to_owned())),
        (USER, Access::Org("my-org".to_owned())),
    ];
    let token = |(secret, access)| Token { secret: SecretString::from(secret), access };
    let tokens = access.map(token).into();
    let simulator =
        Simulator::start(SimOptions { tokens, ..SimOptions::new(clock) }).await.unwrap();
    simulator.world().add_app(&my_app(1, 1, 20.0));
    Fly { simulator }
}

fn plan(fly: &Fly, token: &str) -> CommandLine {
    fly.command(&["plan"]).env(&[
        ("FAS_API_TOKEN", token),
        ("FAS_PROMETHEUS_TOKEN", READ_ONLY),
        ("FAS_STARTED_MACHINE_COUNT", "2"),
        ("FAS_ORG", "my-org"),
    ])
}

async fn serve(fly: &Fly, token: &str) -> Autoscaler {
    let url = fly.simulator.url();
    Autoscaler::start(&[
        ("FAS_APP_NAME", "my-app"),
        ("FAS_ORG", "my-org"),
        ("FAS_API_TOKEN", token),
        ("FAS_STARTED_MACHINE_COUNT", "2"),
        ("FAS_INTERVAL", "1h"),
        ("FAS_VERBOSE", "true"),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ])
    .await
}

/// The log line with this message.
async fn line(scaler: &Autoscaler, message: &str) -> Value {
    let of_message = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["msg"] == message).then_some(line)
    };
    scaler.program.line(message, of_message).await
}

/// Makes sure that no part of any token was written.
fn assert_secret(written: &str) {
    for secret in ["fm2_", "fo1_"] {
        assert!(!written.contains(secret), "{written}");
    }
}

fn broken() -> [FaultKind; 4] {
    let status = |code| FaultKind::Status { code, body: String::new(), retry_after: None };
    [status(404), status(500), FaultKind::Html200, FaultKind::WrongJson]
}

#[tokio::test]
async fn plan_says_nothing_of_a_token_that_will_do() {
    let fly = fly().await;
    for token in [DEPLOY, ORG, READ_ONLY, USER] {
        let ran = plan(&fly, token).run_beside().await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{token}");
    }
    let world = fly.simulator.world();
    assert_eq!(world.total(Endpoint::TokenCurrent), 3, "users' tokens are not asked about");
}

#[tokio::test]
async fn plan_says_what_is_wrong_with_a_token() {
    let fly = fly().await;
    let mut said = String::new();
    for token in [OTHER_APP, OTHER_ORG, "FlyV1 fm2_unknown"] {
        let ran = plan(&fly, token).run_beside().await;
        assert_secret(&ran.stderr);
        said += &Ran { stdout: String::new(), ..ran }.to_string();
    }
    assert_snapshot!(said, @"
    exit 1
    --- stderr
    warning: `api-token` is for my-api, not for my-app; set FAS_API_TOKEN to the output of `fly tokens create deploy -a my-app`
    error: list machines my-app: 403 unauthorized; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id [ID])
    exit 1
    --- stderr
    warning: `api-token` is of the organization my-other-org, and `org` is my-org; correct `org` (FAS_ORG), or set FAS_API_TOKEN to the output of `fly tokens create deploy -a my-app`
    error: list machines my-app: 403 unauthorized; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id [ID])
    exit 1
    --- stderr
    warning: `api-token` was refused: check the token for my-app: 401 Authenticate: token validation error; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id [ID])
    error: list machines my-app: 401 Authenticate: token validation error; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id [ID])
    ");
}

#[tokio::test]
async fn plan_says_nothing_where_fly_does_not() {
    for fault in broken() {
        let fly = fly().await;
        fly.simulator.world().inject(FaultRule::always(Endpoint::TokenCurrent, fault.clone()));
        let ran = plan(&fly, DEPLOY).run_beside().await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{fault:?}");
    }
}

#[tokio::test]
async fn serve_warns_of_a_token_that_will_not_do() {
    const MAKE: &str = "set FAS_API_TOKEN to the output of `fly tokens create deploy -a my-app`";
    let table = [
        (OTHER_APP, format!("`api-token` is for my-api, not for my-app; {MAKE}")),
        (
            OTHER_ORG,
            format!(
                "`api-token` is of the organization my-other-org, and `org` is my-org; correct `org` (FAS_ORG), or {MAKE}"
            ),
        ),
        (
            "fm2_unknown",
            "`api-token` was refused: check the token for my-app: 401 Authenticate: token validation error; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id [ID])".to_owned(),
        ),
    ];
    for (token, want) in table {
        let fly = fly().await;
        let scaler = serve(&fly, token).await;
        let line = line(&scaler, "api token does not fit").await;
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["app"], "my-app");
        assert_eq!(super::steady(line["text"].as_str().unwrap()), want);
        assert_secret(&scaler.program.written());
    }
}

#[tokio::test]
async fn serve_says_nothing_of_a_token_that_will_do_and_asks_once() {
    for (token, asked) in [(DEPLOY, 1), (ORG, 1), (USER, 0)] {
        let fly = fly().await;
        let scaler = serve(&fly, token).await;
        assert_eq!(line(&scaler, "api token fits").await["level"], "DEBUG");
        assert_eq!(line(&scaler, "tick ended").await["outcome"], "acted", "{token}");
        let written = scaler.program.written();
        assert!(!written.contains("WARN"), "{written}");
        assert_secret(&written);
        assert_eq!(fly.simulator.world().total(Endpoint::TokenCurrent), asked, "{token}");
    }
}

#[tokio::test]
async fn a_token_that_may_only_read_shows_with_the_first_start() {
    let fly = fly().await;
    let scaler = serve(&fly, READ_ONLY).await;
    line(&scaler, "api token fits").await;
    let of_failure = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["msg"].as_str()?.starts_with("failed: start ").then_some(line)
    };
    let failed = scaler.program.line("that the start failed", of_failure).await;
    assert_eq!(failed["level"], "ERROR");
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("403 unauthorized; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token"),
        "{error}"
    );
}

#[tokio::test]
async fn serve_makes_no_noise_where_fly_does_not_tell() {
    for fault in broken() {
        let fly = fly().await;
        fly.simulator.world().inject(FaultRule::always(Endpoint::TokenCurrent, fault.clone()));
        let scaler = serve(&fly, DEPLOY).await;
        let said = line(&scaler, "api token could not be checked").await;
        assert_eq!(said["level"], "DEBUG", "{fault:?}");
        assert_eq!(line(&scaler, "tick ended").await["outcome"], "acted", "{fault:?}");
        let written = scaler.program.written();
        assert!(!written.contains("WARN"), "{fault:?}: {written}");
    }
}

#[tokio::test]
async fn a_check_that_hangs_delays_neither_the_first_tick_nor_the_stop() {
    let fly = fly().await;
    let world = fly.simulator.world();
    world.inject(FaultRule::always(Endpoint::TokenCurrent, FaultKind::Hang));
    let mut scaler = serve(&fly, DEPLOY).await;
    assert_eq!(line(&scaler, "tick ended").await["outcome"], "acted");
    let told = || scaler.program.told();
    until("a check under way", told, async || match world.total(Endpoint::TokenCurrent) {
        0 => Err("none".to_owned()),
        _ => Ok(()),
    })
    .await;
    scaler.program.signal("TERM");
    let ended = tokio::time::timeout(Duration::from_secs(4), scaler.program.ended()).await;
    assert_eq!(ended.map(|status| status.code()), Ok(Some(0)), "{}", scaler.program.told());
}
