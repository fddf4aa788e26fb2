//! Two autoscalers on one app for a day, killed and restarted at random.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::model::Timestamp;
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::{AppSpec, Endpoint, Load, SimOptions, Simulator};

use super::time::SteppedClock;
use super::{Fleet, INTERVAL, Process, Random, refused_for_the_rate, settle, slow_network, web};

/// Which numbers are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Machines come and go; what runs is not our business.
    Created,
    /// All that exist shall run.
    Both,
    /// Of a fixed number of machines some run.
    Started,
}

/// A tick acts on what it measured at its beginning; with a machine created each second it may take
/// this long.
const STALE: Duration = Duration::from_secs(30);
/// The last part of each hour, in which nothing happens to the scalers and the target.
const CALM: Duration = Duration::from_secs(15 * 60);
/// The most machines that are ever wanted.
const MOST: usize = 12;

impl Counts {
    fn variables(self) -> &'static [(&'static str, &'static str)] {
        const CREATED: (&str, &str) = ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)");
        const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");
        match self {
            Self::Created => &[CREATED],
            Self::Both => &[CREATED, STARTED],
            Self::Started => &[STARTED],
        }
    }

    /// The numbers that follow the target.
    fn scaled(self, fleet: Fleet) -> Vec<usize> {
        match self {
            Self::Created => vec![fleet.present],
            Self::Both => vec![fleet.present, fleet.running],
            Self::Started => vec![fleet.running],
        }
    }
}

/// What was seen in a day.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What should not have been, with its time.
    pub(crate) wrong: Vec<String>,
    pub(crate) kills: usize,
    pub(crate) creates: u64,
    pub(crate) destroys: u64,
    pub(crate) too_many_requests: Vec<String>,
}

struct Pair {
    seed: u64,
    counts: Counts,
    sim: Simulator,
    clock: Arc<SteppedClock>,
    random: Random,
    scalers: [Option<Process>; 2],
    restarts: [Timestamp; 2],
    started: usize,
    /// What was wanted, and since when.
    wanted: VecDeque<(Timestamp, usize)>,
    fleet: Fleet,
    changes: u64,
    seen: Seen,
}

/// Runs these hours of a day, with lists that are `lag` behind.
pub(crate) async fn two_scalers(
    seed: u64,
    counts: Counts,
    lag: Duration,
    hours: Range<u64>,
) -> Seen {
    let mut pair = Pair::new(seed, counts, lag).await;
    for hour in hours {
        pair.hour(hour).await;
    }
    pair.seen.too_many_requests = refused_for_the_rate(&pair.sim);
    pair.seen.creates = pair.sim.world().total(Endpoint::Create);
    pair.seen.destroys = pair.sim.world().total(Endpoint::Destroy);
    pair.seen
}

impl Pair {
    async fn new(seed: u64, counts: Counts, lag: Duration) -> Self {
        let start = Timestamp::parse_rfc3339("2026-08-21T00:00:00Z").unwrap();
        let clock = SteppedClock::new(start);
        let options = SimOptions {
            seed,
            list_lag: lag,
            enforce_rate_limits: true,
            ..SimOptions::new(Arc::clone(&clock) as Arc<dyn Clock>)
        };
        let sim = Simulator::start(options).await.unwrap();
        let stopped = if counts == Counts::Started { MOST + 1 } else { 0 };
        let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, stopped);
        spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(10.0) };
        sim.world().add_app(&spec);
        // Old enough that nobody was just launched.
        clock.step(start.plus(Duration::from_secs(3600)));
        slow_network(&sim);
        let now = clock.now();
        Self {
            seed,
            counts,
            fleet: Fleet::of(&sim),
            sim,
            clock,
            random: Random::new(seed),
            scalers: [None, None],
            restarts: [now, now.plus(INTERVAL / 3)],
            started: 0,
            wanted: [(now, 1)].into(),
            changes: 0,
            seen: Seen::default(),
        }
    }

    async fn hour(&mut self, hour: u64) {
        let end = self.clock.now().plus(Duration::from_secs(3600));
        let calm = end.minus(CALM);
        while self.clock.now() < calm {
            self.want(hour);
            let minutes = 3 + self.random.below(12);
            let until = self.clock.now().plus(Duration::from_secs(60 * minutes));
            self.pass(std::cmp::min(until, calm), true).await;
        }
        self.restarts = [self.clock.now(); 2];
        self.pass(end, false).await;
        let wanted = self.wanted.back().unwrap().1;
        if self.counts.scaled(self.fleet).iter().any(|count| *count != wanted) {
            self.wrong(format!("{:?} after {CALM:?} of calm, {wanted} wanted", self.fleet));
        }
    }

    /// A new target: the day's curve, and something beside it.
    fn want(&mut self, hour: u64) {
        let height = 0.5 - 0.5 * (hour as f64 / 24.0 * std::f64::consts::TAU).cos();
        let curve = 1 + (height * 7.0) as u64;
        let wanted = std::cmp::min(curve + self.random.below(5), MOST as u64) as usize;
        self.wanted.push_back((self.clock.now(), wanted));
        self.sim.world().set_queue_depth(&web(), Some(wanted as f64 * 10.0)).unwrap();
    }

    /// Lets the time pass, with kills or without.
    async fn pass(&mut self, end: Timestamp, kills: bool) {
        while self.clock.now() < end {
            let now = self.clock.now();
            for which in 0..2 {
                if self.scalers[which].is_none() && now >= self.restarts[which] {
                    self.started += 1;
                    let name = format!("s{}", self.started);
                    let variables = self.counts.variables();
                    let process = Process::start(&self.sim, &self.clock, &name, variables);
                    self.scalers[which] = Some(process);
                }
            }
            settle(&self.clock, self.scalers.iter().flatten().count()).await;
            self.look();
            if kills {
                self.perhaps_kill();
            }
            let dead = (0..2).filter(|which| self.scalers[*which].is_none());
            let next = dead.map(|which| self.restarts[which]).fold(end, std::cmp::min);
            self.clock.step(std::cmp::max(next, self.clock.now()));
        }
    }

    /// Checks what has changed since the last look.
    fn look(&mut self) {
        let now = self.clock.now();
        let since = now.minus(STALE);
        while self.wanted.get(1).is_some_and(|(from, _)| *from <= since) {
            self.wanted.pop_front();
        }
        let wanted = || self.wanted.iter().map(|(_, count)| *count);
        let (least, most) = (wanted().min().unwrap(), wanted().max().unwrap());
        let fleet = Fleet::of(&self.sim);
        let (before, after) = (self.counts.scaled(self.fleet), self.counts.scaled(fleet));
        for (before, after) in before.into_iter().zip(after) {
            if after > before && after > most {
                self.wrong(format!("one too many: {before} -> {after}, {most} wanted"));
            }
            if after < before && after < least {
                self.wrong(format!("one too few: {before} -> {after}, {least} wanted"));
            }
        }
        self.fleet = fleet;
    }

    /// Kills one now and then, more often while something is being done.
    fn perhaps_kill(&mut self) {
        let endpoints =
            [Endpoint::Create, Endpoint::Destroy, Endpoint::LeaseAcquire, Endpoint::Start];
        let changes = endpoints.into_iter().map(|endpoint| self.sim.world().total(endpoint)).sum();
        let odds = if changes > self.changes { 10 } else { 150 };
        self.changes = changes;
        if self.random.below(odds) > 0 {
            return;
        }
        let which = self.random.below(2) as usize;
        if let Some(process) = self.scalers[which].take() {
            process.kill();
            self.seen.kills += 1;
            let away = match self.random.below(3) {
                0 => self.random.below(3),
                1 => self.random.below(40),
                _ => self.random.below(600),
            };
            self.restarts[which] = self.clock.now().plus(Duration::from_secs(away));
        }
    }

    fn wrong(&mut self, what: impl std::fmt::Display) {
        let (seed, counts, now) = (self.seed, self.counts, self.clock.now());
        self.seen.wrong.push(format!("seed {seed}, {counts:?}, {now}: {what}"));
    }
}
