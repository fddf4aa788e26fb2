//! Where environment variables come from.

use std::collections::BTreeMap;

/// A set of environment variables. Configuration reads them only through this, so that tests need
/// not touch the process.
pub trait EnvSource {
    /// The value of `name`, or `None` where it is not set.
    fn get(&self, name: &str) -> Option<&str>;

    /// The names of all variables, in order.
    fn names(&self) -> Vec<&str>;
}

/// Variables in a map: those of the process, or a test's own.
#[derive(Clone, Default)]
pub struct MapEnv(BTreeMap<String, String>);

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for MapEnv {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl std::fmt::Debug for MapEnv {
    /// Names only: the values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl EnvSource for MapEnv {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// The variables of this process, as they were when [`ProcessEnv::read`] was called.
#[derive(Debug, Clone)]
pub struct ProcessEnv(MapEnv);

impl ProcessEnv {
    /// Takes a copy of the environment. What is not UTF-8 is kept with replacement characters, which
    /// no setting accepts where it matters.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one home of reading the environment")]
    pub fn read() -> Self {
        let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }
}

impl EnvSource for ProcessEnv {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    fn names(&self) -> Vec<&str> {
        self.0.names()
    }
}
