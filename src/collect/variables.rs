//! From what samples were taken for to variables, with `unlisted-regions` applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Collected;
use super::memory::{Began, Inhabited, Presence};
use super::taken::{Figure, Number, Numbers, Taken};
use crate::model::{Catalog, MetricName, OnFailure, Region, Timestamp, Value, VariableTable};

/// Variables that come from the scope itself. No label of a metric may take their place.
const OF_THE_SCOPE: [&str; 4] =
    ["region", "created_machines", "started_machines", "stopped_machines"];

/// The regions of one process group, as far as its variables depend on them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Regions<'a> {
    /// Those that expressions may name: each has its variable, whether it was measured or not.
    pub named: &'a [Region],
    /// Those that are scaled.
    pub scaled: &'a [Region],
    /// With `unlisted-regions: nearest`, where the regions are: the value of one that is not scaled is added
    /// to that of the nearest that is.
    pub nearest: Option<&'a Catalog>,
    /// Those in which the group had machines when the first sample came
    /// ([`Memory::at_start`](super::Memory::at_start)); none where nothing is known of machines.
    pub at_start: Option<&'a Inhabited>,
    /// The time of the tick.
    pub now: Timestamp,
}

/// The variables of one process group, over all regions together and in each.
#[derive(Debug, Clone, PartialEq)]
pub struct Variables {
    app_wide: VariableTable,
    regional: Vec<Regional>,
}

/// One metric that is `by: region`.
#[derive(Debug, Clone, PartialEq)]
struct Regional {
    metric: MetricName,
    on_failure: OnFailure,
    /// All regions together.
    sum: Number,
    values: BTreeMap<Region, Number>,
    /// What a region has that is not among them.
    otherwise: Number,
}

impl Collected {
    /// The variables of a process group. The numbers of its machines are not among them.
    ///
    /// A metric has its name, and with `by: region` also `NAME_<region>` for each named region and each
    /// that was measured. No label can take the name of anything else.
    #[must_use]
    pub fn variables(&self, regions: &Regions<'_>) -> Variables {
        let mut table = VariableTable::default();
        let mut regional = Vec::new();
        for sampled in &self.samples {
            let (metric, taken) = (&sampled.metric, &sampled.taken);
            match &taken.numbers {
                Numbers::Plain(number) => {
                    settle(&mut table, metric.as_str(), number.clone(), taken.on_failure);
                }
                numbers => {
                    let mut own = Regional::of(metric, numbers, taken.on_failure, regions);
                    own.values.extend(
                        taken.given.iter().map(|(own, value)| (own.clone(), Ok((*value).into()))),
                    );
                    settle(&mut table, metric.as_str(), own.sum.clone(), own.on_failure);
                    regional.push(own);
                }
            }
        }
        // First what expressions can read, so that an odd label cannot stand in the way of it.
        for of_named in [true, false] {
            for own in &regional {
                // What belongs to no region has no variable of its own.
                let labelled =
                    own.values.iter().filter(|(region, _)| **region != Region::unlabelled());
                for (region, value) in labelled {
                    let name = format!("{}_{region}", own.metric);
                    let is_free =
                        table.get(&name).is_none() && !OF_THE_SCOPE.contains(&name.as_str());
                    if regions.named.contains(region) == of_named && is_free {
                        settle(&mut table, &name, value.clone(), own.on_failure);
                    }
                }
            }
        }
        Variables { app_wide: table, regional }
    }

    /// The regions for which a metric that `is_read` has another value than zero.
    pub fn busy(&self, is_read: impl Fn(&MetricName) -> bool) -> BTreeSet<Region> {
        let mut busy = BTreeSet::new();
        for sampled in self.samples.iter().filter(|sampled| is_read(&sampled.metric)) {
            let Taken { numbers, given, .. } = &sampled.taken;
            if let Numbers::Each { values, .. } = numbers {
                let measured = values.iter().filter(|(region, value)| {
                    matches!(value, Ok(own) if own.value != 0.0) && !given.contains_key(*region)
                });
                busy.extend(measured.map(|(region, _)| region.clone()));
            }
            let given = given.iter().filter(|(_, value)| **value != 0.0);
            busy.extend(given.map(|(region, _)| region.clone()));
        }
        busy
    }
}

impl Variables {
    /// Those over all regions: a metric that is `by: region` is the sum.
    #[must_use]
    pub fn app_wide(&self) -> &VariableTable {
        &self.app_wide
    }

    /// Those over all regions, without the rest.
    #[must_use]
    pub fn into_app_wide(self) -> VariableTable {
        self.app_wide
    }

    /// Those of `region`: a metric that is `by: region` is the region's own value, and `region` its code
    /// unless a metric has that name.
    #[must_use]
    pub fn of_region(&self, region: &Region) -> VariableTable {
        let mut table = self.app_wide.clone();
        if table.get("region").is_none() {
            table.set("region", Value::Text(Arc::from(region.as_str())));
        }
        for own in &self.regional {
            let value = own.values.get(region).unwrap_or(&own.otherwise).clone();
            settle(&mut table, own.metric.as_str(), value, own.on_failure);
        }
        table
    }
}

impl Regional {
    fn of(
        metric: &MetricName,
        numbers: &Numbers,
        on_failure: OnFailure,
        regions: &Regions<'_>,
    ) -> Self {
        let (mut values, otherwise, sum) = match numbers {
            Numbers::Plain(number) | Numbers::Alike(number) => {
                (BTreeMap::new(), number.clone(), number.clone())
            }
            // Each region has its own number, and nobody can tell which.
            Numbers::SumAlone(sum) => {
                let unset = Err(Arc::from("nothing has set it for this region"));
                let (metric, values) = (metric.clone(), BTreeMap::new());
                let sum = Ok((*sum).into());
                return Self { metric, on_failure, sum, values, otherwise: unset };
            }
            Numbers::Each { values, otherwise, began, absent_after } => {
                let mut values = values.clone();
                let lost = lost(&values, *began, *absent_after, on_failure, regions);
                let counts =
                    lost.iter().filter(|(_, (_, presence))| *presence == Presence::MayServe);
                let sum = values.values().chain(counts.map(|(_, (number, _))| number));
                let sum = sum.fold(Ok(0.0.into()), add);
                values.extend(lost.into_iter().map(|(region, (number, _))| (region, number)));
                if let Some(catalog) = regions.nearest {
                    take_in(&mut values, regions.scaled, catalog);
                }
                (values, Ok(otherwise.clone()), sum)
            }
        };
        for region in regions.named {
            values.entry(region.clone()).or_insert_with(|| otherwise.clone());
        }
        Self { metric: metric.clone(), on_failure, sum, values, otherwise }
    }
}

/// The regions that have had machines since the start and no series: nobody knows what they last had.
///
/// In the region's own scope that is so whatever the machines do: its series may count requests that are
/// sent elsewhere, and waiting costs nothing there but the wait. The sum, which would be without a number
/// for every such region, is spared those in which no machine runs: most apps have stopped machines
/// somewhere, so that each restart would keep the whole app from growing, for regions that could not have
/// served. They are as good as one without machines, which has always counted as 0.
fn lost(
    values: &BTreeMap<Region, Number>,
    began: Option<Began>,
    absent_after: Duration,
    on_failure: OnFailure,
    regions: &Regions<'_>,
) -> BTreeMap<Region, (Number, Presence)> {
    let Some(began) = began.filter(|own| own.at.is_within(absent_after, regions.now)) else {
        return BTreeMap::new();
    };
    let event = if began.is_return { "the metric came back" } else { "the start" };
    let at_start = regions.at_start;
    let without = at_start.into_iter().flatten().filter(|(own, _)| !values.contains_key(*own));
    let number = |(region, presence): (&Region, &Presence)| {
        let ago = regions.now.since(began.at).as_secs();
        let why = format!(
            "region {region} has machines but no series since {event} {ago}s ago; it counts as 0 after absent-after ({absent_after:?})"
        );
        let number = match on_failure {
            OnFailure::Number(number) => Ok(number.into()),
            _ => Err(Arc::from(why)),
        };
        (region.clone(), (number, *presence))
    };
    without.map(number).collect()
}

/// Adds the value of each region that is not among the `scaled` to that of the nearest which is. Where it
/// is not known where a region is, its value is in no other's.
fn take_in(values: &mut BTreeMap<Region, Number>, scaled: &[Region], catalog: &Catalog) {
    let others: Vec<(Region, Number)> = values
        .iter()
        .filter(|(region, _)| !scaled.contains(region))
        .filter_map(|(region, value)| {
            Some((catalog.nearest(region, scaled)?.clone(), value.clone()))
        })
        .collect();
    for (region, value) in others {
        let own = values.entry(region).or_insert(Ok(0.0.into()));
        *own = add(own.clone(), &value);
    }
}

/// Both together. One that failed fails the sum.
fn add(one: Number, other: &Number) -> Number {
    match (one?, other) {
        (one, Ok(other)) if (one.value + other.value).is_finite() => {
            let marks = one.grow_only.into_iter().chain(other.grow_only.clone());
            let grow_only = marks.min_by_key(|mark| mark.until);
            Ok(Figure { value: one.value + other.value, grow_only })
        }
        (_, Ok(_)) => Err(Arc::from("the sum of the regions is too large for a number")),
        (_, Err(why)) => Err(Arc::clone(why)),
    }
}

/// Sets one variable, with `on-failure` applied where there is no number.
fn settle(table: &mut VariableTable, name: &str, number: Number, on_failure: OnFailure) {
    match (number, on_failure) {
        (Ok(Figure { value, grow_only: None }), _) => table.set(name, Value::Number(value)),
        (Ok(Figure { value, grow_only: Some(mark) }), _) => {
            table.set_to_grow(name, Value::Number(value), mark);
        }
        (Err(_), OnFailure::Number(number)) => table.set(name, Value::Number(number)),
        (Err(_), OnFailure::Nil) => table.set(name, Value::Nil),
        (Err(why), OnFailure::Hold | OnFailure::Last | OnFailure::HoldScaleDown) => {
            table.fail(name, why);
        }
    }
}
