//! What the apps have to do: traffic that follows the sun, bursts, and a queue that machines drain.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::time::Duration;

use crate::model::{Region, Timestamp};

use super::random::noise;
use super::regions;

/// Where an app's traffic and queue come from.
#[derive(Debug, Clone)]
pub enum Load {
    /// What a test sets, unchanged until it sets something else. What is not set has no series.
    Fixed {
        /// Requests per second in each region.
        traffic: BTreeMap<Region, f64>,
        /// Jobs that wait, in the whole app.
        queue_depth: Option<f64>,
    },
    /// A day that repeats, with noise and bursts.
    Day(Day),
    /// What was recorded somewhere, once.
    Trace(Trace),
}

impl Default for Load {
    fn default() -> Self {
        Self::Fixed { traffic: BTreeMap::new(), queue_depth: None }
    }
}

/// A day's traffic in each region, and the queue that it fills.
#[derive(Debug, Clone)]
pub struct Day {
    /// Requests per second at the evening's peak (20:00 local time), in each region.
    pub peak: BTreeMap<Region, f64>,
    /// The quietest hour, as a fraction of the peak.
    pub trough: f64,
    /// How far noise moves the traffic, as a fraction of it.
    pub noise: f64,
    /// The chance that a quarter of an hour brings a burst to a region.
    pub burst_chance: f64,
    /// How many times as much traffic a burst brings.
    pub burst_factor: f64,
    /// Jobs that one request leaves in the queue.
    pub jobs_per_request: f64,
    /// Jobs per second that one started machine takes out of it.
    pub jobs_per_machine: f64,
}

impl Day {
    /// A day with these peaks and otherwise ordinary values.
    #[must_use]
    pub fn with_peak(peak: BTreeMap<Region, f64>) -> Self {
        Self {
            peak,
            trough: 0.15,
            noise: 0.1,
            burst_chance: 0.02,
            burst_factor: 3.0,
            jobs_per_request: 0.2,
            jobs_per_machine: 2.0,
        }
    }

    /// Requests per second in `region` at `at`. Depends on nothing but its arguments.
    fn traffic(&self, seed: u64, region: &Region, at: Timestamp) -> Option<f64> {
        let peak = self.peak.get(region)?;
        let longitude = regions::find(region).map_or(0.0, |place| place.longitude);
        let local_hour = at.as_seconds() / 3600.0 + longitude / 15.0;
        let height = 0.5 + 0.5 * ((local_hour - PEAK_HOUR) / 24.0 * TAU).cos();
        let curve = self.trough + (1.0 - self.trough) * height;

        let minutes = at.as_seconds() / 60.0;
        let ripple = 1.0 + self.noise * (2.0 * smooth_noise(seed, region.as_str(), minutes) - 1.0);
        let quarter = (minutes / 15.0).floor() as i64;
        let is_burst = noise(seed ^ BURSTS, region.as_str(), quarter) < self.burst_chance;
        let burst = if is_burst { self.burst_factor } else { 1.0 };
        Some(f64::max(0.0, peak * curve * ripple * burst))
    }
}

/// Recorded traffic.
#[derive(Debug, Clone)]
pub struct Trace {
    /// When the first row begins to hold.
    pub start: Timestamp,
    /// How long each row holds.
    pub step: Duration,
    /// Requests per second in each region, row after row. A region that a row lacks has no series while
    /// it holds; before the first row and after the last one no region has.
    pub rows: Vec<BTreeMap<Region, f64>>,
}

impl Trace {
    /// The row that holds at `at`.
    fn row(&self, at: Timestamp) -> Option<&BTreeMap<Region, f64>> {
        (at >= self.start).then(|| self.rows.get(self.step_of(at)))?
    }

    /// The end of the step in which `at` is.
    fn end_of_step(&self, at: Timestamp) -> Timestamp {
        if at < self.start {
            return self.start;
        }
        let steps = i64::try_from(self.step_of(at) + 1).unwrap_or(i64::MAX);
        let millis = steps.saturating_mul(self.step_millis());
        Timestamp::from_millis(self.start.as_millis().saturating_add(millis))
    }

    fn step_of(&self, at: Timestamp) -> usize {
        let passed = at.as_millis() - self.start.as_millis();
        usize::try_from(passed / self.step_millis()).unwrap_or(0)
    }

    fn step_millis(&self) -> i64 {
        // Never 0: time has to get on.
        i64::try_from(self.step.as_millis()).unwrap_or(i64::MAX).max(1)
    }
}

/// The hour, local time, at which people use the network most.
const PEAK_HOUR: f64 = 20.0;

/// Keeps the luck of bursts apart from that of the noise.
const BURSTS: u64 = 0x6275_7273_7473;

/// Noise that changes from minute to minute without jumps.
fn smooth_noise(seed: u64, purpose: &str, minutes: f64) -> f64 {
    let whole = minutes.floor();
    let part = minutes - whole;
    let (here, next) = (whole as i64, whole as i64 + 1);
    noise(seed, purpose, here) * (1.0 - part) + noise(seed, purpose, next) * part
}

/// The load of one app as it goes on.
#[derive(Debug)]
pub(crate) struct LoadState {
    load: Load,
    seed: u64,
    at: Timestamp,
    queue_depth: Option<f64>,
    /// Requests so far, in each region: a counter.
    requests: BTreeMap<Region, f64>,
    /// Traffic that a test has set, which beats the day's.
    set: BTreeMap<Region, f64>,
}

/// The furthest back that a day is caught up with, one second at a time: an app that nobody has looked
/// at for longer has forgotten what happened before.
const CATCH_UP_SECONDS: i64 = 24 * 3600;

impl LoadState {
    pub(crate) fn new(load: Load, seed: u64, now: Timestamp) -> Self {
        let queue_depth = match &load {
            Load::Fixed { queue_depth, .. } => *queue_depth,
            Load::Day(_) => Some(0.0),
            Load::Trace(_) => None,
        };
        Self { load, seed, at: now, queue_depth, requests: BTreeMap::new(), set: BTreeMap::new() }
    }

    /// Lets the time pass until `now` with `started` machines at work.
    pub(crate) fn advance(&mut self, now: Timestamp, started: usize) {
        match &self.load {
            Load::Fixed { traffic, .. } => {
                let seconds = now.since(self.at).as_secs_f64();
                let fixed = traffic.iter().filter(|(region, _)| !self.set.contains_key(*region));
                for (region, rate) in fixed.chain(&self.set) {
                    // A look at ten thousand apps is not to make ten thousand copies of a name.
                    match self.requests.get_mut(region) {
                        Some(requests) => *requests += rate * seconds,
                        None => drop(self.requests.insert(region.clone(), rate * seconds)),
                    }
                }
                self.at = std::cmp::max(self.at, now);
            }
            Load::Trace(trace) => {
                while self.at < now {
                    let until = std::cmp::min(trace.end_of_step(self.at), now);
                    let seconds = until.since(self.at).as_secs_f64();
                    let row = trace.row(self.at).into_iter().flatten();
                    let recorded = row.filter(|(region, _)| !self.set.contains_key(*region));
                    for (region, rate) in recorded.chain(&self.set) {
                        *self.requests.entry(region.clone()).or_default() += rate * seconds;
                    }
                    self.at = until;
                }
            }
            Load::Day(day) => {
                // On a fixed grid, so that the queue does not depend on how often it is looked at.
                let (jobs_per_request, jobs_per_machine) =
                    (day.jobs_per_request, day.jobs_per_machine);
                let end = now.as_millis().div_euclid(1000);
                let start =
                    std::cmp::max(self.at.as_millis().div_euclid(1000), end - CATCH_UP_SECONDS);
                for second in start + 1..=end {
                    self.at = Timestamp::from_millis(second * 1000);
                    let mut arrived = 0.0;
                    for (region, rate) in self.traffic(self.at) {
                        arrived += rate;
                        *self.requests.entry(region).or_default() += rate;
                    }
                    let change = arrived * jobs_per_request - started as f64 * jobs_per_machine;
                    self.queue_depth = self.queue_depth.map(|depth| f64::max(0.0, depth + change));
                }
            }
        }
    }

    /// Requests per second in each region at `at`.
    pub(crate) fn traffic(&self, at: Timestamp) -> BTreeMap<Region, f64> {
        let mut traffic = self.unset_traffic(at);
        traffic.extend(self.set.iter().map(|(region, rate)| (region.clone(), *rate)));
        traffic
    }

    /// Whether the queue changes without anybody setting it.
    pub(crate) fn changes_by_itself(&self) -> bool {
        matches!(self.load, Load::Day(_))
    }

    /// The traffic that a test has set.
    pub(crate) fn traffic_set(&self) -> &BTreeMap<Region, f64> {
        &self.set
    }

    /// What the traffic would be at `at` if nobody had set any.
    pub(crate) fn unset_traffic(&self, at: Timestamp) -> BTreeMap<Region, f64> {
        match &self.load {
            Load::Fixed { traffic, .. } => traffic.clone(),
            Load::Day(day) => day
                .peak
                .keys()
                .filter_map(|region| Some((region.clone(), day.traffic(self.seed, region, at)?)))
                .collect(),
            Load::Trace(trace) => trace.row(at).cloned().unwrap_or_default(),
        }
    }

    /// Requests so far in each region.
    pub(crate) fn requests(&self) -> &BTreeMap<Region, f64> {
        &self.requests
    }

    /// Jobs that wait.
    pub(crate) fn queue_depth(&self) -> Option<f64> {
        self.queue_depth
    }

    pub(crate) fn set_queue_depth(&mut self, depth: Option<f64>) {
        self.queue_depth = depth;
    }

    /// Sets the traffic of a region from now on; `None` gives it back to the load.
    pub(crate) fn set_traffic(&mut self, region: Region, rate: Option<f64>) {
        match rate {
            Some(rate) => self.set.insert(region, rate),
            None => self.set.remove(&region),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> Day {
        let peak = [("lhr", 100.0), ("nrt", 100.0)];
        let peak = peak.map(|(code, rate)| (Region::new(code), rate)).into();
        Day { noise: 0.0, burst_chance: 0.0, ..Day::with_peak(peak) }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a time")
    }

    #[test]
    fn each_region_peaks_in_its_own_evening() {
        let rate = |code: &str, time| day().traffic(1, &Region::new(code), at(time)).unwrap_or(0.0);
        assert!(rate("lhr", "2026-03-02T20:00:00Z") > 99.0);
        assert!(rate("lhr", "2026-03-02T08:00:00Z") < 16.0);
        // Tokyo is nine hours and a half ahead by the sun.
        assert!(rate("nrt", "2026-03-02T10:35:00Z") > 99.0);
        assert_eq!(day().traffic(1, &Region::new("iad"), at("2026-03-02T20:00:00Z")), None);
    }

    #[test]
    fn a_queue_grows_without_machines_and_drains_with_them() {
        let start = at("2026-03-02T12:00:00Z");
        let mut load = LoadState::new(Load::Day(day()), 1, start);
        let later = start.plus(Duration::from_secs(60));
        load.advance(later, 0);
        let depth = load.queue_depth().unwrap_or_default();
        assert!(depth > 500.0, "{depth}");
        load.advance(later.plus(Duration::from_secs(60)), 50);
        assert_eq!(load.queue_depth(), Some(0.0));
    }

    #[test]
    fn looking_more_often_changes_nothing() {
        let start = at("2026-03-02T12:00:00Z");
        let end = start.plus(Duration::from_secs(90));
        let mut once = LoadState::new(Load::Day(day()), 1, start);
        once.advance(end, 3);
        let mut often = LoadState::new(Load::Day(day()), 1, start);
        for tenth in 0..=900 {
            often.advance(start.plus(Duration::from_millis(tenth * 100)), 3);
        }
        assert_eq!(once.queue_depth(), often.queue_depth());
        assert_eq!(once.requests(), often.requests());
    }

    #[test]
    fn a_trace_is_followed_with_its_gaps() {
        let start = at("2026-03-02T12:00:00Z");
        let row = |cells: &[(&str, f64)]| {
            cells.iter().map(|(code, rate)| (Region::new(code), *rate)).collect()
        };
        let rows = vec![row(&[("lhr", 2.0), ("nrt", 1.0)]), row(&[("lhr", 4.0)])];
        let trace = Trace { start, step: Duration::from_secs(300), rows: rows.clone() };
        let minutes = |minutes: u64| start.plus(Duration::from_secs(60 * minutes));
        let mut load = LoadState::new(Load::Trace(trace), 1, start.minus(Duration::from_secs(60)));
        assert_eq!(load.traffic(start.minus(Duration::from_millis(1))), row(&[]));
        assert_eq!(load.traffic(start), rows[0]);
        assert_eq!(load.traffic(minutes(5).minus(Duration::from_millis(1))), rows[0]);
        assert_eq!(load.traffic(minutes(5)), rows[1]);
        assert_eq!(load.traffic(minutes(10)), row(&[]));
        load.advance(minutes(7), 0);
        assert_eq!(*load.requests(), row(&[("lhr", 600.0 + 480.0), ("nrt", 300.0)]));
        load.advance(minutes(60), 0);
        assert_eq!(*load.requests(), row(&[("lhr", 600.0 + 1200.0), ("nrt", 300.0)]));
    }

    #[test]
    fn bursts_come_about_as_often_as_told() {
        let bursty = Day { burst_chance: 0.1, ..day() };
        let start = at("2026-03-02T00:00:00Z");
        let bursts = (0..1000)
            .filter(|quarter| {
                let at = start.plus(Duration::from_secs(quarter * 900));
                let lhr = Region::new("lhr");
                bursty.traffic(1, &lhr, at) > day().traffic(1, &lhr, at).map(|rate| rate * 2.0)
            })
            .count();
        assert!((60..140).contains(&bursts), "{bursts}");
    }
}
