//! The configuration of this process, with what only those who use its values can judge.

use std::fmt;

use fly_autoscaler::config::{
    self, Config, EffectiveValue, FlagValues, Loaded, Origin, ProcessEnv, Secret, Warning,
};
use fly_autoscaler::http::Configured;
use fly_autoscaler::model::Timestamp;
use fly_autoscaler::transport::token::{Token, TokenError};

/// Reads the configuration and makes sure that its tokens can be sent. What they are good for only the
/// servers can say.
pub(crate) fn load(flags: &FlagValues) -> anyhow::Result<Loaded> {
    let loaded = config::load(flags, &ProcessEnv::read())?;
    let unusable = unusable_tokens(&loaded.config, &loaded.effective);
    if unusable.is_empty() { Ok(loaded) } else { Err(UnusableTokens(unusable).into()) }
}

/// What of a configuration, read at `now`, is shown over HTTP.
pub(crate) fn shown(
    config: &Config,
    warnings: &[Warning],
    values: Vec<EffectiveValue>,
    now: Timestamp,
) -> Configured {
    let warnings = warnings.iter().map(|own| own.notice.to_string()).collect();
    let token = config.http_token.clone();
    Configured { values, warnings, loaded_at: now, interval: config.interval, token }
}

/// The tokens that cannot be the value of a header, each with its key and where it was written. Printed
/// as the other mistakes of a configuration are.
#[derive(Debug)]
pub(crate) struct UnusableTokens(Vec<(String, Origin, TokenError)>);

impl std::error::Error for UnusableTokens {}

impl fmt::Display for UnusableTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, origin, error)) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "\n\n" })?;
            write!(f, "error: `{key}`: {error}\n  --> {origin}")?;
        }
        Ok(())
    }
}

fn unusable_tokens(
    config: &Config,
    effective: &[EffectiveValue],
) -> Vec<(String, Origin, TokenError)> {
    let api = config.api_token.iter().map(|token| ("api-token".to_owned(), token));
    let collectors = config.collectors.iter().enumerate().filter_map(|(index, collector)| {
        let key = format!("metric-collectors[{index}].token");
        collector.prometheus()?.token.as_ref().map(|token| (key, token))
    });
    let mistake = |(key, token): (String, &Secret)| {
        let error = Token::parse(token.as_secret_string()).err()?;
        let origin = effective.iter().find(|value| value.key == key)?.origin.clone();
        Some((key, origin, error))
    };
    api.chain(collectors).filter_map(mistake).collect()
}
