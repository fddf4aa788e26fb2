//! Deciding, with what only some decisions need: the volumes where a machine is to be created that mounts
//! one, the load of each machine where one is to leave. Most ticks do neither, so that nobody asks in vain.

use std::sync::Arc;

use futures::future::join_all;

use crate::decide::{History, Loads, Observed, Plan, Targets, Volumes, decide};
use crate::model::{ProcessGroup, Timestamp};
use crate::ports::LoadSource;
use crate::status::Tick;

use super::{Reconciler, ask};

impl Reconciler {
    /// Decides, and reads first what that takes. The machines were just read.
    pub(super) async fn decide(
        &mut self,
        tick: &mut Tick,
        observed: &mut Observed,
        targets: &Targets,
        history: &History,
        now: Timestamp,
    ) -> Plan {
        observed.volumes = Volumes::Unread;
        let plan = decide(observed, targets, history, now);
        let plan = if plan.needs_volumes() {
            observed.volumes = match ask(tick, self.adapters.api.list_volumes(&self.app)).await {
                Ok(volumes) => Volumes::Known(volumes),
                Err(error) => Volumes::Unreadable(error.to_string()),
            };
            decide(observed, targets, history, now)
        } else {
            plan
        };
        if self.read_loads(observed, &plan, now).await {
            decide(observed, targets, history, now)
        } else {
            plan
        }
    }

    /// Reads what the machines of each group have to do of which one is to leave, once in a tick. Whether
    /// anything was asked.
    async fn read_loads(&mut self, observed: &mut Observed, plan: &Plan, now: Timestamp) -> bool {
        let asked = plan.shrinking().into_iter().filter_map(|group| {
            let source = self.stop_metrics.get(group)?;
            (!observed.loads.contains_key(group)).then(|| (group.clone(), Arc::clone(source)))
        });
        let asked: Vec<(ProcessGroup, Arc<dyn LoadSource>)> = asked.collect();
        let answers = asked.iter().map(|(_, source)| source.loads(&self.app, now));
        let answers = join_all(answers).await;
        let is_news = !asked.is_empty();
        for ((group, _), answer) in asked.into_iter().zip(answers) {
            self.reporter.stop_metric(&group, answer.as_ref().err());
            let loads =
                answer.map_or_else(|error| Loads::Unreadable(error.to_string()), Loads::Known);
            observed.loads.insert(group, loads);
        }
        is_news
    }
}
