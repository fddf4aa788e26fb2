//! A day, looked at before each tick: whether each region has what it should, and what it took.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fly_autoscaler::model::{AppName, Region};
use fly_autoscaler::sim::Endpoint;

use super::driven::{Count, Driven};
use super::reckon::{Steps, Targets, is_about, least_steps};

pub(super) struct Day {
    pub(super) driven: Driven,
    app: AppName,
    interval: Duration,
    /// What was there at first, and what was wanted in each tick since.
    targets: Vec<Targets>,
    /// What was there before each next tick.
    pub(super) seen: Vec<BTreeMap<Region, Count>>,
    wrong: Vec<String>,
}

impl Day {
    /// Begins with what is there.
    pub(super) fn new(driven: Driven, app: &AppName, interval: Duration) -> Self {
        let started = driven.machines().into_iter().map(|(own, count)| (own, count.started));
        let targets = vec![started.collect()];
        Self { driven, app: app.clone(), interval, targets, seen: Vec::new(), wrong: Vec::new() }
    }

    /// Lets a tick pass and compares what runs with what it was to bring about.
    ///
    /// A machine more here where another has to go first, for the ceiling, may take one tick more.
    pub(super) async fn tick(&mut self, targets: Targets, ceiling: usize) {
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
            if at_once > ceiling {
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

    /// Nothing was wrong in any tick, nobody was refused anything, `up` and `down` were done no more often than
    /// the targets moved, and `home` never had no machine. Gives the steps.
    pub(super) fn assert_right(&self, up: Endpoint, down: Endpoint, home: &str) -> Steps {
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert_eq!(self.driven.refused(), Vec::<String>::new());
        let steps = least_steps(&self.targets);
        let (ups, downs) = (self.driven.done(up), self.driven.done(down));
        let is_least = is_about(ups, steps.up) && is_about(downs, steps.down);
        assert!(is_least, "{ups} of {up:?}, {downs} of {down:?}, needed were {steps:?}");
        let watched = self.driven.world().watched(&self.app).unwrap();
        assert!(watched.fewest_started_in[&Region::new(home)] > 0, "{watched:?}");
        steps
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
