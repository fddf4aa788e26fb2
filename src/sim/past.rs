//! What the series were: for queries over a range of time.
//!
//! A day's or a recorded traffic is known for any time. What tests set is known since they set it, and the
//! queue that machines drain as often as somebody looked. Of machines only the present is known, and of a
//! counter only how fast it grew.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::json;

use crate::model::{Region, Timestamp};

use super::answer::Answer;
use super::app::App;
use super::call::Call;
use super::promql::{self, Labels};
use super::series::Series;
use super::world::World;

/// The most changes of one number that are kept.
const MAX_CHANGES: usize = 10_000;
/// The most steps of one answer, as Prometheus has it.
const MAX_STEPS: f64 = 11_000.0;

/// A number that changes: what it has been since when.
#[derive(Debug, Clone, Default)]
struct Log(VecDeque<(Timestamp, Option<f64>)>);

impl Log {
    fn note(&mut self, now: Timestamp, value: Option<f64>) {
        match self.0.back_mut() {
            Some((_, last)) if *last == value => return,
            Some((at, last)) if *at >= now => {
                *last = value;
                return;
            }
            _ => self.0.push_back((now, value)),
        }
        if self.0.len() > MAX_CHANGES {
            self.0.pop_front();
        }
    }

    fn at(&self, at: Timestamp) -> Option<f64> {
        let after = self.0.partition_point(|(since, _)| *since <= at);
        self.0.get(after.checked_sub(1)?)?.1
    }
}

/// What an app's numbers were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    queue_depth: Log,
    set_traffic: BTreeMap<Region, Log>,
    gauges: BTreeMap<(String, Labels), Log>,
}

impl App {
    /// Notes what its queue and its traffic are from now on.
    pub(crate) fn note(&mut self, now: Timestamp) {
        self.past.queue_depth.note(now, self.load.queue_depth());
        for (region, rate) in self.load.traffic_set() {
            self.past.set_traffic.entry(region.clone()).or_default().note(now, Some(*rate));
        }
        for (region, log) in &mut self.past.set_traffic {
            if !self.load.traffic_set().contains_key(region) {
                log.note(now, None);
            }
        }
    }

    /// Sets a gauge from now on.
    pub(crate) fn set_gauge(&mut self, series: (String, Labels), value: f64, now: Timestamp) {
        self.past.gauges.entry(series.clone()).or_default().note(now, Some(value));
        self.gauges.insert(series, value);
    }

    /// Its series of that name at a time before now.
    fn past_series(&self, name: &str, at: Timestamp) -> Vec<Series> {
        let series = |labels: &[(&str, &str)], value, rate| {
            let own = [("app", self.name.as_str())];
            let labels = own.iter().chain(labels);
            let labels = labels.map(|(l, v)| ((*l).to_owned(), (*v).to_owned())).collect();
            Series { name: name.to_owned(), labels, value, rate }
        };
        let traffic = || {
            let mut traffic = self.load.unset_traffic(at);
            let set = self.past.set_traffic.iter();
            traffic.extend(set.filter_map(|(region, log)| Some((region.clone(), log.at(at)?))));
            traffic
        };
        let mut all: Vec<Series> = match name {
            "queue_depth" => {
                let depth = self.past.queue_depth.at(at);
                depth.map(|depth| series(&[], depth, None)).into_iter().collect()
            }
            "traffic" => {
                let own = traffic().into_iter();
                own.map(|(region, rate)| series(&[("region", region.as_str())], rate, None))
                    .collect()
            }
            "fly_edge_http_responses_count" => {
                let own = traffic().into_iter().map(|(region, rate)| {
                    let labels = [("region", region.as_str()), ("status", "200")];
                    series(&labels, f64::NAN, Some(rate))
                });
                own.collect()
            }
            _ => Vec::new(),
        };
        let gauges = self.past.gauges.iter().filter(|((own, _), _)| own == name);
        all.extend(gauges.filter_map(|((_, labels), log)| {
            let labels: Vec<_> = labels.iter().map(|(l, v)| (l.as_str(), v.as_str())).collect();
            Some(series(&labels, log.at(at)?, None))
        }));
        all
    }
}

impl World {
    /// `query_range` of Prometheus's HTTP API.
    pub(crate) fn prometheus_query_range(&mut self, call: &Call, now: Timestamp) -> Answer {
        match self.range(call, now) {
            Ok(rows) => {
                let data = Matrix { result_type: "matrix", result: rows };
                Answer::json(200, &json!({ "status": "success", "data": data }))
            }
            Err((status, why)) => {
                let kind = if status == 400 { "bad_data" } else { "422" };
                Answer::json(status, &json!({ "status": "error", "errorType": kind, "error": why }))
            }
        }
    }

    fn range(&mut self, call: &Call, now: Timestamp) -> Result<Vec<Row>, (u16, String)> {
        let bad = |why: String| (400, why);
        let query = call.param("query").ok_or_else(|| bad("missing `query` arg".to_owned()))?;
        let number = |name: &str| {
            let text = call.param(name).unwrap_or_default();
            let time = || Timestamp::parse_rfc3339(text).map(Timestamp::as_seconds);
            let number = text.parse().ok().or_else(time).filter(|own: &f64| own.is_finite());
            number.ok_or_else(|| {
                bad(format!("invalid parameter \"{name}\": cannot parse \"{text}\""))
            })
        };
        let (start, end, step) = (number("start")?, number("end")?, number("step")?);
        if end < start {
            let why = "invalid parameter \"end\": end timestamp must not be before start time";
            return Err(bad(why.to_owned()));
        }
        if step <= 0.0 {
            let why = "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer";
            return Err(bad(why.to_owned()));
        }
        if (end - start) / step > MAX_STEPS {
            let why = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
            return Err(bad(why.to_owned()));
        }
        let query = promql::parse(query).map_err(|why| (422, why))?;
        let org = call.org.clone().unwrap_or_default();
        let mut rows: BTreeMap<Labels, Vec<(f64, String)>> = BTreeMap::new();
        for step_number in 0..=((end - start) / step).floor() as u32 {
            let seconds = start + step * f64::from(step_number);
            let Some(at) = Timestamp::from_seconds(seconds).filter(|at| *at <= now) else { break };
            let select = &mut |selector: &promql::Selector| {
                if at == now {
                    return self.select(&org, selector, now);
                }
                let apps = self.apps_of(&org, selector);
                let series = apps.iter().filter_map(|app| self.apps.get(app));
                let series = series.flat_map(|app| app.past_series(&selector.name, at));
                series.filter(|series| selector.admits(series)).collect()
            };
            let samples = match promql::eval(&query, select).map_err(|why| (422, why))? {
                promql::Value::Scalar(number) => vec![(Labels::new(), number)],
                promql::Value::Vector(samples) => samples,
            };
            for (labels, value) in samples {
                rows.entry(labels).or_default().push((seconds, promql::number(value)));
            }
        }
        Ok(rows.into_iter().map(|(metric, values)| Row { metric, values }).collect())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Matrix {
    result_type: &'static str,
    result: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    metric: Labels,
    values: Vec<(f64, String)>,
}
