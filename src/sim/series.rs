//! The series that the world has to offer, and the two ways to read them: by query and by scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;

use crate::model::{AppName, Catalog, MachineState, Region, Timestamp};

use super::answer::Answer;
use super::app::App;
use super::call::Call;
use super::machine::SimMachine;
use super::promql::{self, Labels, Op, Selector};
use super::random::hash;
use super::world::World;

/// One series at this moment.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    /// How fast a counter grows, per second; `None` for a gauge.
    pub(crate) rate: Option<f64>,
}

/// What a query answers.
#[derive(Serialize)]
struct Success {
    status: &'static str,
    data: Found,
}

#[derive(Serialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Found {
    Scalar((f64, String)),
    Vector(Vec<Row>),
}

#[derive(Serialize)]
struct Row {
    metric: Labels,
    value: (f64, String),
}

/// Requests at work at once, for each request per second: how long the simulated app takes for one.
const SECONDS_PER_REQUEST: f64 = 0.2;

impl World {
    /// `query` of Prometheus's HTTP API, in the words of VictoriaMetrics, which is what Fly runs.
    pub(crate) fn prometheus_query(&mut self, call: &Call, now: Timestamp) -> Answer {
        let Some(query) = call.param("query") else { return refused("missing `query` arg") };
        let org = call.org.clone().unwrap_or_default();
        let result = promql::evaluate(query, &mut |selector| self.select(&org, selector, now));
        match result {
            Err(why) => refused(&why),
            Ok(value) => {
                let at = now.as_seconds();
                let point = |value| (at, promql::number(value));
                let data = match value {
                    promql::Value::Scalar(number) => Found::Scalar(point(number)),
                    promql::Value::Vector(samples) => {
                        let row = |(metric, value)| Row { metric, value: point(value) };
                        Found::Vector(samples.into_iter().map(row).collect())
                    }
                };
                Answer::json(200, &Success { status: "success", data })
            }
        }
    }

    /// The series of an organization that a selector names. A matcher `app="..."` looks at that app only.
    pub(super) fn select(&mut self, org: &str, selector: &Selector, now: Timestamp) -> Vec<Series> {
        let mut found = Vec::new();
        for name in self.apps_of(org, selector) {
            if let Some(app) = self.apps.get_mut(&name) {
                app.advance(now);
                let series = app.series(Some(&selector.name), now);
                found.extend(series.into_iter().filter(|series| selector.admits(series)));
            }
        }
        found
    }

    /// The apps of an organization that a selector can mean.
    pub(super) fn apps_of(&self, org: &str, selector: &Selector) -> Vec<AppName> {
        let Some(org) = self.orgs.get(org) else { return Vec::new() };
        let wanted = selector
            .matchers
            .iter()
            .find(|matcher| matcher.label == "app" && matcher.op == Op::Equal);
        let one = wanted.map(|matcher| AppName::new(&matcher.text));
        match &one {
            Some(name) => org.apps.get(name).into_iter().cloned().collect(),
            None => {
                let admitted = org.apps.iter().filter(|name| selector.admits_app(name.as_str()));
                admitted.cloned().collect()
            }
        }
    }

    /// All series as text, for a Prometheus to scrape (with `honor_labels: true`, as `instance` is the
    /// machine).
    pub(crate) fn exposition(&mut self, now: Timestamp) -> Answer {
        let mut by_name: BTreeMap<String, Vec<Series>> = BTreeMap::new();
        for app in self.apps.values_mut() {
            app.advance(now);
            for series in app.series(None, now) {
                by_name.entry(series.name.clone()).or_default().push(series);
            }
        }
        let mut text = String::new();
        for (name, all) in by_name {
            let kind =
                if all.iter().any(|series| series.rate.is_some()) { "counter" } else { "gauge" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# TYPE {name} {kind}");
            for series in all {
                let labels = series
                    .labels
                    .iter()
                    .map(|(label, value)| format!("{label}=\"{}\"", escape(value)));
                let labels = labels.collect::<Vec<_>>().join(",");
                let _ = writeln!(text, "{name}{{{labels}}} {}", promql::number(series.value));
            }
        }
        Answer {
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            ..Answer::text(200, text)
        }
    }
}

fn refused(why: &str) -> Answer {
    Answer::json(422, &json!({ "status": "error", "errorType": "422", "error": why }))
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl App {
    /// Its series: all of them, or those of one name.
    fn series(&self, only: Option<&str>, now: Timestamp) -> Vec<Series> {
        let mut all = Vec::new();
        let is_wanted = |name: &str| only.is_none_or(|only| only == name);
        let mut add = |name: &str, more: &[(&str, &str)], value: f64, rate: Option<f64>| {
            if !is_wanted(name) {
                return;
            }
            let mut labels = Labels::from([("app".to_owned(), self.name.to_string())]);
            labels.extend(
                more.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())),
            );
            all.push(Series { name: name.to_owned(), labels, value, rate });
        };
        if let Some(depth) = self.load.queue_depth() {
            add("queue_depth", &[], depth, None);
        }
        let with_traffic =
            ["traffic", "fly_edge_http_responses_count", "fly_instance_up", "fly_app_concurrency"];
        let needs_traffic = with_traffic.into_iter().any(is_wanted);
        let traffic = if needs_traffic { self.load.traffic(now) } else { BTreeMap::new() };
        for (region, rate) in &traffic {
            let region_label = ("region", region.as_str());
            add("traffic", &[region_label], *rate, None);
            let requests = self.load.requests().get(region).copied().unwrap_or(0.0);
            let labels = [region_label, ("status", "200")];
            add("fly_edge_http_responses_count", &labels, requests, Some(*rate));
        }
        for ((name, labels), value) in &self.gauges {
            let labels: Vec<_> =
                labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
            add(name, &labels, *value, None);
        }
        if is_wanted("fly_instance_up") || is_wanted("fly_app_concurrency") {
            let shares = self.shares(&traffic);
            let started = |machine: &&SimMachine| machine.state == MachineState::Started;
            for machine in self.machines.values().filter(started) {
                let host = format!("{:04x}", hash(machine.id.as_str()) & 0xffff);
                let region = machine.region.as_str();
                let labels =
                    [("region", region), ("host", &host), ("instance", machine.id.as_str())];
                add("fly_instance_up", &labels, 1.0, None);
                let share = shares.get(&machine.region).copied().unwrap_or(0.0);
                add("fly_app_concurrency", &labels, share * SECONDS_PER_REQUEST, None);
            }
        }
        all
    }

    /// Requests per second for each started machine, by its region: traffic goes to the nearest region
    /// that has any, as Fly's proxy sends it.
    fn shares(&self, traffic: &BTreeMap<Region, f64>) -> BTreeMap<Region, f64> {
        let mut started: BTreeMap<&Region, usize> = BTreeMap::new();
        for machine in
            self.machines.values().filter(|machine| machine.state == MachineState::Started)
        {
            *started.entry(&machine.region).or_default() += 1;
        }
        let serving: BTreeSet<&Region> = started.keys().copied().collect();
        let mut shares = BTreeMap::new();
        for (region, rate) in traffic {
            if let Some(target) = nearest(region, &serving) {
                *shares.entry(target.clone()).or_default() += rate / started[target] as f64;
            }
        }
        shares
    }
}

fn nearest<'a>(region: &Region, serving: &BTreeSet<&'a Region>) -> Option<&'a Region> {
    if let Some(same) = serving.get(region) {
        return Some(same);
    }
    Catalog::builtin().nearest(region, serving.iter().copied())
}
