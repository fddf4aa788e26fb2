//! The Machines API client against a server on loopback: what it sends, to the letter, and what it
//! makes of every kind of answer.

mod faults;
pub(crate) mod raw;
mod volumes;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fly_autoscaler::decide::Release;
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::model::{AppName, AppSelection, MachineId, Region, Timestamp};
use fly_autoscaler::ports::{BoxFuture, Clock, CreateRequest, Lease, MachinesApi};
use fly_autoscaler::transport::{Timeouts, client};
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// 2026-08-21T10:00:00Z, moved by each sleep, which returns at once.
struct FakeClock {
    now: Mutex<Timestamp>,
    slept: Mutex<Vec<Duration>>,
}

impl FakeClock {
    fn new() -> Arc<Self> {
        let now = Timestamp::parse_rfc3339("2026-08-21T10:00:00Z").unwrap();
        Arc::new(Self { now: Mutex::new(now), slept: Mutex::default() })
    }

    fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut now = self.now.lock().unwrap();
        *now = now.plus(duration);
        self.slept.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

fn fly_at(url: &str, timeout: Duration, clock: Arc<FakeClock>) -> FlyClient {
    let http = client(Timeouts { connect: Duration::from_secs(2), request: timeout }).unwrap();
    let token = SecretString::from("FlyV1 fm2_secret,fo1_user");
    FlyClient::new(http, url, url, &token, clock).unwrap()
}

fn fly(server: &MockServer) -> FlyClient {
    fly_at(&server.uri(), Duration::from_secs(10), FakeClock::new())
}

fn app() -> AppName {
    AppName::new("my-app")
}

fn m1() -> MachineId {
    MachineId::new("m1")
}

fn machine(id: &str) -> Value {
    json!({"id": id, "state": "started", "region": "lhr", "host_status": "ok", "config": {"image": "i"}})
}

fn create_request(skip_launch: bool) -> CreateRequest {
    CreateRequest { region: Region::new("lhr"), config: json!({"image": "i"}), skip_launch }
}

/// A server that answers everything alike.
async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
    server
}

/// A request as `METHOD path?query`, then the headers that matter and the body, where there are any.
fn shown(request: &Request) -> Vec<String> {
    let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut lines = vec![format!("{} {}{query}", request.method, request.url.path())];
    for name in ["authorization", "content-type", "fly-machine-lease-nonce"] {
        if let Some(value) = request.headers.get(name) {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    if !request.body.is_empty() {
        lines.push(String::from_utf8(request.body.clone()).unwrap());
    }
    lines
}

/// The only request that `server` got, less the `Authorization` of the Machines API, which is checked.
async fn only_request(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let mut lines = shown(&requests[0]);
    assert_eq!(lines.remove(1), "authorization: FlyV1 fm2_secret");
    lines
}

#[tokio::test]
async fn a_create_sends_region_and_config_and_skip_launch_only_when_true() {
    for (skip_launch, body) in [
        (false, r#"{"config":{"image":"i"},"region":"lhr"}"#),
        (true, r#"{"config":{"image":"i"},"region":"lhr","skip_launch":true}"#),
    ] {
        let server = answering(ResponseTemplate::new(200).set_body_json(machine("m9"))).await;
        let made = fly(&server).create(&app(), &create_request(skip_launch)).await.unwrap();
        assert_eq!(made.id, MachineId::new("m9"));
        assert_eq!(
            only_request(&server).await,
            ["POST /v1/apps/my-app/machines", "content-type: application/json", body]
        );
    }
}

#[tokio::test]
async fn starts_stops_suspends_and_destroys_carry_the_nonce_of_their_machines_lease() {
    let ours = Lease { machine: m1(), nonce: "n1".into() };
    let other = Lease { machine: MachineId::new("m2"), nonce: "n2".into() };
    let start = "POST /v1/apps/my-app/machines/m1/start";
    let stop = "POST /v1/apps/my-app/machines/m1/stop";
    let json = "content-type: application/json";
    let nonce = "fly-machine-lease-nonce: n1";
    let suspend = "POST /v1/apps/my-app/machines/m1/suspend";
    let cordon = "POST /v1/apps/my-app/machines/m1/cordon";
    let uncordon = "POST /v1/apps/my-app/machines/m1/uncordon";
    let key = "POST /v1/apps/my-app/machines/m1/metadata/k";
    let unset = "DELETE /v1/apps/my-app/machines/m1/metadata/k";
    let table: [(&str, Option<&Lease>, Vec<&str>); 17] = [
        ("cordon", None, vec![cordon]),
        ("cordon", Some(&ours), vec![cordon, nonce]),
        ("cordon", Some(&other), vec![cordon]),
        ("uncordon", None, vec![uncordon]),
        ("uncordon", Some(&ours), vec![uncordon, nonce]),
        ("mark", None, vec![key, json, r#"{"value":"v"}"#]),
        ("unmark", Some(&ours), vec![unset, nonce]),
        ("start", None, vec![start]),
        ("start", Some(&ours), vec![start, nonce]),
        ("start", Some(&other), vec![start]),
        ("stop", None, vec![stop, json, "{}"]),
        ("stop", Some(&ours), vec![stop, json, nonce, "{}"]),
        ("suspend", None, vec![suspend]),
        ("suspend", Some(&ours), vec![suspend, nonce]),
        ("suspend", Some(&other), vec![suspend]),
        ("destroy", Some(&ours), vec!["DELETE /v1/apps/my-app/machines/m1", nonce]),
        ("force", None, vec!["DELETE /v1/apps/my-app/machines/m1?force=true"]),
    ];
    for (call, lease, want) in table {
        let server = answering(ResponseTemplate::new(200).set_body_json(json!({"ok": true}))).await;
        let (fly, app, id) = (fly(&server), app(), m1());
        match call {
            "start" => fly.start(&app, &id, lease).await.unwrap(),
            "stop" => fly.stop(&app, &id, lease).await.unwrap(),
            "suspend" => fly.suspend(&app, &id, lease).await.unwrap(),
            "cordon" => fly.cordon(&app, &id, lease).await.unwrap(),
            "uncordon" => fly.uncordon(&app, &id, lease).await.unwrap(),
            "mark" => fly.set_metadata(&app, &id, "k", Some("v".into()), lease).await.unwrap(),
            "unmark" => fly.set_metadata(&app, &id, "k", None, lease).await.unwrap(),
            "destroy" => fly.destroy(&app, &id, false, lease).await.unwrap(),
            _ => fly.destroy(&app, &id, true, lease).await.unwrap(),
        }
        assert_eq!(only_request(&server).await, want, "{call}");
    }
}

#[tokio::test]
async fn a_lease_is_taken_and_given_back() {
    for body in [
        json!({"status": "success", "data": {"nonce": "n1", "expires_at": 1, "owner": "x"}}),
        json!({"nonce": "n1"}),
    ] {
        let server = answering(ResponseTemplate::new(201).set_body_json(body)).await;
        let lease =
            fly(&server).acquire_lease(&app(), &m1(), Duration::from_secs(30)).await.unwrap();
        assert_eq!((lease.machine, lease.nonce.as_str()), (m1(), "n1"));
        assert_eq!(
            only_request(&server).await,
            [
                "POST /v1/apps/my-app/machines/m1/lease?ttl=30",
                "content-type: application/json",
                r#"{"description":"fly-autoscaler","ttl":30}"#
            ]
        );
    }
    let server =
        answering(ResponseTemplate::new(200).set_body_json(json!({"status": "success"}))).await;
    let lease = Lease { machine: m1(), nonce: "n1".into() };
    fly(&server).release_lease(&app(), &lease).await.unwrap();
    assert_eq!(
        only_request(&server).await,
        ["DELETE /v1/apps/my-app/machines/m1/lease", "fly-machine-lease-nonce: n1"]
    );
}

#[tokio::test]
async fn one_machine_is_read() {
    let server = answering(ResponseTemplate::new(200).set_body_json(machine("m1"))).await;
    assert_eq!(fly(&server).get(&app(), &m1()).await.unwrap().id, m1());
    assert_eq!(only_request(&server).await, ["GET /v1/apps/my-app/machines/m1"]);
}

#[tokio::test]
async fn fly_is_asked_about_the_token_that_is_in_use() {
    // The repeated token: names are shown in warnings.
    let tokens = json!({"tokens": [{"org_slug": "acme", "apps": ["api", "x-fm2_secret"]}]});
    let server = answering(ResponseTemplate::new(200).set_body_json(tokens)).await;
    let warnings = fly(&server).check_token(&AppSelection::One(app()), Some("acme")).await.unwrap();
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "`api-token` is for api, x-[token], not for my-app; set FAS_API_TOKEN to the output of `fly tokens create deploy -a my-app`"
        ]
    );
    assert_eq!(only_request(&server).await, ["GET /v1/tokens/current"]);
}

#[tokio::test]
async fn a_created_machine_is_found_by_its_mark_and_only_by_that() {
    let marked = |id: &str, create_id: &str| {
        let mut machine = machine(id);
        machine["config"]["metadata"] = json!({"fly_autoscaler_create_id": create_id});
        machine
    };
    // The answer to a filter that the API does not know: everything.
    let all = json!([machine("m1"), marked("m2", "other"), marked("m3", "c/1")]);
    let server = answering(ResponseTemplate::new(200).set_body_json(all)).await;
    let found = fly(&server).find_created(&app(), "c/1").await.unwrap();
    assert_eq!(found, Some(MachineId::new("m3")));
    assert_eq!(
        only_request(&server).await,
        ["GET /v1/apps/my-app/machines?metadata.fly_autoscaler_create_id=c%2F1&limit=1000"]
    );
    assert_eq!(fly(&server).find_created(&app(), "c2").await.unwrap(), None);
}

#[tokio::test]
async fn ten_thousand_machines_come_in_ten_pages() {
    let server = MockServer::start().await;
    for page in 0..10 {
        let machines: Vec<_> =
            (0..1000).map(|index| machine(&format!("m{}", page * 1000 + index))).collect();
        let mut answer = ResponseTemplate::new(200).set_body_json(machines);
        if page < 9 {
            answer = answer.insert_header("fly-next-cursor", format!("c+{}", page + 1));
        }
        let mock = Mock::given(method("GET"))
            .and(path("/v1/apps/my-app/machines"))
            .and(query_param("limit", "1000"));
        let mock = match page {
            0 => mock.and(query_param_is_missing("cursor")),
            _ => mock.and(query_param("cursor", format!("c+{page}"))),
        };
        mock.respond_with(answer).expect(1).mount(&server).await;
    }
    let clock = FakeClock::new();
    let machines =
        fly_at(&server.uri(), Duration::from_secs(10), clock.clone()).list(&app()).await.unwrap();
    assert_eq!(machines.len(), 10_000);
    assert_eq!(machines[9_999].id, MachineId::new("m9999"));
    assert_eq!(clock.slept().len(), 8, "two pages pass at once, the others at one a second");
}

#[tokio::test]
async fn a_machine_that_stands_on_two_pages_counts_once_as_the_later_one_says() {
    let server = MockServer::start().await;
    let mut later = machine("m1");
    later["state"] = json!("stopped");
    let pages = [(json!([machine("m1"), machine("m2")]), Some("c1")), (json!([later]), None)];
    for (page, cursor) in pages {
        let mut answer = ResponseTemplate::new(200).set_body_json(page);
        let mut mock = Mock::given(method("GET"));
        match cursor {
            Some(cursor) => {
                answer = answer.insert_header("fly-next-cursor", cursor);
                mock = mock.and(query_param_is_missing("cursor"));
            }
            None => mock = mock.and(query_param("cursor", "c1")),
        }
        mock.respond_with(answer).mount(&server).await;
    }
    let machines = fly(&server).list(&app()).await.unwrap();
    let seen: Vec<_> = machines.iter().map(|own| (own.id.as_str(), own.state.as_str())).collect();
    assert_eq!(seen, [("m2", "started"), ("m1", "stopped")]);
}

#[tokio::test]
async fn names_are_encoded_and_paths_cannot_be_left() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!([]))).await;
    let fly = fly(&server);
    fly.list(&AppName::new("a/../b?c")).await.unwrap();
    assert_eq!(only_request(&server).await, ["GET /v1/apps/a%2F..%2Fb%3Fc/machines?limit=1000"]);
    let error = fly.stop(&app(), &MachineId::new(".."), None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "stop machine ..: not sent: `..` cannot be part of a request's path"
    );
}

#[tokio::test]
async fn the_current_release_is_asked_of_graphql_with_all_tokens() {
    let release = json!({"version": 7, "status": "running", "createdAt": "2026-08-21T10:00:00Z"});
    let table = [
        (
            json!({"data": {"app": {"currentRelease": release}}}),
            Some(Release {
                version: 7,
                status: "running".into(),
                created_at: Timestamp::parse_rfc3339("2026-08-21T10:00:00Z"),
            }),
        ),
        (json!({"data": {"app": {"currentRelease": null}}}), None),
    ];
    for (body, want) in table {
        let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        assert_eq!(fly(&server).current_release(&app()).await.unwrap(), want);
        let requests = server.received_requests().await.unwrap();
        assert_eq!(
            shown(&requests[0]),
            [
                "POST /graphql",
                "authorization: FlyV1 fm2_secret,fo1_user",
                "content-type: application/json",
                r#"{"query":"query($appName: String!) { app(name: $appName) { currentRelease: currentReleaseUnprocessed { version status createdAt } } }","variables":{"appName":"my-app"}}"#,
            ]
        );
    }
}

#[tokio::test]
async fn requests_name_their_sender_and_the_observer_hears_of_each() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(503);
    Mock::given(method("GET")).respond_with(busy).up_to_n_times(1).mount(&server).await;
    let good = ResponseTemplate::new(200).set_body_json(json!([]));
    Mock::given(method("GET")).respond_with(good).mount(&server).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let fly = fly(&server).with_observer(Arc::new(move |seen| {
        ear.lock().unwrap().push((seen.operation.as_str(), seen.status));
    }));
    fly.list(&app()).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), [("list", Some(503)), ("list", Some(200))]);
    let agent = &server.received_requests().await.unwrap()[0].headers["user-agent"];
    assert_eq!(agent, concat!("fly-autoscaler/", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_client_is_not_made_from_what_cannot_work() {
    let make = |flaps: &str, token: &str| {
        let http = client(Timeouts::default()).unwrap();
        let token = SecretString::from(token);
        FlyClient::new(http, flaps, "https://api.fly.io", &token, FakeClock::new())
            .map(|client| format!("{client:?}"))
            .map_err(|error| error.to_string())
    };
    let table = [
        (
            "api.machines.dev",
            "the address of the Machines API is not a URL such as https://host/path",
        ),
        (
            "https://u:hunter2@host",
            "the address of the Machines API must not hold a user or a password: the token is sent in a header",
        ),
    ];
    for (flaps, want) in table {
        assert_eq!(make(flaps, "fm2_secret").unwrap_err(), want);
    }
    assert_eq!(make("https://host", " ").unwrap_err(), "the Fly API token cannot be used");
    let debug = make("https://host", "fm2_secret").unwrap();
    assert!(!debug.contains("fm2_secret"), "{debug}");
}
