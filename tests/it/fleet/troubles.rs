//! One app's trouble is its own.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::model::{AppName, TickOutcome};
use fly_autoscaler::ports::{AppState, BoxFuture, StateStore};
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use fly_autoscaler::store::MemoryStore;

use super::{Differently, Stage, app};

/// A store that panics for one app: a bug, as far as the tick can tell.
pub(super) struct Panicking {
    pub(super) app: AppName,
    pub(super) store: MemoryStore,
}

impl StateStore for Panicking {
    fn load(&self, app: &AppName) -> AppState {
        assert_ne!(*app, self.app, "the bug of {app}");
        self.store.load(app)
    }

    fn save(&self, app: &AppName, state: AppState) {
        self.store.save(app, state);
    }

    fn secure<'a>(&'a self, app: &'a AppName, state: AppState) -> BoxFuture<'a, ()> {
        self.store.secure(app, state)
    }

    fn outlives_process(&self) -> bool {
        self.store.outlives_process()
    }

    fn forget(&self, app: &AppName) {
        self.store.forget(app);
    }
}

#[tokio::test]
async fn of_ten_thousand_apps_one_panics_one_has_no_number_one_is_forbidden_and_the_rest_never_notice()
 {
    const COUNT: usize = 10_000;
    let (panics, numberless, forbidden) = (app(13), app(4711), app(9999));
    let store = Panicking { app: panics.clone(), store: MemoryStore::new("fleet-test") };
    let own = Differently { store: Arc::new(store), ..Differently::default() };
    let prepare = |sim: &fly_autoscaler::sim::Simulator| {
        sim.world().set_queue_depth(&numberless, Some(f64::NAN)).unwrap();
        let body = r#"{"error":"unauthorized"}"#.into();
        let kind = FaultKind::Status { code: 403, body, retry_after: None };
        let mut rule = FaultRule::always(Endpoint::List, kind);
        rule.matching.app = Some(forbidden.clone());
        sim.world().inject(rule);
    };
    let stage = Stage::with(COUNT, prepare, own).await;
    let troubled = [&panics, &numberless, &forbidden];
    let is_fine = |own: &fly_autoscaler::status::AppStatus| {
        own.last_tick.as_ref().is_some_and(|tick| tick.outcome == TickOutcome::Quiet)
    };
    stage
        .until("all the others are quiet", |apps| {
            apps.len() == COUNT
                && apps.iter().all(|own| is_fine(own) || troubled.contains(&&own.app))
                && troubled.iter().all(|name| {
                    let status = apps.iter().find(|own| own.app == **name);
                    status.is_some_and(|own| own.troubled_since.is_some())
                })
        })
        .await;
    let said = |name: &AppName| stage.status(name).last_error.map(|error| error.text);
    assert!(said(&panics).unwrap().contains("the bug of tenant-13"), "{:?}", said(&panics));
    assert!(said(&forbidden).unwrap().contains("403 unauthorized"), "{:?}", said(&forbidden));
    let held = stage.status(&numberless).last_tick.unwrap();
    assert_eq!(held.outcome, TickOutcome::Held);

    // And those whose queue grows are scaled in the next tick, beside the troubled ones.
    for number in [0, 12, 14, 5000, 9998] {
        stage.queue(number, 20.0);
    }
    stage.clock.advance(super::INTERVAL);
    stage
        .until("the five have acted", |_| {
            [0, 12, 14, 5000, 9998].iter().all(|number| stage.started(*number) == 2)
        })
        .await;
    let text = stage.metrics.render().unwrap();
    assert!(text.contains("fas_apps 10000\n"));
    let totals = text.lines().filter(|line| line.starts_with("fas_machines{")).count();
    assert!(totals <= 4, "totals only, from a thousand apps on: {totals} lines");
}

#[tokio::test]
async fn apps_that_hang_again_and_again_leave_places_for_the_others() {
    let own = Differently {
        concurrency: 4,
        request: Duration::from_millis(300),
        ..Differently::default()
    };
    let hang = |sim: &fly_autoscaler::sim::Simulator| {
        for number in 0..8 {
            let mut rule = FaultRule::always(Endpoint::List, FaultKind::Hang);
            rule.matching.app = Some(app(number));
            sim.world().inject(rule);
        }
    };
    let stage = Stage::with(40, hang, own).await;
    stage.all_ticked(40).await;
    // From now on those eight wait for the one place of those that failed.
    stage.queue(20, 20.0);
    stage.clock.advance(super::INTERVAL);
    stage.until("an app that does not hang has acted", |_| stage.started(20) == 2).await;
    let hanging = (0..8).filter(|number| stage.status(&app(*number)).troubled_since.is_some());
    assert_eq!(hanging.count(), 8);
}

#[tokio::test]
async fn a_query_that_hangs_is_asked_once_and_held_by_all() {
    const COUNT: usize = 40;
    let own = Differently { query_timeout: Duration::from_millis(200), ..Differently::default() };
    let hang = |sim: &fly_autoscaler::sim::Simulator| {
        sim.world().inject(FaultRule::always(Endpoint::PrometheusQuery, FaultKind::Hang));
    };
    let stage = Stage::with(COUNT, hang, own).await;
    stage.all_ticked(COUNT).await;
    assert_eq!(stage.sim.world().total(Endpoint::PrometheusQuery), 1);
    for status in stage.board.apps() {
        let tick = status.last_tick.unwrap();
        let error = tick.samples[0].error.clone().unwrap();
        assert!(error.ends_with("could not be reached: no answer within 200ms"), "{error}");
        assert_eq!(tick.outcome, TickOutcome::Held);
    }
}

#[tokio::test]
async fn a_wave_over_all_apps_reaches_each_in_one_tick() {
    const COUNT: usize = 300;
    let stage = Stage::new(COUNT).await;
    stage.all_ticked(COUNT).await;
    for number in 0..COUNT {
        stage.queue(number, 20.0);
    }
    let requests = stage.requests_of(stage.tick(COUNT)).await;
    assert_eq!((requests["start"], requests["query"]), (COUNT as u64, 1));
    assert!((0..COUNT).all(|number| stage.started(number) == 2));
}
