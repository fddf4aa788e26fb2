//! How long the simulator takes for what a fleet asks of it, with ten thousand apps of ten machines each:
//! over HTTP on loopback, so that the client's part is in it too.

use std::sync::{Arc, mpsc};
use std::thread;

use criterion::{Criterion, criterion_group, criterion_main};
use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{AppName, Region, Timestamp};
use fly_autoscaler::ports::Clock as _;
use fly_autoscaler::sim::{AppSpec, Load, SimOptions, Simulator, WorldHandle};
use fly_autoscaler::transport::{Timeouts, client_without_https};
use tokio::runtime::{Builder, Runtime};

const APPS: usize = 10_000;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A simulator in a thread of its own, which ends with the process.
fn simulator() -> (WorldHandle, String) {
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async {
            let options = SimOptions::new(Arc::new(SystemClock));
            let sim = Simulator::start(options).await.expect("a free port");
            ready.send((sim.world().clone(), sim.url())).expect("someone waits");
            std::future::pending::<()>().await;
        });
    });
    let (world, url) = is_ready.recv().expect("a simulator");
    for number in 0..APPS {
        let mut spec = AppSpec::new(&format!("tenant-{number:05}"), "acme")
            .with_machines("iad", 3, 2)
            .with_machines("fra", 2, 3);
        let traffic = ["iad", "fra"].map(|region| (Region::new(region), 5.0));
        spec.load = Load::Fixed { traffic: traffic.into(), queue_depth: Some(50.0) };
        world.add_app(&spec);
    }
    (world, url)
}

fn requests(criterion: &mut Criterion) {
    let (world, url) = simulator();
    let (runtime, http) = (runtime(), client_without_https(Timeouts::default()).expect("a client"));
    let ask = |path: &str| {
        let request = http.get(format!("{url}{path}"));
        runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{path}");
            answer.bytes().await.expect("a body").len()
        })
    };
    // The first list takes in all machines.
    ask("/v1/orgs/acme/machines?limit=1");
    let query = |query: &str| format!("/prometheus/acme/api/v1/query?query={query}");
    let first = ask_cursor(&runtime, &http, &url);
    let later = Timestamp::from_millis(SystemClock.now().as_millis() + 1);
    let paths = [
        ("all machines: a page of 1,000", "/v1/orgs/acme/machines?limit=1000".to_owned()),
        ("all machines: a later page", format!("/v1/orgs/acme/machines?limit=1000&cursor={first}")),
        ("all apps: a page of 5,000", "/v1/apps?org_slug=acme&limit=5000".to_owned()),
        ("machines of one app", "/v1/apps/tenant-05000/machines".to_owned()),
        ("sum by (app) of 10,000", query("sum%20by%20(app)%20(queue_depth)")),
        ("sum by (app, region) of 20,000", query("sum%20by%20(app,region)%20(traffic)")),
        ("one app's series", query("sum(queue_depth%7Bapp%3D%22tenant-05000%22%7D)")),
    ];
    let mut group = criterion.benchmark_group("simulator");
    group.sample_size(20);
    for (name, path) in &paths {
        group.bench_function(*name, |bencher| bencher.iter(|| ask(path)));
    }
    let changes =
        format!("/v1/orgs/acme/machines?limit=1000&include_deleted=true&updated_after={later}");
    group.bench_function("all machines: nothing has changed", |bencher| {
        bencher.iter(|| ask(&changes));
    });
    let apps: Vec<AppName> =
        (0..100).map(|number| AppName::new(format!("tenant-{:05}", number * 100))).collect();
    group.bench_function("all machines: 100 of them have changed", |bencher| {
        bencher.iter(|| {
            for app in &apps {
                let id = world.machines(app).expect("an app")[0].id.clone();
                let state = fly_autoscaler::model::MachineState::Stopped;
                world.set_state(app, &id, state).expect("a machine");
            }
            ask(&changes)
        });
    });
    group.finish();
}

/// The cursor in the middle of all machines.
fn ask_cursor(runtime: &Runtime, http: &reqwest::Client, url: &str) -> String {
    let mut cursor = String::new();
    for _ in 0..50 {
        let path = format!("{url}/v1/orgs/acme/machines?limit=1000{cursor}");
        let body = runtime.block_on(async {
            let answer = http.get(path).send().await.expect("an answer");
            answer.bytes().await.expect("a body")
        });
        let page: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        cursor = format!("&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
    }
    cursor.trim_start_matches("&cursor=").to_owned()
}

criterion_group!(benches, requests);
criterion_main!(benches);
