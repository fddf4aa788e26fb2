//! The same query over a stretch of the past, for functions that look back: asked for at start.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::super::expand::expand;
use super::super::past::Steps;
use super::answer::{self, Series};
use super::{Answered, PrometheusSource};
use crate::model::{AppName, Sample, Timestamp};
use crate::ports::{PastRange, SourceError};

/// The most steps of one answer that serves all apps: ten thousand of them fit into the limit of bytes.
const FLEET_STEPS: u32 = 60;
/// The most steps of any other. Prometheus refuses more than 11,000.
const STEPS: u32 = 5000;
/// For how long an answer serves all apps that have just begun. They begin within an interval of each
/// other; afterwards it would only take memory.
const SERVES_FOR: std::time::Duration = std::time::Duration::from_secs(60);

/// The answers that serve all apps, by how far back and how finely they look.
#[derive(Default)]
pub(super) struct Ranges(Mutex<BTreeMap<(u128, u128), Given>>);

/// What was answered, and at what time.
type Given = (Timestamp, Result<Matrix, SourceError>);

/// One instant's series after the other.
type Matrix = Arc<Vec<(Timestamp, Answered)>>;

impl Ranges {
    /// Drops the answers that are too old to serve anyone.
    pub(super) fn prune(&self, now: Timestamp) {
        // Whoever holds the lock asks at this moment.
        if let Ok(mut ranges) = self.0.try_lock() {
            ranges.retain(|_, (at, _)| at.is_within(SERVES_FOR, now));
        }
    }
}

impl PrometheusSource {
    /// The samples of `app` at each step of `range`, as far as there are any. One that an instant query
    /// would have refused is left out.
    pub(super) async fn measure_past(
        &self,
        app: &AppName,
        range: PastRange,
    ) -> Result<Steps, SourceError> {
        let query = expand(&self.query, app);
        let range = range.of_at_most(if self.shared.is_some() { FLEET_STEPS } else { STEPS });
        let matrix = match &self.shared {
            None => self.ask_past(&query, range).await?,
            Some(_) => {
                let key = (range.window().as_millis(), range.step.as_millis());
                let mut ranges = self.ranges.0.lock().await;
                let known =
                    ranges.get(&key).filter(|(at, _)| at.is_within(SERVES_FOR, range.until));
                match known {
                    Some((_, answer)) => answer.clone()?,
                    None => {
                        // Who gives up drops the lock, and the next one asks.
                        let answer = self.ask_past(&query, range).await;
                        ranges.insert(key, (range.until, answer.clone()));
                        answer?
                    }
                }
            }
        };
        let sample = |(at, answered): &(Timestamp, Answered)| {
            let sample = match answered.of(app) {
                [] => return None,
                series if self.by.has_region() => self.by_region(query.clone(), series).ok()?,
                series => self.plain(query.clone(), series).ok()?,
            };
            Some((*at, sample))
        };
        Ok(matrix.iter().filter_map(sample).collect::<Vec<(Timestamp, Sample)>>())
    }

    async fn ask_past(&self, query: &str, range: PastRange) -> Result<Matrix, SourceError> {
        let seconds = |millis: i64| (millis as f64 / 1000.0).to_string();
        let step = range.step.as_secs_f64().to_string();
        let (start, end) = (seconds(range.from.as_millis()), seconds(range.until.as_millis()));
        let pairs = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
        let body = self.ask(&self.range_url, &pairs).await?;
        let answer = answer::read_past(&body).map_err(|message| self.garbled(message))?;
        self.warn_once(answer.warnings);
        let mut instants: BTreeMap<i64, Vec<Series>> = BTreeMap::new();
        for (at, series) in answer.points {
            instants.entry(at.as_millis()).or_default().push(series);
        }
        let answered = |(at, series)| {
            let answered =
                if self.by.has_app() { Answered::by_app(series) } else { Answered::Whole(series) };
            (Timestamp::from_millis(at), answered)
        };
        Ok(Arc::new(instants.into_iter().map(answered).collect()))
    }
}
