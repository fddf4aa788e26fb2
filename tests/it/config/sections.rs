//! Sections of a file: `scale-down: {cooldown: 5m}` is `scale-down-cooldown: 5m`, wherever settings stand.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::ConfigErrors;
use fly_autoscaler::decide::{Damping, Millionths, Policy, RegionDamping, Rules, Step};
use fly_autoscaler::model::{Calendar, Region};

use super::{MINIMAL, messages, origin, warnings, with_env, with_yaml};

const MINUTE: Duration = Duration::from_secs(60);

fn policy(yaml: &str, pairs: &[(&str, &str)]) -> Policy {
    let pairs: Vec<_> = MINIMAL.iter().chain(pairs).copied().collect();
    let loaded = with_yaml(yaml, &pairs).unwrap_or_else(|errors| panic!("{yaml}: {errors}"));
    loaded.config.groups.into_iter().next().unwrap().policy
}

fn machines(count: u32) -> Option<Step> {
    NonZeroU32::new(count).map(Step::Machines)
}

fn percent(count: u32) -> Option<Step> {
    NonZeroU32::new(count).map(Step::Percent)
}

fn errors(yaml: &str) -> ConfigErrors {
    with_yaml(yaml, &MINIMAL).expect_err(yaml)
}

#[test]
fn nothing_is_damped_by_default() {
    let damping = policy("org: o\n", &[]).damping;
    assert_eq!((damping.up, damping.down), (Rules::default(), Rules::default()));
}

#[test]
fn a_section_is_another_way_to_write_flat_keys() {
    let section = "scale-up: {step-size: '50%', step-interval: 1m}\nscale-down:\n  stabilization-window: 5m\n  tolerance: 0.2\n  cooldown: 10m\n  only-during: \"Mon-Fri 18:00-08:00 Europe/London\"\ntolerance: 0.1\n";
    let flat = "scale-up-step-size: '50%'\nscale-up-step-interval: 1m\nscale-down-stabilization-window: 5m\nscale-down-tolerance: 0.2\nscale-down-cooldown: 10m\nscale-down-only-during: \"Mon-Fri 18:00-08:00 Europe/London\"\ntolerance: 0.1\n";
    let variables = [
        ("FAS_SCALE_UP_STEP_SIZE", "50%"),
        ("FAS_SCALE_UP_STEP_INTERVAL", "1m"),
        ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m"),
        ("FAS_SCALE_DOWN_TOLERANCE", "0.2"),
        ("FAS_SCALE_DOWN_COOLDOWN", "10m"),
        ("FAS_SCALE_DOWN_ONLY_DURING", "Mon-Fri 18:00-08:00 Europe/London"),
        ("FAS_TOLERANCE", "0.1"),
    ];
    let hours = Calendar::parse("Mon-Fri 18:00-08:00 Europe/London").unwrap();
    let expected = Damping {
        up: Rules {
            tolerance: Millionths::from_fraction(0.1),
            step: percent(50),
            step_interval: MINUTE,
            ..Rules::default()
        },
        down: Rules {
            tolerance: Millionths::from_fraction(0.2),
            window: MINUTE * 5,
            cooldown: MINUTE * 10,
            only_during: Some(Arc::new(hours)),
            ..Rules::default()
        },
        gap: Duration::from_secs(75),
    };
    assert_eq!(policy(section, &[]).damping, expected);
    assert_eq!(policy(flat, &[]).damping, expected);
    let loaded = with_env(&variables).unwrap();
    assert_eq!(loaded.config.groups[0].policy.damping, expected);
    assert_eq!(
        origin(&loaded, "scale-down-cooldown"),
        (Some("10m".into()), "FAS_SCALE_DOWN_COOLDOWN".into())
    );
    let loaded = with_yaml(section, &MINIMAL).unwrap();
    assert_eq!(
        origin(&loaded, "scale-down-cooldown"),
        (Some("10m".into()), "FAS_CONFIG_YAML:5".into())
    );
}

/// App, then process group, then every region, then one region: each key from the most specific place.
#[test]
fn rules_are_inherited_key_by_key() {
    let yaml = "
app-name: target
scale-down: {step-size: 1, cooldown: 1m}
tolerance: 0.1
per-region:
  iad: {scale-down: {step-size: 5}}
metric-collectors:
  - {type: prometheus, metric-name: q, address: 'http://p', query: up, by: region}
process-groups:
  web:
    regions: [lhr, iad, fra]
    scale-down: {cooldown: 2m}
    per-region:
      '*': {started-machine-count: q, scale-down: {step-size: 3}}
      lhr: {scale-down: {cooldown: 4m}, tolerance: 0}
  worker: {created-machine-count: 1}
";
    let loaded = with_yaml(yaml, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let [web, worker] = loaded.config.groups.as_slice() else { panic!("two groups") };
    let of =
        |damping: &Damping| (damping.down.step, damping.down.cooldown / 60, damping.up.tolerance);
    let [none, tenth] = [0.0, 0.1].map(Millionths::from_fraction);
    let second = Duration::from_secs(1);
    assert_eq!(of(&worker.policy.damping), (machines(1), second, tenth));
    assert_eq!(worker.policy.region_damping, RegionDamping::default());
    let region = |code: &str| of(web.policy.region_damping.of(&Region::new(code)).unwrap());
    assert_eq!(of(&web.policy.damping), (machines(1), second * 2, tenth));
    assert_eq!(region("fra"), (machines(3), second * 2, tenth));
    assert_eq!(region("iad"), (machines(5), second * 2, tenth));
    assert_eq!(region("lhr"), (machines(3), second * 4, none));
    let key = "process-groups.web.per-region.lhr.scale-down-cooldown";
    assert_eq!(origin(&loaded, key).0, Some("4m".into()));
}

#[test]
fn a_variable_sets_the_rule_of_every_region_or_of_one() {
    let pairs = [
        ("FAS_REGIONS", "lhr,iad"),
        ("FAS_REGION_SCALE_DOWN_STEP_SIZE", "2"),
        ("FAS_SCALE_DOWN_STEP_SIZE_LHR", "25%"),
        ("FAS_TOLERANCE_LHR", "0.5"),
        ("FAS_SCALE_DOWN_STEP_SIZE", "7"),
    ];
    let policy = with_env(&pairs).unwrap().config.groups.remove(0).policy;
    let step = |code: &str| policy.region_damping.of(&Region::new(code)).unwrap().down.step;
    assert_eq!(
        (policy.damping.down.step, step("iad"), step("lhr")),
        (machines(7), machines(2), percent(25))
    );
}

#[test]
fn mistakes_in_a_section_have_their_place() {
    for (yaml, text) in [
        (
            "scale-down:\n  stepsize: 1\n",
            "error: unknown key `stepsize` in `scale-down`\n  --> FAS_CONFIG_YAML:2:3\n   |\n 2 |   stepsize: 1\n   |   ^^^^^^^^\n  hint: did you mean `step-size`?",
        ),
        (
            "scale-down: {step_size: 1}\n",
            "error: unknown key `step_size` in `scale-down`\n  --> FAS_CONFIG_YAML:1:14\n   |\n 1 | scale-down: {step_size: 1}\n   |              ^^^^^^^^^\n  hint: keys have dashes: `step-size`",
        ),
        (
            "scaledown: {}\n",
            "error: unknown key `scaledown`\n  --> FAS_CONFIG_YAML:1:1\n   |\n 1 | scaledown: {}\n   | ^^^^^^^^^\n  hint: did you mean `scale-down`?",
        ),
        (
            "scale-down: 5\n",
            "error: `scale-down` must be a map of settings, not a single value\n  --> FAS_CONFIG_YAML:1:13\n   |\n 1 | scale-down: 5\n   |             ^\n  hint: say what of: for example `scale-down: {cooldown: 5m}`",
        ),
        (
            "scale-up: {window: 5m}\n",
            "error: unknown key `window` in `scale-up`\n  --> FAS_CONFIG_YAML:1:12\n   |\n 1 | scale-up: {window: 5m}\n   |            ^^^^^^\n  hint: the keys of `scale-up` are tolerance, stabilization-window, step-size, step-interval, cooldown, only-during",
        ),
        (
            "stop-metric: load\n",
            "error: `stop-metric` must be a map of settings, not a single value\n  --> FAS_CONFIG_YAML:1:14\n   |\n 1 | stop-metric: load\n   |              ^^^^\n  hint: write the query under it: `stop-metric: {query: ...}`",
        ),
        (
            "stop-order: oldes\n",
            "error: `stop-order`: `oldes` is not one of id, newest, oldest, least-loaded\n  --> FAS_CONFIG_YAML:1:13\n   |\n 1 | stop-order: oldes\n   |             ^^^^^\n  hint: did you mean `oldest`?",
        ),
        (
            "scale-down-cooldown: 2d\n",
            "error: `scale-down-cooldown`: `2d` is not a duration\n  --> FAS_CONFIG_YAML:1:22\n   |\n 1 | scale-down-cooldown: 2d\n   |                      ^^\n  hint: write days and weeks in hours: `48h`",
        ),
        (
            "scale-down: {cooldown: 1m}\nscale-down-cooldown: 2m\n",
            "error: `scale-down-cooldown` is set twice\n  --> FAS_CONFIG_YAML:2:1\n   |\n 2 | scale-down-cooldown: 2m\n   | ^^^^^^^^^^^^^^^^^^^",
        ),
        (
            "regions: [lhr]\nper-region:\n  lhr:\n    scale-up: {stepsize: 1}\n",
            "error: unknown key `stepsize` in `scale-up`\n  --> FAS_CONFIG_YAML:4:16\n   |\n 4 |     scale-up: {stepsize: 1}\n   |                ^^^^^^^^\n  hint: did you mean `step-size`?",
        ),
    ] {
        assert_eq!(errors(yaml).to_string(), text, "{yaml}");
    }
}

#[test]
fn every_wrong_rule_says_what_to_write() {
    for (key, value, message, hint) in [
        (
            "scale-down-step-size",
            "0%",
            "a step of 0% would never get anywhere",
            Some("write at least `1` or `1%`, or leave the key out for any number at once"),
        ),
        (
            "scale-down-step-size",
            "0",
            "a step of 0 would never get anywhere",
            Some("write at least `1` or `1%`, or leave the key out for any number at once"),
        ),
        (
            "scale-up-step-size",
            "0.5",
            "`0.5` is not a number of machines, nor a percentage of them",
            Some("write `50%`"),
        ),
        (
            "scale-up-step-size",
            "half",
            "`half` is not a number of machines, nor a percentage of them",
            Some(
                "write machines as a whole number, `2`, or a share of them in whole percent, `50%`",
            ),
        ),
        (
            "scale-up-step-size",
            "1001%",
            "`1001%` is not a number of machines, nor a percentage of them",
            Some(
                "write machines as a whole number, `2`, or a share of them in whole percent, `50%`",
            ),
        ),
        ("tolerance", "1.5", "`1.5` is not a fraction from 0 to 1", Some("write 0.1 for 10 %")),
        (
            "tolerance",
            "15%",
            "`15%` is not a fraction from 0 to 1",
            Some("write `0.15`, which is 15 %"),
        ),
        (
            "scale-up-tolerance",
            "-0.1",
            "`-0.1` is not a fraction from 0 to 1",
            Some("write 0.1 for 10 %"),
        ),
        ("scale-down-stabilization-window", "169h", "169h is more than 168h", None),
        (
            "scale-down-stabilization-window",
            "5",
            "`5` is not a duration",
            Some("durations have a unit: `5s`, `5m`"),
        ),
        ("scale-down-step-interval", "0s", "0s is less than 1s", None),
        (
            "scale-down-only-during",
            "Mon-Fri 08:00-18:00 Europe/Lodnon",
            "`Europe/Lodnon` is not a time zone",
            Some("did you mean `Europe/London`?"),
        ),
        (
            "scale-down-only-during",
            "whenever it suits",
            "`whenever` is neither a day, nor hours, nor a time zone at the end",
            Some("write it like `Mon-Fri 08:00-18:00 Europe/London`"),
        ),
    ] {
        let found = errors(&format!("{key}: '{value}'\n"));
        assert_eq!(messages(&found), [format!("`{key}`: {message}")]);
        assert_eq!(found.errors[0].mistake.hint().as_deref(), hint, "{key}: {value}");
    }
}

#[test]
fn the_interval_of_a_step_that_is_not_limited_is_warned_of() {
    let loaded = with_env(&[("FAS_SCALE_DOWN_STEP_INTERVAL", "1m")]).unwrap();
    assert_eq!(
        warnings(&loaded),
        [
            "warning: `scale-down-step-interval` has no effect without `scale-down-step-size`\n  --> environment variable FAS_SCALE_DOWN_STEP_INTERVAL"
        ]
    );
}
