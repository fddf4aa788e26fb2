//! What can be wrong with regions.

use crate::model::{Catalog, Region};

use super::var;

/// A mistake in where machines should run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum PlacementFault {
    #[error("`per-region` needs `regions`")]
    NoRegions,
    #[error("`{name}`: `{region}` is not in `regions`")]
    NotListed { name: String, region: Region, listed: Vec<Region> },
    #[error("`{name}`: `{region}` is in `excluded-regions`")]
    Excluded { name: String, region: Region },
    #[error("`max-machines` required where `regions` is auto")]
    AutoNeedsMax,
    #[error("`max-machines` is {max}, less than the {count} regions that are always running")]
    MaxBelowAlwaysRunning { max: u32, count: usize },
    #[error("`max-machines` is {max}, less than the `min-machines` of all regions together, {sum}")]
    MaxBelowRegions { max: u32, sum: u64 },
}

impl PlacementFault {
    /// What to do about it, where that can be told.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRegions => format!(
                "say which regions are scaled: `regions: [lhr, iad]` or {}=lhr,iad; `auto` stands for each with traffic or machines",
                var::FAS_REGIONS
            ),
            Self::NotListed { name, region, listed } => {
                let code = region.as_str();
                let catalog = Catalog::builtin();
                match nearest(code, listed) {
                    // A variable is right as a whole.
                    Some(near) => {
                        let upper = near.as_str().to_ascii_uppercase();
                        match name.strip_suffix(&code.to_ascii_uppercase()) {
                            Some(variable) => format!("did you mean {variable}{upper}?"),
                            None => format!("did you mean `{near}`?"),
                        }
                    }
                    None if catalog.get(region).is_some() => {
                        format!("add `{region}` to `regions`, or leave this out")
                    }
                    None => format!("did you mean `{}`?", catalog.meant_by(code)?),
                }
            }
            Self::Excluded { region, .. } => {
                format!("take `{region}` out of one of them: no machine may be there")
            }
            Self::AutoNeedsMax => format!(
                "set `max-machines` or {}: what traffic names may be many regions",
                var::FAS_MAX_MACHINES
            ),
            Self::MaxBelowAlwaysRunning { .. } | Self::MaxBelowRegions { .. } => {
                "raise `max-machines`, or ask for less".to_owned()
            }
        })
    }
}

/// The one of `listed` that differs in one letter, or in the order of two.
fn nearest<'a>(code: &str, listed: &'a [Region]) -> Option<&'a Region> {
    listed.iter().find(|own| strsim::damerau_levenshtein(code, own.as_str()) == 1)
}
