//! Fly's list of its regions: read where regions matter, beside the ticks, and never in their way.

use std::collections::BTreeSet;
use std::sync::Arc;

use fly_autoscaler::model::{Catalog, Region};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::reconcile::Atlas;
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};
use serde_json::Value;

use crate::cli::{Fly, my_app};
use crate::composed;
use crate::faults::{STARTED, Stage};
use crate::running::{Autoscaler, until};

fn atlas(stage: &Stage, named: &[&str]) -> Atlas {
    let config = composed::config(&stage.sim, &[STARTED]);
    let http = client(Timeouts::default()).unwrap();
    let fly = Arc::new(composed::fly(&config, &http, stage.clock.clone()));
    let named: BTreeSet<Region> = named.iter().map(Region::new).collect();
    Atlas::new(fly, stage.clock.clone(), Arc::new(Metrics::new("0", "c")), named)
}

fn answer(code: u16, body: &str) -> FaultKind {
    FaultKind::Status { code, body: body.to_owned(), retry_after: None }
}

#[tokio::test]
async fn the_list_is_flys_own_as_soon_as_it_can_be_read() {
    let stage = Stage::new(1, 0, 0.0).await;
    let atlas = atlas(&stage, &["lhr", "ams", "gru", "lhx"]);
    assert_eq!(atlas.catalog(), *Catalog::builtin());
    assert!(atlas.doubtful().is_empty(), "Fly has said nothing yet");

    let [ams, gru] = ["ams", "gru"].map(Region::new);
    stage.sim.world().drop_region(&gru);
    stage.sim.world().deprecate_region(&ams);
    atlas.refresh().await.unwrap();
    let catalog = atlas.catalog();
    assert!(catalog.is_current() && catalog.iter().count() == 17);
    assert!(catalog.get(&gru).is_none() && !catalog.offers(&ams));
    let doubtful: Vec<String> = atlas.doubtful().iter().map(ToString::to_string).collect();
    assert_eq!(
        doubtful,
        [
            "Fly takes no new machines in the region `ams`",
            "Fly has no region `gru`",
            "Fly has no region `lhx`; is `lhr` meant?",
        ]
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_right_leaves_the_last_one() {
    let stage = Stage::new(1, 0, 0.0).await;
    let atlas = atlas(&stage, &[]);
    stage.sim.world().drop_region(&Region::new("gru"));
    atlas.refresh().await.unwrap();
    let last = atlas.catalog();
    let many: Vec<String> = (0..1001).map(|number| format!(r#"{{"code":"r{number}"}}"#)).collect();
    let many = format!(r#"{{"regions":[{}]}}"#, many.join(","));
    let unreadable = "list the regions of Fly: 200 with an answer that cannot be read:";
    let table = [
        (answer(200, r#"{"regions":[]}"#), format!("{unreadable} the list of regions names none")),
        (
            answer(200, &many),
            format!("{unreadable} the list of regions names more than can be regions"),
        ),
        (answer(500, r#"{"error":"no"}"#), "list the regions of Fly: 500 no".to_owned()),
        (
            FaultKind::HugeBody(2 << 20),
            "list the regions of Fly: 200 but the answer is larger than".into(),
        ),
        (FaultKind::Html200, "list the regions of Fly: 200 with text/html".into()),
        (FaultKind::Garbage, "list the regions of Fly: 200 with".into()),
        (FaultKind::WrongJson, unreadable.to_owned()),
    ];
    for (kind, want) in table {
        stage.sim.world().clear_faults();
        stage.sim.world().inject(FaultRule::always(Endpoint::Regions, kind));
        let error = atlas.refresh().await.unwrap_err().to_string();
        assert!(error.starts_with(&want), "{error}, not {want}");
        assert!(Arc::ptr_eq(&last, &atlas.catalog()), "{error}");
    }
}

/// Keeps the list current until it was read `times` times; gives the hours that this took.
async fn hours_of(stage: &Stage, atlas: &Atlas, times: u64) -> f64 {
    let (begun, before) = (stage.clock.now(), stage.sim.world().total(Endpoint::Regions));
    let read = async {
        while stage.sim.world().total(Endpoint::Regions) < before + times {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = atlas.keep_current() => {}
        () = read => {}
    }
    stage.clock.now().since(begun).as_secs_f64() / 3600.0
}

#[tokio::test]
async fn the_list_is_read_again_after_hours_and_sooner_after_a_failure() {
    let stage = Stage::new(1, 0, 0.0).await;
    let atlas = atlas(&stage, &[]);
    // The time passes in sleeps alone: ten of them between eleven readings.
    let hours = hours_of(&stage, &atlas, 11).await;
    assert!((45.0..=90.0).contains(&hours), "{hours} hours");
    stage.sim.world().inject(FaultRule::always(Endpoint::Regions, answer(500, "no")));
    let hours = hours_of(&stage, &atlas, 11).await;
    assert!((1.2..=2.3).contains(&hours), "{hours} hours");
    assert!(atlas.catalog().is_current());
}

/// The real scaler of `my-app` with these variables.
async fn serve(fly: &Fly, variables: &[(&str, &str)]) -> Autoscaler {
    let (url, prometheus) = (fly.simulator.url(), fly.simulator.prometheus_url("my-org"));
    let given = [
        ("FAS_APP_NAME", "my-app"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("FAS_LOG_FORMAT", "json"),
        ("FAS_INTERVAL", "1s"),
        ("FAS_STARTED_MACHINE_COUNT", "1"),
        ("FLY_FLAPS_BASE_URL", url.as_str()),
        ("FLY_API_BASE_URL", url.as_str()),
        ("FAS_PROMETHEUS_ADDRESS", prometheus.as_str()),
        ("FAS_PROMETHEUS_QUERY", "queue_depth"),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
    ];
    Autoscaler::start(&given.iter().chain(variables).copied().collect::<Vec<_>>()).await
}

/// Waits until the app was listed so many times: it ticks.
async fn ticked(fly: &Fly, scaler: &Autoscaler, times: u64) {
    let listed = || async {
        let listed = fly.simulator.world().total(Endpoint::List);
        if listed >= times { Ok(()) } else { Err(format!("{listed} ticks")) }
    };
    until("enough ticks", || scaler.program.told(), listed).await;
}

/// The lines of its log that say `message`.
fn lines(scaler: &Autoscaler, message: &str) -> Vec<Value> {
    let written = scaler.program.written();
    let lines = written.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["msg"] == message).collect()
}

const DOUBTFUL: &str = "a region of the configuration is not to be had";
const OURS: &str = "is no region of Fly's that this version knows";
const FAILING: &str = "the list of Fly's regions cannot be read";

#[tokio::test]
async fn serve_asks_once_and_says_once_what_is_no_region() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    let scaler = serve(&fly, &[("FAS_REGIONS", "iad,lhx")]).await;
    ticked(&fly, &scaler, 3).await;
    assert_eq!(fly.simulator.world().total(Endpoint::Regions), 1);
    let said = lines(&scaler, DOUBTFUL);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(said[0]["text"], "Fly has no region `lhx`; is `lhr` meant?");
    assert_eq!((&said[0]["level"], &said[0]["region"]), (&"WARN".into(), &"lhx".into()));
    assert!(!scaler.program.written().contains(OURS), "it is not said again without Fly's word");
}

#[tokio::test]
async fn without_a_region_in_the_configuration_nobody_asks() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    let scaler = serve(&fly, &[]).await;
    ticked(&fly, &scaler, 2).await;
    assert_eq!(fly.simulator.world().total(Endpoint::Regions), 0);
}

#[tokio::test]
async fn a_list_that_never_comes_keeps_no_tick_from_running() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    fly.simulator.world().inject(FaultRule::always(Endpoint::Regions, FaultKind::Hang));
    let scaler = serve(&fly, &[("FAS_REGIONS", "iad")]).await;
    ticked(&fly, &scaler, 3).await;
    assert_eq!(fly.simulator.world().total(Endpoint::Regions), 1, "it is still waited for");
    assert_eq!(lines(&scaler, FAILING).len(), 0);
}

#[tokio::test]
async fn a_list_that_is_refused_is_said_once() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    fly.simulator.world().inject(FaultRule::always(Endpoint::Regions, answer(403, "no")));
    let scaler = serve(&fly, &[("FAS_REGIONS", "iad,lhx")]).await;
    ticked(&fly, &scaler, 3).await;
    let said = lines(&scaler, FAILING);
    assert_eq!(said.len(), 1, "{said:#?}");
    let error = said[0]["error"].as_str().unwrap();
    assert!(error.starts_with("list the regions of Fly: 403 no (fly-request-id "), "{error}");
    assert_eq!(said[0]["next"], "the list that comes with the program is used; tried again");
    assert_eq!(lines(&scaler, DOUBTFUL).len(), 0, "nobody knows");
    assert_eq!(scaler.program.written().matches(OURS).count(), 1, "it may still be a mistake");
}

#[tokio::test]
async fn plan_warns_of_what_is_no_region_and_of_a_list_that_cannot_be_read() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    let plan = || {
        let command = fly.command(&["plan"]);
        command.env(&[STARTED, ("FAS_REGIONS", "iad,lhx")]).run_beside()
    };
    let ran = plan().await;
    assert_eq!(ran.stderr, "warning: Fly has no region `lhx`; is `lhr` meant?\n");
    fly.simulator.world().inject(FaultRule::always(Endpoint::Regions, answer(500, "no")));
    let failed = plan().await;
    let (told, rest) = failed.stderr.split_once(" (fly-request-id").unwrap();
    assert_eq!(told, "warning: list the regions of Fly: 500 no");
    let (_, rest) = rest.split_once("); ").unwrap();
    let ours = "warning: `regions`: `lhx` is no region of Fly's that this version knows\n  --> environment variable FAS_REGIONS\n  hint: did you mean `lhr`?";
    let next = "the list of regions that comes with the program is used";
    assert_eq!(rest.trim_end(), format!("{next}\n{ours}"), "nobody else can tell");
    assert_eq!((ran.code, failed.code), (Some(0), Some(0)));
    assert_eq!(
        ran.stdout.lines().skip(1).collect::<Vec<_>>(),
        failed.stdout.lines().skip(1).collect::<Vec<_>>()
    );
}

/// Makes Fly offer `qqq`, which no version of this program can know of, beside `iad`.
fn offer_a_new_region(fly: &Fly) {
    let place = r#""name":"Somewhere","latitude":39.0,"longitude":-77.5"#;
    let regions = format!(r#"{{"regions":[{{"code":"iad",{place}}},{{"code":"qqq",{place}}}]}}"#);
    let rule = FaultRule::always(Endpoint::Regions, answer(200, &regions));
    fly.simulator.world().inject(rule);
}

#[tokio::test]
async fn a_region_that_only_fly_knows_is_not_warned_of() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    offer_a_new_region(&fly);
    let each = ("FAS_REGION_STARTED_MACHINE_COUNT", "1");
    for command in ["plan", "eval"] {
        let command = fly.command(&[command]);
        let ran = command.env(&[STARTED, each, ("FAS_REGIONS", "iad,qqq")]).run_beside().await;
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{}", ran.stdout);
        assert!(ran.stdout.contains("qqq"), "it is scaled: {}", ran.stdout);
    }
    let scaler = serve(&fly, &[("FAS_REGIONS", "iad,qqq")]).await;
    ticked(&fly, &scaler, 3).await;
    let written = scaler.program.written();
    assert!(!written.contains(OURS) && lines(&scaler, DOUBTFUL).is_empty(), "{written}");
}

#[tokio::test]
async fn eval_goes_by_flys_list_where_a_number_depends_on_it() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    fly.simulator.world().deprecate_region(&Region::new("ams"));
    let asked = || fly.simulator.world().total(Endpoint::Regions);
    let eval = |more: &[(&str, &str)]| {
        let command = fly.command(&["eval"]).env(&[STARTED, ("FAS_REGIONS", "iad,ams,lhx")]);
        command.env(more).run_beside()
    };
    let each = ("FAS_REGION_STARTED_MACHINE_COUNT", "2");
    // what else is set -> how often Fly was asked | the regions with numbers | warnings
    let lhx = "warning: Fly has no region `lhx`; is `lhr` meant?";
    let ours = "warning: `regions`: `lhx` is no region of Fly's that this version knows\n  --> environment variable FAS_REGIONS\n  hint: did you mean `lhr`?";
    let both = format!("warning: Fly takes no new machines in the region `ams`\n{lhx}");
    let table: [(&[_], u64, &[&str], &str); 3] = [
        (&[], 0, &[], ours),
        (&[each], 1, &["iad"], &both),
        (&[each, ("FAS_API_TOKEN", "")], 0, &["ams", "iad", "lhx"], ours),
    ];
    for (more, times, regions, warnings) in table {
        let before = asked();
        let ran = eval(more).await;
        assert_eq!((ran.code, asked() - before), (Some(0), times), "{more:?}: {}", ran.stderr);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        let with_numbers = json["regions"].as_object().into_iter().flatten();
        let with_numbers: Vec<&str> = with_numbers.map(|(region, _)| region.as_str()).collect();
        assert_eq!(
            (with_numbers.as_slice(), ran.stderr.trim_end()),
            (regions, warnings),
            "{more:?}"
        );
    }
}
