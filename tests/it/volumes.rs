//! Which volume a new machine mounts, and what is done to make it so.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::act::{Outcome, UnderWay, act};
use fly_autoscaler::decide::{
    Action, Effect, GroupTargets, History, NewVolume, Observed, Plan, Policy, Reason, Targets,
    Verdict, VolumeChoice, Volumes, Wanted, check, decide,
};
use fly_autoscaler::model::{
    AppName, Bounds, HostStatus, Machine, ProcessGroup, Region, ScopeBounds, Timestamp, Volume,
    VolumeId,
};
use fly_autoscaler::ports::ErrorClass;
use serde_json::{Value, json};

use crate::double::{Double, machine, unpaused, volume};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A machine in `iad` that mounts `mounts`.
fn mounting(mounts: &Value) -> Machine {
    let mut machine = machine("m1", "started", "iad");
    let config = json!({
        "image": "registry.fly.io/app:v1", "guest": {"cpus": 1},
        "metadata": {"fly_process_group": "app"}, "mounts": mounts,
    });
    let names = mounts.as_array().unwrap().iter();
    machine.facts.volumes =
        names.map(|mount| Arc::from(mount["name"].as_str().unwrap_or("(unreadable)"))).collect();
    machine.config = Some(Arc::from(serde_json::value::to_raw_value(&config).unwrap()));
    machine
}

/// The mount of `vol_1`, which is called `data`.
fn data() -> Value {
    json!([{"volume": "vol_1", "name": "data", "path": "/data", "size_gb": 1}])
}

/// The volumes of `list`, as `id:name:region`, and `vol_1` of the machine that is cloned.
fn volumes(list: &str) -> Vec<Volume> {
    let own = Volume { is_attached: true, size_gb: Some(5), ..volume("vol_1", "data", "iad") };
    let others = list.split_whitespace().map(|text| {
        let mut parts = text.split(':');
        let mut next = || parts.next().unwrap();
        volume(next(), next(), next())
    });
    std::iter::once(own).chain(others).collect()
}

fn policy(regions: &str, create_volumes: bool) -> Policy {
    let regions: Vec<_> = regions.split_whitespace().map(Region::new).collect();
    Policy { regions: regions.into(), create_volumes, ..Policy::default() }
}

fn plan(
    source: Machine,
    volumes: Volumes,
    count: u32,
    policy: Policy,
    history: &History,
) -> (Plan, Observed) {
    let observed = Observed { machines: vec![source], volumes, ..Observed::default() };
    let bounds = ScopeBounds { created: Bounds::exactly(count), ..ScopeBounds::default() };
    let group =
        GroupTargets::app_wide(ProcessGroup::new("app"), Arc::new(policy), Wanted::Bounds(bounds));
    (decide(&observed, &Targets { groups: vec![group] }, history, NOW), observed)
}

fn plan_of(list: &str, regions: &str, create: bool, count: u32) -> Plan {
    let known = Volumes::Known(volumes(list));
    let (plan, observed) =
        plan(mounting(&data()), known, count, policy(regions, create), &History::new("t"));
    assert_eq!(check::check(&plan, &observed), Vec::<String>::new());
    plan
}

/// The creates in short: `iad=vol_2 lhr=new` for one that may go to either.
fn creates(plan: &Plan) -> String {
    let short = |action: &Action| {
        let Action::Create { regions, volumes, .. } = action else { return action.to_string() };
        let places = regions.iter().zip(volumes).map(|(region, choice)| match choice {
            VolumeChoice::Use(id) => format!("{region}={id}"),
            VolumeChoice::Create(_) => format!("{region}=new"),
        });
        places.collect::<Vec<_>>().join(" ")
    };
    plan.actions().map(|(_, own)| short(&own.action)).collect::<Vec<_>>().join(", ")
}

fn codes(plan: &Plan) -> String {
    plan.scopes[0].reasons.iter().map(Reason::code).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_clone_gets_a_volume_of_its_own() {
    // volumes, regions, volumes: create, count -> creates, reasons
    let short = "below_min volumes_needed";
    let table = [
        ("vol_3:data:iad vol_2:data:iad", "", false, 2, "iad=vol_2", "below_min"),
        ("vol_2:data:iad", "", false, 3, "iad=vol_2", short),
        ("vol_2:data:iad", "", true, 3, "iad=vol_2, iad=new", "below_min"),
        ("", "", true, 2, "iad=new", "below_min"),
        ("", "", false, 2, "", short),
        ("vol_2:logs:iad", "", false, 2, "", short),
        ("vol_2:data:lhr", "", false, 2, "", short),
        // The region with the fewest machines that has a volume; the others for want of room.
        ("vol_2:data:iad", "lhr iad", false, 2, "iad=vol_2", "below_min"),
        ("vol_2:data:iad vol_3:data:lhr", "lhr iad", false, 2, "lhr=vol_3 iad=vol_2", "below_min"),
        ("vol_2:data:iad", "lhr iad", true, 2, "lhr=new iad=vol_2", "below_min"),
        // Each create has its volume before any has a second one to fall back on.
        ("vol_2:data:iad vol_3:data:lhr", "lhr iad", false, 3, "lhr=vol_3, iad=vol_2", "below_min"),
        ("vol_2:data:fra", "lhr iad", false, 2, "", short),
    ];
    for (list, regions, create, count, want, why) in table {
        let plan = plan_of(list, regions, create, count);
        let row = format!("{list} | {regions} | {create} | {count}");
        assert_eq!((creates(&plan).as_str(), codes(&plan).as_str()), (want, why), "{row}");
    }
}

#[test]
fn what_is_taken_or_broken_is_not_used() {
    let changes: [&dyn Fn(&mut Volume); 4] = [
        &|volume| volume.is_attached = true,
        &|volume| volume.host_status = HostStatus::Unreachable,
        &|volume| volume.host_status = HostStatus::Unknown,
        &|volume| volume.state = Arc::from("pending_destroy"),
    ];
    for (row, change) in changes.into_iter().enumerate() {
        let mut list = volumes("vol_2:data:iad");
        change(&mut list[1]);
        let known = Volumes::Known(list);
        let history = History::new("t");
        let (plan, _) = plan(mounting(&data()), known, 2, policy("", false), &history);
        assert_eq!((creates(&plan).as_str(), plan.verdict), ("", Verdict::Hold), "row {row}");
    }
}

#[test]
fn a_volume_that_an_earlier_create_took_is_not_free_while_the_list_may_lag() {
    let took = Effect::Created {
        create_id: Arc::from("c1"),
        machine: None,
        group: ProcessGroup::new("app"),
        region: Region::new("iad"),
        launched: true,
        volume: Some(VolumeId::new("vol_2")),
    };
    for (ago, want) in [(5, "iad=vol_3"), (59, "iad=vol_3"), (61, "iad=vol_2, iad=vol_3")] {
        let mut history = History::new("t");
        history.record(NOW.minus(Duration::from_secs(ago)), took.clone());
        let known = Volumes::Known(volumes("vol_2:data:iad vol_3:data:iad"));
        let (plan, _) = plan(mounting(&data()), known, 3, policy("", false), &history);
        assert_eq!(creates(&plan), want, "{ago} s ago");
    }
}

#[test]
fn a_volume_that_we_made_in_vain_is_used_whether_or_not_the_list_shows_it() {
    // what the list shows of vol_2, how long ago it was made (s) -> creates
    type Change = fn(&mut Volume);
    let table: [(Option<Change>, u64, &str); 6] = [
        (None, 5, "iad=vol_2, iad=new"),
        (None, 59, "iad=vol_2, iad=new"),
        (None, 61, "iad=new, iad=new"),
        (Some(|volume| volume.state = Arc::from("creating")), 5, "iad=vol_2, iad=new"),
        (Some(|volume| volume.state = Arc::from("creating")), 61, "iad=new, iad=new"),
        (Some(|volume| volume.is_attached = true), 5, "iad=new, iad=new"),
    ];
    for (row, (listed, ago, want)) in table.into_iter().enumerate() {
        let made = volume("vol_2", "data", "iad");
        let mut list = volumes("");
        list.extend(listed.map(|change| {
            let mut shown = made.clone();
            change(&mut shown);
            shown
        }));
        let mut history = History::new("t");
        history.left_volumes.push((NOW.minus(Duration::from_secs(ago)), made));
        let known = Volumes::Known(list);
        let (plan, _) = plan(mounting(&data()), known, 3, policy("", true), &history);
        assert_eq!(creates(&plan), want, "row {row}");
        assert_eq!(plan.next.left_volumes.len(), usize::from(ago < 60), "row {row}");
    }
}

#[test]
fn a_new_volume_is_like_the_sources() {
    let new = |mounts: Value| {
        let known = Volumes::Known(volumes(""));
        let history = History::new("t");
        let (plan, _) = plan(mounting(&mounts), known, 2, policy("", true), &history);
        let choice = plan.actions().find_map(|(_, own)| match &own.action {
            Action::Create { volumes, .. } => volumes.first().cloned(),
            _ => None,
        });
        match choice {
            Some(VolumeChoice::Create(new)) => new,
            other => panic!("{other:?} {:?}", plan.scopes[0].reasons),
        }
    };
    let like = |size_gb, encrypted| NewVolume { name: Arc::from("data"), size_gb, encrypted };
    assert_eq!(new(data()), like(Some(5), Some(true)), "as large as it has grown");
    let mount = json!([{"volume": "vol_1", "path": "/data"}]);
    assert_eq!(new(mount), like(Some(5), Some(true)), "its name is looked up");
    let mount = json!([{"volume": "vol_9", "name": "data", "size_gb": 2, "encrypted": false}]);
    assert_eq!(new(mount), like(Some(2), Some(false)), "as the mount says where it is not listed");
    let mount = json!([{"volume": "vol_9", "name": "data"}]);
    assert_eq!(new(mount), like(None, None), "the rest is left to Fly");
}

#[test]
fn the_volumes_are_asked_for_only_where_a_create_needs_them() {
    let unread = |source, count| {
        plan(source, Volumes::Unread, count, policy("", true), &History::new("t")).0
    };
    assert!(unread(mounting(&data()), 2).needs_volumes());
    assert!(!unread(mounting(&data()), 1).needs_volumes(), "nothing to create");
    assert!(!unread(machine("m1", "started", "iad"), 2).needs_volumes(), "nothing mounted");
    assert!(!unread(mounting(&json!([{"name": "a"}, {"name": "b"}])), 2).needs_volumes());
}

#[test]
fn what_stands_in_the_way_is_said_in_full() {
    let said = |mounts: Value, volumes, regions| {
        let (plan, _) =
            plan(mounting(&mounts), volumes, 2, policy(regions, false), &History::new("t"));
        assert!(!plan.needs_volumes() && plan.verdict == Verdict::Hold);
        plan.scopes[0].reasons[1].to_string()
    };
    assert_eq!(
        said(data(), Volumes::Known(volumes("")), "lhr iad"),
        "a clone of machine m1 needs a volume data, and none is unattached in lhr, iad; make one \
         (fly volumes create data -r lhr), or set volumes: create (FAS_VOLUMES)"
    );
    assert_eq!(
        said(json!([{"name": "data"}, {"name": "logs"}]), Volumes::Known(volumes("")), ""),
        "machine m1 mounts data, logs; only a machine with one volume, whose name is known, can be cloned"
    );
    assert_eq!(
        said(json!([{"volume": "vol_9"}]), Volumes::Known(volumes("")), ""),
        "machine m1 mounts (unreadable); only a machine with one volume, whose name is known, can be cloned"
    );
    assert_eq!(
        said(data(), Volumes::Unreadable("list volumes app: 500 oops".into()), ""),
        "machine m1 mounts a volume, and the app's volumes could not be read: list volumes app: 500 oops"
    );
}

async fn acted(api: &Double, plan: &Plan) -> Vec<Outcome> {
    let under_way = UnderWay::default();
    act(api, &AppName::new("app"), plan, unpaused(1, &under_way), std::future::pending()).await
}

fn taken(outcome: &Outcome) -> Option<String> {
    match outcome.effect() {
        Some(Effect::Created { volume, .. }) => volume.map(|id| id.to_string()),
        _ => None,
    }
}

#[tokio::test]
async fn a_new_volume_comes_before_its_machine() {
    let api = Double::default();
    let outcomes = acted(&api, &plan_of("vol_2:data:iad", "", true, 3)).await;
    let want = ["create iad with vol_2", "create_volume data iad", "create iad with vol_new1"];
    assert_eq!(api.calls(), want);
    let taken: Vec<_> = outcomes.iter().filter_map(taken).collect();
    assert_eq!(taken, ["vol_2", "vol_new1"]);
}

#[tokio::test]
async fn without_a_volume_there_is_no_machine() {
    // Even if the volume may have come about: the machine surely did not.
    for unknown in [false, true] {
        let api =
            Double::default().failing("create_volume data iad", ErrorClass::Transient, unknown);
        let outcomes = acted(&api, &plan_of("", "", true, 2)).await;
        assert_eq!(api.calls(), ["create_volume data iad"]);
        assert_eq!(outcomes[0].effect(), None);
    }
}

#[tokio::test]
async fn a_region_without_room_passes_the_create_on_to_the_volume_of_the_next() {
    let plan = plan_of("vol_2:data:iad", "lhr iad", true, 2);
    let api = Double::default().failing("create_volume data lhr", ErrorClass::Capacity, false);
    let outcomes = acted(&api, &plan).await;
    assert_eq!(api.calls(), ["create_volume data lhr", "create iad with vol_2"]);
    assert!(outcomes[0].is_done() && outcomes[0].left_volumes.is_empty());
}

#[tokio::test]
async fn a_volume_whose_machine_was_refused_is_left_and_said() {
    let api = Double::default().failing("create iad with vol_new0", ErrorClass::Capacity, false);
    let outcomes = acted(&api, &plan_of("", "", true, 2)).await;
    assert_eq!(api.calls(), ["create_volume data iad", "create iad with vol_new0"]);
    assert_eq!(outcomes[0].effect(), None);
    let said = outcomes[0].to_string();
    let want = "; volume vol_new0, made for it, is left for the next create";
    assert!(said.ends_with(want), "{said}");
}

#[tokio::test]
async fn a_create_in_doubt_keeps_its_volume() {
    let api = Double::default().failing("create iad with vol_2", ErrorClass::Transient, true);
    let outcomes = acted(&api, &plan_of("vol_2:data:iad", "", false, 2)).await;
    assert_eq!(taken(&outcomes[0]).as_deref(), Some("vol_2"));
}
