//! Deciding, with the volumes where that takes them: most ticks create nothing, and most machines mount
//! nothing, so that nobody asks for volumes in vain.

use crate::decide::{History, Observed, Plan, Targets, Volumes, decide};
use crate::model::Timestamp;
use crate::status::Tick;

use super::{Reconciler, is_trouble};

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
        tick.fly_failed = true;
        let volumes = self.adapters.api.list_volumes(&self.app).await;
        tick.fly_failed = volumes.as_ref().is_err_and(is_trouble);
        observed.volumes = match volumes {
            Ok(volumes) => Volumes::Known(volumes),
            Err(error) => Volumes::Unreadable(error.to_string()),
        };
        decide(observed, targets, history, now)
    }
}
