//! What differs between two configurations, and which of it a running process can take over.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use super::Config;
use super::effective::EffectiveValue;
use super::setting::{
    APP_NAME, LISTEN, LOG_FORMAT, METRIC_COLLECTORS, METRIC_NAME, METRICS_PER_APP, ORG, STATE,
    Setting,
};

/// What a process keeps as it was when it began: the apps that it scales, and what it has opened. See
/// [`Config::keep_until_restart`].
pub const NEED_RESTART: &[&Setting] =
    &[&APP_NAME, &ORG, &METRICS_PER_APP, &STATE, &LISTEN, &LOG_FORMAT];

/// The most characters of a value in a sentence about it.
const SHOWN_CHARS: usize = 200;

/// Tells values that are not shown from each other, within one process.
static FINGERPRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A fingerprint of each value that is not shown as it was written, by its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprints(BTreeMap<String, u64>);

impl Fingerprints {
    /// Takes in that `value` was written as `real`.
    pub(super) fn add(&mut self, value: &EffectiveValue, real: &str) {
        if value.value.as_deref() != Some(real) {
            self.0.insert(value.key.clone(), FINGERPRINTS.hash_one(real));
        }
    }
}

/// Every value in force, and what of it is not to be seen but may change.
#[derive(Debug, Clone, Default)]
pub struct Effective {
    /// Every value with its origin, secrets as `***`.
    pub values: Vec<EffectiveValue>,
    /// What tells those apart that are not shown.
    pub hidden: Fingerprints,
}

/// One value that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its key; of a collector with the metric in place of its number, which may be another one now.
    pub key: String,
    /// What it was; `None`: not set.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, before, after } = self;
        match (before.as_deref().map(shown), after.as_deref().map(shown)) {
            // Both are secret, or a token in them is.
            (Some(before), Some(after)) if before == after => write!(f, "`{key}` changed"),
            (Some(before), Some(after)) => write!(f, "`{key}` {before} -> {after}"),
            (None, Some(after)) => write!(f, "`{key}` set to {after}"),
            (Some(before), None) => write!(f, "`{key}` no longer set, was {before}"),
            (None, None) => write!(f, "`{key}` changed"),
        }
    }
}

/// A value in one line, and not too long a one.
fn shown(value: &str) -> String {
    let line = value.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}

impl Effective {
    /// Every value that is not what it was in `before`: those in force in their order, then those that are
    /// no longer set.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<Difference> {
        let (then, now) = (before.by_name(), self.by_name());
        let mut differences = Vec::new();
        for own in &self.values {
            let key = self.name_of(&own.key);
            let was = then.get(&key);
            if was.copied() != Some((own.value.as_deref(), self.hidden.0.get(&own.key))) {
                let before = was.and_then(|(value, _)| value.map(str::to_owned));
                let after = own.value.clone();
                let is_new = before.is_some() || after.is_some();
                differences.extend(is_new.then_some(Difference { key, before, after }));
            }
        }
        for own in &before.values {
            let key = before.name_of(&own.key);
            if own.value.is_some() && !now.contains_key(&key) {
                differences.push(Difference { key, before: own.value.clone(), after: None });
            }
        }
        differences
    }

    /// What of `differences` only a restart changes, by its keys; from here on these values are as in
    /// `before`.
    pub fn keep_until_restart(
        &mut self,
        before: &Self,
        differences: &mut Vec<Difference>,
    ) -> Vec<&'static str> {
        let mut kept = Vec::new();
        for setting in NEED_RESTART {
            let count = differences.len();
            differences.retain(|own| own.key != setting.key);
            if differences.len() == count {
                continue;
            }
            kept.push(setting.key);
            let old = before.values.iter().find(|own| own.key == setting.key);
            let new = self.values.iter_mut().find(|own| own.key == setting.key);
            if let (Some(old), Some(new)) = (old, new) {
                new.clone_from(old);
            }
            match before.hidden.0.get(setting.key) {
                Some(print) => self.hidden.0.insert(setting.key.to_owned(), *print),
                None => self.hidden.0.remove(setting.key),
            };
        }
        kept
    }

    fn by_name(&self) -> BTreeMap<String, (Option<&str>, Option<&u64>)> {
        let hidden = |key: &str| self.hidden.0.get(key);
        let named = self
            .values
            .iter()
            .map(|own| (self.name_of(&own.key), (own.value.as_deref(), hidden(&own.key))));
        named.collect()
    }

    /// The key with a collector's metric in place of its number.
    fn name_of(&self, key: &str) -> String {
        let of_collector = || {
            let (number, rest) = key.strip_prefix(METRIC_COLLECTORS)?.split_once("].")?;
            let whose = format!("{METRIC_COLLECTORS}{number}].{}", METRIC_NAME.key);
            let metric = self.values.iter().find(|own| own.key == whose)?.value.as_deref()?;
            Some(format!("{METRIC_COLLECTORS}[{metric}].{rest}"))
        };
        of_collector().unwrap_or_else(|| key.to_owned())
    }
}

impl Config {
    /// Takes what [`NEED_RESTART`] from `running`, which is the configuration that the process began with.
    pub fn keep_until_restart(&mut self, running: &Self) {
        self.apps.clone_from(&running.apps);
        self.org.clone_from(&running.org);
        self.metrics_per_app = running.metrics_per_app;
        self.state.clone_from(&running.state);
        self.listen.clone_from(&running.listen);
        self.log_format = running.log_format;
    }
}

#[cfg(test)]
mod tests;
