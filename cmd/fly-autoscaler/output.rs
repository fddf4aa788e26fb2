//! Every word that is printed. Data goes to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::Context as _;
use fly_autoscaler::config::Warning;

use crate::is_configuration;

/// Prints a line of data.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints data as it is. A reader that has gone away (`| head`) is no error; a full disk is.
pub(crate) fn bytes(data: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Says something that is no data. Where stderr is gone there is nobody left to tell.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints the warnings of a configuration.
pub(crate) fn warnings(warnings: &[Warning]) {
    for warning in warnings {
        note(warning);
    }
}

/// Prints what went wrong, with its causes, each once.
pub(crate) fn error(error: &anyhow::Error) {
    if is_configuration(error) {
        // Many mistakes, each with its place: it says by itself that they are errors.
        note(error);
    } else {
        note(format_args!("error: {error:#}"));
    }
}
