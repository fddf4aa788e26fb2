//! What those with the token may do: a tick now, to pause, to go on.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule, Load, Simulator};
use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{HTTP_TOKEN, fly, machines, order, post, queue, raw, readiness, running, serving_with};
use crate::running::{Autoscaler, until};

/// How many ticks there were.
async fn ticks(scaler: &Autoscaler) -> u32 {
    let metrics = scaler.get("/metrics").await.1;
    let counts = metrics.lines().filter_map(|line| line.strip_prefix("fas_ticks_total"));
    counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap()).sum()
}

#[tokio::test]
async fn a_trigger_ticks_now_and_says_what_came_of_it() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    let due = scaler.status().await["apps"][0]["next_tick"].clone();

    queue(&sim, 30.0);
    let answer = order(&scaler, "/api/v1/trigger").await;
    assert_eq!(answer["app"], "web");
    assert_eq!(answer["tick"]["outcome"], "acted");
    assert_eq!(answer["before"], json!({"iad": 2}), "{answer}");
    assert_eq!(answer["after"], json!({"iad": 3}));
    let why = json!([{"region": "iad", "group": "app", "reason": "2 started, at least 3 wanted"}]);
    assert_eq!(answer["deployed"], why);
    assert_eq!((&answer["removed"], &answer["skipped"]), (&json!([]), &json!([])));
    assert_eq!(answer.get("created"), None, "nobody asks how many there are");
    let told = || scaler.program.told();
    // What is on its way up is not stopped.
    until("three that run", told, async || {
        let now = machines(&sim);
        if now.get("started") == Some(&3) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;

    queue(&sim, 10.0);
    let answer = order(&scaler, "/api/v1/trigger?app=web").await;
    assert_eq!((&answer["before"], &answer["after"]), (&json!({"iad": 3}), &json!({"iad": 1})));
    assert_eq!(answer["removed"][0]["reason"], "3 started, at most 1 wanted");
    assert_eq!(answer["removed"].as_array().map(Vec::len), Some(1), "{answer}");

    let answer = order(&scaler, "/api/v1/trigger").await;
    assert_eq!(answer["skipped"][0]["reason"], "1 started, 1 wanted", "{answer}");
    assert_eq!(answer["tick"]["outcome"], "quiet");

    // What is on its way down is not started.
    until("two that have stopped", told, async || {
        let now = machines(&sim);
        if now.get("stopped") == Some(&2) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    queue(&sim, 30.0);
    let body = r#"{"error":"out of order"}"#.into();
    let kind = FaultKind::Status { code: 500, body, retry_after: None };
    sim.world().inject(FaultRule::always(Endpoint::Start, kind));
    let answer = order(&scaler, "/api/v1/trigger").await;
    let failed = answer["skipped"][0]["reason"].as_str().unwrap();
    assert!(failed.contains("may have happened, start machine"), "{answer}");
    assert_eq!(answer["before"], answer["after"]);

    let kind = FaultKind::Status { code: 500, body: "{}".into(), retry_after: None };
    sim.world().inject(FaultRule::always(Endpoint::List, kind));
    let answer = order(&scaler, "/api/v1/trigger").await;
    assert_eq!(answer["tick"]["outcome"], "failed");
    let reason = answer["skipped"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("list machines web: 500"), "{answer}");

    // While calls to Fly fail, a tick is far away; who asks for one gets it all the same.
    sim.world().clear_faults();
    let answer = order(&scaler, "/api/v1/trigger").await;
    assert_eq!(answer["after"], json!({"iad": 3}), "{answer}");
    let log = scaler.program.written();
    assert_eq!(log.matches("a tick was asked for").count(), 6, "{log}");
    assert!(due.is_string());
}

#[tokio::test]
async fn an_order_does_not_move_the_ticks_that_are_due() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    let due = async || scaler.status().await["apps"][0]["next_tick"].clone();
    let before = due().await;
    order(&scaler, "/api/v1/trigger").await;
    assert_eq!(due().await, before);
    assert!(before.is_string());
}

#[tokio::test]
async fn who_asks_while_a_tick_is_on_gets_the_next_one_and_all_of_them_the_same() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    let slow = FaultKind::Delay(Duration::from_millis(500));
    sim.world().inject(FaultRule::always(Endpoint::List, slow));
    let before = ticks(&scaler).await;
    let all = (0..20).map(|_| order(&scaler, "/api/v1/trigger"));
    let answers: Vec<Value> = join_all(all).await;
    let mut begun: Vec<String> =
        answers.iter().map(|own| own["tick"]["at"].as_str().unwrap().to_owned()).collect();
    begun.sort();
    begun.dedup();
    let ticked = ticks(&scaler).await - before;
    assert_eq!(begun.len(), ticked as usize, "{begun:?}");
    assert!((1..=4).contains(&ticked), "{ticked} ticks for 20 orders");
}

#[tokio::test]
async fn paused_everything_is_shown_and_nothing_is_done() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[("FAS_INTERVAL", "1s")]).await;
    let told = || scaler.program.told();
    until("two machines", told, async || {
        let now = running(&sim);
        if now == 2 { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    let answer = order(&scaler, "/api/v1/pause").await;
    assert_eq!((&answer["paused"], &answer["app"]), (&json!(true), &Value::Null));
    let text = answer["text"].as_str().unwrap();
    let until_then = "scaling of all apps is paused until it is resumed or this process ends";
    assert!(text.starts_with(until_then), "{text}");

    queue(&sim, 30.0);
    let answer = order(&scaler, "/api/v1/trigger").await;
    assert_eq!(answer["tick"]["paused"], true);
    assert_eq!(answer["tick"]["outcomes"], json!([]));
    let reason = "paused: would start 1; 2 started, at least 3 wanted";
    assert_eq!(answer["skipped"][0]["reason"], reason, "{answer}");
    // Its own ticks do nothing either.
    until("two ticks that are paused", told, async || {
        let status = scaler.status().await;
        let app = &status["apps"][0];
        let later = app["last_tick"]["at"].as_str() > answer["tick"]["at"].as_str();
        let is_so = later && app["last_tick"]["paused"] == true && app["paused"] == true;
        if is_so { Ok(()) } else { Err(app.to_string()) }
    })
    .await;
    assert_eq!(running(&sim), 2);
    assert_eq!(scaler.get("/readyz").await, (200, "ready; paused: all\n".into()));
    assert!(scaler.get("/metrics").await.1.contains("fas_paused{app=\"web\"} 1\n"));

    let answer = order(&scaler, "/api/v1/resume?app=web").await;
    assert_eq!(answer["text"], "scaling of web goes on with the next tick");
    until("three machines", told, async || {
        let now = running(&sim);
        if now == 3 { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    assert_eq!(scaler.status().await["apps"][0]["paused"], false);
    assert!(scaler.get("/metrics").await.1.contains("fas_paused{app=\"web\"} 0\n"));
    let log = scaler.program.written();
    assert!(log.contains("scaling is paused") && log.contains("scaling goes on"), "{log}");
}

#[tokio::test]
async fn a_pause_lets_nothing_more_begin_in_a_tick_that_acts() {
    let sim = fly().await;
    let created = [
        ("FAS_STARTED_MACHINE_COUNT", ""),
        ("FAS_CREATED_MACHINE_COUNT", "max(3, ceil(queue_depth / 10))"),
    ];
    let scaler = serving_with(&sim, &created).await;
    readiness(&scaler, 200).await;
    let all = || machines(&sim).values().sum::<usize>();
    assert_eq!(all(), 3);

    // The machine is there, and the answer is not.
    let slow = FaultKind::Delay(Duration::from_secs(2));
    sim.world().inject(FaultRule::always(Endpoint::Create, slow).after());
    queue(&sim, 100.0);
    let told = || scaler.program.told();
    let paused = async {
        until("the first create", told, async || {
            if all() == 4 { Ok(()) } else { Err(format!("{:?}", machines(&sim))) }
        })
        .await;
        order(&scaler, "/api/v1/pause").await;
    };
    let (answer, ()) = tokio::join!(order(&scaler, "/api/v1/trigger"), paused);
    assert_eq!(all(), 4, "the one that was under way");
    assert_eq!(answer["tick"]["outcome"], "acted", "{answer}");
    let why = "not attempted: scaling was paused meanwhile";
    let status = scaler.status().await["apps"][0].clone();
    assert_eq!(status["paused"], true);
    let outcomes = status["last_tick"]["outcomes"].as_array().unwrap();
    let left = |outcome: &&Value| {
        outcome["result"] == "not_attempted" && outcome["text"].as_str().unwrap().contains(why)
    };
    assert_eq!((outcomes.len(), outcomes.iter().filter(left).count()), (7, 6), "{status}");
    let (_, explained) = scaler.get("/api/v1/explain").await;
    assert!(explained.contains("created 1 machine, 6 actions not attempted"), "{explained}");
    assert_eq!(explained.matches(why).count(), 6, "{explained}");
}

/// Ten machines, nine of which stand still, and a number to create that is all of them for now.
async fn ten_machines(interval: &str) -> (Simulator, Autoscaler) {
    let sim = fly().await;
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, 9);
    spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(100.0) };
    sim.world().add_app(&spec);
    let created = [
        ("FAS_STARTED_MACHINE_COUNT", ""),
        ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)"),
        ("FAS_INTERVAL", interval),
    ];
    let scaler = serving_with(&sim, &created).await;
    readiness(&scaler, 200).await;
    (sim, scaler)
}

/// The how-manieth wish for a large destroy holds this tick.
fn wish_of(tick: &Value) -> Option<u64> {
    let reasons = tick["plan"]["scopes"][0]["reasons"].as_array()?;
    reasons.iter().find(|own| own["code"] == "destroy_brake")?["wish"].as_u64()
}

#[tokio::test]
async fn who_triggers_three_ticks_at_once_does_not_release_the_brake() {
    let (sim, scaler) = ten_machines("1h").await;
    queue(&sim, 10.0);
    for _ in 0..4 {
        let answer = order(&scaler, "/api/v1/trigger").await;
        assert_eq!(wish_of(&answer["tick"]), Some(1), "{answer}");
    }
    assert_eq!(machines(&sim).values().sum::<usize>(), 10);
}

#[tokio::test]
async fn wishes_of_ticks_that_are_paused_do_not_count() {
    let (sim, scaler) = ten_machines("1s").await;
    order(&scaler, "/api/v1/pause").await;
    queue(&sim, 10.0);
    let told = || scaler.program.told();
    let is_wished = async || {
        let tick = scaler.status().await["apps"][0]["last_tick"].clone();
        if wish_of(&tick) == Some(1) { Ok(()) } else { Err(tick.to_string()) }
    };
    until("the first wish", told, is_wished).await;
    let before = ticks(&scaler).await;
    until("four more ticks", told, async || {
        let now = ticks(&scaler).await;
        if now >= before + 4 { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
    until("the first wish again", told, is_wished).await;
    order(&scaler, "/api/v1/resume").await;
    let answer = order(&scaler, "/api/v1/trigger").await;
    assert!(wish_of(&answer["tick"]).is_some(), "{answer}");
    assert_eq!(machines(&sim).values().sum::<usize>(), 10);
}

#[tokio::test]
async fn a_pause_outlives_a_killed_process_where_there_is_a_state_file() {
    let sim = fly().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("fas.db").display().to_string();
    let mut scaler = serving_with(&sim, &[("FAS_STATE", &file)]).await;
    readiness(&scaler, 200).await;
    let answer = order(&scaler, "/api/v1/pause?app=web").await;
    let text = answer["text"].as_str().unwrap();
    assert!(text.starts_with("scaling of web is paused, after a restart too:"), "{text}");
    scaler.program.signal("KILL");
    scaler.program.ended().await;

    queue(&sim, 30.0);
    let mut scaler = serving_with(&sim, &[("FAS_STATE", &file)]).await;
    readiness(&scaler, 200).await;
    let app = scaler.status().await["apps"][0].clone();
    assert_eq!((&app["paused"], &app["last_tick"]["paused"]), (&json!(true), &json!(true)));
    assert_eq!(running(&sim), 2, "the first tick was paused already");
    let log = scaler.program.written();
    assert!(log.contains("scaling is still paused, since before this process began"), "{log}");
    order(&scaler, "/api/v1/resume").await;
    scaler.program.signal("KILL");
    scaler.program.ended().await;

    let scaler = serving_with(&sim, &[("FAS_STATE", &file)]).await;
    readiness(&scaler, 200).await;
    assert_eq!(scaler.status().await["apps"][0]["paused"], false);
    assert_eq!(running(&sim), 3);
}

#[tokio::test]
async fn nobody_may_where_no_token_is_set() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[("FAS_HTTP_TOKEN", "")]).await;
    for token in [HTTP_TOKEN, ""] {
        let (status, answer) = post(&scaler, "/api/v1/pause", token).await;
        assert_eq!(status, 403);
        let why = answer["error"].as_str().unwrap();
        assert!(why.contains("set `http-token` (FAS_HTTP_TOKEN)"), "{why}");
    }
    assert_eq!(scaler.status().await["apps"][0]["paused"], false);
}

#[tokio::test]
async fn what_cannot_be_followed_says_why() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    for (path, status, why) in [
        ("/api/v1/trigger?app=wbe", 404, "no app `wbe` is scaled here; there is web"),
        ("/api/v1/pause?app=wbe", 404, "no app `wbe` is scaled here; there is web"),
        ("/api/v1/pause?ap=web", 400, "unknown parameter `ap`; did you mean `app`?"),
        ("/api/v1/trigger?app=", 400, "`app` is empty or longer than 100 bytes"),
        ("/api/v1/trigger?app=web&app=web", 400, "`app` is there twice"),
    ] {
        let answer = post(&scaler, path, HTTP_TOKEN).await;
        assert_eq!(answer, (status, json!({"error": why})), "{path}");
    }
    let head = format!(
        "POST /api/v1/pause HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {HTTP_TOKEN}\r\n"
    );
    for (body, status) in [
        ("content-length: 1000000\r\n\r\n", 413),
        (
            "transfer-encoding: chunked\r\n\r\n20\r\n01234567890123456789012345678901\r\n0\r\n\r\n",
            413,
        ),
        // An app that is said in the wrong place is not taken for all of them.
        ("content-length: 7\r\n\r\napp=web", 400),
    ] {
        let answer = raw(&scaler, format!("{head}{body}").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    assert_eq!(scaler.status().await["apps"][0]["paused"], false);
}

#[tokio::test]
async fn who_guesses_is_told_to_wait_and_whoever_has_the_token_never_is() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    let from = |last: u8, token: &'static str| {
        let client = reqwest::Client::builder()
            .local_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
            .build()
            .unwrap();
        let request = client.post(format!("{}/api/v1/resume", scaler.url));
        let request = request.header("authorization", format!("Bearer {token}"));
        async move {
            let answer = request.send().await.unwrap();
            let header =
                |name| answer.headers().get(name).map(|own| own.to_str().unwrap().to_owned());
            (answer.status().as_u16(), header("www-authenticate"), header("retry-after"))
        }
    };
    let challenge = Some(r#"Bearer realm="fly-autoscaler""#.to_owned());
    for _ in 0..10 {
        assert_eq!(from(2, "a-wrong-guess-of-it").await, (401, challenge.clone(), None));
    }
    let (status, _, wait) = from(2, "a-wrong-guess-of-it").await;
    assert_eq!(status, 429);
    let wait: u32 = wait.unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Behind a proxy who guesses has the same address.
    assert_eq!(from(2, HTTP_TOKEN).await.0, 200);
    assert_eq!(from(3, HTTP_TOKEN).await.0, 200);
    assert_eq!(from(3, "a-wrong-guess-of-it").await.0, 401, "others have a count of their own");
    let log = scaler.program.written();
    assert_eq!(log.matches("a wrong HTTP token was refused").count(), 11, "{log}");
    assert!(!log.contains("a-wrong-guess") && !log.contains(HTTP_TOKEN), "{log}");
}

#[tokio::test]
async fn a_token_that_can_be_guessed_is_refused_and_not_shown() {
    let mut command = crate::running::serve(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_t"),
        ("FAS_STARTED_MACHINE_COUNT", "1"),
        ("FAS_HTTP_TOKEN", "sesame-open"),
    ]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let wanted = "error: `http-token`: has 11 characters, and needs at least 16: it must not be \
                  guessed\n --> environment variable FAS_HTTP_TOKEN\n  hint: make one: openssl rand -base64 24\n";
    assert_eq!(said.replace("  --> ", " --> "), wanted);
}
