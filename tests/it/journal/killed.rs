//! The real binary, killed at random points: the journal can be read afterwards, and what was in it once stays.

use fly_autoscaler::store::JournalReader;
use fly_autoscaler::store::journal::path_beside;

use super::*;
use crate::faults::Random;
use crate::state::kills::World;

const CONFIG: &str = r#"
created-machine-count: wanted
interval: 1s
metric-collectors:
  - {type: prometheus, address: $PROMETHEUS, metric-name: wanted, query: 'sum(wanted{app="$APP_NAME"})'}
"#;
const KILLS: usize = 8;
/// The longest that a process lives.
const LIFE_MS: u64 = 3000;

/// All that is in the file: when passages began, until when they go and how many ticks they are.
fn kept(path: &Path) -> Vec<(Timestamp, Timestamp, u64)> {
    let Some(reader) = JournalReader::open(path).unwrap() else { return Vec::new() };
    let HistoryQuery { from, until, .. } = everything();
    let passages = reader.passages(&web(), When::Between(from, until), 100_000).unwrap();
    for own in &passages {
        let shown = reader.passages(&web(), When::At(own.until), 1).unwrap();
        assert_eq!(shown[0].at, own.until, "its numbers are there");
    }
    reader.history(&everything()).unwrap();
    passages.iter().rev().map(|own| (own.from, own.until, own.ticks)).collect()
}

#[tokio::test]
async fn killed_anywhere_it_leaves_a_journal_that_has_all_that_was_ever_in_it() {
    let seed = u64::from(std::process::id());
    let mut random = Random::new(seed);
    let world = World::new(CONFIG).await;
    let spec = fly_autoscaler::sim::AppSpec::new("web", "acme").with_machines("iad", 1, 0);
    world.sim.world().add_app(&spec);
    let path = path_beside(&world.state());
    let mut before = Vec::new();
    for kill in 0..KILLS {
        let life = if kill == 0 { LIFE_MS } else { random.below(LIFE_MS) };
        world.sim.world().set_gauge(&web(), "wanted", &[], (1 + kill % 3) as f64).unwrap();
        let mut program = world.start(&web());
        let lived = async {
            // While it lives, what is read only grows.
            let mut polls = tokio::time::interval(Duration::from_millis(20));
            loop {
                polls.tick().await;
                if path.exists() {
                    before = grown(&before, kept(&path), seed);
                }
            }
        };
        drop(tokio::time::timeout(Duration::from_millis(life), lived).await);
        program.signal("KILL");
        program.ended().await;
        assert!(kill > 0 || path.exists(), "{}", program.told());
        before = grown(&before, kept(&path), seed);
        let is_set_aside = world.names().iter().any(|name| name.contains("set-aside"));
        assert!(!is_set_aside, "seed {seed}, kill {kill}: {}", program.told());
    }
    assert!(!before.is_empty(), "seed {seed}");
}

/// What is there `now`, which has all that was there before.
fn grown(
    before: &[(Timestamp, Timestamp, u64)],
    now: Vec<(Timestamp, Timestamp, u64)>,
    seed: u64,
) -> Vec<(Timestamp, Timestamp, u64)> {
    assert!(now.len() >= before.len(), "seed {seed}: {before:?} to {now:?}");
    for (old, new) in before.iter().zip(&now) {
        let is_more = new.0 == old.0 && new.1 >= old.1 && new.2 >= old.2;
        assert!(is_more, "seed {seed}: {old:?} to {new:?}");
    }
    now
}
