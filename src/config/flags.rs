//! The flags: one for each setting, made from the table.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::env_vars::FAS_CONFIG;
use super::setting::{COLLECTOR_SETTINGS, Kind, REGION_SETTINGS, SETTINGS, Setting};

const CONFIG: &str = "config";

/// The values given by flags. Put it into a command with `#[command(flatten)]`.
///
/// Values are kept as text: they are checked together with those of the environment and the file.
/// `--help` shows no value from the environment.
#[derive(Clone, Default)]
pub struct FlagValues {
    /// `--config`: the path of the YAML file.
    pub(super) config: Option<String>,
    values: BTreeMap<&'static str, String>,
}

impl FlagValues {
    /// The same with `--config path`.
    #[must_use]
    pub fn with_config(self, path: impl Into<String>) -> Self {
        Self { config: Some(path.into()), ..self }
    }

    /// The same with the flag of `setting`; nothing where it has none.
    #[must_use]
    pub fn with(mut self, setting: &Setting, value: impl Into<String>) -> Self {
        self.values.extend(setting.flag.map(|flag| (flag, value.into())));
        self
    }

    /// The name and value of the flag of `setting`, where it was given.
    pub(super) fn get(&self, setting: &Setting) -> Option<(&'static str, &str)> {
        let (name, value) = self.values.get_key_value(setting.flag?)?;
        Some((name, value))
    }
}

impl fmt::Debug for FlagValues {
    /// Names only: one value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagValues")
            .field("config", &self.config)
            .field("flags", &self.values.keys())
            .finish_non_exhaustive()
    }
}

impl clap::FromArgMatches for FlagValues {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if let Some(path) = matches.get_one::<String>(CONFIG) {
            self.config = Some(path.clone());
        }
        for flag in flagged().filter_map(|setting| setting.flag) {
            if let Some(value) = matches.get_one::<String>(flag) {
                self.values.insert(flag, value.clone());
            }
        }
        Ok(())
    }
}

impl clap::Args for FlagValues {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .help_heading("Configuration")
            .help(format!("Path of the YAML file [env: {FAS_CONFIG}]"));
        command.arg(config).args(flagged().filter_map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flagged() -> impl Iterator<Item = &'static Setting> {
    let all = SETTINGS.iter().chain(REGION_SETTINGS).chain(COLLECTOR_SETTINGS).copied();
    all.filter(|setting| setting.flag.is_some())
}

fn argument(setting: &'static Setting) -> Option<Arg> {
    let flag = setting.flag?;
    let is_among = |all: &[&Setting]| all.iter().any(|own| own.flag == Some(flag));
    let heading = match () {
        () if is_among(SETTINGS) => "Configuration",
        () if is_among(REGION_SETTINGS) => "Every region",
        () => "One more collector",
    };
    let argument = Arg::new(flag)
        .long(flag)
        .aliases(setting.flag_aliases.iter().copied())
        .value_name(setting.kind.placeholder())
        .help_heading(heading)
        .help(help(setting))
        .action(ArgAction::Set)
        .allow_negative_numbers(true);
    Some(match setting.kind {
        Kind::Bool => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => argument,
    })
}

/// One line of `--help`.
fn help(setting: &Setting) -> String {
    let mut help = setting.doc.to_owned();
    if let Some(name) = setting.env {
        help.push_str(&format!(" [env: {name}]"));
    }
    if let Some(default) = setting.default {
        help.push_str(&format!(" [default: {default}]"));
    }
    help
}

/// Doubles the dash of long flags that have only one, as upstream and Go write them (`-config x`,
/// `-prometheus.address=x`). What follows `--` stays, and so does what cannot be the name of a long flag:
/// `-h`, `-5`, `-x + 1`.
#[must_use]
pub fn double_dashes(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut is_over = false;
    arguments
        .into_iter()
        .map(|argument| {
            is_over |= argument == "--";
            match argument.to_str() {
                Some(text) if !is_over && is_single_dashed(text) => format!("-{text}").into(),
                _ => argument,
            }
        })
        .collect()
}

fn is_single_dashed(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('-') else { return false };
    let name = rest.split('=').next().unwrap_or_default();
    name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn parse(line: &[&str]) -> Result<FlagValues, clap::Error> {
        let command = FlagValues::augment_args(Command::new("test").no_binary_name(true));
        let arguments = double_dashes(line.iter().map(OsString::from));
        FlagValues::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn long_flags_take_one_dash_or_two() {
        for (given, doubled) in [
            ("-config", "--config"),
            ("--config", "--config"),
            ("-prometheus.address=http://x", "--prometheus.address=http://x"),
            ("-h", "-h"),
            ("-5", "-5"),
            ("-min(x)", "-min(x)"),
            ("-x + 1", "-x + 1"),
            ("plain", "plain"),
        ] {
            assert_eq!(double_dashes([given.into()]), [OsString::from(doubled)]);
        }
        let after = double_dashes(["--".into(), "-config".into()]);
        assert_eq!(after, [OsString::from("--"), OsString::from("-config")]);
    }

    #[test]
    fn old_spellings_and_bare_booleans() {
        let flags =
            parse(&["-app", "a", "-expr", "x", "--dry-run", "--verbose=false", "-config", "f"])
                .expect("flags");
        assert_eq!(flags.config.as_deref(), Some("f"));
        let all: Vec<_> =
            flags.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            all,
            [
                ("app-name", "a"),
                ("dry-run", "true"),
                ("started-machine-count", "x"),
                ("verbose", "false")
            ]
        );
    }

    #[test]
    fn help_shows_names_and_defaults() {
        let mut command = FlagValues::augment_args(Command::new("test"));
        command.build();
        let help = command.render_long_help().to_string();
        for setting in flagged() {
            let flag = setting.flag.expect("a flag");
            assert!(help.contains(&format!("--{flag}")), "{flag}");
            assert!(help.contains(&format!("[env: {}]", setting.env.expect("a variable"))));
            assert!(help.contains(setting.doc), "{flag}");
        }
    }

    #[test]
    fn debug_shows_no_values() {
        let flags = FlagValues::default().with(&super::super::setting::API_TOKEN, "hunter2");
        assert!(!format!("{flags:?}").contains("hunter2"));
    }
}
