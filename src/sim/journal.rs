//! What was asked of the simulator.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{AppName, MachineId, Timestamp};

use super::call::Endpoint;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// When it came.
    pub at: Timestamp,
    /// Which call.
    pub endpoint: Endpoint,
    /// The app that it was about.
    pub app: Option<AppName>,
    /// The machine that it was about.
    pub machine: Option<MachineId>,
    /// The status that it got; `None` where a fault left it without an answer.
    pub status: Option<u16>,
}

/// How many requests are remembered: enough for a test to read all, and no more memory than that in a
/// demo that runs for days.
const MAX_REQUESTS: usize = 100_000;

/// The last requests, and how many there were of each kind.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    requests: VecDeque<Request>,
    counts: BTreeMap<(Endpoint, Option<u16>), u64>,
}

impl Journal {
    pub(crate) fn record(&mut self, request: Request) {
        *self.counts.entry((request.endpoint, request.status)).or_default() += 1;
        if self.requests.len() == MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter()
    }

    /// How many requests of `endpoint` got `status`.
    pub(crate) fn count(&self, endpoint: Endpoint, status: Option<u16>) -> u64 {
        self.counts.get(&(endpoint, status)).copied().unwrap_or(0)
    }

    /// How many requests of `endpoint` there were.
    pub(crate) fn total(&self, endpoint: Endpoint) -> u64 {
        self.counts.iter().filter(|((of, _), _)| *of == endpoint).map(|(_, count)| count).sum()
    }
}
