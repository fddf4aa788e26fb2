//! What was measured, and the table of variables that expressions read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{GrowOnly, Region, Timestamp, text_newtype};

text_newtype! {
    /// The name under which expressions read a metric.
    MetricName
}

/// What one collector measured at one time: finite numbers only.
///
/// There is no default value by design: what could not be measured is an error, never a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// One number for the whole app.
    Plain {
        /// The number.
        value: f64,
        /// When the source says it was measured, if it says so.
        at: Option<Timestamp>,
    },
    /// One number for each region, from a collector with `by: region`. A region without a number is
    /// either absent or, where the source answered with something that is no number, an error.
    ByRegion {
        /// What was said for each region that was named. A region is in lower case, and has `_` for
        /// whatever cannot stand in the name of a variable.
        values: BTreeMap<Region, Result<f64, Arc<str>>>,
        /// When the source says the oldest of them was measured, if it says so.
        at: Option<Timestamp>,
    },
}

/// What a variable stands for in an expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// Known to be missing, where the user asked for that (`on-failure: nil`); `??` reads past it.
    Nil,
    /// Whether a condition of ours is true, such as `during(...)`.
    Truth(bool),
    /// Text, such as the variable `region`.
    Text(Arc<str>),
}

/// The variables of one scope in one tick.
///
/// A failed variable keeps why it failed, so that only the expressions that read it are held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VariableTable {
    variables: BTreeMap<Arc<str>, Result<Value, Arc<str>>>,
    /// Those by which nothing may be scaled down.
    grow_only: BTreeMap<Arc<str>, Arc<GrowOnly>>,
}

impl VariableTable {
    /// Sets a variable, replacing what it was.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: Value) {
        let name = name.into();
        self.grow_only.remove(&name);
        self.variables.insert(name, Ok(value));
    }

    /// Sets a variable to what stands for its value, by which nothing may be scaled down.
    pub fn set_to_grow(
        &mut self,
        name: impl Into<Arc<str>>,
        value: Value,
        grow_only: Arc<GrowOnly>,
    ) {
        let name = name.into();
        self.variables.insert(Arc::clone(&name), Ok(value));
        self.grow_only.insert(name, grow_only);
    }

    /// Why nothing may be scaled down by a variable, if so.
    #[must_use]
    pub fn grow_only(&self, name: &str) -> Option<&GrowOnly> {
        self.grow_only.get(name).map(AsRef::as_ref)
    }

    /// Notes that a variable could not be measured, and why.
    pub fn fail(&mut self, name: impl Into<Arc<str>>, why: impl Into<Arc<str>>) {
        let name = name.into();
        self.grow_only.remove(&name);
        self.variables.insert(name, Err(why.into()));
    }

    /// The value of a variable, why it has none, or `None` where the name is unknown.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Result<&Value, &str>> {
        self.variables.get(name).map(|value| value.as_ref().map_err(AsRef::as_ref))
    }

    /// All variables in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Result<&Value, &str>)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref().map_err(AsRef::as_ref)))
    }
}
