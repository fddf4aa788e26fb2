//! Each reason, produced by a whole tick over real HTTP and read back where people look for it.

mod desk;
mod scenes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::Reason;
use fly_autoscaler::fleet::Roster;
use fly_autoscaler::fly::OrgClient;
use fly_autoscaler::reconcile::{Atlas, Reconciler};
use fly_autoscaler::sim::AppSpec;
use fly_autoscaler::status::Tick;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};

use crate::composed;
use crate::faults::Stage;

use desk::Desk;
use scenes::{SCENES, Scene};

/// What no tick's plan says: who is scaled has some expression, and a machine that is known in outline is asked
/// for before anything is decided on it.
const NEVER_IN_A_TICK: [&str; 2] = ["no_target", "config_unread"];

/// How many ticks a reason may take to come up.
const TICKS: usize = 4;

impl Scene {
    /// The tick in which its reason comes up.
    async fn tick(&self) -> Result<Tick, String> {
        let app = self.machines.split_whitespace().fold(AppSpec::new("web", "acme"), |app, own| {
            let (region, counts) = own.split_once(':').unwrap();
            let (started, stopped) = counts.split_once('+').unwrap();
            app.with_machines(region, started.parse().unwrap(), stopped.parse().unwrap())
        });
        let stage = Stage::with((self.app)(app), self.queue).await;
        if self.is_cordoned {
            let (id, _) = stage.states().remove(0);
            let url = format!("{}/v1/apps/web/machines/{id}/cordon", stage.sim.url());
            let cordoned = client(Timeouts::default()).unwrap().post(&url).send().await.unwrap();
            assert!(cordoned.status().is_success());
        }
        (self.before)(&stage, 0);
        let mut scaler = self.scaler(&stage).await;
        let mut said = BTreeSet::new();
        for number in 0..TICKS {
            (self.before)(&stage, number);
            let tick = stage.tick(&mut scaler).await;
            let codes = codes(&tick);
            if codes.contains(self.code) {
                return Ok(tick);
            }
            said.extend(codes.into_iter().map(str::to_owned));
            said.extend(tick.error);
        }
        Err(format!("{} never came up, but {said:?}", self.code))
    }

    async fn scaler(&self, stage: &Stage) -> Reconciler {
        let config = composed::config(&stage.sim, self.variables);
        let http = client(Timeouts::default()).unwrap();
        let fly = Arc::new(composed::fly(&config, &http, stage.clock.clone()));
        let metrics = Arc::new(Metrics::new("test", "test"));
        let atlas =
            Atlas::new(fly.clone(), stage.clock.clone(), Arc::clone(&metrics), BTreeSet::new());
        atlas.refresh().await.unwrap();
        let scaler = stage.scaler("s1", self.variables).with_atlas(Arc::new(atlas));
        if !self.is_one_of_many {
            return scaler;
        }
        let organization = Arc::new(OrgClient::new(fly, "acme"));
        scaler.with_overview(Arc::new(Roster::new(organization, metrics, Duration::ZERO)))
    }
}

/// The codes of all that is said in a tick, about scopes and about actions.
fn codes(tick: &Tick) -> BTreeSet<&'static str> {
    let scopes = || tick.plan.iter().flat_map(|plan| &plan.scopes);
    let of_actions = scopes().flat_map(|scope| &scope.actions).map(|own| own.reason.code());
    scopes().flat_map(|scope| &scope.reasons).map(Reason::code).chain(of_actions).collect()
}

/// The sentences with this code.
fn sentences(tick: &Tick, code: &str) -> Vec<String> {
    let scopes = || tick.plan.iter().flat_map(|plan| &plan.scopes);
    let of_actions = scopes().flat_map(|scope| &scope.actions).map(|own| &own.reason);
    let all = scopes().flat_map(|scope| &scope.reasons).chain(of_actions);
    all.filter(|own| own.code() == code).map(ToString::to_string).collect()
}

#[tokio::test]
async fn each_reason_comes_up_and_is_read_back_wherever_people_look() {
    let mut wrong = Vec::new();
    for scene in SCENES {
        let read_back = async {
            let tick = scene.tick().await?;
            let desk = Desk::with(tick).await;
            desk.look_everywhere(scene.code).await
        };
        wrong.extend(read_back.await.err().map(|why| format!("{}: {why}", scene.code)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every code of `docs/reasons.md`, which another test holds against the code, has its scene.
#[test]
fn no_reason_is_left_out() {
    let text = std::fs::read_to_string("docs/reasons.md").unwrap();
    let row = regex::Regex::new(r"(?m)^\| `([a-z_]+)` \| (?:cause|limit|hold) ").unwrap();
    let mut documented: BTreeSet<&str> =
        row.captures_iter(&text).map(|row| row.get(1).unwrap().as_str()).collect();
    for code in NEVER_IN_A_TICK {
        assert!(documented.remove(code), "{code}");
    }
    let shown: BTreeSet<&str> = SCENES.iter().map(|scene| scene.code).collect();
    assert_eq!(shown, documented);
}
