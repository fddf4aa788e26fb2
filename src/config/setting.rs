//! The one table of settings. Flags and their help, the annotated file in `etc/`, the documentation
//! and what `check` prints are made from it or tested against it.

mod collector;
pub mod damping;
mod group;
mod journal;
mod leave;
mod placement;
pub mod region;
pub mod temporal;
mod top_level;
mod variables;

use std::time::Duration;

pub use collector::*;
pub use damping::{DAMPING, REGION_DAMPING};
pub use group::*;
pub use journal::*;
pub use leave::*;
pub use placement::*;
pub use region::{
    EVERY_REGION, PER_REGION, REGION_COUNTS, REGION_LIMITS, REGION_RULES, REGION_SETTINGS,
    meant_for_region, region_variable,
};
pub use top_level::*;
pub use variables::*;

/// One setting, in all its spellings.
#[derive(Debug)]
pub struct Setting {
    /// The YAML key.
    pub key: &'static str,
    /// The environment variable; `None` where only a file can say it.
    pub env: Option<&'static str>,
    /// A variable that other programs read too and that goes before `env`.
    pub env_first: Option<&'static str>,
    /// The long flag without its dashes; `None` where only a file can say it.
    pub flag: Option<&'static str>,
    /// Older spellings of the flag that are still accepted.
    pub flag_aliases: &'static [&'static str],
    /// What values look like.
    pub kind: Kind,
    /// The default, written as a user would write it.
    pub default: Option<&'static str>,
    /// What it does, in one line without a final period.
    pub doc: &'static str,
    /// A value that one might set.
    pub example: &'static str,
    /// Whether the value must never be shown.
    pub is_secret: bool,
}

/// What the values of a setting look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// The name of an app.
    AppName,
    /// The slug of an organization.
    OrgSlug,
    /// A list of region codes.
    Regions,
    /// A list of region codes, or `auto`.
    RegionList,
    /// An expression that gives a number of machines.
    Expression,
    /// A query that is sent to a source of metrics; variables in it are filled in.
    Query,
    /// A name that expressions can read.
    MetricName,
    /// `http://` or `https://` and a host.
    Url,
    /// `host:port`, perhaps behind `http://` or `https://`.
    GrpcAddress,
    /// Certificates or a key as PEM text.
    Pem,
    /// Text without spaces, fit for a header.
    Word,
    /// The same, long enough that nobody guesses it.
    Bearer,
    /// `host:port`.
    Listen,
    /// The path of a file.
    Path,
    /// A duration within limits.
    Duration {
        /// The shortest that makes sense.
        min: Duration,
    },
    /// A duration within limits, which may be longer than others.
    Age {
        /// The shortest that makes sense.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// So many bytes, within limits.
    Size {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A whole number within limits.
    Count {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A finite number.
    Number,
    /// From 0 to 1.
    Fraction,
    /// A whole number, or one with `%` behind it.
    Step,
    /// Hours of the week.
    Calendar,
    /// A number from -1 to below 1: how much better than the last value a forecast is.
    Skill,
    /// `true` or `false`.
    Bool,
    /// `on` or `off`.
    Switch,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `hold`, `hold-scale-down`, `last`, `nil` or a number.
    OnFailure,
    /// `region`, `app` or both.
    By,
}

/// No duration is longer: what exceeds a week is a typing error.
pub const MAX_DURATION: Duration = Duration::from_secs(7 * 24 * 3600);

impl Kind {
    /// Whether a YAML list (or, in a variable, a comma list) is a value of this kind.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::Regions | Self::RegionList | Self::By)
    }

    /// The placeholder that `--help` shows for a value.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Text | Self::Word | Self::Bearer => "TEXT",
            Self::Pem => "PEM",
            Self::AppName | Self::MetricName => "NAME",
            Self::OrgSlug => "SLUG",
            Self::Regions => "REGION,...",
            Self::RegionList => "auto|REGION,...",
            Self::Expression => "EXPR",
            Self::Query => "QUERY",
            Self::Path => "PATH",
            Self::Url => "URL",
            Self::Listen | Self::GrpcAddress => "HOST:PORT",
            Self::Duration { .. } | Self::Age { .. } => "DURATION",
            Self::Size { .. } => "SIZE",
            Self::Count { .. } | Self::Number | Self::Skill => "NUMBER",
            Self::Fraction => "FRACTION",
            Self::Step => "NUMBER|PERCENT%",
            Self::Calendar => "HOURS",
            Self::Bool => "BOOL",
            Self::Switch => "on|off",
            Self::Choice(_) => "WORD",
            Self::OnFailure => "hold|hold-scale-down|last|nil|NUMBER",
            Self::By => "LABEL,...",
        }
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What most settings have in common.
const PLAIN: Setting = Setting {
    key: "",
    env: None,
    env_first: None,
    flag: None,
    flag_aliases: &[],
    kind: Kind::Text,
    default: None,
    doc: "",
    example: "",
    is_secret: false,
};

/// The sections of a file. What stands in one is the setting that begins with its name:
/// `scale-down: {cooldown: 5m}` is `scale-down-cooldown: 5m`.
pub static SECTIONS: &[&str] = &["scale-up", "scale-down", "stop-metric"];

/// The section that the setting `key` belongs to, and its name there.
#[must_use]
pub fn in_section(key: &str) -> Option<(&'static str, &str)> {
    let own =
        |section: &&'static str| Some((*section, key.strip_prefix(*section)?.strip_prefix('-')?));
    SECTIONS.iter().find_map(own)
}

/// The setting whose YAML key is `key`, among `settings`.
#[must_use]
pub fn find(settings: &[&'static Setting], key: &str) -> Option<&'static Setting> {
    settings.iter().copied().find(|setting| setting.key == key)
}

/// Names that public configurations contain though they never existed, and what is meant by them. The
/// number of letters that differ would name another one.
const INVENTED: [(&str, &str); 2] =
    [("max-machine-count", "max-machines"), ("min-machine-count", "min-machines")];

/// The one of `known` (keys or variables) that `unknown` is most likely meant to be, if any comes near.
#[must_use]
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ENOUGH: f64 = 0.6;
    let plain = |name: &str| {
        let name = name.replace('_', "-").to_ascii_lowercase();
        name.strip_prefix("fas-").unwrap_or(&name).to_owned()
    };
    let unknown = plain(unknown);
    let invented = INVENTED.iter().find(|(name, _)| *name == unknown);
    let unknown = invented.map_or(unknown.as_str(), |(_, meant)| meant);
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(unknown, &plain(name)), name))
        .filter(|(likeness, _)| *likeness >= ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_spelling_is_used_once() {
        let mut seen = BTreeSet::new();
        for setting in SETTINGS.iter().chain(REGION_SETTINGS).chain(COLLECTOR_SETTINGS) {
            for name in setting.flag.iter().chain(setting.flag_aliases) {
                assert!(seen.insert(*name), "flag {name} twice");
            }
            if let Some(env) = setting.env {
                assert!(seen.insert(env), "variable {env} twice");
            }
            assert!(!setting.doc.ends_with('.'), "{}", setting.key);
        }
    }

    #[test]
    fn the_list_of_all_collectors_settings_has_those_of_each_kind() {
        let spellings =
            |all: &[&Setting]| all.iter().map(|own| (own.key, own.env)).collect::<BTreeSet<_>>();
        let of_kinds = COLLECTOR_KINDS.iter().flat_map(|kind| spellings(kind.settings));
        assert_eq!(of_kinds.collect::<BTreeSet<_>>(), spellings(COLLECTOR_SETTINGS));
        let Kind::Choice(names) = TYPE.kind else { panic!("a choice") };
        assert!(COLLECTOR_KINDS.iter().map(|kind| kind.name).eq(names.iter().copied()));
    }

    #[test]
    fn the_spellings_of_a_setting_follow_from_its_key() {
        for setting in SETTINGS {
            // Whose metric it is stands in the variable alone.
            let key = setting.key.replace("stop-metric", "stop-metric-prometheus");
            let variable = format!("FAS_{}", key.replace('-', "_").to_ascii_uppercase());
            assert_eq!(setting.env, Some(variable.as_str()));
            assert_eq!(setting.flag, Some(setting.key));
        }
    }

    #[test]
    fn finds_what_was_meant() {
        let variables: Vec<_> = SETTINGS.iter().filter_map(|setting| setting.env).collect();
        let keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        for (unknown, meant) in [
            ("FAS_MAX_MACHINE_COUNT", Some("FAS_MAX_MACHINES")),
            ("FAS_MIN_MACHINE_COUNT", Some("FAS_MIN_MACHINES")),
            ("FAS_APPNAME", Some("FAS_APP_NAME")),
            ("FAS_REGION", Some("FAS_REGIONS")),
            ("FAS_SOMETHING_ELSE_ALTOGETHER", None),
        ] {
            assert_eq!(nearest(unknown, variables.iter().copied()), meant, "{unknown}");
        }
        for (unknown, meant) in [
            ("min_started_machine_count", Some("min-started-machine-count")),
            ("appname", Some("app-name")),
            ("intervall", Some("interval")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(unknown, keys.iter().copied()), meant, "{unknown}");
        }
    }
}
