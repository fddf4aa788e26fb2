//! What was so at any moment, not only in those in which a test looks.

use std::collections::BTreeMap;

use crate::model::{MachineState, Region};

use super::machine::{SimMachine, Step};

/// The most and the fewest machines that an app had since it is watched, counted at every change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// The most that ran or were on their way there, in all regions together.
    pub most_running: usize,
    /// The same in each region that had a machine.
    pub most_running_in: BTreeMap<Region, usize>,
    /// The fewest that were started at once in all regions together; `None` before the first look.
    pub fewest_started: Option<usize>,
    /// The fewest that were started in each region, from the first moment in which it had a machine.
    pub fewest_started_in: BTreeMap<Region, usize>,
}

impl Watched {
    /// Takes in what is so at this moment.
    pub(crate) fn look<'a>(&mut self, machines: impl Iterator<Item = &'a SimMachine>) {
        let known = self.fewest_started_in.keys().map(|region| (region.clone(), (0, 0)));
        let mut counts: BTreeMap<Region, (usize, usize)> = known.collect();
        for machine in machines.filter(|machine| machine.is_present()) {
            let (running, started) = counts.entry(machine.region.clone()).or_default();
            *running += usize::from(is_on_its_way(machine));
            *started += usize::from(machine.state == MachineState::Started);
        }
        let running = counts.values().map(|(running, _)| running).sum();
        self.most_running = std::cmp::max(self.most_running, running);
        let started: usize = counts.values().map(|(_, started)| started).sum();
        let fewest = self.fewest_started.get_or_insert(started);
        *fewest = std::cmp::min(*fewest, started);
        for (region, (running, started)) in counts {
            let most = self.most_running_in.entry(region.clone()).or_default();
            *most = std::cmp::max(*most, running);
            let fewest = self.fewest_started_in.entry(region).or_insert(started);
            *fewest = std::cmp::min(*fewest, started);
        }
    }
}

/// Whether a machine runs or will, without anybody doing anything.
fn is_on_its_way(machine: &SimMachine) -> bool {
    match machine.state {
        MachineState::Starting | MachineState::Started => true,
        MachineState::Created => {
            matches!(machine.plan.front(), Some((_, Step::Enter(MachineState::Starting))))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::model::Timestamp;
    use crate::sim::app::App;
    use crate::sim::machine::Timings;
    use crate::sim::spec::AppSpec;

    /// Two machines in one region, of which one runs; who takes over starts first, or the other stops first.
    fn most_and_fewest(starts_first: bool) -> (usize, usize) {
        let (now, lhr) = (Timestamp::from_millis(0), Region::new("lhr"));
        let mut app = App::new(&AppSpec::new("web", "acme"), 1, Timings::default(), now);
        let mut place = |state| {
            let config = Arc::clone(&app.config);
            app.place(lhr.clone(), config, state, None, now)
        };
        let (old, new) = (place(MachineState::Started), place(MachineState::Stopped));
        app.watched = Some(Watched::default());
        app.watch();
        if starts_first {
            assert!(app.start(&new, now).is_ok());
            app.advance(now.plus(Duration::from_secs(60)));
            assert!(app.stop(&old, now).is_ok());
        } else {
            assert!(app.stop(&old, now).is_ok());
            assert!(app.start(&new, now).is_ok());
        }
        app.advance(now.plus(Duration::from_secs(120)));
        let watched = app.watched.unwrap_or_default();
        assert_eq!(watched.most_running_in[&lhr], watched.most_running);
        assert_eq!(Some(watched.fewest_started_in[&lhr]), watched.fewest_started);
        (watched.most_running, watched.fewest_started_in[&lhr])
    }

    #[test]
    fn what_was_so_between_two_looks_is_known() {
        assert_eq!(most_and_fewest(true), (2, 1));
        assert_eq!(most_and_fewest(false), (1, 0));
    }
}
