//! How log lines are written.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal};

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Registry, Scope};
use tracing_subscriber::reload;

use super::events::TickPanicked;
use crate::model::LogFormat;

/// Sends log lines to stderr from here on, in `format`; `None` is what suits stderr: text on a terminal,
/// JSON where something reads along. `verbose` adds `debug`. `RUST_LOG` is not read: the level is part of
/// the configuration like everything else.
///
/// # Errors
/// If the process has a logger already.
pub fn init(
    format: Option<LogFormat>,
    verbose: bool,
) -> Result<Verbosity, tracing::subscriber::SetGlobalDefaultError> {
    let is_terminal = io::stderr().is_terminal();
    let fitting = if is_terminal { LogFormat::Text } else { LogFormat::Json };
    let format = format.unwrap_or(fitting);
    let (subscriber, verbosity) = subscriber(format, verbose, is_terminal, io::stderr);
    tracing::subscriber::set_global_default(subscriber)?;
    // A panic is said where it happens, in the form of all other lines.
    std::panic::set_hook(Box::new(|panic| {
        let message = TickPanicked::message_of(panic.payload());
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic = message, place, "panicked, which is a bug in fly-autoscaler");
    }));
    Ok(verbosity)
}

/// Which lines are logged, while the process runs.
#[derive(Debug, Clone)]
pub struct Verbosity(reload::Handle<Targets, Registry>);

impl Verbosity {
    /// Adds `debug` from here on, or leaves it out.
    pub fn set(&self, verbose: bool) {
        // It fails where nothing is logged any more.
        let _ = self.0.reload(filter(verbose));
    }
}

fn filter(verbose: bool) -> Targets {
    let ours = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    // Never more than warnings from other crates: at `debug` an HTTP client may log headers, tokens
    // included.
    Targets::new().with_target(env!("CARGO_CRATE_NAME"), ours).with_default(LevelFilter::WARN)
}

pub(super) fn subscriber<W>(
    format: LogFormat,
    verbose: bool,
    with_color: bool,
    writer: W,
) -> (Box<dyn Subscriber + Send + Sync>, Verbosity)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter(verbose));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let subscriber: Box<dyn Subscriber + Send + Sync> = match format {
        LogFormat::Json => {
            Box::new(registry.with(lines.fmt_fields(JsonFields::new()).event_format(JsonLine)))
        }
        LogFormat::Text => Box::new(registry.with(lines.with_ansi(with_color).with_target(false))),
    };
    (subscriber, Verbosity(handle))
}

/// The JSON form of an event: one flat object.
struct JsonLine;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'a str,
    msg: Value,
    target: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// The keys of [`Line`] itself. A field of that name gets a `_` behind it, so that no object has a key twice.
const RESERVED: [&str; 4] = ["time", "level", "msg", "target"];

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        // From the outermost span inwards, the event last: the nearest says what a name means.
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let recorded = extensions.get::<FormattedFields<N>>().map(|recorded| &recorded.fields);
            if let Some(Ok(Value::Object(of_span))) =
                recorded.map(|json| serde_json::from_str(json))
            {
                of_span.into_iter().for_each(|(key, value)| fields.insert(&key, value));
            }
        }
        event.record(&mut fields);

        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let line = Line {
            time,
            level: event.metadata().level().as_str(),
            msg: fields.0.remove("message").unwrap_or_default(),
            target: event.metadata().target(),
            fields: fields.0,
        };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

/// Collects the fields of an event as JSON.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, key: &str, value: Value) {
        let reserved = if RESERVED.contains(&key) { "_" } else { "" };
        self.0.insert(format!("{key}{reserved}"), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field.name(), Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN and no infinity; their names say more than `null` would.
        let number = serde_json::Number::from_f64(value);
        self.insert(field.name(), number.map_or_else(|| value.to_string().into(), Value::Number));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.insert(field.name(), Chain(value).to_string().into());
    }
}

/// An error with everything that caused it, each said once: `what failed: why: why that`.
///
/// Our own errors never repeat their source in their text; some of other crates do, and are not said
/// again.
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
