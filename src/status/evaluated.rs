//! How a number of machines came about, before any limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Arc<str>, Value>,
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
