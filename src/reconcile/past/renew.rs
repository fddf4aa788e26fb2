//! The past under another configuration: what is still looked at goes on, the rest is asked for or forgotten.

use super::{Kept, Past, Wanted, collector_of};
use crate::model::SeriesKey;
use crate::reconcile::Group;
use crate::reconcile::forecasts::FitKey;

impl Past {
    /// Goes on from `old`, which served `old_groups`: takes up each series whose metric is measured as before
    /// and whose samples lie as far apart. Asks for no past that was asked for before.
    #[must_use]
    pub(in crate::reconcile) fn going_on_from(mut self, old: Self, old_groups: &[Group]) -> Self {
        let known = old.wants_of(old_groups);
        let Self { rings, wanted, asked, ahead, interval, collectors, .. } = old;
        let is_same = |name: &str| {
            let (then, now) =
                (collector_of(&collectors, name), collector_of(&self.collectors, name));
            then.zip(now).is_some_and(|(then, now)| now.measures_the_same(then))
        };
        let goes_on = |key: &SeriesKey| is_same(key.metric.as_str());
        let was_asked =
            |own: &Wanted| known.contains(own) && !wanted.contains(own) && is_same(own.0.as_str());
        self.wanted.retain(|own| !was_asked(own));
        self.asked = asked.into_iter().filter(|(own, _)| is_same(own.0.as_str())).collect();
        for (group, rings) in rings {
            let fits = |own: &Kept, window| own.ring.fits(window, self.interval);
            let rings = rings
                .into_iter()
                .filter(|((series, window), own)| goes_on(series) && fits(own, *window));
            self.rings.insert(group, rings.collect());
        }
        if interval == self.interval && self.fits.is_some() {
            let ahead = ahead.into_iter().filter(|((_, series), _)| goes_on(series));
            self.ahead = ahead.collect();
        }
        if let Some((app, fits)) = &self.fits {
            let is_kept =
                |key: &FitKey| self.ahead.contains_key(&(key.group.clone(), key.series.clone()));
            fits.retain(app, is_kept);
        }
        self
    }
}
