//! Which apps somebody has paused.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::model::AppName;

/// Which apps are paused: everything is computed and shown for them, and nothing is done. Shared between whoever
/// pauses, the ticks and whoever shows it.
#[derive(Debug, Clone, Default)]
pub struct Pauses(Arc<RwLock<Paused>>);

/// All apps or none, but for those of which the opposite was said since: so that an app that is found later is as
/// all are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Paused {
    all: bool,
    others: BTreeSet<AppName>,
}

impl Paused {
    fn has(&self, app: &AppName) -> bool {
        self.all != self.others.contains(app)
    }

    fn set(&mut self, app: Option<&AppName>, is_paused: bool) {
        match app {
            None => *self = Self { all: is_paused, others: BTreeSet::new() },
            Some(app) if self.all == is_paused => {
                self.others.remove(app);
            }
            Some(app) => {
                self.others.insert(app.clone());
            }
        }
    }
}

impl Pauses {
    fn read<T>(&self, look: impl FnOnce(&Paused) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether `app` is paused.
    #[must_use]
    pub fn has(&self, app: &AppName) -> bool {
        self.read(|paused| paused.has(app))
    }

    /// Pauses `app`, or lets it go on; without one, all that there are and will be.
    pub fn set(&self, app: Option<&AppName>, is_paused: bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).set(app, is_paused);
    }

    /// Whether anything is paused.
    #[must_use]
    pub fn any(&self) -> bool {
        self.read(|paused| paused.all || !paused.others.is_empty())
    }

    /// All of it as text, for a later process.
    #[must_use]
    pub fn to_kept(&self) -> String {
        // A set of texts can always be written.
        self.read(serde_json::to_string).unwrap_or_default()
    }

    /// Takes up what an earlier process wrote, and after it what was `said` since, in that order; gives whether
    /// the text can be read.
    #[must_use]
    pub fn restore(&self, text: &str, said: &[(Option<AppName>, bool)]) -> bool {
        let Ok(mut kept) = serde_json::from_str::<Paused>(text) else { return false };
        said.iter().for_each(|(app, is_paused)| kept.set(app.as_ref(), *is_paused));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = kept;
        true
    }
}

impl fmt::Display for Pauses {
    /// Who is paused: `all`, `all but web`, `web, api`, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, mut others) = self.read(|paused| (paused.all, paused.others.clone()));
        let last = others.pop_last();
        f.write_str(match (all, &last) {
            (true, Some(_)) => "all but ",
            (true, None) => "all",
            (false, _) => "",
        })?;
        others.iter().try_for_each(|app| write!(f, "{app}, "))?;
        last.iter().try_for_each(|app| write!(f, "{app}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_last_of_an_app_or_of_all_holds() {
        let (web, api, later) = (AppName::new("web"), AppName::new("api"), AppName::new("later"));
        let pauses = Pauses::default();
        let mut texts = Vec::new();
        // (about, paused, then paused: web, api, an app that nobody has named)
        for (about, is_paused, then) in [
            (Some(&web), true, [true, false, false]),
            (Some(&web), true, [true, false, false]),
            (Some(&api), false, [true, false, false]),
            (None, true, [true, true, true]),
            (Some(&web), false, [false, true, true]),
            (Some(&web), true, [true, true, true]),
            (Some(&api), false, [true, false, true]),
            (None, false, [false, false, false]),
        ] {
            pauses.set(about, is_paused);
            let now = [&web, &api, &later].map(|app| pauses.has(app));
            assert_eq!(now, then, "{about:?} {is_paused}");
            texts.push(pauses.to_string());
            assert_eq!(pauses.any(), then.contains(&true));
            let restored = Pauses::default();
            assert!(restored.restore(&pauses.to_kept(), &[]));
            assert_eq!([&web, &api, &later].map(|app| restored.has(app)), then, "restored");
        }
        let all = ["web", "web", "web", "all", "all but web", "all", "all but api", ""];
        assert_eq!(texts, all);
        assert!(!pauses.restore("{", &[]), "what cannot be read changes nothing");
        assert!(!pauses.has(&web));
    }

    #[test]
    fn what_was_said_before_an_earlier_process_was_heard_counts_after_it() {
        let (web, api) = (AppName::new("web"), AppName::new("api"));
        let of = |app: &AppName, is_paused| (Some(app.clone()), is_paused);
        // (the earlier process had paused all, or nothing; said since; who is paused then)
        for (earlier, said, then) in [
            (true, vec![of(&web, true)], "all"),
            (true, vec![of(&web, false)], "all but web"),
            (true, vec![of(&web, false), of(&web, true)], "all"),
            (true, vec![(None, false), of(&api, true)], "api"),
            (true, vec![of(&api, true), (None, false)], ""),
            (false, vec![of(&web, true)], "web"),
            (false, vec![of(&web, false)], ""),
        ] {
            let (old, pauses) = (Pauses::default(), Pauses::default());
            old.set(None, earlier);
            said.iter().for_each(|(app, is_paused)| pauses.set(app.as_ref(), *is_paused));
            assert!(pauses.restore(&old.to_kept(), &said));
            assert_eq!(pauses.to_string(), then, "{earlier} {said:?}");
        }
    }
}
