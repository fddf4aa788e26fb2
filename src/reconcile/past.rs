//! The past of metrics, as far as expressions look back or ahead: recorded in each tick, filled at start.

mod ahead;
mod kept;
mod renew;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::collect::past::{Steps, values_of};
use crate::collect::{Collected, Collector, Regions, Variables};
use crate::evaluate::{Look, LookAt, ScopeExpressions};
use crate::forecast::Record;
use crate::model::series::MAX_WINDOW;
use crate::model::{
    AppName, MetricName, ProcessGroup, Region, Ring, SeriesKey, SeriesSize, Summary, Timestamp,
    TooLittle, Value, VariableTable,
};
use crate::ports::PastRange;

use super::Group;
use super::forecasts::Fits;
use ahead::Ahead;

/// How many questions about the past may be on their way at once, of all apps together: a restart of a
/// large fleet must not be a flood.
const FILLS_AT_ONCE: usize = 4;
/// How long a tick waits for its turn to ask. The next one tries again.
const TURN: Duration = Duration::from_secs(5);
/// How long an answer is kept for series that come up only later: a region whose traffic flickers is not
/// scaled in each tick, and one that it was asked for need not be scaled in the next.
const ANSWER_KEPT: Duration = Duration::from_secs(300);
/// What a series and its window take beside the ring, about.
const KEY_BYTES: usize = 160;

/// Takes turns in asking for the past. Shared by all apps of a process.
#[derive(Debug, Clone)]
pub struct Fills(Arc<Semaphore>);

impl Default for Fills {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FILLS_AT_ONCE)))
    }
}

/// The past of one app's metrics. Only what some expression looks back at is kept.
pub struct Past {
    interval: Duration,
    collectors: Arc<[Collector]>,
    rings: BTreeMap<ProcessGroup, BTreeMap<(SeriesKey, Duration), Kept>>,
    /// What is asked for in the next tick.
    wanted: BTreeSet<Wanted>,
    /// What came of the last questions.
    asked: BTreeMap<Wanted, Asked>,
    /// What expressions look ahead at.
    ahead: BTreeMap<(ProcessGroup, SeriesKey), Ahead>,
    /// What makes models of it, and for which app.
    fits: Option<(AppName, Arc<Fits>)>,
}

/// One window of a metric, and how far apart its samples are.
type Wanted = (MetricName, Duration, Duration);

/// What came of a question, and when it was asked.
struct Asked {
    at: Timestamp,
    answer: Result<Arc<Steps>, Arc<str>>,
}

struct Kept {
    ring: Ring,
    is_filled: bool,
}

/// The past as one process group sees it in one tick.
pub(super) struct Recalled<'a> {
    past: &'a mut Past,
    group: &'a Group,
    regions: &'a Regions<'a>,
    collected: &'a Collected,
    /// What was measured and nothing else; `None` where no expression looks back or ahead.
    measured: Option<Variables>,
}

impl Past {
    /// Nothing yet of what `groups` look back at in what `collectors` measure, with ticks one `interval`
    /// apart.
    #[must_use]
    pub fn new(
        groups: &[Group],
        collectors: impl Into<Arc<[Collector]>>,
        interval: Duration,
    ) -> Self {
        let mut past = Self {
            interval,
            collectors: collectors.into(),
            rings: BTreeMap::new(),
            wanted: BTreeSet::new(),
            asked: BTreeMap::new(),
            ahead: BTreeMap::new(),
            fits: None,
        };
        past.want_all(groups);
        past
    }

    /// The same, with `fits` for what `groups` look ahead at in the metrics of `app`.
    #[must_use]
    pub fn with_forecasts(mut self, app: AppName, groups: &[Group], fits: Arc<Fits>) -> Self {
        self.fits = Some((app, fits));
        self.want_all(groups);
        self
    }

    fn want_all(&mut self, groups: &[Group]) {
        self.wanted.extend(self.wants_of(groups));
    }

    /// The windows that `groups` look back at, and what forecasts are made from.
    fn wants_of(&self, groups: &[Group]) -> BTreeSet<Wanted> {
        let mut all = BTreeSet::new();
        for look in groups.iter().flat_map(Group::looks) {
            // As it is written: a region's value is found by the name of its metric below.
            let name = MetricName::new(&look.metric);
            let windows = match look.at {
                LookAt::Past { how, window } => vec![self.window_of(how, window)],
                LookAt::Future { .. } if self.fits.is_none() => Vec::new(),
                LookAt::Future { .. } => Record::wants(self.interval).into(),
            };
            let wanted = windows.into_iter().map(|(window, step)| (name.clone(), window, step));
            all.extend(wanted);
        }
        all
    }

    /// How far back, and how finely.
    fn window_of(&self, how: Summary, window: Option<Duration>) -> (Duration, Duration) {
        let reach = || match how {
            Summary::Smoothed { alpha } => Summary::reach(alpha, self.interval),
            // Only a smoothed mean is written without one.
            _ => self.interval,
        };
        (window.unwrap_or_else(reach), self.interval)
    }

    /// Asks the sources for the past that is missing, each question once, in turn with other apps. Takes at
    /// most a few seconds and a collector's timeout. Gives each metric whose past cannot be had, and why.
    pub async fn fetch(
        &mut self,
        app: &AppName,
        fills: &Fills,
        now: Timestamp,
    ) -> Vec<(MetricName, Arc<str>)> {
        self.asked.retain(|_, own| own.answer.is_err() || now.since(own.at) < ANSWER_KEPT);
        let mut questions: BTreeMap<Wanted, &Collector> = BTreeMap::new();
        for (name, window, step) in std::mem::take(&mut self.wanted) {
            if let Some(collector) = collector_of(&self.collectors, name.as_str()) {
                let metric = collector.source.metric().clone();
                questions.insert((metric, window, step), collector);
            }
        }
        let answers = questions.into_iter().map(|(wanted, collector)| async {
            let answer = ask(&wanted, collector, app, fills, now).await;
            (wanted, answer)
        });
        let mut failed = Vec::new();
        for (wanted, answer) in join_all(answers).await {
            match answer {
                None => drop(self.wanted.insert(wanted)),
                Some(answer) => {
                    if let Err(why) = &answer {
                        failed.push((wanted.0.clone(), Arc::clone(why)));
                    }
                    let answer = answer.map(Arc::new);
                    self.asked.insert(wanted, Asked { at: now, answer });
                }
            }
        }
        failed.sort();
        failed.dedup_by(|one, other| one.0 == other.0);
        failed
    }

    /// Why the past is not known that somebody asked for, to put behind what follows from it.
    fn unread(&self, wanted: &Wanted) -> String {
        match self.asked.get(wanted).map(|own| &own.answer) {
            Some(Err(why)) => format!("; its past could not be read: {why}"),
            Some(Ok(_)) | None => String::new(),
        }
    }

    /// Drops what nothing has looked at for as long as it looks back. At the end of each tick.
    pub(super) fn prune(&mut self, now: Timestamp) {
        for rings in self.rings.values_mut() {
            rings.retain(|_, kept| kept.ring.samples(now).next().is_some());
        }
        self.prune_ahead(now);
    }

    /// How much is kept.
    #[must_use]
    pub fn size(&self) -> SeriesSize {
        let all = || self.rings.values().flat_map(BTreeMap::values);
        let rings: usize = all().map(|kept| kept.ring.bytes() + KEY_BYTES).sum();
        let ahead: usize = self.ahead.values().map(|own| own.bytes() + KEY_BYTES).sum();
        SeriesSize { series: all().count() + self.ahead.len(), bytes: rings + ahead }
    }
}

impl<'a> Recalled<'a> {
    pub(super) fn of(
        group: &'a Group,
        collected: &'a Collected,
        regions: &'a Regions<'a>,
        past: &'a mut Past,
    ) -> Self {
        let looks = group.looks().next().is_some();
        let measured = looks.then(|| collected.measured().variables(regions));
        Self { past, group, regions, collected, measured }
    }

    /// The regions in which the group is scaled.
    pub(super) fn regions(&self) -> &'a [Region] {
        self.regions.scaled
    }

    /// Records what was measured of each metric that `expressions` look back at, and sets what their calls
    /// give in the `table` of `region` (`None`: that over all regions). A metric without a value is left to
    /// its own failure.
    pub(super) fn recall(
        &mut self,
        table: &mut VariableTable,
        region: Option<&Region>,
        expressions: &ScopeExpressions,
    ) {
        let looks = expressions.looks();
        let measured = match (&self.measured, region) {
            (Some(measured), _) if !looks.is_empty() => match region {
                None => measured.app_wide().clone(),
                Some(region) => measured.of_region(region),
            },
            _ => return,
        };
        for look in looks {
            let Some(Ok(Value::Number(value))) = table.get(&look.metric) else { continue };
            let value = *value;
            let Some(series) = self.collected.series_of(&look.metric, region) else { continue };
            let gave = match measured.get(&look.metric) {
                Some(Ok(Value::Number(measured))) if !self.collected.is_given(&series) => {
                    self.look(look, &series, *measured)
                }
                // What stands in for a metric stands in for its past.
                _ => Ok(look.of_constant(value)),
            };
            match gave {
                Ok(value) => table.set(Arc::clone(&look.call), Value::Number(value)),
                Err(why) => table.fail(Arc::clone(&look.call), why),
            }
        }
    }

    fn look(&mut self, look: &Look, series: &SeriesKey, measured: f64) -> Result<f64, String> {
        match look.at {
            LookAt::Past { how, window } => {
                let (window, step) = self.past.window_of(how, window);
                let wanted = (series.metric.clone(), window, step);
                let gave = self.look_back(how, series, &wanted, measured);
                gave.map_err(|little| little.to_string() + &self.past.unread(&wanted))
            }
            LookAt::Future { horizon } => self.look_ahead(horizon, series, measured),
        }
    }

    /// What came of asking for the past of `series`: its values and how far apart they are, or nothing.
    /// Where nobody has asked yet, the next tick does.
    fn asked(
        &mut self,
        series: &SeriesKey,
        wanted: &Wanted,
    ) -> Option<(Vec<(Timestamp, f64)>, Duration)> {
        let collector = collector_of(&self.past.collectors, series.metric.as_str())?;
        match self.past.asked.get(wanted).map(|own| &own.answer) {
            Some(Ok(steps)) => {
                let mut values = values_of(series, steps, collector, self.regions);
                values.retain(|(at, _)| *at <= self.regions.now);
                Some((values, step_of(steps, wanted.2)))
            }
            Some(Err(_)) => None,
            None => {
                self.past.wanted.insert(wanted.clone());
                None
            }
        }
    }

    fn look_back(
        &mut self,
        how: Summary,
        series: &SeriesKey,
        wanted: &Wanted,
        measured: f64,
    ) -> Result<f64, TooLittle> {
        let now = self.regions.now;
        let key = (series.clone(), wanted.1);
        let rings = self.past.rings.entry(self.group.group.clone()).or_default();
        let is_filled = rings.get(&key).is_some_and(|kept| kept.is_filled);
        let past = if is_filled { None } else { self.asked(series, wanted) };
        let rings = self.past.rings.entry(self.group.group.clone()).or_default();
        let kept = rings
            .entry(key)
            .or_insert_with(|| Kept { ring: Ring::new(wanted.1, wanted.2), is_filled: false });
        if let Some((values, step)) = past {
            let newer = values.clone();
            kept.ring.fill(values, step);
            kept.ring.follow(newer, step, now);
            kept.is_filled = true;
        }
        kept.ring.push(now, measured);
        kept.ring.summary(how, now)
    }
}

/// The collector of the metric `name`, or of the metric whose value in some region has this name.
fn collector_of<'c>(collectors: &'c [Collector], name: &str) -> Option<&'c Collector> {
    let is_whole = |own: &&Collector| own.source.metric().as_str() == name;
    let is_part = |own: &&Collector| {
        let rest = name.strip_prefix(own.source.metric().as_str());
        own.by.has_region() && rest.is_some_and(|rest| rest.starts_with('_'))
    };
    collectors.iter().find(is_whole).or_else(|| collectors.iter().find(is_part))
}

/// The samples of the window, or why there are none; `None` where it was not this app's turn.
async fn ask(
    (_, window, step): &Wanted,
    collector: &Collector,
    app: &AppName,
    fills: &Fills,
    now: Timestamp,
) -> Option<Result<Steps, Arc<str>>> {
    // Closed it is never.
    let _turn = timeout(TURN, fills.0.acquire()).await.ok()?.ok();
    // On whole steps, where the cells of a forecast's past are, and where some servers move it to anyway.
    let until = if *window > MAX_WINDOW { floor(now, *step) } else { now };
    let range = PastRange::before(until, *window, *step, u32::MAX);
    let asked = timeout(collector.timeout, collector.source.past(app, range)).await;
    Some(match asked {
        Ok(Ok(steps)) => Ok(steps),
        Ok(Err(error)) => Err(error.to_string().into()),
        Err(_) => Err(format!("no answer within {:?}", collector.timeout).into()),
    })
}

fn floor(at: Timestamp, step: Duration) -> Timestamp {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_millis(at.as_millis().div_euclid(step).saturating_mul(step))
}

/// How far apart the steps are: at least `least`, and no more than the nearest two.
fn step_of(steps: &Steps, least: Duration) -> Duration {
    let apart = steps.windows(2).map(|pair| pair[1].0.since(pair[0].0));
    apart.min().unwrap_or(least).max(least)
}

#[cfg(test)]
mod tests;
