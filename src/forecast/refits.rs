//! Which series is fitted next, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::Timestamp;

/// What the one who fits should do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<K> {
    /// Fit this one, and say [`Refits::done`] when that is over.
    Fit(K),
    /// Ask again then, or when a series is added.
    At(Timestamp),
    /// Ask again when a series is added.
    Nothing,
}

/// The order and the pace of fits: one at a time, and after each a pause so long that all fits together take no
/// more than a share of one core.
///
/// Series that were never fitted come first, in the order in which they were added; then the one whose fit is the
/// oldest. None is fitted again before [`Refits::RENEW_AFTER`], and one that could not be fitted is tried
/// again after [`Refits::RETRY_AFTER`].
#[derive(Debug, Clone)]
pub struct Refits<K> {
    share: f64,
    /// When the pause after the last fit is over.
    free: Timestamp,
    series: BTreeMap<K, Place>,
    /// Those that were never fitted, and those that were; the first to be due comes first.
    queues: [BTreeSet<(Timestamp, u64, K)>; 2],
    added: u64,
}

/// Where a series stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    was_fitted: bool,
    due: Timestamp,
    /// Keeps the order of adding.
    number: u64,
}

impl<K: Ord + Clone> Refits<K> {
    /// What of one core fits may take, unless said otherwise.
    pub const SHARE: f64 = 0.1;
    /// A fit is good for an hour: its level follows each value, and the shape of a day does not change in less.
    pub const RENEW_AFTER: Duration = Duration::from_secs(3600);
    /// Most that cannot be fitted have too little history, and get more.
    pub const RETRY_AFTER: Duration = Duration::from_secs(300);

    /// No series yet. A `share` outside of 0.001 to 1 is moved there.
    #[must_use]
    pub fn new(share: f64) -> Self {
        // NaN, which clamp lets through, is no share either.
        let share = if share.is_nan() { Self::SHARE } else { share.clamp(0.001, 1.0) };
        let (series, queues) = (BTreeMap::new(), [BTreeSet::new(), BTreeSet::new()]);
        Self { share, free: Timestamp::from_millis(i64::MIN), series, queues, added: 0 }
    }

    /// Adds a series, due at once. One that is there stays where it is.
    pub fn add(&mut self, key: K, now: Timestamp) {
        if !self.series.contains_key(&key) {
            self.added += 1;
            self.put(key, Place { was_fitted: false, due: now, number: self.added });
        }
    }

    /// Removes all series that are not to be `kept`.
    pub fn retain(&mut self, kept: impl Fn(&K) -> bool) {
        self.series.retain(|key, _| kept(key));
        for queue in &mut self.queues {
            queue.retain(|(_, _, key)| kept(key));
        }
    }

    /// Whether there is such a series.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        self.series.contains_key(key)
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// What to do at `now`. The series that is given is out of the queue until [`Refits::done`].
    pub fn next(&mut self, now: Timestamp) -> Next<K> {
        let first = self.queues.each_ref().map(|queue| queue.first().map(|(due, ..)| *due));
        let Some(earliest) = first.into_iter().flatten().min() else { return Next::Nothing };
        if earliest > now || self.free > now {
            return Next::At(earliest.max(self.free));
        }
        // One that failed waits for its time, and must not keep the fitted ones waiting.
        let is_due = |due: &Option<Timestamp>| due.is_some_and(|due| due <= now);
        let chosen = first.iter().position(is_due).and_then(|at| self.queues[at].pop_first());
        chosen.map_or(Next::Nothing, |(_, _, key)| Next::Fit(key))
    }

    /// Notes that the fit of `key`, which began at `began`, took `took` of the core, and whether it succeeded.
    pub fn done(&mut self, key: K, began: Timestamp, took: Duration, succeeded: bool) {
        let with_pause = Duration::try_from_secs_f64(took.as_secs_f64() / self.share);
        self.free = self.free.max(began.plus(with_pause.unwrap_or(Duration::MAX)));
        let Some(old) = self.series.get(&key).copied() else { return };
        let was_fitted = old.was_fitted || succeeded;
        let wait = if succeeded { Self::RENEW_AFTER } else { Self::RETRY_AFTER };
        self.put(key, Place { was_fitted, due: began.plus(took).plus(wait), number: old.number });
    }

    fn put(&mut self, key: K, place: Place) {
        if let Some(old) = self.series.insert(key.clone(), place) {
            self.queues[usize::from(old.was_fitted)].remove(&(old.due, old.number, key.clone()));
        }
        self.queues[usize::from(place.was_fitted)].insert((place.due, place.number, key));
    }
}
