//! What of each tick reaches the journal, however it ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fly_autoscaler::journal::{
    Chart, ChartQuery, Entry, EntryKind, HistoryQuery, Journal, JournalError, Noted, Passage, When,
};
use fly_autoscaler::model::AppName;
use fly_autoscaler::ports::BoxFuture;
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use fly_autoscaler::status::Tick;
use fly_autoscaler::store::MemoryStore;

use super::troubles::Panicking;
use super::{Differently, REFRESH, Stage, app};

/// A journal that remembers what it was given, and of a tick what it did.
#[derive(Default)]
struct Given {
    ticks: Mutex<Vec<(AppName, Vec<String>)>>,
    notes: Mutex<Vec<Noted>>,
}

impl Given {
    fn deeds_of(&self, app: &AppName) -> Vec<String> {
        let ticks = self.ticks.lock().unwrap();
        ticks.iter().filter(|(own, _)| own == app).flat_map(|(_, deeds)| deeds.clone()).collect()
    }
}

impl Journal for Given {
    fn record(&self, app: &AppName, tick: &Arc<Tick>) {
        let deeds = tick.outcomes.iter().map(ToString::to_string).collect();
        self.ticks.lock().unwrap().push((app.clone(), deeds));
    }

    fn note(&self, noted: Noted) {
        self.notes.lock().unwrap().push(noted);
    }

    fn passages<'a>(
        &'a self,
        _: &'a AppName,
        _: When,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Passage>, JournalError>> {
        unreachable!("nobody reads it")
    }

    fn history<'a>(
        &'a self,
        _: &'a HistoryQuery,
    ) -> BoxFuture<'a, Result<Vec<Entry>, JournalError>> {
        unreachable!("nobody reads it")
    }

    fn chart<'a>(&'a self, _: &'a ChartQuery) -> BoxFuture<'a, Result<Chart, JournalError>> {
        unreachable!("nobody reads it")
    }
}

#[tokio::test]
async fn what_a_tick_did_is_kept_though_its_app_left_the_list_meanwhile() {
    let journal = Arc::new(Given::default());
    let own = Differently { journal: Some(journal.clone()), ..Differently::default() };
    let stage = Stage::with(3, |_| {}, own).await;
    stage.all_ticked(3).await;

    let slow = FaultKind::Delay(REFRESH * 2);
    stage.sim.world().inject(FaultRule::always(Endpoint::Start, slow).after());
    stage.queue(1, 20.0);
    stage.clock.advance(super::INTERVAL);
    stage.until("the start is under way", |_| stage.started(1) == 2).await;
    stage.sim.world().remove_app(&app(1));
    stage.clock.advance(REFRESH);
    stage
        .until("the list lacks it", |_| stage.board.app_list().is_some_and(|list| list.count == 2))
        .await;
    assert_eq!(journal.deeds_of(&app(1)), Vec::<String>::new(), "it has not ended");
    stage.clock.advance(REFRESH + Duration::from_secs(1));
    stage.until("it has ended", |_| !journal.deeds_of(&app(1)).is_empty()).await;
    let deeds = journal.deeds_of(&app(1));
    assert!(deeds.len() == 1 && deeds[0].starts_with("start "), "{deeds:?}");
    assert!(deeds[0].ends_with(": done"), "{deeds:?}");
    stage.until("it is gone", |apps| apps.len() == 2).await;
}

#[tokio::test]
async fn a_tick_that_panics_is_noted() {
    let journal = Arc::new(Given::default());
    let store = Panicking { app: app(1), store: MemoryStore::new("fleet-test") };
    let (kept, store) = (Some(journal.clone() as Arc<dyn Journal>), Arc::new(store));
    let stage =
        Stage::with(3, |_| {}, Differently { journal: kept, store, ..Differently::default() })
            .await;
    stage.until("one has panicked", |_| !journal.notes.lock().unwrap().is_empty()).await;
    let noted = journal.notes.lock().unwrap()[0].clone();
    assert_eq!((noted.app, noted.kind), (Some(app(1)), EntryKind::Failure));
    assert!(noted.text.contains("the bug of tenant-1"), "{}", noted.text);
}
