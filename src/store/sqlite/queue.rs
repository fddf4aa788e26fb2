//! What is known of all apps, and what of it the file does not know yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::file::Row;
use crate::decide::History;
use crate::model::{AppName, Timestamp};
use crate::ports::{AppState, KeptSeries, Measured};

/// What a row holds, by its column `what`.
pub(super) const HISTORY: &str = "history";
pub(super) const MEASURED: &str = "measured";
/// Begins those of series; behind it is the name of one.
pub(super) const SERIES: &str = "series ";
/// Who is paused. It is of no app.
pub(super) const PAUSES: &str = "pauses";

/// How often it is written that an app wants what it wanted before. Whoever reads it later takes that as wanted for
/// so much longer: see [`History::wanted_for_longer`].
pub(super) const GOES_ON: Duration = Duration::from_secs(60);

/// What an earlier process left of one app, before anybody has asked for it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) history: Option<(String, Timestamp)>,
    pub(super) measured: Option<Measured>,
}

/// Everything that the ticks and the thread share.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) apps: BTreeMap<AppName, AppState>,
    pub(super) found: BTreeMap<AppName, Found>,
    /// What an earlier process left of the series of each app, likewise.
    pub(super) found_series: BTreeMap<AppName, Vec<String>>,
    /// What an earlier process left was read.
    pub(super) is_read: bool,
    /// Who is paused.
    pub(super) pauses: Option<String>,
    changed: Changed,
    /// When what each app wanted last was so, by what is in the file or on its way there.
    told: BTreeMap<AppName, Timestamp>,
    /// Who wants to know when what was saved so far is in the file.
    pub(super) waiting: Vec<oneshot::Sender<()>>,
    /// The file takes what it is given.
    pub(super) is_kept: bool,
    /// The file did not take it in time.
    pub(super) is_late: bool,
    /// Whether the file was tried for the first time.
    pub(super) has_tried: bool,
    pub(super) is_closing: bool,
    pub(super) is_closed: bool,
}

/// The apps of which something is not in the file yet.
#[derive(Default)]
struct Changed {
    histories: BTreeSet<AppName>,
    measured: BTreeSet<AppName>,
    /// Those are not kept here as well: they come anew every minute.
    series: BTreeMap<AppName, Vec<KeptSeries>>,
    gone: BTreeSet<AppName>,
    pauses: bool,
}

/// What is to be written in one transaction.
pub(super) struct Batch {
    pub(super) gone: BTreeSet<AppName>,
    histories: Vec<(AppName, History)>,
    measured: Vec<(AppName, Measured)>,
    pauses: Option<String>,
    pub(super) series: BTreeMap<AppName, Vec<KeptSeries>>,
    pub(super) waiting: Vec<oneshot::Sender<()>>,
}

impl Queue {
    /// Takes in `state`, and notes what of it differs from what there was.
    pub(super) fn put(&mut self, app: &AppName, state: AppState, fresh: impl FnOnce() -> History) {
        let old = self.apps.remove(app);
        let wanted_at = state.history.wanted_at();
        let is_news = match &old {
            Some(old) if state.history.only_goes_on_from(&old.history) => {
                let told = self.told.get(app).copied();
                // A clock may have been set back.
                let is_old =
                    |(told, at): (Timestamp, Timestamp)| at < told || at.since(told) >= GOES_ON;
                told.zip(wanted_at).is_some_and(is_old)
            }
            Some(_) => true,
            None => self.found.contains_key(app) || fresh() != state.history,
        };
        if is_news {
            self.changed.histories.insert(app.clone());
            match wanted_at {
                Some(at) => self.told.insert(app.clone(), at),
                None => self.told.remove(app),
            };
        }
        let old = old.and_then(|old| old.measured);
        let is_same =
            |own: &Measured| old.as_ref().is_some_and(|old| old.memory.get() == own.memory.get());
        let measured = match state.measured {
            Some(own) if !is_same(&own) => {
                self.changed.measured.insert(app.clone());
                Some(own)
            }
            _ => old,
        };
        self.found.remove(app);
        self.apps.insert(app.clone(), AppState { history: state.history, measured });
    }

    /// Takes in the series of `app`, all of them.
    pub(super) fn put_series(&mut self, app: &AppName, series: Vec<KeptSeries>) {
        self.found_series.remove(app);
        // While there is no file, nobody takes them out again.
        if self.is_kept {
            self.changed.series.insert(app.clone(), series);
        }
    }

    /// Takes in who is paused.
    pub(super) fn put_pauses(&mut self, pauses: String) {
        self.pauses = Some(pauses);
        self.changed.pauses = true;
    }

    pub(super) fn forget(&mut self, app: &AppName) {
        self.found_series.remove(app);
        self.changed.series.remove(app);
        self.apps.remove(app);
        self.told.remove(app);
        self.found.remove(app);
        self.changed.histories.remove(app);
        self.changed.measured.remove(app);
        self.changed.gone.insert(app.clone());
    }

    /// Takes in what the file has of apps that nobody has asked for so far. What is known of the others is
    /// newer, and all of it is to be written.
    pub(super) fn opened(&mut self, mut rows: Vec<Row>) {
        let pauses = rows.iter().position(|row| row.what == PAUSES).map(|at| rows.remove(at));
        self.changed.pauses = self.pauses.is_some();
        self.pauses = self.pauses.take().or(pauses.map(|row| row.value));
        let (mut found, mut series) = by_app(rows);
        let is_new =
            |app: &AppName| !self.apps.contains_key(app) && !self.changed.gone.contains(app);
        found.retain(|app, _| is_new(app));
        series.retain(|app, _| is_new(app));
        (self.found, self.found_series) = (found, series);
        self.changed.histories = self.apps.keys().cloned().collect();
        let measured = self.apps.iter().filter(|(_, state)| state.measured.is_some());
        self.changed.measured = measured.map(|(app, _)| app.clone()).collect();
        (self.is_read, self.is_kept) = (true, true);
    }

    /// Nothing outlives the process until the file is opened again, and nobody waits for it.
    pub(super) fn given_up(&mut self, gone: BTreeSet<AppName>) {
        self.changed.gone.extend(gone);
        self.waiting.clear();
        self.changed.series.clear();
        (self.is_kept, self.is_late) = (false, false);
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_urgent() && self.changed.measured.is_empty() && self.changed.series.is_empty()
    }

    /// Whether there is something that must not get lost: what collectors remember comes anew with
    /// every tick, and some seconds of it matter to nobody.
    pub(super) fn is_urgent(&self) -> bool {
        let changed = &self.changed;
        self.is_closing
            || !changed.histories.is_empty()
            || !changed.gone.is_empty()
            || changed.pauses
            || !self.waiting.is_empty()
    }

    /// Everything that is to be written now.
    pub(super) fn take(&mut self) -> Batch {
        let changed = std::mem::take(&mut self.changed);
        let state = |app: AppName| self.apps.get(&app).map(|state| (app, state));
        let histories = changed.histories.into_iter().filter_map(state);
        let histories = histories.map(|(app, state)| (app, state.history.clone())).collect();
        let measured = changed.measured.into_iter().filter_map(state);
        let measured = measured.filter_map(|(app, state)| Some((app, state.measured.clone()?)));
        let measured = measured.collect();
        let waiting = std::mem::take(&mut self.waiting);
        let pauses = self.pauses.clone().filter(|_| changed.pauses);
        Batch { pauses, gone: changed.gone, histories, measured, series: changed.series, waiting }
    }
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.gone.is_empty()
            && self.histories.is_empty()
            && self.measured.is_empty()
            && self.series.is_empty()
            && self.pauses.is_none()
    }

    /// The rows, saved at `now`.
    pub(super) fn rows(&self, now: Timestamp) -> impl Iterator<Item = Row> {
        let row = |app: &AppName, what: &str, value, saved_at| Row {
            app: app.to_string(),
            what: what.to_owned(),
            value,
            saved_at,
        };
        let histories = self.histories.iter().filter_map(move |(app, history)| {
            // A history has no map whose keys are no texts, so that this cannot fail.
            Some(row(app, HISTORY, serde_json::to_string(history).ok()?, now))
        });
        let measured = self
            .measured
            .iter()
            .map(move |(app, own)| row(app, MEASURED, own.memory.get().to_owned(), own.at));
        let nobody = AppName::new("");
        let pauses = self.pauses.iter().map(move |own| row(&nobody, PAUSES, own.clone(), now));
        histories.chain(measured).chain(pauses)
    }

    /// The rows of the series, saved at `now`. They are written down here, beside the ticks.
    pub(super) fn series_rows(
        series: BTreeMap<AppName, Vec<KeptSeries>>,
        now: Timestamp,
    ) -> impl Iterator<Item = Row> {
        series.into_iter().flat_map(move |(app, series)| {
            series.into_iter().filter_map(move |KeptSeries { name, text }| {
                let what = format!("{SERIES}{name}");
                Some(Row { app: app.to_string(), what, value: text()?, saved_at: now })
            })
        })
    }
}

/// What is kept of each app, and the texts of its series.
type ByApp = (BTreeMap<AppName, Found>, BTreeMap<AppName, Vec<String>>);

/// Rows by their app. One that is of no use here, or that cannot be read, is left out.
pub(super) fn by_app(rows: Vec<Row>) -> ByApp {
    let (mut found, mut series): ByApp = Default::default();
    for row in rows {
        let app = AppName::new(&row.app);
        match row.what.as_str() {
            HISTORY => found.entry(app).or_default().history = Some((row.value, row.saved_at)),
            MEASURED => {
                let memory = RawValue::from_string(row.value).ok();
                found.entry(app).or_default().measured =
                    memory.map(|memory| Measured { at: row.saved_at, memory: Arc::from(memory) });
            }
            what if what.starts_with(SERIES) => series.entry(app).or_default().push(row.value),
            _ => {}
        }
    }
    (found, series)
}
