//! The simulator where whole ticks do not show it: lists of many apps, tokens, queries and counters. What
//! it does with one app, every test of a tick shows.

mod lists;
mod org_list;
mod past;
mod queries;

use std::sync::Arc;

use fly_autoscaler::model::{AppName, MachineId, Timestamp};
use fly_autoscaler::sim::{AppSpec, ManualClock, SimOptions, Simulator};
use fly_autoscaler::transport::{Timeouts, client_without_https};
use reqwest::Client;
use serde_json::Value;

/// When these tests begin.
const START: &str = "2026-03-02T12:00:00.000Z";

/// A simulator whose time the test moves.
struct Fly {
    sim: Simulator,
    clock: Arc<ManualClock>,
    http: Client,
}

impl Fly {
    async fn start(change: impl FnOnce(&mut SimOptions)) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::parse_rfc3339(START).unwrap()));
        let mut options = SimOptions::new(Arc::clone(&clock) as _);
        change(&mut options);
        let http = client_without_https(Timeouts::default()).unwrap();
        Self { sim: Simulator::start(options).await.unwrap(), clock, http }
    }

    /// Adds apps of the organization `acme`, each with so many started and stopped machines.
    fn add_apps(&self, names: &[&str], started: usize, stopped: usize) {
        for name in names {
            let spec = AppSpec::new(name, "acme").with_machines("iad", started, stopped);
            self.sim.world().add_app(&spec);
        }
    }

    fn ids(&self, app: &str) -> Vec<MachineId> {
        let machines = self.sim.world().machines(&AppName::new(app)).unwrap();
        machines.into_iter().map(|machine| machine.id).collect()
    }

    async fn ask(&self, method: &str, path: &str, token: Option<&str>) -> (u16, Value) {
        let url = format!("{}{path}", self.sim.url());
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(token) = token {
            request = request.header("authorization", format!("FlyV1 {token}"));
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The status and the text of a refusal.
    async fn refusal(&self, path: &str) -> String {
        let (status, body) = self.ask("GET", path, None).await;
        format!("{status} {}", body["error"].as_str().unwrap_or_default())
    }
}

/// The values of a key in a list of objects.
fn each<'a>(rows: &'a Value, key: &str) -> Vec<&'a str> {
    rows.as_array().unwrap().iter().map(|row| row[key].as_str().unwrap_or_default()).collect()
}
