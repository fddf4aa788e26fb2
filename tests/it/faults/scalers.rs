//! Two autoscalers on one app, as while one is deployed over the other.

use std::time::Duration;

use fly_autoscaler::model::{MachineState, Region};
use fly_autoscaler::sim::{Endpoint, MachineSpec};

use super::{CREATED, INTERVAL, Random, STARTED, Stage, web};

#[tokio::test]
async fn two_scalers_never_make_a_machine_too_many() {
    for seed in 1..=8 {
        let mut random = Random::new(seed);
        let stage = Stage::new(1, 0, 10.0).await;
        // All that exist shall run: one that was stopped to be destroyed and then is wanted again too.
        let both = [CREATED, STARTED];
        let mut one = stage.scaler("s1", &both);
        let mut other = stage.scaler("s2", &both);
        let mut wanted = 1;
        for round in 0..50 {
            if random.below(4) == 0 {
                wanted = 1 + random.below(6) as usize;
                stage.queue(wanted as f64 * 10.0);
            }
            let before = stage.fleet().0;
            let said = match random.below(4) {
                0 => vec![one.tick().await],
                1 => vec![other.tick().await],
                _ => {
                    let (one, other) = tokio::join!(one.tick(), other.tick());
                    vec![one, other]
                }
            };
            let said: Vec<_> = said.iter().map(|tick| stage.say(tick)).collect();
            let after = stage.fleet().0;
            let most = std::cmp::max(before, wanted);
            let least = std::cmp::min(before, wanted);
            assert!(
                (least..=most).contains(&after),
                "seed {seed}, round {round}: {before} -> {after}, {wanted} wanted: {said:#?}"
            );
            stage.clock.advance(Duration::from_secs(1 + random.below(20)));
        }
        stage.queue(20.0);
        stage.settles(&mut one, (2, 2), &format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn a_lease_that_someone_else_holds_is_waited_for() {
    let stage = Stage::new(1, 0, 30.0).await;
    let machine = stage.states().remove(0).0;
    stage.sim.world().lease(&web(), &machine, Duration::from_secs(20)).unwrap();
    let mut scaler = stage.scaler("s1", &[CREATED]);

    let tick = stage.tick(&mut scaler).await;
    let said = super::replaced(&stage.say(&tick), r"by \S+ expires", "by SOMEONE expires");
    assert_eq!(
        said,
        "held: another scaler holds the lease: acquire lease ID: 409 machine ID ID lease currently \
         held by SOMEONE expires at 2026-08-21T11:00:20.000Z (fly-request-id REQ)"
    );
    assert_eq!(stage.changes(), 0);

    stage.clock.advance(INTERVAL);
    stage.settles(&mut scaler, (3, 3), "once it has run out").await;
}

#[tokio::test]
async fn the_lease_is_not_asked_of_a_machine_that_we_have_just_destroyed() {
    let stage = Stage::new(1, 3, 40.0).await;
    let mut scaler = stage.scaler("s1", &[CREATED]);
    stage.tick(&mut scaler).await;
    let lowest = stage.states().into_iter().map(|(id, _)| id).min().unwrap();

    // The list goes on showing what is destroyed now.
    stage.sim.world().set_list_lag(Duration::from_secs(40));
    stage.queue(10.0);
    stage.tick(&mut scaler).await;
    assert!(stage.states().iter().all(|(id, _)| *id != lowest), "the lowest id was not destroyed");

    stage.queue(30.0);
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(tick.outcomes.len(), 2, "{}", stage.say(&tick));
    let requests = stage.sim.world().requests();
    let leased = requests.iter().rfind(|request| request.endpoint == Endpoint::LeaseAcquire);
    assert_ne!(leased.and_then(|request| request.machine.as_ref()), Some(&lowest));
}

#[tokio::test]
async fn what_is_created_keeps_the_lease_until_the_list_can_show_it() {
    let stage = Stage::new(1, 0, 30.0).await;
    stage.sim.world().set_list_lag(Duration::from_secs(3));
    let mut one = stage.scaler("s1", &[CREATED]);
    let mut other = stage.scaler("s2", &[CREATED]);
    assert_eq!(one.tick().await.outcomes.len(), 2);

    // Its list shows one machine still.
    let said = super::replaced(&stage.say(&other.tick().await), r"by \S+ expires at \S+", "");
    assert_eq!(
        said,
        "held: another scaler holds the lease: acquire lease ID: 409 machine ID ID lease currently \
         held  (fly-request-id REQ)"
    );

    // The one that holds it goes on, and holds it for as long again.
    stage.queue(40.0);
    assert_eq!(one.tick().await.outcomes.len(), 1);
    stage.clock.advance(Duration::from_secs(4));
    stage.queue(50.0);
    assert!(stage.say(&other.tick().await).starts_with("held: another scaler holds the lease"));
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(other.tick().await.outcomes.len(), 1);
    assert_eq!(stage.fleet().0, 5);
}

#[tokio::test]
async fn the_lease_is_that_of_the_oldest_machine_whatever_the_ids() {
    let stage = Stage::new(1, 0, 10.0).await;
    let oldest = stage.states().remove(0).0;
    let mut made = 1;
    while stage.states()[0].0 == oldest {
        let (region, state) = (Region::new("iad"), MachineState::Started);
        let machine = MachineSpec { region, state, config: None };
        stage.sim.world().add_machine(&web(), machine).unwrap();
        made += 1;
    }
    stage.queue(10.0 * (made + 1) as f64);
    let mut scaler = stage.scaler("s1", &[CREATED]);
    assert_eq!(stage.tick(&mut scaler).await.outcomes.len(), 1);

    let requests = stage.sim.world().requests();
    let leased = requests.iter().find(|request| request.endpoint == Endpoint::LeaseAcquire);
    assert_eq!(leased.and_then(|request| request.machine.as_ref()), Some(&oldest));
}
