//! Which regions Fly has, and which of ours it has not.

use std::error::Error;
use std::fmt;

use tracing::{debug, info, warn};

use crate::model::Region;
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// The list of Fly's regions could not be read.
#[derive(Debug, Clone, Copy)]
pub struct RegionListFailing<'a> {
    /// Why.
    pub error: &'a dyn Error,
    /// Whether it could be read before: then it is news.
    pub began: bool,
    /// Whether there is an earlier list of Fly's, and not only the one that comes with the program.
    pub is_current: bool,
}

impl RegionListFailing<'_> {
    /// Logs it, at `warn` when it is news.
    pub fn emit(&self, _: &Metrics) {
        let error = Chain(self.error);
        let next = if self.is_current {
            "the last list is used; tried again"
        } else {
            "the list that comes with the program is used; tried again"
        };
        if self.began {
            warn!(%error, next, "the list of Fly's regions cannot be read");
        } else {
            debug!(%error, next, "the list of Fly's regions still cannot be read");
        }
    }
}

/// The list of Fly's regions can be read again.
#[derive(Debug, Clone, Copy)]
pub struct RegionListRecovered;

impl RegionListRecovered {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        info!("the list of Fly's regions can be read again");
    }
}

/// The configuration names a region in which no machine can be had.
#[derive(Clone, Copy)]
pub struct RegionDoubtful<'a> {
    /// The region.
    pub region: &'a Region,
    /// What is wrong with it.
    pub text: &'a dyn fmt::Display,
}

impl RegionDoubtful<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { region, text } = *self;
        warn!(%region, %text, next = "nothing is created there", "a region of the configuration is not to be had");
    }
}

impl fmt::Debug for RegionDoubtful<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionDoubtful").field("region", self.region).finish_non_exhaustive()
    }
}
