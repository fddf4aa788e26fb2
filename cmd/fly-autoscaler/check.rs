//! `check`: every mistake of the configuration, or what it comes to.

use std::cmp::min;
use std::fmt::Write as _;
use std::path::Path;

use fly_autoscaler::config::{Config, EffectiveValue, FlagValues, Loaded, Warning};
use fly_autoscaler::evaluate::Expression;

use crate::{DONE, WRONG_USAGE, configuration, output};

/// Longer values push their origin to the right, so that one query does not do it to all.
const WIDEST_VALUE: usize = 40;

pub(crate) fn run(flags: &FlagValues) -> anyhow::Result<u8> {
    let Loaded { config, warnings, effective, .. } = configuration::load(flags)?;
    output::bytes(text(&config, &effective).as_bytes())?;
    output::warnings(&warnings);
    if config.api_token.is_none() {
        output::note("note: no api token is set; `serve` and `plan` need one (FAS_API_TOKEN)");
    }
    if let Some(directory) = config.state.as_deref().and_then(Path::parent)
        && directory.is_absolute()
        && !directory.is_dir()
    {
        output::note(format_args!(
            "note: the directory {} of `state` does not exist here; on Fly it comes with a volume",
            directory.display()
        ));
    }
    if warnings.iter().any(Warning::is_error_in_check) {
        output::note("the configuration is not valid: a variable that is unknown sets nothing");
        return Ok(WRONG_USAGE);
    }
    output::note("the configuration is valid");
    Ok(DONE)
}

/// Each value with where it comes from, and what the expressions turned out to be.
fn text(config: &Config, effective: &[EffectiveValue]) -> String {
    let value = |own: &EffectiveValue| one_line(own.value.as_deref().unwrap_or("-"));
    let keys = effective.iter().map(|own| own.key.len()).max().unwrap_or_default();
    let values = effective.iter().map(|own| min(value(own).chars().count(), WIDEST_VALUE));
    let values = values.max().unwrap_or_default();
    let mut text = String::new();
    for own in effective {
        let origin = match &own.value {
            Some(_) => own.origin.to_string(),
            None => "not set".to_owned(),
        };
        let _ = writeln!(text, "{:keys$}  {:values$}  {origin}", own.key, value(own));
    }
    let expressions = expressions(config);
    if !expressions.is_empty() {
        text.push_str("\nexpressions\n");
    }
    let width = expressions.iter().map(|own| one_line(own.source()).chars().count()).max();
    let width = width.unwrap_or_default();
    for expression in expressions {
        let source = one_line(expression.source());
        let _ = writeln!(text, "  {source:width$}  {}", expression.language());
    }
    text
}

/// The expressions, each once: `started-machine-count` is both ends.
fn expressions(config: &Config) -> Vec<&Expression> {
    let mut distinct: Vec<&Expression> = Vec::new();
    for group in &config.groups {
        let regions = &group.per_region;
        for all in [&group.expressions, &regions.every].into_iter().chain(regions.own.values()) {
            let ends = [&all.created_min, &all.created_max, &all.started_min, &all.started_max];
            for expression in ends.into_iter().flatten() {
                if distinct.iter().all(|own| own.source() != expression.source()) {
                    distinct.push(expression);
                }
            }
        }
    }
    distinct
}

/// A query or an expression may be a block of several lines; a row is one.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
