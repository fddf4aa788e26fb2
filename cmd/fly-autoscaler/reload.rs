//! Reading the configuration again while the process runs: at SIGHUP, and when the file has changed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::{
    Config, ConfigErrors, Difference, Effective, FlagValues, Glimpse, Loaded, ProcessEnv, Warning,
    Watch, config_path,
};
use fly_autoscaler::http::Configured;
use fly_autoscaler::journal::{EntryKind, Journal, Noted};
use fly_autoscaler::status::{Change, TimedText};
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::events::{
    ConfigRejected, ConfigTakenOver, ConfigUnchanged, NeedsRestart, NothingToReload,
};
use fly_autoscaler::telemetry::logging::Verbosity;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::lasting::Lasting;
use crate::{configuration, known, serve};

/// How often the file is looked at. A change counts in the second look that finds it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The most changes that a note names one by one.
const MOST_NOTED: usize = 20;

/// The configuration file, and whether it has another content than was read.
pub(crate) struct Watched {
    path: PathBuf,
    watch: Watch,
}

impl Watched {
    /// The file that `flags` or the environment name, before it is read; `None`: there is none that could
    /// change.
    pub(crate) fn of(flags: &FlagValues) -> Option<Self> {
        let path = PathBuf::from(config_path(flags, &ProcessEnv::read())?);
        Some(Self { watch: Watch::new(&path), path })
    }
}

/// What is in force.
pub(crate) struct InForce {
    pub(crate) config: Config,
    pub(crate) effective: Effective,
    /// The warnings that were said of it.
    pub(crate) warnings: Vec<Warning>,
}

/// Takes over what the file says by now.
pub(crate) struct Reload {
    pub(crate) flags: FlagValues,
    pub(crate) watched: Option<Watched>,
    pub(crate) in_force: InForce,
    pub(crate) lasting: Lasting,
    pub(crate) supervisor: Supervisor,
    pub(crate) verbosity: Verbosity,
    /// Where it is shown.
    pub(crate) shown: watch::Sender<Arc<Configured>>,
    pub(crate) journal: Option<Arc<dyn Journal>>,
    /// Whether what was read last could not be taken over.
    pub(crate) is_rejected: bool,
}

impl Reload {
    /// Reads it again whenever there is a reason to, for ever.
    pub(crate) async fn run(mut self, mut hangups: Signal) {
        loop {
            tokio::select! {
                _ = hangups.recv() => self.asked().await,
                () = self.lasting.clock.sleep(LOOK_EVERY), if self.watched.is_some() => {
                    self.look().await;
                }
            }
        }
    }

    async fn asked(&mut self) {
        if self.watched.is_none() {
            let why = "SIGHUP: no configuration file was named, or none that can be read twice; flags and variables stay as they are until a restart";
            NothingToReload { why: &why }.emit(&self.lasting.metrics);
            return;
        }
        self.with_file(|own| own.watch.mark_read(&own.path)).await;
        self.load(true).await;
    }

    async fn look(&mut self) {
        let look = |own: &mut Watched| own.watch.look(&own.path);
        if self.with_file(look).await == Some(Glimpse::Changed) {
            self.load(false).await;
        }
    }

    /// Does something with the file beside the ticks, which a slow disk must not hold up.
    async fn with_file<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Watched) -> T + Send + 'static,
    ) -> Option<T> {
        let mut watched = self.watched.take()?;
        let done = spawn_blocking(move || {
            let done = act(&mut watched);
            (watched, done)
        });
        // It does not panic, and nothing cancels it.
        let (watched, done) = done.await.ok()?;
        self.watched = Some(watched);
        Some(done)
    }

    async fn load(&mut self, is_asked: bool) {
        let flags = self.flags.clone();
        let loaded = spawn_blocking(move || configuration::load(&flags)).await;
        let is_still = |own: &mut Watched| own.watch.is_still(&own.path);
        if !is_asked && self.with_file(is_still).await == Some(false) {
            // Somebody was writing meanwhile: what stays is found by the next looks.
            return;
        }
        let done = match loaded {
            Ok(Ok(loaded)) => self.take_over(loaded, is_asked),
            Ok(Err(error)) => Err(error),
            Err(error) => Err(error.into()),
        };
        match done {
            Ok(()) => self.is_rejected = false,
            Err(error) => {
                self.is_rejected = true;
                self.reject(&mistakes(&error));
            }
        }
    }

    /// Goes on by what was loaded. Where that fails, nothing has changed.
    fn take_over(&mut self, loaded: Loaded, is_asked: bool) -> anyhow::Result<()> {
        let Loaded { mut config, warnings, effective, hidden } = loaded;
        config.require_api_token()?;
        let mut effective = Effective { values: effective, hidden };
        let mut differences = effective.since(&self.in_force.effective);
        let kept = effective.keep_until_restart(&self.in_force.effective, &mut differences);
        config.keep_until_restart(&self.in_force.config);
        if !differences.is_empty() {
            self.scale_by(&config)?;
        }
        let metrics = &self.lasting.metrics;
        if differences.is_empty() {
            let is_news = (is_asked || self.is_rejected) && kept.is_empty();
            ConfigUnchanged { is_news }.emit(metrics);
        } else {
            let changes: Vec<String> = differences.iter().map(ToString::to_string).collect();
            ConfigTakenOver { changes: &changes }.emit(metrics);
        }
        if !kept.is_empty() {
            NeedsRestart { keys: &kept }.emit(metrics);
        }
        let now = self.lasting.clock.now();
        let values = effective.values.clone();
        let shown = configuration::shown(&config, &warnings, values, now);
        self.shown.send_replace(Arc::new(shown));
        let before = std::mem::replace(&mut self.in_force, InForce { config, effective, warnings });
        self.tell_new_warnings(&before.warnings);
        if let Some(text) = note_of(&differences, &kept) {
            self.note(text);
        }
        Ok(())
    }

    /// Has everything go on by `config`.
    fn scale_by(&mut self, config: &Config) -> anyhow::Result<()> {
        let scaling = self.lasting.scaling(config)?;
        let token = config.require_api_token()?;
        let before = self.in_force.config.require_api_token()?;
        if token.expose() != before.expose() {
            self.lasting.fly.use_token(token.as_secret_string())?;
            let (fly, metrics) = (Arc::clone(&self.lasting.fly), Arc::clone(&self.lasting.metrics));
            let config = config.clone();
            // Its warnings are all that comes of it.
            tokio::spawn(async move { serve::check_token(&config, fly, metrics).await });
        }
        self.verbosity.set(config.verbose);
        self.supervisor.go_on_with(scaling.renewal(config));
        Ok(())
    }

    /// Says what was not said of the configuration before.
    fn tell_new_warnings(&self, before: &[Warning]) {
        let said: BTreeSet<String> = before.iter().map(ToString::to_string).collect();
        let (doubts, others) = known::doubts(self.in_force.warnings.clone());
        let atlas = self.lasting.regions().borrow().clone();
        let is_current = atlas.is_some_and(|atlas| atlas.catalog().is_current());
        // Fly's own list settles them, and says so itself.
        let doubts = if is_current { Vec::new() } else { doubts };
        let new = others.into_iter().chain(doubts).filter(|own| !said.contains(&own.to_string()));
        serve::tell(&new.collect::<Vec<_>>());
    }

    fn reject(&self, mistakes: &[String]) {
        ConfigRejected { mistakes }.emit(&self.lasting.metrics);
        let first = mistakes.first().and_then(|own| own.lines().next()).unwrap_or_default();
        let first = first.strip_prefix("error: ").unwrap_or(first);
        self.note(match mistakes.len() {
            0 | 1 => format!("the configuration was not taken over: {first}"),
            count => {
                format!(
                    "the configuration was not taken over: {count} mistakes, the first: {first}"
                )
            }
        });
    }

    /// Puts it on record, and tells whoever watches.
    fn note(&self, text: String) {
        let at = self.lasting.clock.now();
        if let Some(journal) = &self.journal {
            let text = text.clone();
            journal.note(Noted { at, app: None, kind: EntryKind::Reload, text });
        }
        self.supervisor.board.tell(Change::Noted(TimedText { at, text }));
    }
}

/// Each mistake with its place and a hint, as `check` prints them.
fn mistakes(error: &anyhow::Error) -> Vec<String> {
    match error.downcast_ref::<ConfigErrors>() {
        Some(errors) => errors.errors.iter().map(ToString::to_string).collect(),
        None => format!("{error:#}").split("\n\n").map(str::to_owned).collect(),
    }
}

/// What is put on record of a change; `None` where there was none.
fn note_of(differences: &[Difference], kept: &[&str]) -> Option<String> {
    let mut parts: Vec<String> =
        differences.iter().take(MOST_NOTED).map(ToString::to_string).collect();
    if differences.len() > MOST_NOTED {
        parts.push(format!("{} more", differences.len() - MOST_NOTED));
    }
    parts.extend(kept.iter().map(|key| format!("`{key}` needs a restart")));
    (!parts.is_empty()).then(|| format!("the configuration has changed: {}", parts.join("; ")))
}
