//! Mistakes and warnings, with their places, as people read them.

use std::fmt;

use crate::model::{Kind, Region};

use super::mistake::Mistake;
use super::place::Place;
use super::secret::redact;
use super::setting::{SECTIONS, SETTINGS, Setting, in_section};

/// One mistake and where it is.
pub struct ConfigError {
    /// What is wrong.
    pub mistake: Mistake,
    /// Where.
    pub place: Place,
}

/// Every mistake of a configuration, and the warnings beside them. Printed one below the other, with
/// places and hints.
#[derive(Debug)]
pub struct ConfigErrors {
    /// The mistakes; at least one.
    pub errors: Vec<ConfigError>,
    /// What was noticed besides.
    pub warnings: Vec<Warning>,
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self { errors: vec![error], warnings: Vec::new() }
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "\n\n" })?;
            error.fmt(f)?;
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\n\n{warning}"))
    }
}

impl fmt::Debug for ConfigError {
    /// Like the message: a value that was pasted into the wrong key may be a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigError")
            .field("mistake", &redact(&self.mistake.to_string()))
            .field("place", &self.place.origin())
            .finish()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_entry(f, "error", &self.mistake.to_string(), &self.place, self.mistake.hint())
    }
}

/// Where mistakes are put as they are found.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<ConfigError>);

impl Mistakes {
    /// Notes a mistake and goes on.
    pub(super) fn add(&mut self, mistake: Mistake, place: &Place) {
        self.0.push(ConfigError { mistake, place: place.clone() });
    }

    /// Runs `check` and notes what it finds as mistakes of the process group `name`.
    pub(super) fn of_group<T>(&mut self, name: &str, check: impl FnOnce(&mut Self) -> T) -> T {
        let mut found = Self::default();
        let checked = check(&mut found);
        self.0.extend(found.0.into_iter().map(|error| {
            let (group, mistake) = (name.to_owned(), Box::new(error.mistake));
            ConfigError { mistake: Mistake::InGroup { group, mistake }, ..error }
        }));
        checked
    }

    /// The same for the region `name`.
    pub(super) fn of_region<T>(&mut self, name: &str, check: impl FnOnce(&mut Self) -> T) -> T {
        let mut found = Self::default();
        let checked = check(&mut found);
        self.0.extend(found.0.into_iter().map(|error| {
            let (region, mistake) = (name.to_owned(), Box::new(error.mistake));
            ConfigError { mistake: Mistake::InRegion { region, mistake }, ..error }
        }));
        checked
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All mistakes, with the warnings beside them: first what belongs to no line, then line by line.
    pub(super) fn into_errors(self, warnings: Vec<Warning>) -> ConfigErrors {
        let mut errors = self.0;
        errors.sort_by_key(|error| error.place.mark());
        ConfigErrors { errors, warnings }
    }
}

/// Something that works, but perhaps not as meant.
#[derive(Debug, Clone)]
pub struct Warning {
    /// What.
    pub notice: Notice,
    /// Where.
    pub place: Place,
}

/// What a warning is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Notice {
    #[error("unknown variable {name}")]
    UnknownVariable { name: String, nearest: Option<String> },
    #[error("{variable} and the file set `{key}` to different values; the variable wins")]
    VariableWins { variable: String, key: String },
    #[error("`{key}` is not used: {by} says it in another way and wins")]
    Superseded { key: String, by: String },
    #[error(
        "the collector of `{metric}` in the file is replaced by that of the variables or flags"
    )]
    CollectorReplaced { metric: String },
    #[error("{variable} has no effect without {needs}")]
    NoEffect { variable: &'static str, needs: &'static str },
    #[error("`{key}` has no effect on a {kind} collector")]
    NotForKind { key: &'static str, kind: &'static str },
    #[error("`{key}` has no effect without {needs}")]
    KeyHasNoEffect { key: &'static str, needs: &'static str },
    #[error("`regions: auto` finds only regions that have machines: no collector is `by: region`")]
    AutoWithoutTraffic,
    #[error("`{metric}` is one number for the whole app, so every region gets the same")]
    SameForEachRegion { metric: String, remedy: &'static str },
    #[error("`{key}`: `{region}` is no region of Fly's that this version knows")]
    UnknownRegion { key: &'static str, region: Region, meant: Option<Region> },
    #[error(
        "the query looks back {window}, further than Fly's Prometheus remembers (about 15 days)"
    )]
    BeyondRetention { window: String },
    #[error("`{key}` gives {count} whatever its metrics are")]
    Constant { key: &'static str, count: u32 },
    #[error("min-{kind}-machine-count is above max-{kind}-machine-count {when}: {min} and {max}")]
    MinAboveMaxWhen { kind: Kind, min: u32, max: u32, when: String },
    #[error("`{key}`: `{value}` depends on the directory in which the program is started")]
    RelativePath { key: &'static str, value: String },
    #[error("{variable} is not used: --config names a file")]
    FileWins { variable: &'static str },
}

impl Warning {
    /// Whether `check` counts this as a mistake: a misspelt variable sets nothing.
    #[must_use]
    pub fn is_error_in_check(&self) -> bool {
        matches!(self.notice, Notice::UnknownVariable { .. })
    }

    fn hint(&self) -> Option<String> {
        match &self.notice {
            Notice::UnknownVariable { nearest: Some(nearest), .. } => {
                Some(format!("did you mean {nearest}?"))
            }
            Notice::UnknownVariable { name, .. } => of_section(name),
            Notice::RelativePath { .. } => {
                Some("write it from the root, such as /data/fas.db".to_owned())
            }
            Notice::SameForEachRegion { remedy, .. } => Some((*remedy).to_owned()),
            Notice::UnknownRegion { meant, .. } => Some(match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "`fly platform regions` lists them; a new one is used as it is".to_owned(),
            }),
            Notice::Constant { .. } => {
                Some("`eval EXPR --var NAME=VALUE` shows what it gives".to_owned())
            }
            Notice::MinAboveMaxWhen { min, max, .. } => Some(format!(
                "nothing is scaled then; `max({min}, ...)` around the maximum or `min({max}, ...)` around the minimum keeps them in order"
            )),
            _ => None,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_entry(f, "warning", &self.notice.to_string(), &self.place, self.hint())
    }
}

/// Every message passes through here, so that a token in the wrong key shows up in none.
fn write_entry(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    message: &str,
    place: &Place,
    hint: Option<String>,
) -> fmt::Result {
    write!(f, "{label}: {}{place}", redact(message))?;
    hint.map_or(Ok(()), |hint| write!(f, "\n  hint: {}", redact(&hint)))
}

/// What to say of a variable with the name of a whole section, such as `FAS_SCALE_DOWN`.
fn of_section(name: &str) -> Option<String> {
    let plain = name.strip_prefix("FAS_")?.replace('_', "-").to_ascii_lowercase();
    let section = SECTIONS.iter().find(|section| **section == plain)?;
    let inside = |own: &&&Setting| in_section(own.key).is_some_and(|(whose, _)| whose == *section);
    let variables: Vec<_> = SETTINGS.iter().filter(inside).filter_map(|own| own.env).collect();
    Some(format!("each key under `{section}` has its own: {}", variables.join(", ")))
}
