//! The YAML: which text is meant, and reading it without trusting it.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::env::EnvSource;
use super::env_vars as var;
use super::error::{ConfigError, ConfigErrors, Notice, Warning};
use super::flags::FlagValues;
use super::mistake::Mistake;
use super::place::{Place, SourceText};
use super::yaml::MAX_BYTES;

/// The YAML text in force, if there is any: `--config`, else `FAS_CONFIG` or `FAS_CONFIG_YAML`.
pub(super) fn find(
    flags: &FlagValues,
    env: &dyn EnvSource,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Arc<SourceText>>, ConfigErrors> {
    let set = |name| env.get(name).filter(|value| !value.trim().is_empty());
    let (path, inline) = (set(var::FAS_CONFIG), set(var::FAS_CONFIG_YAML));
    if let Some(path) = &flags.config {
        if inline.is_some() {
            let variable = var::FAS_CONFIG_YAML;
            warnings.push(Warning { notice: Notice::FileWins { variable }, place: Place::Nowhere });
        }
        return read_file(path).map(Some);
    }
    match (path, inline) {
        (Some(_), Some(_)) => {
            Err(ConfigError { mistake: Mistake::TwoFiles, place: Place::Nowhere }.into())
        }
        (Some(path), None) => read_file(path).map(Some),
        (None, Some(text)) => as_source(var::FAS_CONFIG_YAML, text.as_bytes()).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_file(path: &str) -> Result<Arc<SourceText>, ConfigErrors> {
    let wrong = |mistake| at_file(path, mistake);
    if Path::new(path).is_dir() {
        return Err(wrong(Mistake::Directory));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large; /dev/zero has no end.
    let limit = MAX_BYTES as u64 + 1;
    std::fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| wrong(Mistake::Unreadable { why: error.to_string() }))?;
    as_source(path, &bytes)
}

fn as_source(name: &str, bytes: &[u8]) -> Result<Arc<SourceText>, ConfigErrors> {
    let wrong = |mistake| at_file(name, mistake);
    if bytes.len() > MAX_BYTES {
        return Err(wrong(Mistake::TooLarge { limit: MAX_BYTES }));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| wrong(Mistake::NotUtf8 { offset: error.valid_up_to() }))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    Ok(Arc::new(SourceText { name: name.to_owned(), text }))
}

fn at_file(name: &str, mistake: Mistake) -> ConfigErrors {
    ConfigError { mistake, place: Place::File(name.to_owned()) }.into()
}
