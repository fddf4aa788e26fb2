//! Where the past is asked for: at a running server, or in the journal's file.

mod file;
mod server;
mod when;

use std::path::PathBuf;
use std::time::Duration;

use fly_autoscaler::config::FlagValues;
use fly_autoscaler::config::setting;
use fly_autoscaler::decide::Verb;
use fly_autoscaler::journal::{Entry, EntryKind, Explanation};
use fly_autoscaler::model::{AppName, Region, Timestamp, duration};
use fly_autoscaler::store::journal::path_beside;

use crate::cell::sentence;
use crate::{configuration, output};

pub(crate) use when::{Ago, At};

/// Whom to ask, and about which app.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// The app; may be left out where one app is scaled
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Only this region, and what is about all regions together
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Only this action
    #[arg(long, value_name = "ACTION", value_parser = verbs())]
    action: Option<String>,
    /// Ask the autoscaler that runs there, such as http://127.0.0.1:9090
    #[arg(long, value_name = "URL", conflicts_with_all = ["file", "config"])]
    url: Option<String>,
    /// Read this journal; the autoscaler need not run
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// Without --url and --file: the configuration (this file, FAS_CONFIG and FAS_*) says where its journal is
    /// (beside `state`), and otherwise on which port of this machine to ask
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
}

fn verbs() -> clap::builder::PossibleValuesParser {
    Verb::ALL.map(Verb::as_str).into()
}

pub(crate) fn kinds() -> clap::builder::PossibleValuesParser {
    EntryKind::ALL.map(EntryKind::as_str).into()
}

/// What is asked of both doors.
pub(crate) struct Wanted {
    pub(crate) app: Option<AppName>,
    pub(crate) region: Option<Region>,
    pub(crate) verb: Option<Verb>,
    /// At most so many, the newest.
    pub(crate) most: usize,
    pub(crate) now: Timestamp,
}

/// Which ticks are to be explained.
pub(crate) enum Ticks {
    Latest,
    /// The one that was the last at this time.
    At(Timestamp),
    /// Those of so long.
    Last(Duration),
}

/// Which things that happened are wanted.
pub(crate) struct Happened {
    pub(crate) span: Span,
    pub(crate) kind: Option<EntryKind>,
}

/// A stretch of the past.
pub(crate) enum Span {
    /// So long, up to now by the clock of whoever is asked: that of a demo is another.
    Last(Duration),
    /// From the first to the last of these times.
    Between(Timestamp, Timestamp),
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Last(length) => write!(f, "in the last {}", duration::format(*length)),
            Self::Between(from, until) => write!(f, "from {from} to {until}"),
        }
    }
}

/// Why there is no answer.
pub(crate) enum Refused {
    /// What was asked for makes no sense, or there is no such thing: asked again it is the same.
    Asked(String),
    /// It could not be answered.
    Failed(String),
}

/// The one that is asked.
pub(crate) enum Past {
    Server(server::Server),
    File(file::File),
}

impl Arguments {
    /// What is asked of both doors.
    pub(crate) fn wanted(&self, most: usize, now: Timestamp) -> Wanted {
        let is_meant = |verb: &Verb| Some(verb.as_str()) == self.action.as_deref();
        Wanted {
            app: self.app.as_ref().map(AppName::new),
            region: self.region.as_ref().map(|own| Region::new(own.to_lowercase())),
            verb: Verb::ALL.into_iter().find(is_meant),
            most,
            now,
        }
    }

    /// Whether only ticks with an action are wanted.
    pub(crate) fn has_action(&self) -> bool {
        self.action.is_some()
    }

    /// Opens the door that the arguments name, or the one of the configuration.
    pub(crate) fn open(&self) -> anyhow::Result<Result<Past, Refused>> {
        if let Some(url) = &self.url {
            return Ok(server::Server::at(url).map(Past::Server));
        }
        if let Some(path) = &self.file {
            return Ok(match file::File::open(path) {
                Ok(Some(file)) => Ok(Past::File(file)),
                Ok(None) => Err(Refused::Failed(format!(
                    "there is no journal {}; it is beside the file of `state` (FAS_STATE), /data/fas-journal.db for /data/fas.db",
                    path.display()
                ))),
                Err(refused) => Err(refused),
            });
        }
        let mut flags = FlagValues::default();
        if let Some(path) = &self.config {
            flags = flags.with_config(path);
        }
        if let Some(app) = &self.app {
            // One app of a pattern; and where nothing else names any, the one that is meant.
            flags = flags.with(&setting::APP_NAME, app);
        }
        let loaded = configuration::load(&flags).inspect_err(|_| {
            output::note(
                "note: --url asks an autoscaler that runs, --file reads a journal; without them the configuration says where it is:",
            );
        });
        let config = loaded?.config;
        if let Some(state) = &config.state {
            let path = path_beside(state);
            match file::File::open(&path) {
                Ok(Some(file)) => return Ok(Ok(Past::File(file))),
                Ok(None) => output::note(format_args!(
                    "note: there is no journal {}; the server is asked",
                    path.display()
                )),
                Err(refused) => return Ok(Err(refused)),
            }
        }
        Ok(server::Server::on_this_machine(&config.listen).map(Past::Server))
    }
}

impl Past {
    /// The ticks that `ticks` is about, explained, the newest first.
    pub(crate) async fn explain(
        &self,
        wanted: &Wanted,
        ticks: &Ticks,
    ) -> Result<Vec<Explanation>, Refused> {
        match self {
            Self::Server(server) => server.explain(wanted, ticks).await,
            Self::File(file) => file.explain(wanted, ticks),
        }
    }

    /// What happened, the newest first.
    pub(crate) async fn history(
        &self,
        wanted: &Wanted,
        happened: &Happened,
    ) -> Result<Vec<Entry>, Refused> {
        match self {
            Self::Server(server) => server.history(wanted, happened).await,
            Self::File(file) => file.history(wanted, happened),
        }
    }
}

impl Refused {
    /// Says so, and gives the exit code.
    pub(crate) fn say(&self) -> u8 {
        let (text, code) = match self {
            Self::Asked(text) => (text, crate::WRONG_USAGE),
            Self::Failed(text) => (text, crate::FAILED),
        };
        output::note(format_args!("error: {}", sentence(text)));
        code
    }
}
