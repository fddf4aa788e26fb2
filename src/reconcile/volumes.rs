//! Deciding, with the volumes where that takes them: most ticks create nothing, and most machines mount
//! nothing, so that nobody asks for volumes in vain.

use crate::decide::{History, Observed, Plan, Targets, Volumes, decide};
use crate::model::Timestamp;
use crate::status::Tick;

use super::{Reconciler, ask};

impl Reconciler {
    /// Decides, and reads the volumes first where that takes them. The machines were just read.
    pub(super) async fn decide(
        &self,
        tick: &mut Tick,
        observed: &mut Observed,
        targets: &Targets,
        history: &History,
        now: Timestamp,
    ) -> Plan {
        observed.volumes = Volumes::Unread;
        let plan = decide(observed, targets, history, now);
        if !plan.needs_volumes() {
            return plan;
        }
        observed.volumes = match ask(tick, self.adapters.api.list_volumes(&self.app)).await {
            Ok(volumes) => Volumes::Known(volumes),
            Err(error) => Volumes::Unreadable(error.to_string()),
        };
        decide(observed, targets, history, now)
    }
}
