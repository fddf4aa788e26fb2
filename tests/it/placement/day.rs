//! A day, looked at before each tick: whether each region has what it should, and what it took.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fly_autoscaler::model::{AppName, Region, Timestamp};
use fly_autoscaler::sim::Endpoint;

use super::driven::{Count, Driven};
use super::reckon::{Steps, Targets, is_about, least_steps};

/// What a day came to, beside what it could not do without.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) ticks: usize,
    /// The changes of the targets.
    pub(super) needed: Steps,
    pub(super) creates: u64,
    pub(super) destroys: u64,
    pub(super) starts: u64,
    pub(super) stops: u64,
    /// From the requests that let machines run to those that stop them.
    pub(super) machine_hours: f64,
    /// Those of the targets.
    pub(super) least_machine_hours: f64,
}

pub(super) struct Day {
    pub(super) driven: Driven,
    app: AppName,
    start: Timestamp,
    interval: Duration,
    /// The most machines that may run at once.
    ceiling: usize,
    /// What was there at first, and what was wanted in each tick since.
    targets: Vec<Targets>,
    /// What was there before each next tick.
    pub(super) seen: Vec<BTreeMap<Region, Count>>,
    wrong: Vec<String>,
}

impl Day {
    /// Begins with what is there.
    pub(super) fn new(driven: Driven, app: &AppName, interval: Duration, ceiling: usize) -> Self {
        let started = driven.machines().into_iter().map(|(own, count)| (own, count.started));
        let (start, targets) = (driven.now(), vec![started.collect()]);
        let (seen, wrong) = (Vec::new(), Vec::new());
        Self { driven, app: app.clone(), start, interval, ceiling, targets, seen, wrong }
    }

    /// Lets a tick pass and compares what runs with what it was to bring about.
    ///
    /// A machine more here where another has to go first, for the ceiling, may take one tick more.
    pub(super) async fn tick(&mut self, targets: Targets) {
        self.driven.pass(self.interval).await;
        let before = &self.targets[self.targets.len() - 1];
        let regions: BTreeSet<&Region> = before.keys().chain(targets.keys()).collect();
        let both =
            |region: &Region| [before, &targets].map(|own| own.get(region).copied().unwrap_or(0));
        let at_once: usize = regions.iter().map(|own| both(own).into_iter().max().unwrap()).sum();
        let seen = self.driven.machines();
        for region in
            seen.keys().chain(regions.iter().copied().filter(|own| !seen.contains_key(*own)))
        {
            let [before, now] = both(region);
            let mut allowed = now..=now;
            if at_once > self.ceiling {
                allowed = std::cmp::min(before, now)..=std::cmp::max(before, now);
            }
            let count = seen.get(region).copied().unwrap_or_default();
            if !allowed.contains(&count.started) {
                let (at, tick) = (self.driven.now(), self.targets.len() - 1);
                let wrong =
                    format!("tick {tick}, before {at}: {region} has {count:?}, wanted {allowed:?}");
                self.wrong.push(wrong);
            }
        }
        self.targets.push(targets);
        self.seen.push(seen);
    }

    /// The same for what exists: a machine that is to go is stopped in one tick and destroyed in the next.
    pub(super) fn assert_destroyed_a_tick_later(&self) {
        for (tick, seen) in self.seen.iter().enumerate() {
            let [before, now] = [&self.targets[tick], &self.targets[tick + 1]];
            for (region, count) in seen {
                let wanted = [before, now].map(|own| own.get(region).copied().unwrap_or(0));
                let most = wanted.into_iter().max().unwrap();
                assert!(
                    (wanted[1]..=most).contains(&count.present),
                    "tick {tick}: {region} {count:?}"
                );
            }
        }
    }

    /// Each region had in each tick what it was to have in one of the last `ticks`, or a number between those.
    pub(super) fn assert_within_the_last(&self, ticks: usize) {
        for (tick, seen) in self.seen.iter().enumerate() {
            let last = &self.targets[(tick + 2).saturating_sub(ticks)..=tick + 1];
            let regions: BTreeSet<&Region> =
                last.iter().flat_map(BTreeMap::keys).chain(seen.keys()).collect();
            for region in regions {
                let wanted = last.iter().map(|own| own.get(region).copied().unwrap_or(0));
                let (least, most) = (wanted.clone().min().unwrap(), wanted.max().unwrap());
                let count = seen.get(region).copied().unwrap_or_default();
                let both = [count.started, count.present];
                let is_right = both.iter().all(|own| (least..=most).contains(own));
                assert!(is_right, "tick {tick}: {region} {count:?}, wanted {least} to {most}");
            }
        }
    }

    /// Nothing was wrong in any tick, nobody was refused anything, `up` and `down` were done no more often than
    /// the targets moved, `home` never had no machine, and never ran more than may.
    pub(super) fn assert_right(&self, (up, down): (Endpoint, Endpoint), home: &str) -> Figures {
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert_eq!(self.driven.refused(), Vec::<String>::new());
        let figures = self.figures();
        let Figures { needed, machine_hours, least_machine_hours: least, .. } = figures;
        let (ups, downs) = (self.driven.done(up), self.driven.done(down));
        assert!(is_about(ups, needed.up) && is_about(downs, needed.down), "{figures:?}");
        assert!((0.99..1.01).contains(&(machine_hours / least)), "{figures:?}");
        let watched = self.driven.world().watched(&self.app).unwrap();
        assert!(watched.fewest_started_in[&Region::new(home)] > 0, "{watched:?}");
        assert!(watched.most_running <= self.ceiling, "{watched:?}");
        figures
    }

    fn figures(&self) -> Figures {
        let done = |endpoint| self.driven.done(endpoint);
        let hours: usize = self.targets.iter().skip(1).map(|own| own.values().sum::<usize>()).sum();
        Figures {
            ticks: self.seen.len(),
            needed: least_steps(&self.targets),
            creates: done(Endpoint::Create),
            destroys: done(Endpoint::Destroy),
            starts: done(Endpoint::Start),
            stops: done(Endpoint::Stop),
            machine_hours: self.machine_hours(),
            least_machine_hours: hours as f64 * self.interval.as_secs_f64() / 3600.0,
        }
    }

    fn machine_hours(&self) -> f64 {
        let now = self.driven.now();
        let hours = |since: Timestamp| now.since(since).as_secs_f64() / 3600.0;
        let mut running = self.targets[0].values().sum::<usize>() as i64;
        let mut total = running as f64 * hours(self.start);
        for request in self.driven.world().requests() {
            // A created machine runs at once: as many are to be started as created.
            let change = match request.endpoint {
                Endpoint::Create | Endpoint::Start => 1,
                Endpoint::Stop => -1,
                _ => 0,
            };
            running += change;
            total += change as f64 * hours(request.at);
        }
        assert_eq!(running, self.driven.total().started as i64, "each request counts");
        total
    }

    /// Nothing ever ran in `region`, and nobody asked for a machine there.
    pub(super) fn assert_never_in(&self, region: &str) {
        let region = Region::new(region);
        let world = self.driven.world();
        let watched = world.watched(&self.app).unwrap();
        assert_eq!(watched.most_running_in.get(&region).copied().unwrap_or(0), 0);
        let asked = world.requests().into_iter().filter(|own| own.region.as_ref() == Some(&region));
        assert_eq!(asked.collect::<Vec<_>>(), []);
    }
}
