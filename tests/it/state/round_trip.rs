//! Any history comes back as it was, and one that another version wrote as far as it can be read.

use std::sync::Arc;

use fly_autoscaler::decide::{Change, Cordoned, Effect, History, Recent, Recommendations, Refusal};
use fly_autoscaler::model::{
    HostStatus, Kind, MachineId, ProcessGroup, Region, Scope, Timestamp, Volume, VolumeId,
};
use fly_autoscaler::ports::StateStore;
use proptest::prelude::*;
use serde_json::{Value, json};

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
        machine().prop_map(|machine| Effect::Cordoned { machine }),
        machine().prop_map(|machine| Effect::Uncordoned { machine }),
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

fn cordoned() -> impl Strategy<Value = Cordoned> {
    (time(), any::<bool>(), any::<bool>()).prop_map(|(since, stop_failed, lift_refused)| Cordoned {
        since,
        stop_failed,
        lift_refused,
    })
}

fn change() -> impl Strategy<Value = Change> {
    (time(), text(), any::<bool>(), any::<i32>()).prop_map(|(at, region, created, by)| Change {
        at,
        region: Region::new(region),
        kind: if created { Kind::Created } else { Kind::Started },
        by,
    })
}

/// Any that there could be: only decisions make them, but a file may have them in any order.
fn recommendations() -> impl Strategy<Value = Recommendations> {
    use proptest::collection::vec;
    let entry =
        || (time(), any::<u32>()).prop_map(|(at, count)| json!({ "at": at, "count": count }));
    let both = || [vec(entry(), 0..4), vec(entry(), 0..4)];
    (both(), both()).prop_map(|(created, started)| {
        serde_json::from_value(json!({ "created": created, "started": started })).unwrap()
    })
}

/// What damping and cordons remember.
fn care() -> impl Strategy<Value = History> {
    use proptest::collection::{btree_map, vec};
    (
        btree_map(text().prop_map(ProcessGroup::new), vec(change(), 0..4).prop_map(Arc::new), 0..3),
        btree_map(scope(), recommendations(), 0..3),
        vec((scope(), time()), 0..4),
        btree_map(machine(), cordoned(), 0..4),
    )
        .prop_map(|(changes, recommendations, held_since, cordoned)| History {
            changes,
            recommendations,
            held_since,
            cordoned,
            ..History::new("s1")
        })
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
        care(),
    )
        .prop_map(|(recent, wishes, to_destroy, volumes, refused, resting, care)| {
            let mut history = care;
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

/// The same with a field more in every object, at any depth.
fn with_more(value: Value) -> Value {
    match value {
        // The kind of an effect stands in the place of a name.
        Value::Object(map) if map.len() == 1 && map.values().all(Value::is_object) => {
            map.into_iter().map(|(name, value)| (name, with_more(value))).collect()
        }
        Value::Object(map) => {
            let own = map.into_iter().map(|(name, value)| (name, with_more(value)));
            own.chain([("x_of_tomorrow".to_owned(), json!([{ "y": 1 }]))]).collect()
        }
        Value::Array(all) => all.into_iter().map(with_more).collect(),
        other => other,
    }
}

/// One of everything that damping and cordons remember.
fn careful(at: Timestamp) -> History {
    let started = json!([[{ "at": at, "count": 3 }], [{ "at": at, "count": 9 }]]);
    let wanted = json!({ "created": [[], []], "started": started });
    let change = Change { at, region: Region::new("iad"), kind: Kind::Started, by: -2 };
    let mut history = eventful("", at);
    history.changes.insert(ProcessGroup::new("app"), Arc::new(vec![change]));
    history.recommendations.insert(iad(), serde_json::from_value(wanted).unwrap());
    history.held_since.push((iad(), at));
    history.cordoned.insert(MachineId::new("m2"), Cordoned::since(at));
    history
}

#[test]
fn of_an_older_version_what_it_did_not_know_is_empty_and_the_rest_stays() {
    let full = careful(Timestamp::from_millis(5));
    let text = serde_json::to_value(&full).unwrap();
    type Empty = fn(&mut History);
    let table: [(&str, Empty); 4] = [
        ("changes", |own| own.changes.clear()),
        ("recommendations", |own| own.recommendations.clear()),
        ("held_since", |own| own.held_since.clear()),
        ("cordoned", |own| own.cordoned.clear()),
    ];
    for (name, empty) in table {
        let mut older = text.clone();
        assert!(older.as_object_mut().unwrap().remove(name).is_some(), "{name} is written");
        let read: History = serde_json::from_value(older).unwrap();
        let mut wanted = full.clone();
        empty(&mut wanted);
        assert_eq!(read, wanted, "{name}");
    }
}

#[test]
fn of_a_newer_version_what_is_not_known_is_not_read_at_any_depth() {
    let full = careful(Timestamp::from_millis(5));
    let text = serde_json::to_value(&full).unwrap();
    // The maps that have names of their own as keys: there a name more is one more of them.
    let mut newer = with_more(text);
    for own in ["changes", "cordoned", "refused_suspends"] {
        if let Some(map) = newer[own].as_object_mut() {
            map.remove("x_of_tomorrow");
        }
    }
    let read: History = serde_json::from_value(newer).unwrap();
    assert_eq!(read, full);
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
