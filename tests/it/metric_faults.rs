//! What each fault of a Prometheus does to the number of machines, under each setting: whole ticks over real
//! HTTP, minute by minute. The table in `docs/operating.md` is what comes of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fly_autoscaler::decide::{Reason, Weight};
use fly_autoscaler::model::{Instead, Timestamp};
use fly_autoscaler::ports::Clock as _;
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::status::Tick;
use futures::future::join_all;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::faults::Stage;

const MINUTE: Duration = Duration::from_secs(60);
/// How long a fault lasts, in minutes, and each tick is one.
const FAULT: u64 = 60;
/// How long it works before and after, so that everything settles.
const AROUND: u64 = 4;

/// `q` is 6 and `r` is 0, unless a fault says otherwise; a machine each.
const PLAIN: &str = "max(1, q + r)";
const WITH_NIL: &str = "max(1, (q ?? 8) + r)";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// 503.
    Down,
    /// 503 for 10 minutes, then no series for 10, then all is well.
    Gap,
    Zeros,
    NaN,
    /// A tenth of what there was: one of ten instances is still scraped.
    TenthOfSum,
    /// `by: region`: one of ten regions is still there.
    TenthOfRegions,
    /// `by: region`: NaN in one of two regions, while the other falls from 3 to 1.
    NaNInOneRegion,
    /// 2, a day old.
    Yesterday,
    /// 503 for `q`, and `r`, which was 3 beside a `q` of 3, falls to 0.
    DownWhileOtherFalls,
    /// The same, and `r` rises to 6.
    DownWhileOtherRises,
}

const FAULTS: [(Fault, &str); 10] = [
    (Fault::Down, "down"),
    (Fault::DownWhileOtherFalls, "down, while another metric falls by 3"),
    (Fault::DownWhileOtherRises, "down, while another metric rises by 3"),
    (Fault::Gap, "down for 10m, then no series for 10m, then well"),
    (Fault::Zeros, "returns 0"),
    (Fault::NaN, "returns NaN"),
    (Fault::NaNInOneRegion, "`by: region`: NaN in one region, while the other falls by 2"),
    (Fault::TenthOfSum, "a tenth of the series, in `sum(...)`"),
    (Fault::TenthOfRegions, "`by: region`: a tenth of the regions"),
    (Fault::Yesterday, "yesterday's values: 2, with their old times"),
];

/// The columns: a heading and its variables.
const SETTINGS: [(&str, &[(&str, &str)]); 7] = [
    ("`hold` (default)", &[]),
    ("`hold-scale-down`", &[("FAS_PROMETHEUS_ON_FAILURE", "hold-scale-down")]),
    ("`last`", &[("FAS_PROMETHEUS_ON_FAILURE", "last")]),
    ("`8`", &[("FAS_PROMETHEUS_ON_FAILURE", "8")]),
    (
        "`nil`, `q ?? 8`",
        &[("FAS_PROMETHEUS_ON_FAILURE", "nil"), ("FAS_STARTED_MACHINE_COUNT", WITH_NIL)],
    ),
    ("`hold`, `max-age: 5m`", &[("FAS_PROMETHEUS_MAX_AGE", "5m")]),
    ("`hold`, `empty: 0`", &[("FAS_PROMETHEUS_EMPTY", "0")]),
];

impl Fault {
    fn is_by_region(self) -> bool {
        matches!(self, Self::TenthOfRegions | Self::NaNInOneRegion)
    }

    /// The series of `q`, `minute` minutes after the fault has begun; `None`: 503. Before and after the
    /// fault there is no minute.
    fn q(self, minute: Option<u64>, now: Timestamp) -> Option<Vec<Value>> {
        let series = |region: &str, value: &str, at: Timestamp| {
            let labels = if region.is_empty() { json!({}) } else { json!({ "region": region }) };
            json!({ "metric": labels, "value": [at.as_seconds(), value] })
        };
        let one = |value: &str| Some(vec![series("", value, now)]);
        let regions = |values: &[(&str, &str)]| {
            Some(values.iter().map(|(region, value)| series(region, value, now)).collect())
        };
        const TEN: [&str; 10] =
            ["iad", "lhr", "fra", "ams", "syd", "nrt", "gru", "ord", "sjc", "sin"];
        match (self, minute) {
            (Self::TenthOfRegions, None) => regions(&TEN.map(|region| (region, "0.6"))),
            (Self::TenthOfRegions, Some(_)) => regions(&[("iad", "0.6")]),
            (Self::NaNInOneRegion, None) => regions(&[("iad", "3"), ("lhr", "3")]),
            (Self::NaNInOneRegion, Some(_)) => regions(&[("iad", "1"), ("lhr", "NaN")]),
            (Self::DownWhileOtherFalls | Self::DownWhileOtherRises, None) => one("3"),
            (_, None) => one("6"),
            (Self::Down | Self::DownWhileOtherFalls | Self::DownWhileOtherRises, Some(_)) => None,
            (Self::Gap, Some(minute)) => match minute {
                0..10 => None,
                10..20 => Some(Vec::new()),
                _ => one("6"),
            },
            (Self::Zeros, Some(_)) => one("0"),
            (Self::NaN, Some(_)) => one("NaN"),
            (Self::TenthOfSum, Some(_)) => one("0.6"),
            (Self::Yesterday, Some(_)) => {
                Some(vec![series("", "2", now.minus(Duration::from_secs(86_400)))])
            }
        }
    }

    fn r(self, minute: Option<u64>) -> &'static str {
        match (self, minute) {
            (Self::DownWhileOtherRises, Some(_)) => "6",
            (Self::DownWhileOtherFalls | Self::DownWhileOtherRises, None) => "3",
            _ => "0",
        }
    }
}

/// A Prometheus that answers as the fault of the moment has it.
struct Faulty {
    fault: Fault,
    moment: Arc<Mutex<(Option<u64>, Timestamp)>>,
}

impl Respond for Faulty {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (minute, now) = *self.moment.lock().unwrap();
        let asked = format!("{}{}", request.url, String::from_utf8_lossy(&request.body));
        let series = if asked.contains("query=r") {
            let value = json!([now.as_seconds(), self.fault.r(minute)]);
            Some(vec![json!({ "metric": {}, "value": value })])
        } else {
            self.fault.q(minute, now)
        };
        match series {
            None => ResponseTemplate::new(503),
            Some(result) => ResponseTemplate::new(200).set_body_json(
                json!({ "status": "success", "data": { "resultType": "vector", "result": result } }),
            ),
        }
    }
}

/// An app of ten machines, its Prometheus, and what scales it.
struct World {
    stage: Stage,
    _prometheus: MockServer,
    moment: Arc<Mutex<(Option<u64>, Timestamp)>>,
    scaler: Reconciler,
}

impl World {
    async fn new(fault: Fault, settings: &[(&str, &str)]) -> Self {
        let stage = Stage::new(6, 4, 0.0).await;
        let prometheus = MockServer::start().await;
        let moment = Arc::new(Mutex::new((None, stage.clock.now())));
        let faulty = Faulty { fault, moment: Arc::clone(&moment) };
        Mock::given(any()).respond_with(faulty).mount(&prometheus).await;
        let address = prometheus.uri();
        let file = format!(
            "metric-collectors:\n- {{type: prometheus, metric-name: r, address: '{address}', query: r}}\n"
        );
        let mut variables = vec![
            ("FAS_CONFIG_YAML", file.as_str()),
            ("FAS_STARTED_MACHINE_COUNT", PLAIN),
            ("FAS_PROMETHEUS_METRIC_NAME", "q"),
            ("FAS_PROMETHEUS_QUERY", "q"),
            ("FAS_PROMETHEUS_ADDRESS", address.as_str()),
        ];
        variables.extend(fault.is_by_region().then_some(("FAS_PROMETHEUS_BY", "region")));
        variables.extend(settings);
        let scaler = stage.scaler("s1", &variables);
        Self { stage, _prometheus: prometheus, moment, scaler }
    }

    /// A tick in this minute of the fault, or outside of it. Gives how many machines run a moment later.
    async fn tick(&mut self, minute: Option<u64>) -> (usize, Tick) {
        *self.moment.lock().unwrap() = (minute, self.stage.clock.now());
        let tick = self.scaler.tick().await;
        self.stage.clock.advance(MINUTE);
        (self.stage.fleet().1, tick)
    }
}

/// How far a tick was free to scale.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Freedom {
    Free,
    GrowOnly,
    Held,
}

fn freedom(tick: &Tick) -> Freedom {
    let reasons = tick.plan.iter().flat_map(|plan| &plan.scopes).flat_map(|own| &own.reasons);
    let holds: Vec<&Reason> = reasons.filter(|own| own.weight() == Weight::Hold).collect();
    match holds[..] {
        [] => Freedom::Free,
        [Reason::ScaleDownHeld { .. }] => Freedom::GrowOnly,
        [Reason::MetricFailed { .. }] => Freedom::Held,
        ref others => panic!("{others:?}"),
    }
}

/// A while in which the same held and as many machines ran in the end of each minute.
#[derive(Debug, PartialEq)]
struct Phase {
    freedom: Freedom,
    machines: usize,
    minutes: u64,
}

/// What a fault comes to, in a few words.
fn words(before: usize, phases: &[Phase]) -> String {
    let mut count = before;
    let mut text = Vec::new();
    for (place, Phase { freedom, machines, minutes }) in phases.iter().enumerate() {
        let change = match machines.cmp(&count) {
            std::cmp::Ordering::Less => format!("falls to {machines}"),
            std::cmp::Ordering::Equal => format!("stays at {machines}"),
            std::cmp::Ordering::Greater => format!("rises to {machines}"),
        };
        count = *machines;
        let what = match freedom {
            Freedom::Free => change,
            Freedom::GrowOnly => format!("{change}, may only grow"),
            Freedom::Held => format!("held at {machines}"),
        };
        let is_last = place + 1 == phases.len();
        text.push(if is_last { what } else { format!("{what} for {minutes}m") });
    }
    text.join("; ")
}

/// Runs one fault under one setting.
async fn cell(fault: Fault, settings: &[(&str, &str)]) -> String {
    let what = format!("{fault:?} with {settings:?}");
    let mut world = World::new(fault, settings).await;
    for _ in 0..AROUND {
        let (machines, tick) = world.tick(None).await;
        assert_eq!((machines, freedom(&tick)), (6, Freedom::Free), "{what}: before it");
    }
    let mut phases: Vec<Phase> = Vec::new();
    for minute in 0..FAULT {
        let (machines, tick) = world.tick(Some(minute)).await;
        let freedom = freedom(&tick);
        match phases.last_mut().filter(|own| (own.freedom, own.machines) == (freedom, machines)) {
            Some(phase) => phase.minutes += 1,
            None => phases.push(Phase { freedom, machines, minutes: 1 }),
        }
    }
    // A source that comes back is used at once.
    let mut after = Vec::new();
    for _ in 0..AROUND {
        let (machines, tick) = world.tick(None).await;
        assert_eq!(freedom(&tick), Freedom::Free, "{what}: after it");
        after.push(machines);
    }
    assert_eq!(after, [6; AROUND as usize], "{what}: after it");
    words(6, &phases)
}

#[tokio::test]
async fn the_documentation_shows_what_each_fault_of_a_prometheus_does() {
    let headings: Vec<&str> = SETTINGS.iter().map(|(heading, _)| *heading).collect();
    let mut table = format!("| fault | {} |\n", headings.join(" | "));
    table += &format!("|---|{}\n", "---|".repeat(SETTINGS.len()));
    for (fault, name) in FAULTS {
        let cells = join_all(SETTINGS.iter().map(|(_, settings)| cell(fault, settings))).await;
        table += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md");
    let document = std::fs::read_to_string(path).unwrap();
    assert!(document.contains(&table), "docs/operating.md should contain:\n\n{table}");
}

#[tokio::test]
async fn a_status_says_since_when_a_metric_fails_and_what_is_used() {
    let settings = [("FAS_PROMETHEUS_ON_FAILURE", "hold-scale-down")];
    let mut world = World::new(Fault::DownWhileOtherFalls, &settings).await;
    let measured_at = world.stage.clock.now();
    world.tick(None).await;
    let began = world.stage.clock.now();
    world.tick(Some(0)).await;
    let (_, tick) = world.tick(Some(1)).await;
    let sample = tick.samples.iter().find(|own| own.metric.as_str() == "q").unwrap();
    let until = measured_at.plus(15 * MINUTE);
    let instead = Instead::Last { value: 3.0, measured_at, until, grow_only: true };
    assert_eq!((sample.value, sample.failures[0].since), (Some(3.0), began));
    assert_eq!(sample.failures[0].instead, instead);
    let error = sample.error.as_ref().unwrap();
    let used = format!(
        "; its last value, of {measured_at}, is used until {until}, and nothing is scaled down"
    );
    assert!(error.ends_with(&used), "{error}");
    let scope = &tick.plan.as_ref().unwrap().scopes[0];
    assert_eq!(scope.held_since, Some(began));
    let json = serde_json::to_value(&tick).unwrap();
    assert_eq!(json["samples"][1]["failures"][0]["instead"], "last", "{json}");
    assert_eq!(json["plan"]["scopes"][0]["reasons"][0]["code"], "scale_down_held", "{json}");

    // Then it has run out, and the scope is held as a whole, since the same time.
    for minute in 2..16 {
        world.tick(Some(minute)).await;
    }
    let (_, tick) = world.tick(Some(16)).await;
    let sample = tick.samples.iter().find(|own| own.metric.as_str() == "q").unwrap();
    assert_eq!(
        (sample.value, &sample.failures[0].instead),
        (None, &Instead::RanOut { measured_at })
    );
    let scope = &tick.plan.as_ref().unwrap().scopes[0];
    assert_eq!((scope.held_since, scope.reasons[0].code()), (Some(began), "metric_failed"));
    let (machines, tick) = world.tick(None).await;
    assert_eq!((machines, tick.plan.unwrap().scopes[0].held_since), (6, None));
}

#[tokio::test]
async fn a_restart_forgets_last_values_so_that_it_holds() {
    for mode in ["last", "hold-scale-down"] {
        let settings = [("FAS_PROMETHEUS_ON_FAILURE", mode)];
        let mut world = World::new(Fault::Down, &settings).await;
        let (machines, tick) = world.tick(Some(0)).await;
        assert_eq!((machines, freedom(&tick)), (6, Freedom::Held));
        let said = tick.plan.unwrap().scopes[0].reasons[0].to_string();
        assert!(said.ends_with("there is no last value: it has not been measured yet"), "{said}");
    }
}
