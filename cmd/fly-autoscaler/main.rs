//! The command line: arguments in, exit code out.
//!
//! This crate is the composition root: the only place that builds adapters and ends the process.

mod cell;
mod check;
mod compose;
mod configuration;
mod demo;
mod eval;
mod explain;
mod history;
mod keep;
mod known;
mod lasting;
mod output;
mod past;
mod plan;
mod reload;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use fly_autoscaler::config::{ConfigErrors, FlagValues, double_dashes};

use crate::configuration::UnusableTokens;

/// The version and, where the build knew it, the commit.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const COMMIT: &str = match option_env!("FAS_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

const DONE: u8 = 0;
const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
/// `plan --exit-code`: something would change.
const WOULD_CHANGE: u8 = 3;

/// Scales the Fly Machines of an app by its metrics, and says why.
#[derive(Parser)]
#[command(
    name = "fly-autoscaler",
    version = version(),
    after_help = "Try it without an account: fly-autoscaler demo\n\
                  Exit codes: 0 done, 1 failed at run time, 2 usage or configuration, 3 see `plan --help`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the autoscaler: look, decide and act every interval, and serve HTTP
    #[command(
        after_help = "Example: FAS_APP_NAME=my-app fly-autoscaler serve --config fly-autoscaler.yml"
    )]
    Serve(ConfigArguments),
    /// Collect once, evaluate the expressions and print the numbers as JSON
    #[command(after_help = "Examples:\n  \
        fly-autoscaler eval --config fly-autoscaler.yml\n  \
        fly-autoscaler eval 'ceil(queue_depth / 10)' --var queue_depth=42")]
    Eval(eval::Arguments),
    /// Show what the next tick would do, and why; change nothing
    #[command(after_help = "Example: fly-autoscaler plan --config fly-autoscaler.yml --exit-code")]
    Plan(plan::Arguments),
    /// Say how the numbers of a tick came about, and why something was done, or not
    #[command(after_help = "Examples:\n  \
        fly-autoscaler explain --url http://my-scaler.internal:9090\n  \
        fly-autoscaler explain --file /data/fas-journal.db --at 03:10\n  \
        fly-autoscaler explain --last 1h --action stop --region lhr\n\n\
        A TIME is RFC 3339, HH:MM or HH:MM:SS of the last 24 hours in UTC, or how long ago it is, such as 10m.")]
    Explain(explain::Arguments),
    /// List what was done, held and failed, the newest first
    #[command(after_help = "Examples:\n  \
        fly-autoscaler history --url http://my-scaler.internal:9090 --last 6h\n  \
        fly-autoscaler history --file /data/fas-journal.db --kind hold --format json\n\n\
        A TIME is RFC 3339, HH:MM or HH:MM:SS of the last 24 hours in UTC, or how long ago it is, such as 10m.")]
    History(history::Arguments),
    /// Validate the configuration offline and print it with the origin of each value
    #[command(after_help = "Example: fly-autoscaler check --config fly-autoscaler.yml")]
    Check(ConfigArguments),
    /// Run the autoscaler against an embedded Fly with changing traffic; no account needed
    #[command(after_help = "Example: fly-autoscaler demo --speed 60 --duration 2m")]
    Demo(demo::Arguments),
    /// Print the version and the commit
    #[command(after_help = "Example: fly-autoscaler version")]
    Version,
    /// Print a completion script for a shell
    #[command(
        after_help = "Example: fly-autoscaler completions bash > /etc/bash_completion.d/fly-autoscaler"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(clap::Args)]
struct ConfigArguments {
    #[command(flatten)]
    flags: FlagValues,
}

fn main() -> ExitCode {
    let cli = Cli::parse_from(double_dashes(std::env::args_os()));
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::error(&error);
            ExitCode::from(if is_configuration(&error) { WRONG_USAGE } else { FAILED })
        }
    }
}

/// Whether an error is one of what was configured, not of what happened: it is the same at each try.
fn is_configuration(error: &anyhow::Error) -> bool {
    error.is::<ConfigErrors>() || error.is::<UnusableTokens>()
}

/// What follows the name in `version` and `--version`.
fn version() -> String {
    format!("{VERSION} (commit {COMMIT})")
}

fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.command {
        Command::Serve(arguments) => runtime()?.block_on(serve::run(&arguments.flags)),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Plan(arguments) => runtime()?.block_on(plan::run(&arguments)),
        Command::Explain(arguments) => runtime()?.block_on(explain::run(&arguments)),
        Command::History(arguments) => runtime()?.block_on(history::run(&arguments)),
        Command::Check(arguments) => check::run(&arguments.flags),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Version => {
            output::line(&format!("fly-autoscaler {}", version()))?;
            Ok(DONE)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "fly-autoscaler", &mut script);
            output::bytes(&script)?;
            Ok(DONE)
        }
    }
}

/// One thread: everything waits for the network, and the memory of a second one is not earned back.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
