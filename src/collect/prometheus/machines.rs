//! What each machine has to do, for `stop-metric`: one series per machine.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Answered, PrometheusSource};
use crate::collect::no_answer_within;
use crate::model::{AppName, MachineId, Timestamp};
use crate::ports::{BoxFuture, LoadSource, SourceError};

/// A query whose answer is about single machines, each named by the label `instance`.
#[derive(Debug)]
pub struct MachineLoads {
    source: PrometheusSource,
    timeout: Duration,
}

impl MachineLoads {
    /// The loads that `source` knows. Asking may take `timeout`.
    #[must_use]
    pub fn new(source: PrometheusSource, timeout: Duration) -> Self {
        Self { source, timeout }
    }

    async fn ask(
        &self,
        app: &AppName,
        now: Timestamp,
    ) -> Result<BTreeMap<MachineId, f64>, SourceError> {
        let (query, answered) = self.source.answered(app, now).await?;
        self.by_machine(query, &answered)
    }

    /// The finite value of each machine. NaN and infinity say nothing of how much one has to do, and a
    /// machine of which nothing is said leaves last.
    fn by_machine(
        &self,
        query: String,
        answered: &Answered,
    ) -> Result<BTreeMap<MachineId, f64>, SourceError> {
        let Answered::Whole(series) = answered else { return Ok(BTreeMap::new()) };
        if series.is_empty() {
            return Err(SourceError::Empty { query });
        }
        let mut loads = BTreeMap::new();
        for one in series {
            let machine = one.instance.as_deref().map(machine_of).unwrap_or_default();
            if machine.is_empty() {
                return Err(self.source.garbled(
                    "a series without the label `instance`; use sum by (instance) (...)".into(),
                ));
            }
            if loads.insert(machine, one.point.finite().ok()).is_some() {
                let machine = self.source.clean(machine);
                return Err(self.source.garbled(format!(
                    "more than one series with the label `instance` of machine {machine}; use sum by (instance) (...)"
                )));
            }
        }
        let finite = loads.into_iter().filter_map(|(id, value)| Some((MachineId::new(id), value?)));
        Ok(finite.collect())
    }
}

impl LoadSource for MachineLoads {
    fn loads<'a>(
        &'a self,
        app: &'a AppName,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<BTreeMap<MachineId, f64>, SourceError>> {
        Box::pin(async move {
            tokio::time::timeout(self.timeout, self.ask(app, now)).await.unwrap_or_else(|_| {
                let message = no_answer_within(self.timeout);
                Err(SourceError::Unreachable { address: self.source.address.clone(), message })
            })
        })
    }
}

/// The machine that a label `instance` names: its id, perhaps with a port behind it.
fn machine_of(label: &str) -> &str {
    label.split_once(':').map_or(label, |(id, _)| id)
}
