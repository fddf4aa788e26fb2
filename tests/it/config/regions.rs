//! Placement: what holds in which region, wherever it was said, and what contradicts itself.

mod mistakes;

use std::time::Duration;

use fly_autoscaler::config::{ConfigErrors, FlagValues, Loaded, MapEnv, load, setting};
use fly_autoscaler::decide::{Limits, RegionLimits, Unlisted};
use fly_autoscaler::evaluate::{Expression, ScopeExpressions};
use fly_autoscaler::model::{Catalog, Region, RegionList};

use super::{messages, origin, warnings, with_yaml};

/// One collector that is `by: region`.
const TRAFFIC: [(&str, &str); 4] = [
    ("FAS_PROMETHEUS_ADDRESS", "http://p"),
    ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
    ("FAS_PROMETHEUS_QUERY", "up"),
    ("FAS_PROMETHEUS_BY", "region"),
];
const APP: (&str, &str) = ("FAS_APP_NAME", "target");

/// The configuration of these variables, for an app with traffic.
fn with_traffic(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let env: MapEnv = TRAFFIC.iter().chain([&APP]).chain(pairs).copied().collect();
    load(&FlagValues::default(), &env)
}

/// The same with a file.
fn with_file(yaml: &str, pairs: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let pairs: Vec<_> = TRAFFIC.iter().chain([&APP]).chain(pairs).copied().collect();
    with_yaml(yaml, &pairs)
}

/// The expressions of a scope: created, then started, each as `min..max`.
fn sources(scope: &ScopeExpressions) -> String {
    let source = |own: &Option<Expression>| own.as_ref().map_or("", Expression::source).to_owned();
    let [a, b] = [&scope.created_min, &scope.created_max].map(source);
    let [c, d] = [&scope.started_min, &scope.started_max].map(source);
    format!("{a}..{b} {c}..{d}")
}

fn of_region(loaded: &Loaded, region: &str) -> String {
    sources(loaded.config.groups[0].per_region.of(&Region::new(region)))
}

fn limits(loaded: &Loaded, region: &str) -> (u32, u32) {
    let limits = loaded.config.groups[0].policy.region_limits.of(&Region::new(region));
    (limits.min_machines, limits.max_machines)
}

const EVERYTHING: &str = r#"
regions: [lhr, iad, fra]
excluded-regions: [gru, jnb]
excluded-regions-drain: true
always-running-regions: [iad]
unlisted-regions: nearest
region-backoff: 90s
max-machines: 30
per-region:
  "*":
    started-machine-count: "ceil(traffic / 50)"
    max-machines: 12
  lhr:
    min-started-machine-count: "min(20, traffic_lhr / 40)"
    max-started-machine-count: "20"
    created-machine-count: "5"
    min-machines: 2
"#;

const EVERYTHING_IN_VARIABLES: [(&str, &str); 13] = [
    ("FAS_REGIONS", "lhr, iad,fra"),
    ("FAS_EXCLUDED_REGIONS", "gru,jnb"),
    ("FAS_EXCLUDED_REGIONS_DRAIN", "true"),
    ("FAS_ALWAYS_RUNNING_REGIONS", "iad"),
    ("FAS_UNLISTED_REGIONS", "nearest"),
    ("FAS_REGION_BACKOFF", "1m30s"),
    ("FAS_MAX_MACHINES", "30"),
    ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
    ("FAS_REGION_MAX_MACHINES", "12"),
    ("FAS_MIN_STARTED_MACHINE_COUNT_LHR", "min(20, traffic_lhr / 40)"),
    ("FAS_MAX_STARTED_MACHINE_COUNT_LHR", "20"),
    ("FAS_CREATED_MACHINE_COUNT_LHR", "5"),
    ("FAS_MIN_MACHINES_LHR", "2"),
];

#[test]
fn variables_alone_say_all_that_a_file_can() {
    let file = with_file(EVERYTHING, &[]).unwrap();
    let env = with_traffic(&EVERYTHING_IN_VARIABLES).unwrap();
    for loaded in [&file, &env] {
        assert_eq!(warnings(loaded), Vec::<String>::new());
        let [group] = loaded.config.groups.as_slice() else { panic!("one group") };
        let policy = &group.policy;
        let regions = |codes: &[&str]| codes.iter().map(Region::new).collect::<Vec<_>>();
        assert_eq!(policy.regions, RegionList::Listed(regions(&["lhr", "iad", "fra"])));
        assert_eq!(policy.excluded_regions, regions(&["gru", "jnb"]));
        assert_eq!(policy.always_running, regions(&["iad"]));
        assert!(policy.drain_excluded && policy.unlisted == Unlisted::Nearest);
        assert_eq!(policy.region_backoff, Duration::from_secs(90));
        let every = Limits { min_machines: 0, max_machines: 12 };
        let own = [(Region::new("lhr"), Limits { min_machines: 2, ..every })].into();
        assert_eq!(policy.region_limits, RegionLimits { every, own });
        assert_eq!(sources(&group.expressions), ".. ..");
        assert_eq!(of_region(loaded, "lhr"), "5..5 min(20, traffic_lhr / 40)..20");
        assert_eq!(of_region(loaded, "fra"), ".. ceil(traffic / 50)..ceil(traffic / 50)");
    }
    let [file, env] = [file, env].map(|own| own.config.groups.into_iter().next().unwrap());
    assert_eq!((file.per_region, file.policy), (env.per_region, env.policy));
}

/// What a region says itself, and what it takes from `*`: the counts of one kind together, the limits
/// each for itself.
#[test]
fn a_region_replaces_the_counts_of_every_region_kind_by_kind() {
    let yaml = r#"
regions: [lhr, iad, fra, syd]
per-region:
  lhr: {started-machine-count: 1}
  "*":
    min-started-machine-count: 2
    max-started-machine-count: 3
    created-machine-count: 4
    min-machines: 1
    max-machines: 9
  iad: {min-created-machine-count: 5, max-created-machine-count: 6, max-machines: 7}
  fra: {min-machines: 2}
"#;
    let loaded = with_file(yaml, &[]).unwrap();
    for (region, expressions, own) in [
        ("lhr", "4..4 1..1", (1, 9)),
        ("iad", "5..6 2..3", (1, 7)),
        ("fra", "4..4 2..3", (2, 9)),
        ("syd", "4..4 2..3", (1, 9)),
    ] {
        assert_eq!((&*of_region(&loaded, region), limits(&loaded, region)), (expressions, own));
    }
    for (key, value, from) in [
        ("*.created-machine-count", "4", "FAS_CONFIG_YAML:8"),
        ("lhr.started-machine-count", "1", "FAS_CONFIG_YAML:4"),
        ("lhr.created-machine-count", "4", "FAS_CONFIG_YAML:8"),
        ("lhr.max-machines", "9", "FAS_CONFIG_YAML:10"),
        ("iad.max-machines", "7", "FAS_CONFIG_YAML:11"),
        ("fra.min-started-machine-count", "2", "FAS_CONFIG_YAML:6"),
    ] {
        let found = origin(&loaded, &format!("per-region.{key}"));
        assert_eq!(found, (Some(value.to_owned()), from.to_owned()), "{key}");
    }
    let shown = |key: &str| loaded.effective.iter().any(|own| own.key == key);
    assert!(!shown("per-region.lhr.min-started-machine-count"), "it was replaced");
    assert!(!shown("per-region.syd.max-machines"), "nothing was said for it");
}

/// Each entry for itself, flag over variable over file, and a count in the way of the stronger source.
#[test]
fn sources_are_laid_over_each_other_region_by_region() {
    let yaml = r#"
regions: [lhr, iad]
per-region:
  "*": {min-started-machine-count: 1, max-started-machine-count: 2, created-machine-count: 3}
  lhr: {started-machine-count: 4, max-machines: 5}
"#;
    let env = [
        ("FAS_REGION_STARTED_MACHINE_COUNT", "10"),
        ("FAS_REGION_CREATED_MACHINE_COUNT", "11"),
        ("FAS_MAX_MACHINES_LHR", "12"),
        ("FAS_CREATED_MACHINE_COUNT_IAD", "13"),
    ];
    let loaded = with_file(yaml, &env).unwrap();
    // The file's own for lhr holds against the variable for every region.
    assert_eq!(of_region(&loaded, "lhr"), "11..11 4..4");
    assert_eq!(of_region(&loaded, "iad"), "13..13 10..10");
    assert_eq!(limits(&loaded, "lhr"), (0, 12));
    let firsts: Vec<_> =
        warnings(&loaded).iter().map(|own| own.lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        firsts,
        [
            "warning: `per-region.*.min-started-machine-count` is not used: FAS_REGION_STARTED_MACHINE_COUNT says it in another way and wins",
            "warning: `per-region.*.max-started-machine-count` is not used: FAS_REGION_STARTED_MACHINE_COUNT says it in another way and wins",
            "warning: FAS_REGION_CREATED_MACHINE_COUNT and the file set `per-region.*.created-machine-count` to different values; the variable wins",
            "warning: FAS_MAX_MACHINES_LHR and the file set `per-region.lhr.max-machines` to different values; the variable wins",
        ]
    );
    let file = [APP, ("FAS_CONFIG_YAML", yaml)];
    let pairs = TRAFFIC.iter().chain(&file).chain(&env);
    let flags = FlagValues::default().with(&setting::region::CREATED_MACHINE_COUNT, "20");
    let loaded = load(&flags, &pairs.copied().collect::<MapEnv>()).unwrap();
    assert_eq!(of_region(&loaded, "lhr"), "20..20 4..4");
    let (_, from) = origin(&loaded, "per-region.lhr.created-machine-count");
    assert_eq!(from, "--region-created-machine-count");
}

#[test]
fn auto_takes_what_there_is_up_to_a_maximum() {
    let every = ("FAS_REGION_STARTED_MACHINE_COUNT", "traffic + traffic_syd");
    let auto = ("FAS_REGIONS", "auto");
    let loaded = with_traffic(&[auto, every, ("FAS_MAX_MACHINES", "1000")]).unwrap();
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    assert_eq!(loaded.config.groups[0].policy.regions, RegionList::Auto);
    let known: Vec<_> = Catalog::builtin().iter().map(|(region, _)| region.clone()).collect();
    assert_eq!(loaded.config.listed_regions(), known);

    let errors = with_traffic(&[auto, every]).unwrap_err();
    insta::assert_snapshot!(errors, @"
    error: `max-machines` required where `regions` is auto
      --> environment variable FAS_REGIONS
      hint: set `max-machines` or FAS_MAX_MACHINES: what traffic names may be many regions
    ");
    // In a process group, the maximum may be the group's or that of the top level.
    let group = "process-groups: {web: {regions: auto, started-machine-count: 1, max-machines: 4}}";
    assert!(with_file(group, &[]).is_ok());
    let group = group.replace(", max-machines: 4", "");
    assert!(with_file(&group, &[("FAS_MAX_MACHINES", "4")]).is_ok());
    assert!(with_file(&group, &[]).is_err());
}

/// What an expression of a region may read: what app-wide ones may, and `region`, which is text.
#[test]
fn an_expression_of_a_region_knows_its_region() {
    for expression in [
        r#"region == "lhr" ? 2 : 1"#,
        r#"region in ["lhr", "iad"] ? 3 : traffic"#,
        "{iad: 2, lhr: 3}[region]",
        r#"if(region == "lhr", 2, 1)"#,
        "traffic_lhr + traffic + created_machines + started_machines + stopped_machines",
        "len(region)",
    ] {
        let every = ("FAS_REGION_STARTED_MACHINE_COUNT", expression);
        let loaded = with_traffic(&[("FAS_REGIONS", "iad,lhr"), every]);
        assert!(loaded.is_ok(), "{expression}: {}", loaded.unwrap_err());
    }
    for (expression, message) in [
        ("region", "the expression returns text, not a number"),
        ("region + 1", "`+` cannot combine these values: they are of the wrong kind"),
        ("region > 3 ? 1 : 0", "`>` cannot combine these values: they are of the wrong kind"),
        ("math::sqrt(region)", "a number is needed where there is something else"),
        ("if(region, 1, 0)", "a condition must be true or false, such as queue_depth > 0"),
        ("min(if(true, region, 0), 3)", "a number is needed where there is something else"),
        ("{ams: 2}[region]", "the expression returns nil, not a number"),
    ] {
        let every = ("FAS_REGION_STARTED_MACHINE_COUNT", expression);
        let errors = with_traffic(&[("FAS_REGIONS", "iad,lhr"), every]).unwrap_err();
        let whole = format!("every region: `started-machine-count`: {message}");
        assert_eq!(messages(&errors), [whole], "{expression}");
    }
    // A metric of that name is read instead, as a number, and in app-wide expressions too.
    let env = [
        ("FAS_PROMETHEUS_METRIC_NAME", "region"),
        ("FAS_REGIONS", "iad"),
        ("FAS_STARTED_MACHINE_COUNT", "region + 1"),
        ("FAS_REGION_STARTED_MACHINE_COUNT", "region + 1"),
    ];
    assert!(with_traffic(&env).is_ok());
}

#[test]
fn process_groups_have_regions_of_their_own_and_inherit_only_limits() {
    let yaml = r#"
regions: [lhr, iad]
max-machines: 20
per-region:
  "*": {max-machines: 9}
  lhr: {min-machines: 1}
process-groups:
  web:
    per-region:
      "*": {started-machine-count: "traffic"}
      lhr: {max-machines: 4}
  worker:
    regions: [iad, fra]
    started-machine-count: 2
    per-region:
      fra: {max-machines: 5}
"#;
    let loaded = with_file(yaml, &[("FAS_MIN_MACHINES_IAD", "2")]).unwrap();
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let [web, worker] = loaded.config.groups.as_slice() else { panic!("two groups") };
    let all = |own: &RegionLimits| {
        ["lhr", "iad", "fra"].map(|code| {
            let limits = own.of(&Region::new(code));
            (limits.min_machines, limits.max_machines)
        })
    };
    assert_eq!(all(&web.policy.region_limits), [(1, 4), (2, 9), (0, 9)]);
    assert_eq!(all(&worker.policy.region_limits), [(0, 9), (2, 9), (0, 5)]);
    assert_eq!(sources(&web.per_region.every), ".. traffic..traffic");
    assert!(worker.per_region.is_empty());
    let from = |key: &str| origin(&loaded, &format!("process-groups.{key}")).1;
    assert_eq!(from("web.per-region.lhr.max-machines"), "FAS_CONFIG_YAML:11");
    assert_eq!(from("web.per-region.lhr.started-machine-count"), "FAS_CONFIG_YAML:10");
    assert_eq!(from("worker.per-region.iad.min-machines"), "FAS_MIN_MACHINES_IAD");
    assert!(!loaded.effective.iter().any(|own| own.key.starts_with("per-region")));

    // Whose count would it be?
    let pairs = [
        ("FAS_REGION_STARTED_MACHINE_COUNT", "1"),
        ("FAS_CREATED_MACHINE_COUNT_LHR", "1"),
        ("FAS_MAX_MACHINES_SYD", "1"),
    ];
    let errors = with_file(yaml, &pairs).unwrap_err();
    insta::assert_snapshot!(errors, @r#"
    error: every region: `started-machine-count` and `process-groups` are both set
      --> environment variable FAS_REGION_STARTED_MACHINE_COUNT
      hint: each group has counts of its own: set `started-machine-count` in the file, under `per-region` of the group that it is for

    error: region lhr: `created-machine-count` and `process-groups` are both set
      --> environment variable FAS_CREATED_MACHINE_COUNT_LHR
      hint: each group has counts of its own: set `created-machine-count` in the file, under `per-region` of the group that it is for

    error: `FAS_MAX_MACHINES_SYD`: `syd` is not in `regions`
      --> environment variable FAS_MAX_MACHINES_SYD
      hint: add `syd` to `regions`, or leave this out
    "#);
}
