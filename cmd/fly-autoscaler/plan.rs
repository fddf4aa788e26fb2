//! `plan`: what the next tick would do, and why.

mod text;

use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::config::FlagValues;
use fly_autoscaler::decide::Verdict;
use fly_autoscaler::ports::Clock;
use fly_autoscaler::telemetry::Metrics;

use crate::{COMMIT, DONE, FAILED, VERSION, WOULD_CHANGE, compose, configuration, output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with 3 when something would change, with 0 when not (a plan that is held changes nothing)
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    flags: FlagValues,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: all of it as one object
    Json,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let loaded = configuration::load(&arguments.flags)?;
    output::warnings(&loaded.warnings);
    let config = loaded.config;
    let token = config.require_api_token()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new(VERSION, COMMIT));
    let http = compose::http_client(compose::all_addresses(&config))?;
    let collectors = compose::collectors(&config.collectors, &http)?;
    let api = compose::fly(&config, token, http, Arc::clone(&clock), &metrics)?;
    let fly = Arc::clone(&api);
    let mut reconciler = compose::reconciler(&config, collectors, api, clock, metrics);
    let check = fly.check_token(&config.app, config.org.as_deref());
    let (tick, token_warnings) = tokio::join!(reconciler.preview(), check);
    // Where Fly does not tell, there is nothing to say: what matters of it shows in the plan.
    for warning in token_warnings.unwrap_or_default() {
        output::note(format_args!("warning: {warning}"));
    }

    match arguments.format {
        Format::Json => output::json(&tick)?,
        Format::Text => output::bytes(text::render(&config.app, &tick).as_bytes())?,
    }
    if let Some(error) = &tick.error {
        output::note(format_args!("error: {error}"));
        return Ok(FAILED);
    }
    let would_change = tick.plan.as_ref().is_some_and(|plan| plan.verdict == Verdict::Act);
    Ok(if arguments.exit_code && would_change { WOULD_CHANGE } else { DONE })
}
