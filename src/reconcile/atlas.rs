//! Fly's regions as they are now, for all reconcilers of a process.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::{Catalog, Region};
use crate::ports::{ApiError, Clock, Platform};
use crate::telemetry::Metrics;
use crate::telemetry::events::{RegionDoubtful, RegionListFailing, RegionListRecovered};

/// How often the list is read: regions come and go within months.
const REFRESH: Duration = Duration::from_secs(6 * 3600);
/// How soon it is read again after that failed.
const AGAIN: Duration = Duration::from_secs(600);
/// How long the first tick waits for the first list. Without it there is one that came with the program.
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// What is known of Fly's regions: what Fly said last, and until it has said anything the list that comes
/// with the program. Ticks read what is there and never wait for more.
pub struct Atlas {
    platform: Arc<dyn Platform>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
    /// Whether the list was asked for once, whatever came of it.
    tried: watch::Sender<bool>,
}

struct State {
    catalog: Arc<Catalog>,
    /// The regions that the configuration names.
    named: BTreeSet<Region>,
    is_failing: bool,
    /// The regions that were said to be doubtful.
    said: BTreeSet<Region>,
}

/// A region that the configuration names and in which no machine can be had, by Fly's current list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtfulRegion {
    /// As the configuration has it.
    pub region: Region,
    /// Fly has such a region, but takes no new machines there.
    pub is_deprecated: bool,
    /// The region that was probably meant.
    pub meant: Option<Region>,
}

impl fmt::Display for DoubtfulRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_str().escape_debug();
        if self.is_deprecated {
            return write!(f, "Fly takes no new machines in the region `{region}`");
        }
        write!(f, "Fly has no region `{region}`")?;
        self.meant.as_ref().map_or(Ok(()), |meant| write!(f, "; is `{meant}` meant?"))
    }
}

impl Atlas {
    /// The list that comes with the program, to be replaced by that of `platform`. `named` are the regions
    /// that the configuration names.
    #[must_use]
    pub fn new(
        platform: Arc<dyn Platform>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        named: BTreeSet<Region>,
    ) -> Self {
        let catalog = Arc::clone(Catalog::builtin());
        let state = State { catalog, named, is_failing: false, said: BTreeSet::new() };
        let tried = watch::Sender::new(false);
        Self { platform, clock, metrics, state: Mutex::new(state), tried }
    }

    /// Goes on with a configuration that names these regions, and says which of them are new and Fly does not
    /// offer.
    pub fn go_on_with(&self, named: BTreeSet<Region>) {
        self.lock().named = named;
        self.tell_doubtful();
    }

    /// What is known now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.lock().catalog)
    }

    /// Reads the list, at once and then every few hours, for as long as it is polled. Says which regions of
    /// the configuration Fly does not offer.
    pub async fn keep_current(&self) {
        loop {
            let refreshed = self.refresh().await;
            self.tell(refreshed.as_ref().err());
            self.tried.send_replace(true);
            let wait = if refreshed.is_ok() { REFRESH } else { AGAIN };
            self.clock.sleep(spread(wait)).await;
        }
    }

    /// Waits until [`Atlas::keep_current`] has asked once, but not for long.
    pub async fn first(&self) {
        let mut tried = self.tried.subscribe();
        // Too late is as good as failed: the list that comes with the program serves meanwhile.
        let _ = tokio::time::timeout(FIRST_WITHIN, tried.wait_for(|tried| *tried)).await;
    }

    /// Reads the list once.
    ///
    /// # Errors
    /// Where Fly does not tell, or tells what cannot be all of its regions. What was known stays.
    pub async fn refresh(&self) -> Result<(), ApiError> {
        let catalog = Arc::new(self.platform.regions().await?);
        self.lock().catalog = catalog;
        Ok(())
    }

    /// The regions of the configuration that Fly does not offer; none as long as Fly has not said which it
    /// does.
    #[must_use]
    pub fn doubtful(&self) -> Vec<DoubtfulRegion> {
        let catalog = self.catalog();
        if !catalog.is_current() {
            return Vec::new();
        }
        let doubtful = |region: &Region| {
            let site = catalog.get(region);
            if site.is_some_and(|site| !site.is_deprecated) {
                return None;
            }
            let meant = match site {
                Some(_) => None,
                None => catalog.meant_by(region.as_str()).cloned(),
            };
            Some(DoubtfulRegion { region: region.clone(), is_deprecated: site.is_some(), meant })
        };
        self.lock().named.iter().filter_map(doubtful).collect()
    }

    /// Says what is new: that the list cannot be read, that it can be again, that a region is doubtful.
    fn tell(&self, failure: Option<&ApiError>) {
        let was_failing = std::mem::replace(&mut self.lock().is_failing, failure.is_some());
        match failure {
            Some(error) => {
                let is_current = self.catalog().is_current();
                RegionListFailing { error, began: !was_failing, is_current }.emit(&self.metrics);
            }
            None if was_failing => RegionListRecovered.emit(&self.metrics),
            None => {}
        }
        self.tell_doubtful();
    }

    fn tell_doubtful(&self) {
        for doubtful in self.doubtful() {
            if self.lock().said.insert(doubtful.region.clone()) {
                RegionDoubtful { region: &doubtful.region, text: &doubtful }.emit(&self.metrics);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each field is replaced whole, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `period`, up to a quarter more or less: what was started together must not ask together for ever. The
/// hasher's keys are random, which is all the randomness that this needs.
fn spread(period: Duration) -> Duration {
    let share = std::hash::RandomState::new().hash_one(()) % 1000;
    period * 3 / 4 + period / 2000 * share as u32
}
