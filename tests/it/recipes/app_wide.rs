//! Recipes with counts for the whole app.

use fly_autoscaler::model::{MachineState, ProcessGroup, Region};
use fly_autoscaler::sim::{AppSpec, Endpoint, MachineSpec, deployed_config};

use super::{MINUTE, my_app, run};
use crate::placement::driven::Driven;

#[tokio::test]
async fn queue_depth_has_a_worker_for_every_ten_jobs() {
    let mut app = my_app().with_machines("iad", 1, 24);
    app.group = ProcessGroup::new("worker");
    let driven = run("queue-depth", &app).await;
    let web = MachineSpec {
        region: Region::new("lhr"),
        state: MachineState::Stopped,
        config: Some(deployed_config(&app.name, &ProcessGroup::new("app"), 1)),
    };
    driven.world().add_machine(&app.name, web).unwrap();
    let table = [
        (Some(0.0), 1, "one stays"),
        (Some(10.0), 1, "ten a machine"),
        (Some(11.0), 2, "an eleventh"),
        (Some(140.0), 14, "many"),
        (Some(5000.0), 20, "no more than the limit"),
        (None, 20, "nobody reports it: nothing happens"),
        (Some(35.0), 4, "fewer"),
        (Some(0.0), 1, "none left"),
    ];
    for (depth, wanted, what) in table {
        driven.world().set_queue_depth(&app.name, depth).unwrap();
        driven.pass(MINUTE).await;
        assert_eq!(driven.total().started, wanted, "{what}");
    }
    let watched = driven.world().watched(&app.name).unwrap();
    assert_eq!(watched.fewest_started_in[&Region::new("iad")], 1, "one at every moment");
    assert_eq!(watched.most_running_in[&Region::new("lhr")], 0, "another group's is left alone");
    assert_eq!((driven.total().present, driven.refused()), (26, Vec::new()));
}

/// What Fly's proxy does: it starts or stops machines until so many run, if there are so many.
fn proxy(driven: &Driven, app: &AppSpec, wanted: usize) {
    let world = driven.world();
    let machines = world.machines(&app.name).unwrap();
    let is = |state: MachineState| machines.iter().filter(move |own| own.state == state);
    let started = is(MachineState::Started).count();
    for machine in is(MachineState::Stopped).take(wanted.saturating_sub(started)) {
        world.set_state(&app.name, &machine.id, MachineState::Started).unwrap();
    }
    for machine in is(MachineState::Started).take(started.saturating_sub(wanted)) {
        world.set_state(&app.name, &machine.id, MachineState::Stopped).unwrap();
    }
}

#[tokio::test]
async fn warm_spare_always_has_a_stopped_machine_for_the_proxy() {
    let app = my_app().with_machines("iad", 1, 0);
    let driven = run("warm-spare", &app).await;
    // How many are busy, and how many then wait: at least one, at most three, up to ten in all.
    let table = [
        (1, 1),
        (2, 1),
        (3, 1),
        (2, 2),
        (1, 3),
        (0, 3),
        (1, 2),
        (4, 1),
        (9, 1),
        (10, 0),
        (9, 1),
        (2, 3),
    ];
    for (busy, spare) in table {
        // One machine at a time, as visitors come.
        while driven.total().started != busy {
            let started = driven.total().started;
            let next = if busy > started { started + 1 } else { started - 1 };
            proxy(&driven, &app, next);
            assert_eq!(driven.total().started, next, "there was one to start");
            driven.pass(MINUTE).await;
        }
        // A large destroy waits for three ticks.
        driven.pass(MINUTE).await;
        let total = driven.total();
        assert_eq!((total.started, total.present - total.started), (busy, spare), "{busy} busy");
    }
    // Which machines run was left to the proxy.
    assert_eq!((driven.done(Endpoint::Start), driven.done(Endpoint::Stop)), (0, 0));
    assert_eq!(driven.refused(), Vec::<String>::new());
}
