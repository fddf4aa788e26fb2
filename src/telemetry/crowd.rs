//! How many apps are in the same trouble: a thousand of them must not be a thousand lines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::model::AppName;

/// Up to so many apps with the same trouble are named one by one.
const NAMED: usize = 20;

/// The apps in each kind of trouble.
#[derive(Debug, Default)]
pub(super) struct Crowds(Mutex<BTreeMap<String, BTreeSet<AppName>>>);

impl Crowds {
    /// Notes that `app` is in `trouble` now; gives whether to name it. Where it is the first that is not
    /// named, says so.
    pub(super) fn join(&self, trouble: &str, app: &AppName) -> bool {
        let count = {
            let mut crowds = self.lock();
            let apps = crowds.entry(trouble.to_owned()).or_default();
            apps.insert(app.clone());
            apps.len()
        };
        if count == NAMED + 1 {
            warn!(
                trouble,
                apps = count,
                next = "further apps with it are logged at debug until there are fewer; /status has them all",
                "many apps have the same trouble"
            );
        }
        count <= NAMED
    }

    /// Notes that `app` is no longer in `trouble`; gives whether to name it.
    pub(super) fn leave(&self, trouble: &str, app: &AppName) -> bool {
        let mut crowds = self.lock();
        let Some(apps) = crowds.get_mut(trouble) else { return true };
        let was_many = apps.len() > NAMED;
        apps.remove(app);
        if apps.is_empty() {
            crowds.remove(trouble);
        }
        !was_many
    }

    /// Whether so few apps are in `trouble` that each is named.
    pub(super) fn is_named(&self, trouble: &str) -> bool {
        self.lock().get(trouble).is_none_or(|apps| apps.len() <= NAMED)
    }

    /// Notes that `app` is no longer scaled.
    pub(super) fn forget(&self, app: &AppName) {
        self.lock().retain(|_, apps| {
            apps.remove(app);
            !apps.is_empty()
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<AppName>>> {
        // Sets of names, as good as ever after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::telemetry::capture;

    #[test]
    fn from_the_twenty_first_on_apps_are_not_named() {
        let crowds = Crowds::default();
        let app = |number: usize| AppName::new(format!("a{number}"));
        let mut named = 0;
        let lines = capture::json(false, || {
            named = (0..1000).filter(|number| crowds.join("t", &app(*number))).count();
            assert!(crowds.join("another", &app(1)), "each trouble has its own crowd");
        });
        assert_eq!(named, NAMED);
        assert_eq!((lines.len(), &lines[0]["apps"]), (1, &Value::from(21)));
        assert!(!crowds.is_named("t") && crowds.is_named("another"));
        let named = (0..1000).filter(|number| crowds.leave("t", &app(*number))).count();
        assert_eq!(named, NAMED, "the last ones are named again");
        crowds.forget(&app(1));
        assert!(crowds.lock().is_empty());
    }
}
