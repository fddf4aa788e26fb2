//! `explain`: how the numbers of a tick came about, and what was done about them.

pub(crate) mod text;

use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::ports::Clock as _;

use crate::past::{self, Ago, At, Ticks};
use crate::{DONE, FAILED, output};

/// How far an action is looked for, unless something else is said.
const SEARCHED: Duration = Duration::from_secs(24 * 3600);
/// A tick that ended longer before the time that was asked for says little of it.
const NEAR: Duration = Duration::from_secs(5 * 60);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    past: past::Arguments,
    /// The tick that was the last at this time, instead of the latest one
    #[arg(long, value_name = "TIME", conflicts_with = "last")]
    at: Option<At>,
    /// All ticks of so long, such as 1h; those in a row that came to the same thing are one
    #[arg(long, value_name = "DURATION")]
    last: Option<Ago>,
    /// At most so many, the newest [default: 20 with --last, otherwise 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: Option<u16>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: what /api/v1/explain answers
    Json,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let now = SystemClock.now();
    let ticks = match (arguments.at, arguments.last) {
        (Some(at), _) => Ticks::At(at.at(now)),
        (None, Some(Ago(length))) => Ticks::Last(length),
        // The latest tick with that action is meant, which is hardly ever the latest tick.
        (None, None) if arguments.past.has_action() => Ticks::Last(SEARCHED),
        (None, None) => Ticks::Latest,
    };
    let most = arguments.limit.unwrap_or(if arguments.last.is_some() { 20 } else { 1 });
    let past = match arguments.past.open()? {
        Ok(past) => past,
        Err(refused) => return Ok(refused.say()),
    };
    let wanted = arguments.past.wanted(usize::from(most), now);
    let explanations = match past.explain(&wanted, &ticks).await {
        Ok(explanations) => explanations,
        Err(refused) => return Ok(refused.say()),
    };
    match arguments.format {
        Format::Json => output::json(&serde_json::json!({ "explanations": explanations }))?,
        Format::Text => {
            let texts: Vec<String> = explanations.iter().map(text::render).collect();
            output::bytes(texts.join("\n").as_bytes())?;
        }
    }
    if let (&Ticks::At(at), [tick]) = (&ticks, explanations.as_slice())
        && at.minus(NEAR) > tick.until
    {
        output::note(format_args!(
            "note: that is the last tick before {at}, and ended long before, at {}",
            tick.until
        ));
    }
    if let Some(region) = &wanted.region
        && !explanations
            .iter()
            .flat_map(|own| &own.parts)
            .any(|own| own.scope.region.as_ref() == Some(region))
        && !explanations.is_empty()
    {
        output::note(format_args!("note: nothing was decided for a region {region} by itself"));
    }
    if explanations.is_empty() {
        output::note(match arguments.past.has_action() {
            true => {
                "error: there was no tick with that action; `history` lists what was done, and --last looks further back"
            }
            false => {
                "error: there was no tick then; `history` lists what happened, and --last 24h looks at a day"
            }
        });
        return Ok(FAILED);
    }
    Ok(DONE)
}
