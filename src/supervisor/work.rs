//! The state of the supervisor's loop: which app is due when, whose turn is on, which are listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};

use super::listing::Listing;
use super::orders::{NotTicked, Waiting};
use super::pace::Pace;
use super::renewal::Current;
use super::turn::{Ran, Turn, Turned};
use super::{Apps, Supervisor};
use crate::act::UnderWay;
use crate::journal::{EntryKind, Noted};
use crate::model::{AppName, Timestamp};
use crate::ports::{ApiError, BoxFuture};
use crate::reconcile::Reconciler;
use crate::status::{Change, Tick};
use crate::telemetry::events::{BackingOff, FleetBehind, NotAwaited, TickSkipped};

/// Of the places for apps in work, one in so many is for those whose calls to Fly failed last time: they
/// may hang again, and must not take the places of those that do not.
const PLACES_PER_FAILING: usize = 4;

/// Everything that the loop knows.
pub(super) struct Work<'a> {
    pub(super) supervisor: &'a Supervisor,
    pub(super) apps: BTreeMap<AppName, App>,
    /// The apps whose turn is not on, by when it is their turn.
    pub(super) queue: BTreeSet<(Timestamp, AppName)>,
    turns: JoinSet<Turned>,
    pub(super) places: Arc<Semaphore>,
    pub(super) failing_places: Arc<Semaphore>,
    pub(super) concurrency: usize,
    pub(super) interval: Duration,
    pub(super) shutdown_timeout: Duration,
    /// The apps tick on the grid of the interval through this time.
    pub(super) grid: Timestamp,
    /// The time when it was last looked at.
    seen: Timestamp,
    pub(super) is_spread: bool,
    is_behind: bool,
    pub(super) listing: Option<Listing>,
    pub(super) current: Current,
}

/// One app.
pub(super) struct App {
    pub(super) pace: Pace,
    has_ticked: bool,
    /// The how-manieth configuration its reconciler goes by.
    pub(super) generation: u64,
    pub(super) state: State,
    /// Who wants a tick that has not begun yet.
    waiting: Vec<Waiting>,
    /// Who wants the one that is on.
    answered: Vec<Waiting>,
}

pub(super) enum State {
    Waiting(Box<Reconciler>),
    OnTurn {
        under_way: UnderWay,
        /// It was taken off the list meanwhile.
        is_gone: bool,
    },
}

impl<'a> Work<'a> {
    pub(super) fn new(supervisor: &'a Supervisor, apps: Apps) -> Self {
        let (concurrency, is_spread, one, listing) = match apps {
            Apps::One(reconciler) => (1, false, Some(reconciler), None),
            Apps::Found(fleet) => (fleet.concurrency, fleet.is_spread, None, Some(fleet)),
        };
        let now = supervisor.clock.now();
        let places = Self::places_of(concurrency).map(|count| Arc::new(Semaphore::new(count)));
        let [places, failing_places] = places;
        let mut work = Self {
            supervisor,
            apps: BTreeMap::new(),
            queue: BTreeSet::new(),
            turns: JoinSet::new(),
            places,
            failing_places,
            concurrency,
            interval: supervisor.interval,
            shutdown_timeout: supervisor.shutdown_timeout,
            grid: now,
            seen: now,
            is_spread,
            is_behind: false,
            listing: listing.map(|fleet| Listing::new(fleet, now)),
            current: Current::default(),
        };
        if let Some(reconciler) = one {
            work.add(*reconciler);
            supervisor.metrics.set_app_count(1);
        }
        work
    }

    /// The places for apps in work, and for those of them whose calls to Fly failed.
    pub(super) fn places_of(concurrency: usize) -> [usize; 2] {
        [concurrency, std::cmp::max(concurrency / PLACES_PER_FAILING, 1)]
    }

    /// Begins what is due: turns, and reading the list of apps.
    pub(super) fn begin_what_is_due(&mut self) {
        let now = self.supervisor.clock.now();
        self.follow_clock(now);
        while let Some((due, app)) = self.queue.pop_first() {
            if due > now {
                self.queue.insert((due, app));
                break;
            }
            self.begin_turn(&app, due);
        }
        if let Some(listing) = &mut self.listing {
            listing.begin_if_due(now);
        }
    }

    /// Begins the turns that somebody has asked for. Where one is on, the next begins when it has ended.
    pub(super) fn begin_what_is_ordered(&mut self) {
        let orders = self.supervisor.orders.take();
        let now = self.supervisor.clock.now();
        for (name, waiting) in orders {
            // Who waits for an app that is gone is told so by the end of the channel.
            let Some(app) = self.apps.get_mut(&name) else { continue };
            app.waiting.extend(waiting);
            if matches!(app.state, State::Waiting(_)) {
                self.queue.remove(&(app.pace.due, name.clone()));
                self.begin_turn(&name, now);
            }
        }
    }

    /// Moves everything that is due along with a clock that was set back, or it would all wait until the
    /// clock has caught up.
    fn follow_clock(&mut self, now: Timestamp) {
        let back = self.seen.since(now);
        self.seen = now;
        if back.is_zero() {
            return;
        }
        self.grid = self.grid.minus(back);
        let queue = std::mem::take(&mut self.queue);
        self.queue = queue.into_iter().map(|(due, app)| (due.minus(back), app)).collect();
        self.apps.values_mut().for_each(|app| app.pace.set_back(back));
        if let Some(listing) = &mut self.listing {
            listing.set_back(back);
        }
    }

    fn begin_turn(&mut self, name: &AppName, due: Timestamp) {
        let Some(app) = self.apps.get_mut(name) else { return };
        let State::Waiting(reconciler) = &app.state else { return };
        let on_turn = State::OnTurn { under_way: reconciler.under_way(), is_gone: false };
        let State::Waiting(reconciler) = std::mem::replace(&mut app.state, on_turn) else { return };
        app.answered = std::mem::take(&mut app.waiting);
        let reconciler = self.current.bring_up(reconciler, &mut app.generation);
        let places = if app.pace.failures > 0 { &self.failing_places } else { &self.places };
        let turn = Turn {
            reconciler,
            places: Arc::clone(places),
            clock: Arc::clone(&self.supervisor.clock),
            metrics: Arc::clone(&self.supervisor.metrics),
            due,
            is_early: due < app.pace.due,
        };
        self.turns.spawn(turn.take());
    }

    /// Waits until something is due. Where nothing will be before a turn ends, for ever.
    pub(super) fn due(&self) -> BoxFuture<'static, ()> {
        let now = self.supervisor.clock.now();
        let turn = self.queue.first().map(|(due, _)| due.since(now));
        let list = self.listing.as_ref().and_then(|listing| listing.due_in(now));
        match turn.into_iter().chain(list).min() {
            Some(wait) => self.supervisor.clock.sleep(wait),
            None => Box::pin(std::future::pending()),
        }
    }

    /// Waits for a turn that ends or a list of apps, and takes it in.
    pub(super) async fn next(&mut self) {
        let listed = async {
            match &mut self.listing {
                Some(listing) => listing.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(turned) = self.turns.join_next() => {
                self.end_turn(turned);
                while let Some(turned) = self.turns.try_join_next() {
                    self.end_turn(turned);
                }
            }
            listed = listed => self.take_in(listed),
        }
    }

    fn end_turn(&mut self, turned: Result<Turned, JoinError>) {
        // A tick that panics is no panic of its task.
        let Turned { reconciler, ran } = match turned {
            Ok(turned) => turned,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let name = reconciler.app().clone();
        let Some(app) = self.apps.get_mut(&name) else { return };
        let is_gone = matches!(app.state, State::OnTurn { is_gone: true, .. });
        let lateness = ran.as_ref().map(|ran| ran.lateness);
        // Of one that is gone, too: what it did is kept.
        if let Some(ran) = ran {
            let is_extra = !app.answered.is_empty();
            let tick = self.supervisor.finish(&name, ran, &mut app.pace, is_extra);
            for waiting in app.answered.drain(..) {
                // Whoever waited may have given up.
                let _ = waiting.send(tick.clone());
            }
        }
        if is_gone {
            let reconciler = self.current.bring_up(reconciler, &mut app.generation);
            self.apps.remove(&name);
            self.supervisor.board.remove(&name);
            if let Some(listing) = &mut self.listing {
                listing.keep_gone(reconciler);
            }
            return;
        }
        app.state = State::Waiting(reconciler);
        if let Some(lateness) = lateness {
            let is_first = !std::mem::replace(&mut app.has_ticked, true);
            if app.waiting.is_empty() {
                let due = app.pace.due;
                self.queue.insert((due, name));
            } else {
                let now = self.supervisor.clock.now();
                self.begin_turn(&name, now);
            }
            if !is_first {
                self.notice_lateness(lateness);
            }
        }
    }

    /// Says once that apps wait too long, until they no longer do.
    fn notice_lateness(&mut self, lateness: Duration) {
        let interval = self.interval;
        if lateness > interval && !std::mem::replace(&mut self.is_behind, true) {
            let concurrency = self.concurrency;
            FleetBehind { lateness, concurrency }.emit(&self.supervisor.metrics);
        }
        self.is_behind &= lateness > interval / 2;
    }

    fn add(&mut self, reconciler: Reconciler) {
        let (now, interval) = (self.supervisor.clock.now(), self.interval);
        let name = reconciler.app().clone();
        let offset = if self.is_spread { name.share_of(interval) } else { Duration::ZERO };
        let pace = Pace::new(interval, now, self.grid.plus(offset));
        self.supervisor.board.update(&name, |status| status.next_tick = Some(now));
        self.queue.insert((now, name.clone()));
        self.supervisor.show_pause(&name);
        let reconciler = reconciler.with_pauses(self.supervisor.board.pauses().clone());
        let app = App {
            pace,
            has_ticked: false,
            generation: self.current.generation,
            state: State::Waiting(Box::new(reconciler)),
            waiting: Vec::new(),
            answered: Vec::new(),
        };
        self.apps.insert(name, app);
    }

    /// Takes in the list of apps: begins those that are new, leaves those that are gone.
    fn take_in(&mut self, listed: Result<Vec<AppName>, ApiError>) {
        let Some(listing) = &mut self.listing else { return };
        let Supervisor { clock, board, metrics, .. } = self.supervisor;
        let known = self.apps.keys();
        let change = listing.take_in(listed, known, clock.now(), board, metrics);
        for name in change.removed {
            self.remove(&name);
        }
        for reconciler in change.added {
            self.add(reconciler);
        }
    }

    fn remove(&mut self, name: &AppName) {
        let Some(mut app) = self.apps.remove(name) else { return };
        match app.state {
            State::Waiting(reconciler) => {
                let reconciler = self.current.bring_up(reconciler, &mut app.generation);
                self.queue.remove(&(app.pace.due, name.clone()));
                self.supervisor.board.remove(name);
                if let Some(listing) = &mut self.listing {
                    listing.keep_gone(reconciler);
                }
            }
            State::OnTurn { under_way, .. } => {
                let state = State::OnTurn { under_way, is_gone: true };
                self.apps.insert(name.clone(), App { state, ..app });
            }
        }
    }

    /// Begins nothing more, gives what is under way some time to end, and says what it leaves behind.
    pub(super) async fn wind_up(mut self) {
        let timeout = self.shutdown_timeout;
        self.listing = None;
        self.places.close();
        self.failing_places.close();
        let all_ended = async {
            while let Some(turned) = self.turns.join_next().await {
                self.end_turn(turned);
            }
        };
        let have_ended = tokio::time::timeout(timeout, all_ended).await.is_ok();
        for app in self.apps.values_mut() {
            if let State::Waiting(reconciler) = &mut app.state {
                reconciler.keep_series();
            }
        }
        if have_ended {
            return;
        }
        for (app, left) in &self.apps {
            let State::OnTurn { under_way, .. } = &left.state else { continue };
            let actions = under_way.actions();
            NotAwaited { app, actions: &actions }.emit(&self.supervisor.metrics);
        }
    }
}

impl Supervisor {
    /// Takes in a tick that ran, and sets when the next is due. One that is `extra` was asked for.
    fn finish(
        &self,
        app: &AppName,
        ran: Ran,
        pace: &mut Pace,
        is_extra: bool,
    ) -> Result<Arc<Tick>, NotTicked> {
        let now = self.clock.now();
        let has_failed = ran.tick.as_ref().map_or(true, |tick| tick.fly_failed);
        let missed =
            if is_extra { pace.extra(now, has_failed) } else { pace.next(now, has_failed) };
        if missed > 0 {
            let running_for = now.since(ran.began);
            TickSkipped { app, missed, running_for, waited_for: ran.lateness }.emit(&self.metrics);
        }
        if pace.failures > 0 {
            BackingOff { app, failures: pace.failures, until: pace.due }.emit(&self.metrics);
        }
        let tick = ran.tick.map(Arc::new);
        if let Some(journal) = &self.journal {
            match &tick {
                Ok(tick) => journal.record(app, tick),
                Err(panic) => journal.note(Noted {
                    at: now,
                    app: Some(app.clone()),
                    kind: EntryKind::Failure,
                    text: NotTicked::Panicked(panic.clone()).to_string(),
                }),
            }
        }
        self.board.update(app, |status| {
            match &tick {
                Ok(tick) => status.record(Arc::clone(tick), now),
                Err(panic) => status.record_panic(panic, now),
            }
            status.next_tick = Some(pace.due);
        });
        if let Ok(tick) = &tick {
            let (app, tick) = (app.clone(), Arc::clone(tick));
            self.board.tell(Change::Tick { app, tick, next_tick: pace.due });
        }
        tick.map_err(NotTicked::Panicked)
    }
}
