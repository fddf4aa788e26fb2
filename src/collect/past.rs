//! What was measured and nothing else, now and earlier: what functions that look back may take in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::absent::{LastSeen, RegionValues, fill_absent};
use super::taken::Numbers;
use super::variables::Regions;
use super::{Collected, Collector};
use crate::model::{OnFailure, Region, Sample, SeriesKey, Timestamp};

/// What one collector measured at several times, oldest first.
pub type Steps = Vec<(Timestamp, Sample)>;

impl Collected {
    /// The same without what stands in for failed samples: those fail, whatever `on-failure` says. What
    /// `empty` means is as good as measured.
    #[must_use]
    pub fn measured(&self) -> Self {
        let mut own = self.clone();
        for sampled in &mut own.samples {
            let taken = &mut sampled.taken;
            taken.on_failure = OnFailure::Hold;
            match (&sampled.outcome, &mut taken.numbers) {
                (Err(_), _) if sampled.is_empty_meant => {}
                (Err(error), Numbers::Plain(number)) => *number = Err(Arc::from(error.to_string())),
                (Err(error), numbers) => {
                    *numbers = Numbers::Alike(Err(Arc::from(error.to_string())));
                }
                (Ok(Sample::ByRegion { values, .. }), Numbers::Each { values: taken, .. }) => {
                    let failed = values.iter().filter_map(|(region, value)| {
                        Some((region.clone(), Err(Arc::clone(value.as_ref().err()?))))
                    });
                    taken.extend(failed);
                }
                (Ok(_), _) => {}
            }
        }
        own
    }

    /// Whose past the variable `name` has in the expressions of `region` (`None`: those over all regions);
    /// `None` where it is not measured.
    #[must_use]
    pub fn series_of(&self, name: &str, region: Option<&Region>) -> Option<SeriesKey> {
        let is_regional = |numbers: &Numbers| !matches!(numbers, Numbers::Plain(_));
        if let Some(own) = self.samples.iter().find(|own| own.metric.as_str() == name) {
            let region = region.filter(|_| is_regional(&own.taken.numbers)).cloned();
            return Some(SeriesKey { metric: own.metric.clone(), region });
        }
        let regional = self.samples.iter().filter(|own| is_regional(&own.taken.numbers));
        let mut of_regions = regional.filter_map(|own| {
            let region = name.strip_prefix(own.metric.as_str())?.strip_prefix('_')?;
            Some(SeriesKey { metric: own.metric.clone(), region: Some(Region::new(region)) })
        });
        of_regions.next()
    }

    /// Whether a number was given in place of what would be measured, as by `eval --var`.
    #[must_use]
    pub fn is_given(&self, series: &SeriesKey) -> bool {
        self.samples.iter().filter(|own| own.metric == series.metric).any(|own| {
            match &series.region {
                None => own.is_given,
                Some(region) => own.is_given || own.taken.given.contains_key(region),
            }
        })
    }
}

/// The values of `series` in the past that `steps` of `collector` tell of, as the expressions of a group
/// with these `regions` would have read them. What failed is left out, and so is a step without any
/// series: whether `empty` would have been said then, or the source was away, the past does not tell.
#[must_use]
pub fn values_of(
    series: &SeriesKey,
    steps: &Steps,
    collector: &Collector,
    regions: &Regions<'_>,
) -> Vec<(Timestamp, f64)> {
    let mut seen = LastSeen::new();
    let mut values = Vec::with_capacity(steps.len());
    for (at, sample) in steps {
        let value = match sample {
            Sample::Plain { value, .. } => Some(*value),
            Sample::ByRegion { values: own, .. } => {
                let (filled, remembered) =
                    fill_absent(&seen, own, *at, collector.absent_after, Duration::ZERO);
                seen = remembered;
                in_region(series.region.as_ref(), &filled, regions)
            }
        };
        values.extend(value.filter(|value| value.is_finite()).map(|value| (*at, value)));
    }
    values
}

/// The value in `region`, with those of the regions that it takes in, or the sum of all.
fn in_region(region: Option<&Region>, values: &RegionValues, regions: &Regions<'_>) -> Option<f64> {
    let counts = |other: &Region| match (region, regions.nearest) {
        (None, _) => true,
        (Some(region), _) if other == region => true,
        (Some(region), Some(catalog)) if !regions.scaled.contains(other) => {
            catalog.nearest(other, regions.scaled) == Some(region)
        }
        (Some(_), _) => false,
    };
    let own: BTreeMap<_, _> = values.iter().filter(|(other, _)| counts(other)).collect();
    own.into_values().try_fold(0.0, |sum, value| Some(sum + value.as_ref().ok()?))
}
