//! `plan`: what the next tick would do, and why.

mod fleet;
mod reasons;
mod table;
mod text;

use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::config::FlagValues;
use fly_autoscaler::decide::Verdict;
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::model::AppSelection;
use fly_autoscaler::ports::{Clock, MachinesApi, Platform};
use fly_autoscaler::status::Tick;
use fly_autoscaler::telemetry::Metrics;

use crate::{
    COMMIT, DONE, FAILED, VERSION, WOULD_CHANGE, compose, configuration, keep, known, output,
};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: all of it as one object
    Json,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let loaded = configuration::load(&arguments.flags)?;
    let (doubts, warnings) = known::doubts(loaded.warnings);
    output::warnings(&warnings);
    let config = loaded.config;
    let token = config.require_api_token()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new(VERSION, COMMIT));
    let http = compose::http_client(compose::all_addresses(&config))?;
    let shared_for = compose::shared_for(&config);
    let collectors = compose::collectors(&config.collectors, &http, shared_for)?;
    let stop_metrics = compose::stop_metrics(&config, &http, shared_for)?;
    let fly = compose::fly(&config, token, http, Arc::clone(&clock), &metrics)?;
    let api: Arc<dyn MachinesApi> = Arc::<FlyClient>::clone(&fly);
    let platform: Arc<dyn Platform> = Arc::<FlyClient>::clone(&fly);
    let atlas = compose::atlas(&config, platform, Arc::clone(&clock), &metrics);
    let store = keep::looked_at(&config, clock.as_ref());
    let fits = compose::fits_at_once(Arc::clone(&clock));
    let scaling = compose::Scaling::new(&config, collectors, api, clock, store, metrics);
    let scaling = scaling.with_fits(fits);
    let scaling = scaling.with_atlas(atlas.clone()).with_stop_metrics(stop_metrics);
    let plans = async {
        if let Some(atlas) = &atlas {
            known::read(atlas, &doubts, config.timeout).await;
        }
        match &config.apps {
            AppSelection::One(app) => {
                Ok(vec![(app.clone(), scaling.of(app.clone()).preview().await)])
            }
            AppSelection::Matching { pattern, org } => {
                fleet::previews(&scaling, &fly, pattern, org, &config).await
            }
        }
    };
    let check = fly.check_token(&config.apps, config.org.as_deref());
    let (plans, token_warnings) = tokio::join!(plans, check);
    // Where Fly does not tell, there is nothing to say: what matters of it shows in the plan.
    for warning in token_warnings.unwrap_or_default() {
        output::note(format_args!("warning: {warning}"));
    }

    let plans = plans?;
    match (config.apps.one(), arguments.format) {
        (None, Format::Json) => output::json(&fleet::as_json(&plans))?,
        (None, Format::Text) => output::bytes(fleet::render(&config.apps, &plans).as_bytes())?,
        (Some(_), format) => {
            for (app, tick) in &plans {
                match format {
                    Format::Json => output::json(tick)?,
                    Format::Text => output::bytes(text::render(app, tick).as_bytes())?,
                }
            }
        }
    }
    let mut has_failed = false;
    for (app, tick) in &plans {
        let Some(error) = &tick.error else { continue };
        has_failed = true;
        if config.apps.one().is_some() {
            output::note(format_args!("error: {error}"));
        } else {
            output::note(format_args!("error: {app}: {error}"));
        }
    }
    let would_change = plans.iter().any(|(_, tick)| verdict(tick) == Some(Verdict::Act));
    Ok(match (has_failed, arguments.exit_code && would_change) {
        (true, _) => FAILED,
        (false, true) => WOULD_CHANGE,
        (false, false) => DONE,
    })
}

/// What the plan comes to, if there is one.
fn verdict(tick: &Tick) -> Option<Verdict> {
    tick.plan.as_ref().map(|plan| plan.verdict)
}

#[cfg(test)]
mod tests;
