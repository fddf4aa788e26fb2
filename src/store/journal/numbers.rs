//! The numbers in a tick, each under its name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::journal::{Line, Record};
use crate::model::{Kind, MetricName, Region, Scope, Side, Value};
use crate::status::Tick;

/// Which number a column holds. As JSON it is its name in the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Column {
    /// One that charts show.
    Shown(Line),
    /// What an expression read, or gave.
    Evaluated {
        /// Of which scope it is.
        scope: Scope,
        /// Which number of machines it is about.
        kind: Kind,
        /// Which end of it.
        side: Option<Side>,
        /// What was read; `None`: what it gave.
        name: Option<Arc<str>>,
    },
}

/// The same, pointing into a tick.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which<'a> {
    Metric(&'a MetricName, Option<&'a Region>),
    Target(&'a Scope, Kind, Side),
    Machines(&'a Scope, Kind),
    Evaluated(&'a Scope, Kind, Option<Side>, Option<&'a Arc<str>>),
}

impl Which<'_> {
    pub(super) fn column(self) -> Column {
        match self {
            Self::Metric(metric, region) => {
                Column::Shown(Line::Metric { metric: metric.clone(), region: region.cloned() })
            }
            Self::Target(scope, kind, side) => {
                let Scope { group, region } = scope.clone();
                Column::Shown(Line::Target { group, region, kind, side })
            }
            Self::Machines(scope, kind) => {
                let Scope { group, region } = scope.clone();
                Column::Shown(Line::Machines { group, region, kind })
            }
            Self::Evaluated(scope, kind, side, name) => {
                let (scope, name) = (scope.clone(), name.cloned());
                Column::Evaluated { scope, kind, side, name }
            }
        }
    }
}

/// Goes through the numbers of `tick`. Ticks that came to the same thing have the same ones, in the same
/// order.
pub(super) fn each_of_tick<'a>(tick: &'a Tick, mut each: impl FnMut(Which<'a>, f64)) {
    for own in &tick.samples {
        if let Some(value) = own.value {
            each(Which::Metric(&own.metric, None), value);
        }
        for (region, value) in &own.regions {
            each(Which::Metric(&own.metric, Some(region)), *value);
        }
    }
    for own in &tick.evaluated {
        for (name, value) in own.values.iter() {
            if let Value::Number(value) = value {
                each(Which::Evaluated(&own.scope, own.kind, own.side, Some(name)), *value);
            }
        }
        if let Some(value) = own.gave {
            each(Which::Evaluated(&own.scope, own.kind, own.side, None), value);
        }
    }
    for own in tick.plan.iter().flat_map(|plan| &plan.scopes) {
        for kind in [Kind::Created, Kind::Started] {
            each(Which::Machines(&own.scope, kind), own.observed.of(kind).into());
            let Some(targets) = own.targets else { continue };
            let bounds = targets.of(kind);
            for (side, target) in [(Side::Min, bounds.min), (Side::Max, bounds.max)] {
                if let Some(target) = target {
                    each(Which::Target(&own.scope, kind, side), target.into());
                }
            }
        }
    }
}

/// Goes through what was measured, and what expressions made of it: what may differ between ticks that came
/// to the same thing.
pub(super) fn each_measured(record: &mut Record, mut each: impl FnMut(Which<'_>, &mut f64)) {
    for own in &mut record.samples {
        if let Some(value) = &mut own.value {
            each(Which::Metric(&own.metric, None), value);
        }
        for (region, value) in &mut own.regions {
            each(Which::Metric(&own.metric, Some(region)), value);
        }
    }
    for own in &mut record.evaluated {
        for (name, value) in own.values.iter_mut() {
            if let Value::Number(value) = value {
                each(Which::Evaluated(&own.scope, own.kind, own.side, Some(name)), value);
            }
        }
        if let Some(value) = &mut own.gave {
            each(Which::Evaluated(&own.scope, own.kind, own.side, None), value);
        }
    }
}
