//! What expressions look back and ahead at, as it outlives a process.

use std::sync::PoisonError;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ahead::Ahead;
use super::{Kept, Past};
use crate::forecast::{Outlook, Record};
use crate::model::{ProcessGroup, Ring, SeriesKey, Timestamp};
use crate::ports::KeptSeries;

/// One series, as it is written.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    group: ProcessGroup,
    series: SeriesKey,
    #[serde(flatten)]
    what: T,
}

/// What is written of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// What a window holds, in milliseconds.
    Window(u64, Ring),
    /// What a forecast is made from, what it was worth, and when it was last measured.
    Forecast(Box<Record>, Box<Outlook>, Timestamp),
}

impl Past {
    /// All series, to be written down later; `None` where nothing looks back or ahead.
    pub(in crate::reconcile) fn to_kept(&self) -> Option<Vec<KeptSeries>> {
        let mut all = Vec::new();
        for (group, rings) in &self.rings {
            for ((series, window), kept) in rings {
                let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
                let ring = kept.ring.clone();
                let what = move || What::Window(window, ring);
                all.push(series_of(group, series, &format!("{window}ms"), what));
            }
        }
        for ((group, series), own) in &self.ahead {
            let ((record, outlook), newest) = (own.to_keep(), own.newest());
            let what = move || {
                // A copy, so that no tick waits for the text.
                let record = record.lock().unwrap_or_else(PoisonError::into_inner).clone();
                What::Forecast(Box::new(record), Box::new(outlook), newest)
            };
            all.push(series_of(group, series, "forecast", what));
        }
        (!all.is_empty()).then_some(all)
    }

    /// Takes up one series that an earlier process kept, if it is of the kind that is kept now.
    ///
    /// # Errors
    ///
    /// Where the text is none of a series.
    pub(in crate::reconcile) fn restore(
        &mut self,
        text: &str,
        now: Timestamp,
    ) -> Result<(), serde_json::Error> {
        let Written { group, series, what } = serde_json::from_str(text)?;
        match what {
            What::Window(window, ring) => {
                let window = Duration::from_millis(window);
                // Kept with another interval, or of a time that has not come: it is filled anew.
                if ring.fits(window, self.interval) && ring.samples(now).next().is_some() {
                    let kept = Kept { ring, is_filled: false };
                    self.rings.entry(group).or_default().insert((series, window), kept);
                }
            }
            What::Forecast(record, outlook, newest) => {
                if self.fits.is_some() && record.fits(self.interval) && newest <= now {
                    let own = Ahead::restored(*record, *outlook, newest);
                    self.ahead.insert((group, series), own);
                }
            }
        }
        Ok(())
    }
}

fn series_of(
    group: &ProcessGroup,
    series: &SeriesKey,
    kind: &str,
    what: impl FnOnce() -> What + Send + 'static,
) -> KeptSeries {
    let region = series.region.as_ref().map_or("-", |region| region.as_str());
    let name = format!("{group} {} {region} {kind}", series.metric);
    let (group, series) = (group.clone(), series.clone());
    let text = move || serde_json::to_string(&Written { group, series, what: what() }).ok();
    KeptSeries { name, text: Box::new(text) }
}
