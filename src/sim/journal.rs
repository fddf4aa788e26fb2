//! What was asked of the simulator.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{AppName, MachineId, Region, Timestamp};

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
    /// The region that it named.
    pub region: Option<Region>,
    /// The status that it got; `None` where a fault left it without an answer.
    pub status: Option<u16>,
}

/// How many requests are remembered: enough for a test to read all, and no more memory than that in a
/// demo that runs for days.
const MAX_REQUESTS: usize = 100_000;

/// How many requests there were of a kind, and how much was sent back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Their number.
    pub requests: u64,
    /// The bytes of the answers' bodies. An answer that a fault made up counts as empty.
    pub bytes: u64,
}

/// The last requests, and how many there were of each kind.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    requests: VecDeque<Request>,
    tallies: BTreeMap<(Endpoint, Option<u16>), Tally>,
}

impl Journal {
    pub(crate) fn record(&mut self, request: Request, bytes: usize) {
        let tally = self.tallies.entry((request.endpoint, request.status)).or_default();
        tally.requests += 1;
        tally.bytes += bytes as u64;
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
        self.tallies.get(&(endpoint, status)).map_or(0, |tally| tally.requests)
    }

    /// All that was counted, by endpoint and status.
    pub(crate) fn tallies(&self) -> &BTreeMap<(Endpoint, Option<u16>), Tally> {
        &self.tallies
    }

    /// How many requests of `endpoint` there were.
    pub(crate) fn total(&self, endpoint: Endpoint) -> u64 {
        let of_it = self.tallies.iter().filter(|((of, _), _)| *of == endpoint);
        of_it.map(|(_, tally)| tally.requests).sum()
    }
}
