//! Every word that is printed. Data goes to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, Write};

use fly_autoscaler::config::{ConfigErrors, Warning};

/// Prints a line of data. A reader that has gone away (`| head`) is no error.
pub(crate) fn line(text: &str) {
    bytes(format!("{text}\n").as_bytes());
}

/// Prints data as it is.
pub(crate) fn bytes(data: &[u8]) {
    let _ = io::stdout().lock().write_all(data);
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Says something that is no data.
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
    match error.downcast_ref::<ConfigErrors>() {
        // Many mistakes, each with its place: it says by itself that they are errors.
        Some(errors) => note(errors),
        None => note(format_args!("error: {error:#}")),
    }
}
