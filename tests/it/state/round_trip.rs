//! Any history comes back as it was, and one that another version wrote as far as it can be read.

use std::sync::Arc;

use fly_autoscaler::decide::{Effect, History, Recent, Refusal};
use fly_autoscaler::model::{
    HostStatus, MachineId, ProcessGroup, Region, Scope, Timestamp, Volume, VolumeId,
};
use fly_autoscaler::ports::StateStore;
use proptest::prelude::*;

use super::{Place, app, close, eventful, iad, state};

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        4 => (0..4_102_444_800_000_i64).prop_map(Timestamp::from_millis),
        1 => any::<i64>().prop_map(Timestamp::from_millis),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9-]{1,14}", ".{0,20}"]
}

fn machine() -> impl Strategy<Value = MachineId> {
    text().prop_map(MachineId::new)
}

fn scope() -> impl Strategy<Value = Scope> {
    (text(), proptest::option::of(text())).prop_map(|(group, region)| Scope {
        group: ProcessGroup::new(group),
        region: region.map(Region::new),
    })
}

fn effect() -> impl Strategy<Value = Effect> {
    let volume = proptest::option::of(text());
    let created = (text(), proptest::option::of(machine()), scope(), any::<bool>(), volume);
    prop_oneof![
        created.prop_map(|(create_id, machine, scope, launched, volume)| Effect::Created {
            create_id: create_id.into(),
            machine,
            group: scope.group,
            region: scope.region.unwrap_or_else(|| Region::new("iad")),
            launched,
            volume: volume.map(VolumeId::new),
        }),
        machine().prop_map(|machine| Effect::Started { machine }),
        machine().prop_map(|machine| Effect::Stopped { machine }),
        machine().prop_map(|machine| Effect::Suspended { machine }),
        machine().prop_map(|machine| Effect::Destroyed { machine }),
    ]
}

fn volume() -> impl Strategy<Value = Volume> {
    let host =
        prop_oneof![Just(HostStatus::Ok), Just(HostStatus::Unknown), Just(HostStatus::Unreachable)];
    let size = proptest::option::of(any::<u32>());
    let encrypted = proptest::option::of(any::<bool>());
    (text(), text(), text(), size, encrypted, any::<bool>(), host).prop_map(
        |(id, name, region, size_gb, encrypted, is_attached, host_status)| Volume {
            id: VolumeId::new(id),
            name: name.into(),
            region: Region::new(region),
            size_gb,
            encrypted,
            is_attached,
            host_status,
            state: "created".into(),
        },
    )
}

fn history() -> impl Strategy<Value = History> {
    use proptest::collection::{btree_map, btree_set, vec};
    let refusal = (time(), text()).prop_map(|(at, answer)| Refusal { at, answer: answer.into() });
    (
        vec((time(), effect()).prop_map(|(at, effect)| Recent { at, effect }), 0..6),
        btree_map(scope(), any::<u32>(), 0..4),
        btree_set(machine(), 0..4),
        vec((time(), volume()), 0..3),
        btree_map(machine(), time(), 0..4),
        btree_map(scope(), refusal, 0..4),
    )
        .prop_map(|(recent, wishes, to_destroy, volumes, refused, resting)| {
            let mut history = History::new("s1");
            history.recent = recent;
            history.large_destroy_wishes = wishes;
            history.stopped_to_destroy = to_destroy;
            history.left_volumes = volumes;
            history.refused_suspends = refused;
            history.resting = resting;
            history
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_comes_back_as_it_was_but_for_the_scaler(history in history()) {
        let text = serde_json::to_string(&history).unwrap();
        prop_assert!(!text.contains("scaler"));
        let read: History = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&*read.scaler, "");
        let again = History { scaler: Arc::from("s1"), ..read };
        prop_assert_eq!(again, history);
    }
}

#[test]
fn what_another_version_wrote_is_read_as_far_as_it_is_known() {
    let older: History = serde_json::from_str("{}").unwrap();
    assert_eq!(older, History::default());
    let at = Timestamp::from_millis(5);
    let known = serde_json::to_string(&eventful("s1", at)).unwrap();
    let newer = known.replacen('{', r#"{"predictions": [{"x": 1}], "#, 1);
    let read: History = serde_json::from_str(&newer).unwrap();
    assert_eq!(read, History { scaler: Arc::from(""), ..eventful("s1", at) });
}

#[test]
fn what_one_process_saved_the_next_one_finds_under_an_id_of_its_own() {
    let place = Place::new();
    let first = place.open("s1");
    for name in ["web", "worker"] {
        first.save(&app(name), state(eventful("s1", place.now())));
    }
    first.forget(&app("worker"));
    first.save(&app("quiet"), state(History::new("s1")));
    close(&first);

    let second = place.open("s2");
    assert_eq!(second.load(&app("web")).history, eventful("s2", place.now()));
    for name in ["worker", "quiet", "never seen"] {
        assert_eq!(second.load(&app(name)).history, History::new("s2"), "{name}");
    }
    let mut later = second.load(&app("web"));
    later.history.resting.clear();
    second.save(&app("web"), later);
    close(&second);
    let third = place.open("s3").load(&app("web")).history;
    assert!(third.resting.is_empty() && third.recent.len() == 1, "{third:?}");
}

#[test]
fn wishes_for_a_large_destroy_count_only_while_ticks_can_be_consecutive() {
    for (minutes, wishes) in [(1, Some(2)), (9, Some(2)), (11, None)] {
        let place = Place::new();
        super::filled(&place, "web");
        place.clock.advance(std::time::Duration::from_secs(minutes * 60));
        let history = place.open("s2").load(&app("web")).history;
        assert_eq!(history.large_destroy_wishes.get(&iad()).copied(), wishes, "{minutes}");
        assert!(history.resting.contains_key(&iad()), "what has times of its own stays");
    }
}
