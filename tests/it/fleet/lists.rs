//! What is asked for, and how often: by the lists that serve all apps, and of each app itself.

use std::time::Duration;

use fly_autoscaler::model::TickOutcome;
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};

use super::{Counts, Differently, INTERVAL, REFRESH, Stage, app, tenant};
use fly_autoscaler::model::By;

fn requests<const N: usize>(
    of: [(&'static str, u64); N],
) -> std::collections::BTreeMap<&'static str, u64> {
    of.into()
}

fn refusal(code: u16) -> FaultKind {
    FaultKind::Status { code, body: r#"{"error":"unauthorized"}"#.into(), retry_after: None }
}

#[tokio::test]
async fn a_quiet_fleet_costs_two_requests_a_tick_however_many_apps_it_has() {
    let stage = Stage::new(60).await;
    stage.all_ticked(60).await;
    assert_eq!(stage.sim.world().total(Endpoint::List), 60, "each app is read once at first sight");
    let quiet = stage.requests_of(async {
        for _ in 0..3 {
            stage.tick(60).await;
        }
    });
    let mut quiet = quiet.await;
    // Of the sixty, those few whose fifteen minutes are over.
    assert!(quiet.remove("app machines").unwrap_or(0) <= 6, "{quiet:?}");
    assert_eq!(quiet, requests([("query", 3), ("org machines", 3)]));
    let apps = stage.board.apps();
    assert!(apps.iter().all(|app| app.last_tick.as_ref().unwrap().outcome == TickOutcome::Quiet));
}

#[tokio::test]
async fn an_app_is_asked_itself_before_it_is_acted_on() {
    let stage = Stage::new(5).await;
    stage.all_ticked(5).await;
    stage.queue(2, 20.0);
    assert_eq!(
        stage.requests_of(stage.tick(5)).await,
        requests([
            ("query", 1),
            ("org machines", 1),
            ("app machines", 1),
            ("release", 1),
            ("start", 1)
        ])
    );
    assert_eq!(stage.started(2), 2);
    // What it did is read back once, and then the fleet is quiet again.
    let again = stage.requests_of(stage.tick(5)).await;
    assert_eq!(again, requests([("query", 1), ("org machines", 1), ("app machines", 1)]));
    let quiet = stage.requests_of(stage.tick(5)).await;
    assert_eq!(quiet, requests([("query", 1), ("org machines", 1)]));
}

#[tokio::test]
async fn what_others_do_shows_in_the_list_of_changes() {
    let stage = Stage::new(5).await;
    stage.all_ticked(5).await;
    // Someone stops the machine that runs.
    let machines = stage.sim.world().machines(&app(3)).unwrap();
    let running = machines.iter().find(|one| one.state.as_str() == "started").unwrap();
    let stopped = fly_autoscaler::model::MachineState::Stopped;
    stage.sim.world().set_state(&app(3), &running.id, stopped).unwrap();
    let seen = stage.requests_of(stage.tick(5)).await;
    assert_eq!((seen["app machines"], seen["start"]), (1, 1));
    assert_eq!(stage.started(3), 1);
}

#[tokio::test]
async fn changes_beyond_what_one_tick_reads_are_read_in_the_next_ones() {
    const COUNT: usize = 12;
    let own = Differently { page_size: 3, ..Differently::default() };
    let stage = Stage::with(COUNT, |_| {}, own).await;
    stage.all_ticked(COUNT).await;
    for number in 0..COUNT {
        let machines = stage.sim.world().machines(&app(number)).unwrap();
        let running = machines.iter().find(|one| one.state.as_str() == "started").unwrap();
        let stopped = fly_autoscaler::model::MachineState::Stopped;
        stage.sim.world().set_state(&app(number), &running.id, stopped).unwrap();
    }
    // Two pages of three a tick, and what is started again comes behind.
    let mut ticks = 0;
    while (0..COUNT).any(|number| stage.started(number) == 0) {
        ticks += 1;
        assert!(ticks <= 4, "after {ticks} ticks");
        stage.tick(COUNT).await;
    }
    assert!(ticks > 1, "the test is about more than one tick reads");
}

#[tokio::test]
async fn each_app_is_asked_itself_once_in_fifteen_minutes_and_not_all_at_once() {
    let stage = Stage::new(60).await;
    stage.all_ticked(60).await;
    let mut most = 0;
    let reads = stage.requests_of(async {
        for _ in 0..60 {
            let before = stage.sim.world().total(Endpoint::List);
            stage.tick(60).await;
            most = std::cmp::max(most, stage.sim.world().total(Endpoint::List) - before);
        }
    });
    assert_eq!(reads.await["app machines"], 60);
    assert!(most <= 6, "{most} of 60 in one tick of 60");
}

#[tokio::test]
async fn apps_come_and_go() {
    let stage = Stage::new(3).await;
    stage.all_ticked(3).await;
    stage.sim.world().add_app(&tenant("tenant-new", 0, 3, 20.0));
    stage.sim.world().add_app(&tenant("another", 0, 3, 20.0));
    // The autoscaler itself, which the pattern would match.
    stage.sim.world().add_app(&tenant("tenant-scaler", 0, 3, 20.0));
    stage.sim.world().remove_app(&app(1));
    stage.clock.advance(REFRESH);
    let names = |apps: &[fly_autoscaler::status::AppStatus]| -> Vec<String> {
        apps.iter().map(|own| own.app.to_string()).collect()
    };
    stage
        .until("the new app has ticked and the old one is gone", |apps| {
            names(apps) == ["tenant-0", "tenant-2", "tenant-new"]
                && apps.iter().all(|own| own.last_tick.is_some())
        })
        .await;
    let new = stage.status(&fly_autoscaler::model::AppName::new("tenant-new"));
    assert_eq!(new.last_tick.unwrap().outcome, TickOutcome::Acted);
    let list = stage.board.app_list().unwrap();
    assert_eq!((list.pattern.as_str(), list.count, list.last_error), ("tenant-*", 3, None));
    // What is kept of it goes with the next list that lacks it.
    stage.clock.advance(REFRESH);
    stage
        .until("the list was read again", |_| {
            stage.board.app_list().unwrap().read_at
                == Some(fly_autoscaler::ports::Clock::now(&*stage.clock))
        })
        .await;
    let text = stage.metrics.render().unwrap();
    assert!(text.contains("fas_apps 3\n"), "{text}");
    assert!(!text.contains(r#"app="tenant-1""#), "{text}");
}

#[tokio::test]
async fn a_list_of_apps_that_fails_keeps_the_old_one() {
    let stage = Stage::new(3).await;
    stage.all_ticked(3).await;
    stage.sim.world().inject(FaultRule::always(Endpoint::AppList, refusal(403)));
    stage.clock.advance(REFRESH);
    stage
        .until("the failure is shown", |_| {
            stage.board.app_list().is_some_and(|list| list.last_error.is_some())
        })
        .await;
    stage.all_ticked(3).await;
    let list = stage.board.app_list().unwrap();
    let said = list.last_error.unwrap().text;
    assert!(
        said.starts_with(
            "list the apps of acme: 403 unauthorized; a list for a whole organization needs an org token \
             (fly tokens create org -o acme), not a deploy token (fly-request-id "
        ),
        "{said}"
    );
    assert_eq!(list.count, 3);
}

#[tokio::test]
async fn apps_are_asked_themselves_where_the_token_may_not_list_the_organizations_machines() {
    let refused = |sim: &fly_autoscaler::sim::Simulator| {
        sim.world().inject(FaultRule::always(Endpoint::OrgMachines, refusal(403)));
    };
    let stage = Stage::with(5, refused, Differently::default()).await;
    stage.all_ticked(5).await;
    let quiet = stage.requests_of(async {
        stage.tick(5).await;
        stage.tick(5).await;
    });
    // The refusal is not asked for again in each tick.
    assert_eq!(quiet.await, requests([("query", 2), ("app machines", 10)]));
    stage.queue(2, 20.0);
    stage.tick(5).await;
    assert_eq!(stage.started(2), 2);
}

#[tokio::test]
async fn a_list_of_changes_that_fails_for_a_while_stops_nothing() {
    let stage = Stage::new(5).await;
    stage.all_ticked(5).await;
    stage.sim.world().inject(FaultRule::always(Endpoint::OrgMachines, refusal(500)));
    stage.queue(2, 20.0);
    stage.tick(5).await;
    assert_eq!(stage.started(2), 2);
    stage.sim.world().clear_faults();
    // Those that stood still meanwhile are seen as soon as the list is there again.
    let machines = stage.sim.world().machines(&app(4)).unwrap();
    let running = machines.iter().find(|one| one.state.as_str() == "started").unwrap();
    let stopped = fly_autoscaler::model::MachineState::Stopped;
    stage.sim.world().set_state(&app(4), &running.id, stopped).unwrap();
    stage.tick(5).await;
    assert_eq!(stage.started(4), 1);
}

#[tokio::test]
async fn a_region_that_fly_cannot_list_holds_creates() {
    let own = Differently { counts: Counts::Created, ..Differently::default() };
    let stage = Stage::with(
        2,
        |sim| {
            (0..2)
                .for_each(|number| sim.world().set_queue_depth(&app(number), Some(20.0)).unwrap());
        },
        own,
    )
    .await;
    stage.all_ticked(2).await;
    let regions = [fly_autoscaler::model::Region::new("iad")];
    stage.sim.world().set_error_regions("acme", &regions);
    stage.queue(0, 30.0);
    stage.tick(2).await;
    let held = stage.status(&app(0)).last_tick.unwrap();
    assert_eq!(held.outcome, TickOutcome::Held);
    let reasons = &held.plan.as_ref().unwrap().scopes[0].reasons;
    let said: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    assert!(
        said.contains(
            &"Fly cannot list the machines in iad at the moment: nothing is created or destroyed"
                .to_owned()
        ),
        "{said:?}"
    );
    stage.sim.world().set_error_regions("acme", &[]);
    stage.tick(2).await;
    assert_eq!(stage.sim.world().machines(&app(0)).unwrap().len(), 3);
}

#[tokio::test]
async fn a_query_for_each_app_spreads_the_ticks_over_the_interval() {
    let own = Differently {
        query: r#"sum(queue_depth{app="$APP_NAME"})"#,
        by: By::None,
        ..Differently::default()
    };
    let stage = Stage::with(40, |_| {}, own).await;
    stage.all_ticked(40).await;
    let next: std::collections::BTreeSet<_> =
        stage.board.apps().iter().map(|own| own.next_tick).collect();
    assert!(next.len() > 30, "{} different times", next.len());
    // Each app has its turn once an interval.
    let mut queries = 0;
    let requests = stage.requests_of(async {
        for _ in 0..INTERVAL.as_secs() {
            stage.clock.advance(Duration::from_secs(1));
            stage.all_ticked(40).await;
        }
    });
    queries += requests.await["query"];
    assert_eq!(queries, 40);
}
