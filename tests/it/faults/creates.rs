//! Creates whose answer is lost, lists that lag, and everything at once: never a machine too many.

use std::time::Duration;

use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule, Matching, Phase, Times};

use super::{CREATED, Random, Stage, web};

/// Beside [`CREATED`]: all that exist shall run.
const STARTED_TOO: (&str, &str) = super::STARTED;

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, body: r#"{"error":"words"}"#.into(), retry_after: None }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_not_made_again() {
    let kinds = [
        FaultKind::Reset,
        FaultKind::Hang,
        FaultKind::Html200,
        FaultKind::WrongJson,
        FaultKind::Garbage,
        FaultKind::HugeBody(100 << 20),
        status(408),
        status(500),
        status(502),
        status(503),
        status(504),
    ];
    for kind in kinds {
        for lag in [0, 5, 40] {
            let what = format!("{kind:?}, list {lag} s behind");
            let stage = Stage::new(1, 0, 50.0).await;
            let stage = if kind == FaultKind::Hang { stage.impatient() } else { stage };
            stage.sim.world().set_list_lag(Duration::from_secs(lag));
            stage.sim.world().inject(FaultRule::always(Endpoint::Create, kind.clone()).after());
            let mut scaler = stage.scaler("s1", &[CREATED]);

            for _ in 0..4 {
                stage.tick(&mut scaler).await;
            }
            assert_eq!(stage.sim.world().total(Endpoint::Create), 4, "{what}");
            stage.sim.world().clear_faults();
            stage.settles(&mut scaler, (5, 5), &what).await;
            for _ in 0..6 {
                stage.tick(&mut scaler).await;
            }
            assert_eq!(stage.sim.world().machines_made(&web()).unwrap(), 5, "{what}");
        }
    }
}

#[tokio::test]
async fn a_list_that_lags_makes_nothing_happen_twice() {
    let stage = Stage::new(1, 0, 40.0).await;
    stage.sim.world().set_list_lag(Duration::from_secs(5));
    let mut scaler = stage.scaler("s1", &[CREATED]);
    // Ticks that follow each other faster than the list can show what they did.
    for _ in 0..5 {
        scaler.tick().await;
        stage.clock.advance(Duration::from_secs(1));
    }
    stage.settles(&mut scaler, (4, 4), "up").await;
    assert_eq!(stage.sim.world().machines_made(&web()).unwrap(), 4);

    stage.queue(20.0);
    for _ in 0..20 {
        scaler.tick().await;
        stage.clock.advance(Duration::from_secs(1));
    }
    stage.settles(&mut scaler, (2, 2), "down").await;
    assert_eq!(stage.sim.world().total(Endpoint::Destroy), 2);
    assert_eq!(stage.sim.world().machines_made(&web()).unwrap(), 4);
}

/// Everything fails now and then, before or after it took effect, while the queue goes up and down.
#[tokio::test]
async fn no_mixture_of_faults_gives_a_machine_too_many() {
    for seed in 1..=6 {
        let mut random = Random::new(seed);
        let stage = Stage::new(2, 0, 20.0).await;
        let world = stage.sim.world();
        world.set_list_lag(Duration::from_secs(random.below(20)));
        let endpoints = [
            Endpoint::PrometheusQuery,
            Endpoint::List,
            Endpoint::Graphql,
            Endpoint::LeaseAcquire,
            Endpoint::LeaseRelease,
            Endpoint::Create,
            Endpoint::Start,
            Endpoint::Stop,
            Endpoint::Destroy,
        ];
        let kinds = [
            FaultKind::Reset,
            FaultKind::Html200,
            FaultKind::Garbage,
            status(429),
            status(500),
            status(503),
            status(409),
        ];
        for endpoint in endpoints {
            for kind in &kinds {
                let lost = !matches!(kind, FaultKind::Status { code: 429 | 409, .. });
                let phase = if lost && random.below(2) == 0 { Phase::After } else { Phase::Before };
                world.inject(FaultRule {
                    matching: Matching { endpoint: Some(endpoint), ..Matching::default() },
                    kind: kind.clone(),
                    phase,
                    times: Times::Chance(0.06),
                });
            }
        }
        let mut scaler = stage.scaler("s1", &[CREATED, STARTED_TOO]);
        let mut most = 2;
        for round in 0..60 {
            if random.below(5) == 0 {
                let wanted = 1 + random.below(8);
                stage.queue(wanted as f64 * 10.0);
                most = std::cmp::max(most, wanted as usize);
            }
            let said = stage.say(&stage.tick(&mut scaler).await);
            assert!(stage.peak() <= most, "seed {seed}, round {round}: {said}");
            assert!(stage.fleet().0 >= 1, "seed {seed}, round {round}: {said}");
        }
        world.clear_faults();
        stage.queue(30.0);
        stage.settles(&mut scaler, (3, 3), &format!("seed {seed}")).await;
    }
}

/// What may have been created counts against creating more, never against what works.
#[tokio::test]
async fn a_create_that_never_came_about_costs_no_machine() {
    for (count, wanted) in [(CREATED, (4, 4)), (STARTED_TOO, (4, 4))] {
        let stage = Stage::new(4, 0, 80.0).await;
        stage.sim.world().inject(FaultRule::always(Endpoint::Create, status(500)));
        let mut scaler = stage.scaler("s1", &[CREATED, count]);
        assert!(stage.say(&stage.tick(&mut scaler).await).contains("may have happened"));
        assert_eq!(stage.sim.world().total(Endpoint::Create), 4);

        // Eight may be there, six are wanted, four there are.
        stage.queue(60.0);
        for _ in 0..3 {
            let tick = stage.tick(&mut scaler).await;
            assert_eq!(stage.fleet(), wanted, "{}", stage.say(&tick));
            let reasons = &tick.plan.as_ref().unwrap().scopes[0].reasons;
            assert_eq!(
                reasons[0].to_string(),
                "4 created that the list does not show yet; none goes until it does"
            );
        }
        stage.sim.world().clear_faults();
        stage.settles(&mut scaler, (6, 6), "once it is forgotten").await;
    }
}
