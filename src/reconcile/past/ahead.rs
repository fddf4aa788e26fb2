//! What metrics will be: each series with its past, its model, and how good that was so far.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Past, Recalled};
use crate::forecast::{Forecast, LEAST_VALUES, Outlook, Record};
use crate::model::{SeriesKey, Timestamp, duration};
use crate::reconcile::forecasts::{FitKey, SharedRecord};
use crate::telemetry::Forecasted;

/// What nothing has looked at for so long is dropped: the region of a series that is no longer scaled.
const DROPPED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// One series that some expression looks ahead at.
pub(super) struct Ahead {
    record: SharedRecord,
    outlook: Outlook,
    /// Which of the stretches that [`Record::wants`] are filled.
    is_filled: [bool; 2],
    /// The number of the fit that the outlook follows.
    fit: u64,
    newest: Timestamp,
    /// What was said of each horizon, and when.
    said: BTreeMap<Duration, (Timestamp, Forecast)>,
}

impl Ahead {
    fn new(interval: Duration, now: Timestamp) -> Self {
        Self {
            record: Arc::new(Mutex::new(Record::new(interval))),
            outlook: Outlook::default(),
            is_filled: [false; 2],
            fit: 0,
            newest: now,
            said: BTreeMap::new(),
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // Each change is whole before the next can fail.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measured(&mut self, at: Timestamp, value: f64) {
        if at < self.newest {
            // The clock was set back: what was forecast is about another time.
            self.outlook = Outlook::default();
            self.fit = 0;
        }
        self.newest = at;
        self.record().push(at, value);
        self.outlook.observe(at, value);
    }

    /// What outlives the process, in a form that is written down later.
    pub(super) fn to_keep(&self) -> (SharedRecord, Outlook) {
        (Arc::clone(&self.record), self.outlook.clone())
    }

    pub(super) fn newest(&self) -> Timestamp {
        self.newest
    }

    /// What an earlier process kept.
    pub(super) fn restored(record: Record, outlook: Outlook, newest: Timestamp) -> Self {
        let is_filled = [false; 2];
        let record = Arc::new(Mutex::new(record));
        Self { record, outlook, is_filled, fit: 0, newest, said: BTreeMap::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.record().bytes() + self.outlook.bytes()
    }
}

impl Past {
    pub(super) fn prune_ahead(&mut self, now: Timestamp) {
        let before = self.ahead.len();
        self.ahead.retain(|_, own| now.since(own.newest) < DROPPED_AFTER);
        if let Some((app, fits)) = self.fits.as_ref().filter(|_| self.ahead.len() < before) {
            let is_kept = |key: &FitKey| {
                self.ahead
                    .keys()
                    .any(|(group, series)| *group == key.group && *series == key.series)
            };
            fits.retain(app, is_kept);
        }
    }

    /// Drops the models, for an app that is no longer scaled.
    pub(in crate::reconcile) fn forget(&self) {
        if let Some((app, fits)) = &self.fits {
            fits.retain(app, |_| false);
        }
    }

    /// What was forecast at `now`, and how good that was so far.
    pub(in crate::reconcile) fn forecasts(&self, now: Timestamp) -> Vec<Forecasted<'_>> {
        let mut all = Vec::new();
        for ((group, series), own) in &self.ahead {
            let said = own.said.iter().filter(|(_, (at, _))| *at == now);
            all.extend(said.filter_map(|(horizon, (_, forecast))| {
                Some(Forecasted {
                    group,
                    metric: &series.metric,
                    region: series.region.as_ref(),
                    horizon: *horizon,
                    forecast,
                    score: own.outlook.score(*horizon)?,
                })
            }));
        }
        all
    }
}

impl Recalled<'_> {
    /// Takes in what was measured, and says what it will be in `horizon`. Too little to go by is a hold, unless
    /// it was said that the last value may stand for a forecast that cannot be relied on.
    pub(super) fn look_ahead(
        &mut self,
        horizon: Duration,
        series: &SeriesKey,
        measured: f64,
    ) -> Result<f64, String> {
        let now = self.regions.now;
        let interval = self.past.interval;
        let whose = (self.group.group.clone(), series.clone());
        let wants =
            Record::wants(interval).map(|(window, step)| (series.metric.clone(), window, step));
        let known = self.past.ahead.get(&whose).map(|own| own.is_filled).unwrap_or_default();
        let fills = [0, 1].map(|part| match known[part] {
            true => None,
            false => self.asked(series, &wants[part]),
        });
        // An answer that is still to come would make another model.
        let is_settled =
            [0, 1].iter().all(|part| known[*part] || self.past.asked.contains_key(&wants[*part]));
        let why = self.past.unread(&wants[0]);
        let Some((app, fits)) = &self.past.fits else {
            return Err("nothing here makes forecasts".to_owned());
        };
        let own = self.past.ahead.entry(whose.clone()).or_insert_with(|| Ahead::new(interval, now));
        for (part, fill) in fills.into_iter().enumerate() {
            if let Some((values, _)) = fill {
                own.record().fill(&values);
                own.is_filled[part] = true;
            }
        }
        own.measured(now, measured);
        // A model looks ahead half as far as it was fitted to.
        let needed = horizon * 2;
        let is_enough = |own: &Ahead| {
            let (count, span) = own.record().extent();
            count >= LEAST_VALUES && span >= needed
        };
        if is_settled && (own.fit > 0 || is_enough(own)) {
            let key = FitKey { app: app.clone(), group: whose.0, series: whose.1 };
            let last = fits.last(&key, &own.record, now);
            if let Some((number, fit)) = last.filter(|(number, _)| *number != own.fit) {
                let until = fit.as_ref().map_or(now, |fit| fit.until());
                let since: Vec<_> = own.record().since(until).collect();
                own.outlook.fitted(fit, since);
                own.fit = number;
            }
        }
        let Some(forecast) = own.outlook.forecast(now, horizon, self.group.forecast_min_skill)
        else {
            return Err(format!("nothing was measured yet{why}"));
        };
        let lack = forecast.fallback.as_ref().filter(|own| own.is_for_lack());
        if let Some(lack) = lack.filter(|_| self.group.forecast_min_skill.is_none()) {
            let (count, span) = own.record().extent();
            let [span, needed] =
                [span, needed].map(|own| duration::format(Duration::from_secs(own.as_secs())));
            return Err(format!(
                "{}: {count} values over {span} are known, and it takes {LEAST_VALUES} over {needed}; with `forecast-min-skill` the last value would be used{why}",
                lack.why()
            ));
        }
        let value = forecast.value;
        own.said.insert(horizon, (now, forecast));
        Ok(value)
    }
}
