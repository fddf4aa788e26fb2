//! Placement: what holds in which region, wherever it was said, and what contradicts itself.

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
    min-started-machine-count: "traffic_lhr / 40"
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
    ("FAS_MIN_STARTED_MACHINE_COUNT_LHR", "traffic_lhr / 40"),
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
        assert_eq!(of_region(loaded, "lhr"), "5..5 traffic_lhr / 40..20");
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

/// The Go autoscaler pays no heed to what it does not know, and a configuration of its is to run here unchanged.
#[test]
fn what_only_looks_like_a_region_is_a_variable_that_is_not_known() {
    let total = ("FAS_STARTED_MACHINE_COUNT", "1");
    let loaded = with_traffic(&[total, ("FAS_STARTED_MACHINE_COUNT_OLD", "7")]).unwrap();
    let [warning] = &loaded.warnings[..] else { panic!("{:?}", loaded.warnings) };
    let said = warning.to_string();
    assert!(said.contains("FAS_STARTED_MACHINE_COUNT_OLD"), "{said}");
    assert!(loaded.config.groups[0].per_region.is_empty());
    // One that Fly has is surely meant.
    let errors = with_traffic(&[total, ("FAS_STARTED_MACHINE_COUNT_LHR", "7")]).unwrap_err();
    assert_eq!(messages(&errors), ["`per-region` needs `regions`"]);
}

#[test]
fn a_region_stands_once_in_a_list() {
    for (variable, key) in [
        ("FAS_REGIONS", "regions"),
        ("FAS_ALWAYS_RUNNING_REGIONS", "always-running-regions"),
        ("FAS_EXCLUDED_REGIONS", "excluded-regions"),
    ] {
        let errors = with_traffic(&[("FAS_STARTED_MACHINE_COUNT", "1"), (variable, "lhr,lhr")]);
        let message = format!("`{key}`: `lhr` is listed twice");
        assert_eq!(messages(&errors.unwrap_err()), [message]);
    }
}

#[test]
fn a_key_that_yaml_reads_in_another_way_is_told_with_a_hint() {
    let error = |yaml| with_file(yaml, &[]).unwrap_err().to_string();
    let star = error("regions: [lhr]\nper-region:\n  *:\n    started-machine-count: 1\n");
    assert!(star.contains("\n  hint: write it in quotes: `\"*\":`"), "{star}");
    assert!(star.contains("FAS_CONFIG_YAML:3:3"), "{star}");
    let inline = error("regions: [lhr]\nper-region: {*: {started-machine-count: 1}}\n");
    assert!(inline.contains("\n  hint: write it in quotes: `\"*\":`"), "{inline}");
    let alias = error("regions: *all\n");
    assert!(!alias.contains("write it in quotes"), "{alias}");
    // One region in two spellings.
    let twice = "regions: [lhr]\nper-region:\n  lhr: {started-machine-count: 1}\n  LHR: {started-machine-count: 2}\n";
    let errors = with_file(twice, &[]).unwrap_err();
    let message = "`per-region`: `LHR` is not a region code: three lower-case letters";
    assert_eq!(messages(&errors), [message]);
    assert!(errors.to_string().contains("\n  hint: write `lhr`"), "{errors}");
    let same = with_file(&twice.replace("LHR", "lhr"), &[]).unwrap_err();
    assert_eq!(messages(&same), ["`lhr` is set twice"]);
}

/// Every contradiction, with what to do about it.
#[test]
fn contradictions_are_told_with_a_hint() {
    let count = ("FAS_REGION_STARTED_MACHINE_COUNT", "traffic");
    let total = ("FAS_STARTED_MACHINE_COUNT", "1");
    let regions = ("FAS_REGIONS", "lhr,iad");
    for (pairs, message, hint) in [
        (&[count][..], "`per-region` needs `regions`", "say which regions are scaled: "),
        (
            &[total, regions, ("FAS_STARTED_MACHINE_COUNT_LHX", "1")],
            "`FAS_STARTED_MACHINE_COUNT_LHX`: `lhx` is not in `regions`",
            "did you mean FAS_STARTED_MACHINE_COUNT_LHR?",
        ),
        (
            &[total, regions, ("FAS_MAX_MACHINES_FRA", "1")],
            "`FAS_MAX_MACHINES_FRA`: `fra` is not in `regions`",
            "add `fra` to `regions`, or leave this out",
        ),
        (
            &[total, regions, ("FAS_EXCLUDED_REGIONS", "gru,iad")],
            "`regions`: `iad` is in `excluded-regions`",
            "take `iad` out of one of them: ",
        ),
        (
            &[total, ("FAS_EXCLUDED_REGIONS", "gru"), ("FAS_ALWAYS_RUNNING_REGIONS", "gru")],
            "`always-running-regions`: `gru` is in `excluded-regions`",
            "take `gru` out of one of them: ",
        ),
        (
            &[total, regions, ("FAS_ALWAYS_RUNNING_REGIONS", "lhr,iaf")],
            "`always-running-regions`: `iaf` is not in `regions`",
            "did you mean `iad`?",
        ),
        (
            &[count, regions, ("FAS_ALWAYS_RUNNING_REGIONS", "lhr,iad"), ("FAS_MAX_MACHINES", "1")],
            "`max-machines` is 1, less than the 2 regions that are always running",
            "raise `max-machines`, or ask for less",
        ),
        (
            &[count, regions, ("FAS_REGION_MIN_MACHINES", "3"), ("FAS_MAX_MACHINES", "5")],
            "`max-machines` is 5, less than the `min-machines` of all regions together, 6",
            "raise `max-machines`, or ask for less",
        ),
        (
            &[count, ("FAS_REGIONS", "auto,lhr")],
            "`regions`: `auto` stands alone: it means every region that has traffic or machines",
            "write `auto` alone, or leave it out and list the regions",
        ),
        (
            &[count, ("FAS_REGIONS", "london")],
            "`regions`: `london` is not a region code: three lower-case letters",
            "did you mean `lhr`?",
        ),
        (
            &[count, ("FAS_REGIONS", "lhr iad")],
            "`regions`: `lhr iad` is not a region code: three lower-case letters",
            "separate codes by commas: `lhr,iad`",
        ),
        (
            &[total, ("FAS_EXCLUDED_REGIONS", "LHR; iad")],
            "`excluded-regions`: `LHR; iad` is not a region code: three lower-case letters",
            "separate codes by commas: `lhr,iad`",
        ),
        (
            &[count, ("FAS_REGIONS", r#"["lhr", "iad"]"#)],
            r#"`regions`: `["lhr","iad"]` is not a region code: three lower-case letters"#,
            "separate codes by commas: `lhr,iad`",
        ),
        (
            &[count, ("FAS_REGIONS", r#"["lhr"]"#)],
            r#"`regions`: `["lhr"]` is not a region code: three lower-case letters"#,
            "write `lhr`",
        ),
        (
            &[count, ("FAS_REGIONS", "Auto")],
            "`regions`: `Auto` is neither `auto` nor region codes",
            "write `auto`",
        ),
        (
            &[count, regions, ("FAS_PROMETHEUS_BY", "Region")],
            "`by`: `Region` is not a label that can be used here: region or app",
            "write `region`",
        ),
        (
            &[("FAS_REGION_STARTED_MACHINE_COUNT", "region == lhr ? 2 : 1"), regions],
            "every region: `started-machine-count`: unknown variable `lhr`",
            "text stands in quotes: `\"lhr\"`",
        ),
        (
            &[
                ("FAS_REGION_STARTED_MACHINE_COUNT", "region == iad ? 2 : 1"),
                ("FAS_REGIONS", "lhr,syd"),
            ],
            "every region: `started-machine-count`: unknown variable `iad`",
            "text stands in quotes: `\"iad\"`",
        ),
        (
            &[count, ("FAS_REGIONS", "LHR")],
            "`regions`: `LHR` is not a region code: three lower-case letters",
            "write `lhr`",
        ),
    ] {
        let errors = with_traffic(pairs).unwrap_err();
        assert_eq!(messages(&errors), [message]);
        assert!(errors.to_string().contains(&format!("\n  hint: {hint}")), "{errors}");
        assert!(errors.to_string().contains("\n  --> environment variable FAS_"), "{errors}");
    }
    let both = [count, regions, ("FAS_MIN_MACHINES_LHR", "4"), ("FAS_REGION_MAX_MACHINES", "3")];
    let errors = with_traffic(&both).unwrap_err();
    let contradiction = "region lhr: `min-machines` is 4, more than `max-machines`, 3";
    assert_eq!(messages(&errors), [contradiction]);
}

#[test]
fn what_works_but_perhaps_not_as_meant_is_warned_of() {
    let count = ("FAS_STARTED_MACHINE_COUNT", "1");
    let max = ("FAS_MAX_MACHINES", "9");
    for (pairs, warning) in [
        (
            &[("FAS_EXCLUDED_REGIONS_DRAIN", "true")][..],
            "`excluded-regions-drain` has no effect without `excluded-regions`\n  --> environment variable FAS_EXCLUDED_REGIONS_DRAIN",
        ),
        (
            &[("FAS_REGIONS", "lhr"), ("FAS_UNLISTED_REGIONS", "nearest")],
            "`unlisted-regions` has no effect without a collector that is `by: region`\n  --> environment variable FAS_UNLISTED_REGIONS",
        ),
        (
            &[("FAS_REGIONS", "auto"), max],
            "`regions: auto` finds only regions that have machines: no collector is `by: region`\n  --> environment variable FAS_REGIONS",
        ),
        (
            &[("FAS_REGIONS", "lhr,lhx"), ("FAS_ALWAYS_RUNNING_REGIONS", "lhx")],
            "`regions`: `lhx` is no region of Fly's that this version knows\n  --> environment variable FAS_REGIONS\n  hint: did you mean `lhr`?",
        ),
        (
            &[("FAS_EXCLUDED_REGIONS", "qqq")],
            "`excluded-regions`: `qqq` is no region of Fly's that this version knows\n  --> environment variable FAS_EXCLUDED_REGIONS\n  hint: `fly platform regions` lists them; a new one is used as it is",
        ),
        // No code, so perhaps a variable of somebody else's; but not one of ours.
        (
            &[("FAS_MAX_MACHINES_2", "1")],
            "unknown variable FAS_MAX_MACHINES_2\n  hint: did you mean FAS_MAX_MACHINES?",
        ),
        // What is for one region by its sense is not taken for all of them.
        (
            &[("FAS_STARTED_MACHINE_COUNT_LONDON", "1")],
            "unknown variable FAS_STARTED_MACHINE_COUNT_LONDON\n  hint: did you mean FAS_STARTED_MACHINE_COUNT_LHR?",
        ),
        (
            &[("FAS_MAX_MACHINES_SAN_JOSE", "1")],
            "unknown variable FAS_MAX_MACHINES_SAN_JOSE\n  hint: did you mean FAS_MAX_MACHINES_SJC?",
        ),
        (
            &[("FAS_LHR_STARTED_MACHINE_COUNT", "1")],
            "unknown variable FAS_LHR_STARTED_MACHINE_COUNT\n  hint: did you mean FAS_STARTED_MACHINE_COUNT_LHR?",
        ),
        (
            &[("FAS_REGION_LHR_MIN_STARTED_MACHINE_COUNT", "1")],
            "unknown variable FAS_REGION_LHR_MIN_STARTED_MACHINE_COUNT\n  hint: did you mean FAS_MIN_STARTED_MACHINE_COUNT_LHR?",
        ),
        (
            &[("FAS_REGION_STARTED_MACHINE_COUNT_LHR", "1")],
            "unknown variable FAS_REGION_STARTED_MACHINE_COUNT_LHR\n  hint: did you mean FAS_STARTED_MACHINE_COUNT_LHR?",
        ),
        (
            &[("FAS_REGIONS", "lhr"), ("FAS_MAX_MACHINES_lhr", "1")],
            "unknown variable FAS_MAX_MACHINES_lhr\n  hint: did you mean FAS_MAX_MACHINES_LHR?",
        ),
    ] {
        let env: MapEnv = pairs.iter().chain([&APP, &count]).copied().collect();
        let loaded = load(&FlagValues::default(), &env).unwrap();
        assert_eq!(warnings(&loaded), [format!("warning: {warning}")]);
    }
    let nearest = [count, ("FAS_UNLISTED_REGIONS", "nearest")];
    let loaded = with_traffic(&nearest).unwrap();
    let without = "warning: `unlisted-regions` has no effect without `regions`\n  --> environment variable FAS_UNLISTED_REGIONS";
    assert_eq!(warnings(&loaded), [without]);
    // A variable that the file itself refers to is the file's, whatever its end looks like.
    let yaml = "started-machine-count: $FAS_STARTED_MACHINE_COUNT_OLD\n";
    let loaded = with_file(yaml, &[("FAS_STARTED_MACHINE_COUNT_OLD", "3")]).unwrap();
    assert_eq!(warnings(&loaded), Vec::<String>::new());
}

#[test]
fn an_expression_that_gives_every_region_the_same_is_warned_of() {
    const EVERY: &str = "FAS_REGION_STARTED_MACHINE_COUNT";
    let (regions, auto) = (("FAS_REGIONS", "lhr,iad"), ("FAS_REGIONS", "auto"));
    let max = ("FAS_MAX_MACHINES", "9");
    // variables -> where, if it is warned of
    for (pairs, place) in [
        (&[regions, (EVERY, "ceil(traffic / 50)")][..], Some(EVERY)),
        (&[auto, max, (EVERY, "traffic")], Some(EVERY)),
        (&[regions, (EVERY, "traffic"), ("FAS_PROMETHEUS_BY", "app")], Some(EVERY)),
        (
            &[
                regions,
                ("FAS_REGION_MIN_CREATED_MACHINE_COUNT", "1"),
                ("FAS_REGION_MAX_CREATED_MACHINE_COUNT", "traffic"),
            ],
            Some("FAS_REGION_MAX_CREATED_MACHINE_COUNT"),
        ),
        // What tells regions apart, in whatever way.
        (&[regions, (EVERY, "traffic"), ("FAS_PROMETHEUS_BY", "region")], None),
        (&[regions, (EVERY, "region == 'lhr' ? traffic : 1")], None),
        (&[regions, (EVERY, "min(started_machines + 1, traffic)")], None),
        // The same for each is what is asked for.
        (&[regions, (EVERY, "2")], None),
        // For one region alone.
        (&[("FAS_REGIONS", "lhr"), (EVERY, "traffic")], None),
        (&[regions, ("FAS_STARTED_MACHINE_COUNT_LHR", "traffic")], None),
        (&[regions, (EVERY, "traffic"), ("FAS_STARTED_MACHINE_COUNT_LHR", "1")], None),
    ] {
        let env: MapEnv = TRAFFIC[..3].iter().chain([&APP]).chain(pairs).copied().collect();
        let loaded = load(&FlagValues::default(), &env).unwrap();
        let warning = |place| {
            format!(
                "warning: `traffic` is one number for the whole app, so every region gets the same\n  --> environment variable {place}\n  hint: FAS_PROMETHEUS_BY=region gives each its own; the query keeps the label: sum by (region) (...)"
            )
        };
        let alike = |own: &String| own.contains("gets the same");
        let found: Vec<_> = warnings(&loaded).into_iter().filter(alike).collect();
        assert_eq!(found, place.map(warning).into_iter().collect::<Vec<_>>(), "{pairs:?}");
    }
    let yaml = r#"
metric-collectors:
  - {type: prometheus, metric-name: queue, address: "http://p", query: up}
  - {type: temporal, metric-name: jobs, address: "http://t:7233"}
process-groups:
  web: {regions: [lhr, iad], per-region: {"*": {started-machine-count: queue}}}
  worker: {regions: [lhr, iad], per-region: {"*": {started-machine-count: jobs}}}
  both: {regions: [lhr, iad], per-region: {"*": {started-machine-count: "jobs + traffic"}}}
"#;
    let loaded = with_file(yaml, &[]).unwrap();
    insta::assert_snapshot!(warnings(&loaded).join("\n"), @r#"
    warning: `queue` is one number for the whole app, so every region gets the same
      --> FAS_CONFIG_YAML:6:72
       |
     6 | ions: [lhr, iad], per-region: {"*": {started-machine-count: queue}}}
       |                                                             ^^^^^
      hint: `by: region` gives each its own; the query keeps the label: sum by (region) (...)
    warning: `jobs` is one number for the whole app, so every region gets the same
      --> FAS_CONFIG_YAML:7:75
       |
     7 | ions: [lhr, iad], per-region: {"*": {started-machine-count: jobs}}}
       |                                                             ^^^^
      hint: Temporal counts the app as a whole: ask for one number outside of `per-region`, or for each region by itself
    "#);
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
