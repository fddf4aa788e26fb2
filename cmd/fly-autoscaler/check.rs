//! `check`: every mistake of the configuration, or what it comes to.

use fly_autoscaler::config::{self, FlagValues, Loaded, ProcessEnv};

use crate::{DONE, WRONG_USAGE, output};

pub(crate) fn run(flags: &FlagValues) -> anyhow::Result<u8> {
    let Loaded { config, warnings, effective } = config::load(flags, &ProcessEnv::read())?;
    let width = effective.iter().map(|value| value.key.len()).max().unwrap_or_default();
    for value in &effective {
        let text = value.value.as_deref().unwrap_or("-");
        output::line(&format!("{:width$}  {text}  ({})", value.key, value.origin));
    }
    let expressions = config.groups.iter().flat_map(|group| {
        let all = &group.expressions;
        [&all.created_min, &all.created_max, &all.started_min, &all.started_max]
    });
    let mut seen = Vec::new();
    for expression in expressions.flatten() {
        if !seen.contains(&expression.source()) {
            seen.push(expression.source());
            output::note(format_args!(
                "expression `{}` is {}",
                expression.source(),
                expression.language()
            ));
        }
    }
    output::warnings(&warnings);
    if config.api_token.is_none() {
        output::note("note: no api token is set; `serve` and `plan` need one (FAS_API_TOKEN)");
    }
    if warnings.iter().any(config::Warning::is_error_in_check) {
        return Ok(WRONG_USAGE);
    }
    output::note("the configuration is valid");
    Ok(DONE)
}
