//! What is wrong with a placement, or perhaps not as meant, and what is said of it.

use super::*;

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
