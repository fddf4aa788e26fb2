//! The configuration that a process goes by at the moment, for whoever shows it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;

use super::effective::EffectiveValue;
use crate::model::Timestamp;

/// What is in force, until it is read again. Clones share it.
#[derive(Debug, Clone)]
pub struct InForce(Arc<RwLock<Arc<Known>>>);

/// One configuration, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Known {
    /// Every value with its origin, secrets as `***`.
    pub values: Vec<EffectiveValue>,
    /// What works, but perhaps not as meant, each with its place and a hint.
    pub warnings: Vec<String>,
    /// Since when it is in force.
    pub loaded_at: Timestamp,
    /// How often apps tick.
    #[serde(skip)]
    pub interval: Duration,
}

impl InForce {
    /// Begins with `known`.
    #[must_use]
    pub fn new(known: Known) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(known))))
    }

    /// What is in force now.
    #[must_use]
    pub fn get(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has `known` in force from now on.
    pub fn replace(&self, known: Known) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }
}
