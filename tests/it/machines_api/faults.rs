//! Answers that are not what was hoped for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fly_autoscaler::ports::{ApiError, ErrorClass, MachinesApi};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::raw::{Manner, Raw, nobody};
use super::{FakeClock, answering, app, create_request, fly, fly_at, m1};

/// The error of a `list`, `create`, `start`, `lease` or `release` call.
async fn error_of(fly: &impl MachinesApi, call: &str) -> ApiError {
    let (app, id) = (app(), m1());
    match call {
        "list" => fly.list(&app).await.unwrap_err(),
        "create" => fly.create(&app, &create_request(false)).await.unwrap_err(),
        "start" => fly.start(&app, &id, None).await.unwrap_err(),
        "lease" => fly.acquire_lease(&app, &id, Duration::from_secs(30)).await.unwrap_err(),
        "release" => fly.current_release(&app).await.unwrap_err(),
        other => panic!("no such call: {other}"),
    }
}

const DEPLOY_TOKEN: &str = "; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token";

#[tokio::test]
async fn every_refusal_has_its_class_and_says_what_fly_said() {
    use ErrorClass::{Authorization, Capacity, Conflict, Gone, Rejected, Transient};
    let quota = "organization \"x\" is using 9 MB of memory in lhr which is over the allowed quota. please consider other regions";
    let held =
        "machine ID m1 lease currently held by u@tokens.fly.io, expires at 2026-08-21T10:00:30Z";
    // call | status | Fly's words | class | outcome unknown | the error
    let table = [
        ("list", 401, "Authenticate: token validation error", Authorization, false, format!("list machines my-app: 401 Authenticate: token validation error{DEPLOY_TOKEN} (fly-request-id r1)")),
        ("create", 403, "unauthorized", Authorization, false, format!("create machine my-app in lhr: 403 unauthorized{DEPLOY_TOKEN} (fly-request-id r1)")),
        ("create", 403, quota, Capacity, false, format!("create machine my-app in lhr: 403 {quota} (fly-request-id r1)")),
        ("list", 404, "not found", Rejected, false, "list machines my-app: 404 not found; app my-app was not found, or the token does not cover it (fly-request-id r1)".into()),
        ("start", 404, "machine not found", Gone, false, "start machine m1: 404 machine not found (fly-request-id r1)".into()),
        ("create", 408, "deadline_exceeded", Transient, true, "create machine my-app in lhr: 408 deadline_exceeded (fly-request-id r1)".into()),
        ("lease", 409, held, Conflict, false, format!("acquire lease m1: 409 {held} (fly-request-id r1)")),
        ("start", 409, "aborted: could not reserve resource for machine: insufficient memory available to fulfill request", Capacity, false, "start machine m1: 409 aborted: could not reserve resource for machine: insufficient memory available to fulfill request (fly-request-id r1)".into()),
        ("create", 412, "insufficient resources to create new machine with existing volume", Capacity, false, "create machine my-app in lhr: 412 insufficient resources to create new machine with existing volume (fly-request-id r1)".into()),
        ("start", 412, "failed_precondition: machine still active, refusing to start", Conflict, false, "start machine m1: 412 failed_precondition: machine still active, refusing to start (fly-request-id r1)".into()),
        ("create", 422, "invalid config.image", Rejected, false, "create machine my-app in lhr: 422 invalid config.image (fly-request-id r1)".into()),
        ("create", 500, "boom", Transient, true, "create machine my-app in lhr: 500 boom (fly-request-id r1)".into()),
        ("create", 502, "boom", Transient, true, "create machine my-app in lhr: 502 boom (fly-request-id r1)".into()),
        ("lease", 503, "boom", Transient, true, "acquire lease m1: 503 boom (fly-request-id r1)".into()),
        ("list", 500, "boom", Transient, false, "list machines my-app: 500 boom (fly-request-id r1)".into()),
        ("release", 401, "no", Authorization, false, "read current release my-app: 401 no; reading the release needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id r1)".into()),
    ];
    for (call, status, said, class, outcome_unknown, want) in table {
        let answer = ResponseTemplate::new(status)
            .insert_header("fly-request-id", "r1")
            .set_body_json(json!({"error": said, "status": "unknown"}));
        let server = answering(answer).await;
        let error = error_of(&fly(&server), call).await;
        assert_eq!(error.to_string(), want);
        assert_eq!((error.class, error.outcome_unknown), (class, outcome_unknown), "{want}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "sent once: {want}");
    }
}

#[tokio::test]
async fn the_kind_of_failure_beside_the_text_counts_too() {
    let body = json!({"error": "try elsewhere", "status": "insufficient_capacity"});
    let server = answering(ResponseTemplate::new(422).set_body_json(body)).await;
    assert_eq!(error_of(&fly(&server), "create").await.class, ErrorClass::Capacity);
}

#[tokio::test]
async fn a_refusal_without_words_a_page_and_an_echoed_token_are_shown_safely() {
    let table = [
        (ResponseTemplate::new(500), "list machines my-app: 500 without a word"),
        (
            ResponseTemplate::new(500).set_body_raw("<html>\n<h1>Bad\u{1b}[31m</h1>", "text/html"),
            "list machines my-app: 500 <html> <h1>Bad [31m</h1>",
        ),
        (
            ResponseTemplate::new(500)
                .set_body_json(json!({"message": "bad token fm2_secret", "error": "e"})),
            "list machines my-app: 500 bad token [token]",
        ),
        (
            ResponseTemplate::new(302).insert_header("location", "https://evil.example/x?y=z"),
            "list machines my-app: 302 a redirect to https://evil.example/x, which is not followed because it could leak the token",
        ),
    ];
    for (answer, want) in table {
        let server = answering(answer).await;
        assert_eq!(error_of(&fly(&server), "list").await.to_string(), want);
    }
    let long = answering(ResponseTemplate::new(500).set_body_string("x".repeat(100_000))).await;
    assert!(error_of(&fly(&long), "list").await.message.chars().count() < 250);
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_none() {
    let page = ResponseTemplate::new(200).set_body_raw("<html>Sign in</html>", "text/html");
    let json = |text: &str| ResponseTemplate::new(200).set_body_raw(text, "application/json");
    let unreadable = "200 with an answer that cannot be read:";
    let table = [
        (
            "list",
            page.clone(),
            "list machines my-app: 200 with text/html, not JSON: <html>Sign in</html>".to_owned(),
            false,
        ),
        (
            "create",
            page.clone(),
            "create machine my-app in lhr: 200 with text/html, not JSON: <html>Sign in</html>"
                .into(),
            true,
        ),
        (
            "start",
            page.clone(),
            "start machine m1: 200 with text/html, not JSON: <html>Sign in</html>".into(),
            true,
        ),
        (
            "release",
            page,
            "read current release my-app: 200 with text/html, not JSON: <html>Sign in</html>"
                .into(),
            false,
        ),
        (
            "list",
            json("[{"),
            format!(
                "list machines my-app: {unreadable} EOF while parsing an object at line 1 column 2"
            ),
            false,
        ),
        (
            "list",
            json(r#"[{"id":"m1"}]"#),
            format!("list machines my-app: {unreadable} machine 0 of the page has no state"),
            false,
        ),
        (
            "create",
            json(r#"{"id":"m1"}"#),
            format!("create machine my-app in lhr: {unreadable} the machine has no state"),
            true,
        ),
        (
            "lease",
            json("{}"),
            format!("acquire lease m1: {unreadable} the lease has no nonce"),
            true,
        ),
        (
            "release",
            json("{}"),
            format!("read current release my-app: {unreadable} it has neither data nor errors"),
            false,
        ),
    ];
    for (call, answer, want, outcome_unknown) in table {
        let server = answering(answer).await;
        let error = error_of(&fly(&server), call).await;
        assert_eq!(error.to_string(), want);
        assert_eq!((error.class, error.outcome_unknown), (ErrorClass::Rejected, outcome_unknown));
    }
}

#[tokio::test]
async fn a_success_may_say_no() {
    let table = [
        (
            "start",
            json!({"status": "error", "message": "no room for machine"}),
            ErrorClass::Capacity,
            "start machine m1: 200 but no room for machine",
        ),
        (
            "start",
            json!({"status": "error", "message": "broken"}),
            ErrorClass::Rejected,
            "start machine m1: 200 but broken",
        ),
        (
            "release",
            json!({"data": null, "errors": [{"message": "Could not find App", "extensions": {"code": "NOT_FOUND"}}]}),
            ErrorClass::Rejected,
            "read current release my-app: 200 but Could not find App; app my-app was not found, or the token does not cover it",
        ),
        (
            "release",
            json!({"errors": [{"message": "Not authorized", "extensions": {"code": "UNAUTHORIZED"}}]}),
            ErrorClass::Authorization,
            "read current release my-app: 200 but Not authorized; reading the release needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token",
        ),
        (
            "release",
            json!({"data": {"app": null}}),
            ErrorClass::Rejected,
            "read current release my-app: 200 but app my-app was not found, or the token does not cover it",
        ),
    ];
    for (call, body, class, want) in table {
        let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        let error = error_of(&fly(&server), call).await;
        assert_eq!((error.class, error.to_string().as_str()), (class, want));
        assert!(!error.outcome_unknown, "{want}");
    }
}

#[tokio::test]
async fn too_many_requests_are_waited_for_within_reason() {
    // Retry-After | how often it is sent | how long is waited at least and at most, in milliseconds
    let table = [
        (None, 3, vec![(1_200, 1_400), (1_600, 2_200)]),
        (Some("2"), 3, vec![(2_200, 2_400), (2_600, 3_200)]),
        (Some("Fri, 21 Aug 2026 10:00:03 GMT"), 3, vec![(3_200, 3_400), (600, 1_200)]),
        (Some("60"), 1, vec![]),
    ];
    for (retry_after, sent, waits) in table {
        let mut answer = ResponseTemplate::new(429).set_body_json(json!({"error": "slow down"}));
        if let Some(retry_after) = retry_after {
            answer = answer.insert_header("retry-after", retry_after);
        }
        let server = answering(answer).await;
        let clock = FakeClock::new();
        let fly = fly_at(&server.uri(), Duration::from_secs(10), clock.clone());
        let error = error_of(&fly, "create").await;
        assert_eq!(error.to_string(), "create machine my-app in lhr: 429 slow down");
        assert_eq!((error.class, error.outcome_unknown), (ErrorClass::RateLimited, false));
        assert_eq!(server.received_requests().await.unwrap().len(), sent, "{retry_after:?}");
        let slept = clock.slept();
        assert_eq!(slept.len(), waits.len(), "{retry_after:?}");
        for (slept, (least, most)) in slept.iter().zip(waits) {
            assert!((least..=most).contains(&slept.as_millis()), "{retry_after:?}: {slept:?}");
        }
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_but_a_create_never_twice() {
    for (call, sent) in [("start", 2), ("list", 2), ("create", 1)] {
        let server = MockServer::start().await;
        let busy = ResponseTemplate::new(503);
        Mock::given(any()).respond_with(busy).up_to_n_times(1).mount(&server).await;
        let good = json!({"id": "m1"});
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_json(good))
            .mount(&server)
            .await;
        let fly = fly(&server);
        let (app, id) = (app(), m1());
        match call {
            "start" => fly.start(&app, &id, None).await.unwrap(),
            // Neither a list nor, had it been sent twice, a machine that could be read.
            other => drop(error_of(&fly, other).await),
        }
        assert_eq!(server.received_requests().await.unwrap().len(), sent, "{call}");
    }
}

#[tokio::test]
async fn a_list_that_goes_round_in_circles_ends() {
    let answer = ResponseTemplate::new(200)
        .insert_header("fly-next-cursor", "again")
        .set_body_json(json!([]));
    let server = answering(answer).await;
    assert_eq!(
        error_of(&fly(&server), "list").await.to_string(),
        "list machines my-app: 200 the list goes round in circles: a page's cursor came twice"
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_page_is_a_failed_list() {
    let server = MockServer::start().await;
    let first = ResponseTemplate::new(200)
        .insert_header("fly-next-cursor", "c1")
        .set_body_json(json!([super::machine("m1")]));
    Mock::given(any()).respond_with(first).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    assert_eq!(error_of(&fly(&server), "list").await.status, Some(500));
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_a_create_unknown_and_is_not_repeated() {
    for (manner, call, sent, unknown, want) in [
        (Manner::Close, "create", 1, true, "no answer from"),
        (Manner::Close, "start", 3, true, "no answer from"),
        (Manner::Close, "list", 3, false, "no answer from"),
        (Manner::BreakOff, "create", 1, true, "200 but the answer broke off from"),
    ] {
        let server = Raw::start(manner).await;
        let fly = fly_at(&server.url, Duration::from_secs(10), FakeClock::new());
        let error = error_of(&fly, call).await;
        assert_eq!((error.class, error.outcome_unknown), (ErrorClass::Transient, unknown));
        assert_eq!(server.connections(), sent, "{call}");
        let text = error.to_string();
        assert!(text.contains(&format!("{want} {}: ", server.url)), "{text}");
        assert!(!text.contains("/v1/"), "the cause, not the URL: {text}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_once() {
    let server = Raw::start(Manner::Hang).await;
    let fly = fly_at(&server.url, Duration::from_millis(150), FakeClock::new());
    let error = error_of(&fly, "create").await;
    assert_eq!(
        error.to_string(),
        format!(
            "create machine my-app in lhr: no answer from {}: no complete answer in time",
            server.url
        )
    );
    assert_eq!((error.class, error.outcome_unknown), (ErrorClass::Transient, true));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn nobody_there_is_tried_again_even_for_a_create() {
    let url = nobody().await;
    let clock = FakeClock::new();
    let error = error_of(&fly_at(&url, Duration::from_secs(10), clock.clone()), "create").await;
    assert_eq!(
        error.to_string(),
        format!(
            "create machine my-app in lhr: no answer from {url}: Connection refused (os error 111)"
        )
    );
    assert_eq!((error.class, error.outcome_unknown), (ErrorClass::Transient, false));
    // Two delays. Where chance made them short, the third request waits for its turn, too: a create a
    // second, and bursts of two.
    let slept = clock.slept().len();
    assert!((2..=3).contains(&slept), "{slept}");
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read() {
    for (call, limit, want) in [
        ("list", 32 << 20, "list machines my-app: 200 but the answer is larger than 32768 KiB"),
        ("start", 1 << 20, "start machine m1: 200 but the answer is larger than 1024 KiB"),
    ] {
        let server = Raw::start(Manner::Flood).await;
        let fly = fly_at(&server.url, Duration::from_secs(20), FakeClock::new());
        let error = error_of(&fly, call).await;
        assert_eq!((error.to_string().as_str(), error.class), (want, ErrorClass::Rejected));
        // Beyond the limit only what fits into the sockets' buffers.
        let sent = server.sent.load(Ordering::SeqCst);
        assert!(sent < limit + (16 << 20), "{sent}");
    }
}
