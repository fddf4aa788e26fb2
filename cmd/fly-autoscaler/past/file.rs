//! The journal's file, asked without the process that writes it.

use std::path::{Path, PathBuf};

use fly_autoscaler::journal::{
    Entry, Explanation, HistoryQuery, JournalError, Passage, When, explained,
};
use fly_autoscaler::model::AppName;
use fly_autoscaler::store::JournalReader;

use super::{Happened, Refused, Span, Ticks, Wanted};
use crate::cell::{code, listed};

/// So many ticks are in memory at once, and no more are looked at for those that are wanted.
const PAGE: usize = 50;
const LOOKED_AT: usize = 20_000;
/// So many apps are named.
const NAMED: usize = 10;

/// An open journal.
pub(crate) struct File {
    reader: JournalReader,
    path: PathBuf,
}

impl File {
    /// Opens the journal at `path`; `None` where there is none.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Refused> {
        let failed = |error| Refused::Failed(format!("the journal {}: {error}", path.display()));
        let reader = JournalReader::open(path).map_err(failed)?;
        Ok(reader.map(|reader| Self { reader, path: path.to_owned() }))
    }

    pub(super) fn explain(
        &self,
        wanted: &Wanted,
        ticks: &Ticks,
    ) -> Result<Vec<Explanation>, Refused> {
        let app = self.app(wanted)?;
        let when = match *ticks {
            Ticks::At(at) => When::At(at),
            Ticks::Latest => When::At(wanted.now),
            Ticks::Last(length) => When::Between(wanted.now.minus(length), wanted.now),
        };
        let explain = |own: &Passage| explained(own, wanted.verb, wanted.region.as_ref());
        let mut found = Vec::new();
        let (mut left, mut looked_at) = (Some(when), 0);
        while let Some(when) = left
            && found.len() < wanted.most
            && looked_at < LOOKED_AT
        {
            let missing = wanted.most - found.len();
            let most = if wanted.verb.is_some() { PAGE } else { PAGE.min(missing) };
            let page =
                self.reader.passages(&app, when, most).map_err(|error| self.failed(&error))?;
            looked_at += page.len();
            left = when.after(&page, most);
            found.extend(page.iter().filter_map(explain).take(missing));
        }
        Ok(found)
    }

    pub(super) fn history(
        &self,
        wanted: &Wanted,
        happened: &Happened,
    ) -> Result<Vec<Entry>, Refused> {
        if wanted.app.is_some() {
            self.app(wanted)?;
        }
        let (from, until) = match happened.span {
            Span::Last(length) => (wanted.now.minus(length), wanted.now),
            Span::Between(from, until) => (from, until),
        };
        let query = HistoryQuery {
            app: wanted.app.clone(),
            from,
            until,
            region: wanted.region.clone(),
            kind: happened.kind,
            verb: wanted.verb,
            most: wanted.most,
        };
        self.reader.history(&query).map_err(|error| self.failed(&error))
    }

    /// The app that is meant: if it is the only one, it need not be said.
    fn app(&self, wanted: &Wanted) -> Result<AppName, Refused> {
        let apps = self.reader.apps().map_err(|error| self.failed(&error))?;
        let path = self.path.display();
        let names = || {
            let names: Vec<String> = apps.iter().map(|own| code(own.as_str(), 63)).collect();
            listed(&names, NAMED)
        };
        match (&wanted.app, apps.as_slice()) {
            (_, []) => {
                Err(Refused::Failed(format!("the journal {path} is empty: no tick has ended yet")))
            }
            (Some(app), apps) if apps.contains(app) => Ok(app.clone()),
            (Some(app), _) => Err(Refused::Asked(format!(
                "the journal {path} knows no app {}; it has {}",
                code(app.as_str(), 63),
                names()
            ))),
            (None, [app]) => Ok(app.clone()),
            (None, _) => Err(Refused::Asked(format!("say which app with --app: {}", names()))),
        }
    }

    fn failed(&self, error: &JournalError) -> Refused {
        Refused::Failed(format!("{}: {error}", self.path.display()))
    }
}
