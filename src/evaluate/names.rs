//! The names that an expression may read, and the nearest one to a name that is unknown.

use std::cmp::max;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::{Place, Problem};
use crate::model::{Catalog, Region};

/// The variables that an expression may read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    known: BTreeSet<Arc<str>>,
    /// What those that hold text may be.
    texts: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// The metrics that have one value for each region.
    by_region: Vec<Arc<str>>,
    /// Those that are no metrics: no history is kept of them.
    counts: BTreeSet<Arc<str>>,
}

/// The variable of a region's expressions that holds its code.
const REGION: &str = "region";

impl Names {
    /// Exactly these names.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let known = names.into_iter().map(|name| Arc::from(name.as_ref())).collect();
        Self { known, ..Self::default() }
    }

    /// These, and `region`, which is one of the texts `codes`; unless a metric has that name.
    #[must_use]
    pub fn with_region(mut self, codes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        if self.known.insert(Arc::from(REGION)) {
            let codes = codes.into_iter().map(|code| Arc::from(code.as_ref())).collect();
            self.texts.insert(Arc::from(REGION), codes);
        }
        self
    }

    /// These, of which `metrics` have one value for each region: a region that has none is not listed.
    #[must_use]
    pub fn with_regional(mut self, metrics: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.by_region = metrics.into_iter().map(|metric| Arc::from(metric.as_ref())).collect();
        self
    }

    /// These, and `counts`, of which no history is kept; unless a metric has that name.
    #[must_use]
    pub fn with_counts(mut self, counts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for name in counts {
            let name: Arc<str> = Arc::from(name.as_ref());
            if self.known.insert(Arc::clone(&name)) {
                self.counts.insert(name);
            }
        }
        self
    }

    /// Whether functions may look back at `name`: it is a metric, or the value of one in a region.
    pub(super) fn has_history(&self, name: &str) -> bool {
        self.contains(name) && !self.counts.contains(name) && !self.texts.contains_key(name)
    }

    /// The region of Fly's that `name` is the value of a metric in.
    fn region_in<'n>(&self, name: &'n str) -> Option<&'n str> {
        let end = |metric: &Arc<str>| name.strip_prefix(metric.as_ref())?.strip_prefix('_');
        let mut codes = self.by_region.iter().filter_map(end);
        codes.find(|code| Catalog::builtin().get(&Region::new(*code)).is_some())
    }

    /// What `name` may be where it holds text; `None` where it holds a number.
    pub(super) fn texts(&self, name: &str) -> Option<&[Arc<str>]> {
        self.texts.get(name).map(Vec::as_slice)
    }

    /// Whether `name` may be read.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    /// The known name that `name` was probably meant to be, if one is near enough.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.known.iter().map(AsRef::as_ref))
    }

    /// The known names in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(AsRef::as_ref)
    }
}

/// What to say of a variable that no metric fills.
pub(super) fn unknown_variable(name: &str, place: Option<Place>, known: &Names) -> Problem {
    if let Some(code) = known.region_in(name) {
        let hint = format!("`{code}` is not in `regions`, and only regions that are have a value");
        let message = format!("unknown variable `{name}`");
        return Problem { message, place, hint: Some(hint) };
    }
    let is_code = known.texts.contains_key(REGION)
        && Catalog::builtin().get(&Region::new(name)).is_some()
        || known.texts.values().flatten().any(|text| text.as_ref() == name);
    let hint = match known.nearest(name) {
        _ if is_code => format!("text stands in quotes: `\"{name}\"`"),
        _ if name == "$env" => "write the name of a metric instead".to_owned(),
        _ if name == REGION => {
            "the region is known to expressions under `per-region`, one region at a time".to_owned()
        }
        Some(nearest) => did_you_mean(nearest),
        None => match known.iter().collect::<Vec<_>>().as_slice() {
            [] => "there are no metrics, so an expression can only be a number".to_owned(),
            few if few.len() <= 8 => format!("known are: {}", few.join(", ")),
            _ => "add a metric of this name, or read another".to_owned(),
        },
    };
    Problem { message: format!("unknown variable `{name}`"), place, hint: Some(hint) }
}

pub(super) fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// The one of `known` that differs least from `name`: by case alone, or by at most one letter in
/// three. Farther than that a suggestion confuses more than it helps.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = match name.chars().count() {
        0..=2 => 0,
        length => max(1, length / 3),
    };
    let lower = name.to_lowercase();
    known
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near_or_none() {
        let names = Names::new(["queue_depth", "latency", "x"]);
        assert_eq!(names.nearest("quue_depth"), Some("queue_depth"));
        assert_eq!(names.nearest("Queue_Depth"), Some("queue_depth"));
        assert_eq!(names.nearest("latnecy"), Some("latency"));
        assert_eq!(names.nearest("connections"), None);
        assert_eq!(names.nearest("y"), None);
        assert_eq!(Names::default().nearest("x"), None);
    }
}
