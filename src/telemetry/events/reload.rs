//! The configuration, read again while the process runs.

use std::fmt::Display;

use tracing::{error, info, warn};

use crate::telemetry::metrics::Metrics;

/// Another configuration is in force.
#[derive(Debug, Clone, Copy)]
pub struct ConfigTakenOver<'a> {
    /// Each value that changed, in a sentence.
    pub changes: &'a [String],
}

impl ConfigTakenOver<'_> {
    /// Logs and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_config_reload(Reloaded::Ok);
        let changes = self.changes.join("; ");
        info!(changes, "the configuration has changed, from the next tick on");
    }
}

/// It was read again and says what is in force.
#[derive(Debug, Clone, Copy)]
pub struct ConfigUnchanged {
    /// The one before could not be taken over, or somebody asked.
    pub is_news: bool,
}

impl ConfigUnchanged {
    /// Counts it, and logs it where it is news.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_config_reload(Reloaded::Unchanged);
        if self.is_news {
            info!("the configuration was read again and says what is in force");
        }
    }
}

/// It cannot be taken over.
#[derive(Clone, Copy)]
pub struct ConfigRejected<'a> {
    /// Each mistake with its place and a hint, as `check` says it.
    pub mistakes: &'a [String],
}

impl ConfigRejected<'_> {
    /// Logs and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_config_reload(Reloaded::Failed);
        for mistake in self.mistakes {
            error!("{mistake}");
        }
        let mistakes = self.mistakes.len();
        let next = "what was in force stays so; `check` shows the mistakes; the file is read again when it changes";
        error!(mistakes, next, "the configuration was not taken over");
    }
}

/// Some of it only counts after a restart.
#[derive(Debug, Clone, Copy)]
pub struct NeedsRestart<'a> {
    /// The keys.
    pub keys: &'a [&'static str],
}

impl NeedsRestart<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let keys = self.keys.join(", ");
        let next = "until then they are as they were; everything else is in force";
        warn!(keys, next, "the configuration has changes that need a restart");
    }
}

/// Somebody asked for it to be read again, and there is no file.
#[derive(Clone, Copy)]
pub struct NothingToReload<'a> {
    /// Why not.
    pub why: &'a dyn Display,
}

impl NothingToReload<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let why = self.why.to_string();
        info!(why, "there is no configuration to read again");
    }
}

/// What came of reading the configuration again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::telemetry) enum Reloaded {
    /// Another one is in force.
    Ok,
    /// It says the same.
    Unchanged,
    /// It has mistakes.
    Failed,
}

impl Reloaded {
    /// In the order of the documentation.
    pub(in crate::telemetry) const ALL: [Self; 3] = [Self::Ok, Self::Unchanged, Self::Failed];

    /// The value of the label `status`.
    pub(in crate::telemetry) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::capture;

    fn shown(metrics: &Metrics) -> Vec<String> {
        let text = metrics.render().expect("rendered");
        let lines = text.lines().filter(|line| line.starts_with("fas_config"));
        lines.filter(|line| !line.ends_with("} 0")).map(str::to_owned).collect()
    }

    #[test]
    fn each_outcome_is_counted_and_what_is_wrong_stays_to_be_seen() {
        let metrics = Metrics::new("0.4.0", "abc1234");
        let lines = capture::json(false, || {
            ConfigUnchanged { is_news: false }.emit(&metrics);
            assert_eq!(
                shown(&metrics),
                ["fas_config_ok 1", r#"fas_config_reloads_total{status="unchanged"} 1"#]
            );
            let mistakes = ["error: one\n  --> f.yml:1:1".to_owned(), "error: two".to_owned()];
            ConfigRejected { mistakes: &mistakes }.emit(&metrics);
            assert!(shown(&metrics).contains(&"fas_config_ok 0".to_owned()));
            let changes = ["`a` 1 -> 2".to_owned(), "`b` changed".to_owned()];
            ConfigTakenOver { changes: &changes }.emit(&metrics);
            NeedsRestart { keys: &["listen", "state"] }.emit(&metrics);
            assert!(shown(&metrics).contains(&"fas_config_ok 1".to_owned()));
        });
        let said: Vec<(&str, &str)> = lines
            .iter()
            .map(|line| {
                (line["level"].as_str().expect("a level"), line["msg"].as_str().expect("text"))
            })
            .collect();
        assert_eq!(
            said,
            [
                ("ERROR", "error: one\n  --> f.yml:1:1"),
                ("ERROR", "error: two"),
                ("ERROR", "the configuration was not taken over"),
                ("INFO", "the configuration has changed, from the next tick on"),
                ("WARN", "the configuration has changes that need a restart"),
            ]
        );
        assert_eq!(
            (&lines[2]["mistakes"], &lines[3]["changes"]),
            (&2.into(), &"`a` 1 -> 2; `b` changed".into())
        );
        assert_eq!(lines[4]["keys"], "listen, state");
    }
}
