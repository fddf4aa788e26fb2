//! How a number of machines came about, before any limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Kind, Scope, Side, Value};

/// One expression of one scope, with what it read and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// For which scope.
    #[serde(flatten)]
    pub scope: Scope,
    /// Which number it is.
    pub kind: Kind,
    /// Which end of it; `None`: both, from one expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// As it was configured.
    pub expression: Arc<str>,
    /// What it read, by the text that stands for it in the expression: `traffic`, or
    /// `avg_over(traffic, "5m")`. What could not be read is not in it.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub values: Values,
    /// What it gave, before it was rounded; `None` where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gave: Option<f64>,
    /// The same as a number of machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What an expression read, by text, in alphabetical order. A map in JSON, and a short list in memory: there
/// is one of these for every expression of every app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values(Box<[(Arc<str>, Value)]>);

impl Values {
    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many values were read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What stood for `text`.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| **own == *text).map(|(_, value)| value)
    }

    /// Every text with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.0.iter().map(|(text, value)| (text, value))
    }

    /// The same, with values that can be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Arc<str>, &mut Value)> {
        self.0.iter_mut().map(|(text, value)| (&*text, value))
    }
}

impl FromIterator<(Arc<str>, Value)> for Values {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(pairs: I) -> Self {
        let mut pairs: Box<[_]> = pairs.into_iter().collect();
        pairs.sort_unstable_by(|(one, _): &(Arc<str>, Value), (next, _)| one.cmp(next));
        Self(pairs)
    }
}

impl<const N: usize> From<[(Arc<str>, Value); N]> for Values {
    fn from(pairs: [(Arc<str>, Value); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<Arc<str>, Value>::deserialize(deserializer)?.into_iter().collect())
    }
}
