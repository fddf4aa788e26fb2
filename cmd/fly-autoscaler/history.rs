//! `history`: what was done, held and failed, one thing at a time.

use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::journal::{Entry, EntryKind};
use fly_autoscaler::model::Timestamp;
use fly_autoscaler::ports::Clock as _;

use crate::cell::sentence;
use crate::explain::text::wrapped;
use crate::past::{self, Ago, At, Happened, Span};
use crate::{DONE, WRONG_USAGE, output};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    past: past::Arguments,
    /// Only this kind of thing
    #[arg(long, value_name = "KIND", value_parser = past::kinds())]
    kind: Option<String>,
    /// Not before [default: a day before the end]
    #[arg(long, value_name = "TIME", conflicts_with = "last")]
    from: Option<At>,
    /// Not after [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "last")]
    until: Option<At>,
    /// What happened in so long, such as 6h
    #[arg(long, value_name = "DURATION")]
    last: Option<Ago>,
    /// At most so many, the newest
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs: what /api/v1/history answers
    Json,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let now = SystemClock.now();
    let span = match (arguments.from, arguments.until) {
        (None, None) => Span::Last(arguments.last.map_or(DAY, |Ago(length)| length)),
        (from, until) => {
            let until = until.map_or(now, |until| until.at(now));
            Span::Between(from.map_or(until.minus(DAY), |from| from.at(now)), until)
        }
    };
    if let Span::Between(from, until) = span
        && from > until
    {
        output::note(format_args!("error: --from is {from}, after --until, which is {until}"));
        return Ok(WRONG_USAGE);
    }
    let is_meant = |kind: &EntryKind| Some(kind.as_str()) == arguments.kind.as_deref();
    let kind = EntryKind::ALL.into_iter().find(is_meant);
    let past = match arguments.past.open()? {
        Ok(past) => past,
        Err(refused) => return Ok(refused.say()),
    };
    let wanted = arguments.past.wanted(usize::from(arguments.limit), now);
    let happened = Happened { span, kind };
    let entries = match past.history(&wanted, &happened).await {
        Ok(entries) => entries,
        Err(refused) => return Ok(refused.say()),
    };
    match arguments.format {
        Format::Json => output::json(&serde_json::json!({ "entries": entries }))?,
        Format::Table => output::bytes(table(&entries).as_bytes())?,
    }
    if entries.is_empty() {
        output::note(format_args!(
            "nothing of that kind happened {}; `explain` says how it was",
            happened.span
        ));
    } else if entries.len() == wanted.most {
        output::note(format_args!(
            "there may be more: these are the newest {}, and --limit says how many",
            entries.len()
        ));
    }
    Ok(DONE)
}

/// When, what kind of thing, and what; the app only where there are several.
fn table(entries: &[Entry]) -> String {
    let first = entries.iter().find_map(|own| own.app.as_ref());
    let is_one = entries.iter().all(|own| own.app.is_none() || own.app.as_ref() == first);
    let mut text = String::new();
    for own in entries {
        let app = own.app.as_ref().filter(|_| !is_one);
        let app = app.map(|app| format!("{}: ", sentence(app.as_str()))).unwrap_or_default();
        let start = format!("{}  {:<8}", to_the_second(own.at), own.kind.as_str());
        wrapped(&mut text, &start, start.len(), &format!("{app}{}", said(own)));
    }
    text
}

fn said(own: &Entry) -> String {
    let mut text = String::new();
    if own.would {
        text += "would ";
    }
    // Of an action its region stands in its text.
    if own.kind == EntryKind::Hold
        && let Some(group) = &own.group
    {
        let place = own.region.as_ref().map(|region| format!("/{region}")).unwrap_or_default();
        text += &format!("{group}{place}: ");
    }
    text += &own.text;
    if let Some(reason) = &own.reason {
        text += &format!(": {reason}");
    }
    if let Some(code) = &own.code {
        text += &format!(" [{code}]");
    }
    if own.until > own.at {
        text += &format!(", until {}", to_the_second(own.until));
    }
    sentence(&text)
}

/// RFC 3339 without fractions of a second.
fn to_the_second(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}
