//! Damping together with holds, with what others do, and with machines that leave in several ticks.

use fly_autoscaler::decide::Verb;

use super::*;

#[test]
fn what_a_last_value_asks_for_is_no_wish_to_stay() {
    let down = "scale-down-stabilization-window=5m";
    check_all(&[
        // A metric that fails now and then keeps nothing from going for ever.
        (
            down,
            10,
            "0:5 60:5 120:^5 180:5 240:^5 299:5 300:5",
            "0:10=stabilized 60:10=stabilized 120:10 180:10=stabilized 240:10 299:10=stabilized 300:5",
        ),
        // Gone for longer than the window, it is as after any other hold.
        (
            down,
            10,
            "0:5 60:^5 180:^5 299:^5 420:^5 600:5 899:5 900:5",
            "0:10=stabilized 60:10 180:10 299:10 420:10 600:10=stabilized 899:10=stabilized 900:5",
        ),
        // Growth is recorded all along.
        (
            "scale-up-stabilization-window=5m",
            3,
            "0:3 60:^8 120:^8 299:^8 360:^8 361:9",
            "0:3 60:3=stabilized 120:3=stabilized 299:3=stabilized 360:8 361:8=stabilized",
        ),
    ]);
}

#[test]
fn what_others_undo_gives_a_step_nothing_back() {
    for (rules, starts) in [
        ("scale-up-step-size=2 scale-up-step-interval=5m", [2, 0, 0, 0, 2]),
        ("scale-up-step-size=50% scale-up-step-interval=5m", [1, 0, 0, 0, 1]),
    ] {
        let mut fleet = Fleet::new(0, 10, policy(rules));
        let found = [0, 15, 30, 299, 300].map(|seconds| {
            let plan = fleet.tick(started("8"), START.plus(Duration::from_secs(seconds)));
            // The proxy's autostop, or a person.
            fleet.machines.iter_mut().for_each(|own| own.state = MachineState::Stopped);
            plan.actions().count()
        });
        assert_eq!(found, starts, "{rules}");
    }
}

/// A second, and how much is destroyed, stopped and started in it.
type Done = (u64, [usize; 3]);

/// Of what the plan does, how much destroys, stops and starts.
fn done(plan: &Plan) -> [usize; 3] {
    [Verb::Destroy, Verb::Stop, Verb::Start]
        .map(|verb| plan.actions().filter(|(_, own)| own.action.verb() == verb).count())
}

#[test]
fn what_was_stopped_to_be_destroyed_stays_so_while_a_rule_keeps_it() {
    // Rules | running and not | each second with what is done
    let table: [(&str, usize, usize, &[Done]); 3] = [
        // One goes at once and begins a cooldown; the other one has to be stopped before.
        (
            "scale-down-cooldown=5m",
            4,
            1,
            &[(0, [1, 1, 0]), (15, [0, 0, 0]), (299, [0, 0, 0]), (300, [1, 0, 0])],
        ),
        (
            "scale-down-only-during=Thu_00:00-00:01",
            5,
            0,
            &[(0, [0, 2, 0]), (60, [0, 0, 0]), (604_800, [2, 0, 0])],
        ),
        ("scale-down-tolerance=0.3", 4, 1, &[(0, [1, 1, 0]), (15, [0, 0, 0]), (300, [0, 0, 0])]),
    ];
    for (rules, running, resting, ticks) in table {
        let mut fleet = Fleet::new(running, resting, policy(rules));
        let created = ScopeBounds { created: Bounds::exactly(3), ..ScopeBounds::default() };
        for &(seconds, want) in ticks {
            let now = START.plus(Duration::from_secs(seconds));
            let plan = fleet.tick(Wanted::Bounds(created), now);
            assert_eq!(done(&plan), want, "{rules} at {seconds}");
        }
        // Wanted after all, it runs again.
        let created = ScopeBounds { created: Bounds::exactly(9), ..ScopeBounds::default() };
        let now = START.plus(Duration::from_secs(604_900));
        let left = fleet.machines.iter().filter(|own| own.state == MachineState::Stopped).count();
        let plan = fleet.tick(Wanted::Bounds(created), now);
        assert_eq!(done(&plan)[2], left, "{rules}");
    }
}
