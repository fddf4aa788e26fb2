//! Seeing the machines: at a glance where something is known of many apps, closely before acting.

use std::sync::Arc;

use crate::decide::Observed;
use crate::model::{AppName, Machine, MachineId, Region, Timestamp};
use crate::ports::{ApiError, MachinesApi, Overview};

/// The machines of an app as a tick saw them, and how closely it looked.
pub(super) struct Seen {
    pub(super) observed: Observed,
    /// The app itself was asked, not only what is known of many.
    pub(super) is_close: bool,
}

/// Looks at the machines of one app.
pub(super) struct Observer {
    pub(super) app: AppName,
    pub(super) api: Arc<dyn MachinesApi>,
    pub(super) overview: Option<Arc<dyn Overview>>,
    pub(super) own_machine: Option<MachineId>,
}

impl Observer {
    /// What is known of the app without asking it; where that is nothing, what it says itself.
    ///
    /// `fly_failed` is set for as long as Fly has not answered: running out of time until then is its
    /// failure; from then on it is that of a metric, for which the next tick does not wait longer.
    pub(super) async fn look(
        &self,
        fly_failed: &mut bool,
        now: Timestamp,
    ) -> Result<Seen, ApiError> {
        let mut error_regions = Vec::new();
        if let Some(overview) = &self.overview {
            let glance = overview.look(&self.app, now).await;
            if let Some(machines) = glance.machines {
                let observed = self.observed(machines, glance.error_regions);
                return Ok(Seen { observed, is_close: false });
            }
            error_regions = glance.error_regions;
        }
        let observed = self.ask(fly_failed, error_regions, now).await?;
        Ok(Seen { observed, is_close: true })
    }

    /// What the app itself says, after a glance that showed something to do.
    pub(super) async fn look_closely(
        &self,
        fly_failed: &mut bool,
        glance: &Observed,
        now: Timestamp,
    ) -> Result<Observed, ApiError> {
        self.ask(fly_failed, glance.error_regions.clone(), now).await
    }

    async fn ask(
        &self,
        fly_failed: &mut bool,
        error_regions: Vec<Region>,
        now: Timestamp,
    ) -> Result<Observed, ApiError> {
        *fly_failed = true;
        let machines = self.api.list(&self.app).await;
        *fly_failed = machines.is_err();
        let machines = machines?;
        if let Some(overview) = &self.overview {
            overview.learn(&self.app, &machines, now);
        }
        Ok(self.observed(machines, error_regions))
    }

    fn observed(&self, machines: Vec<Machine>, error_regions: Vec<Region>) -> Observed {
        let own_machine = self.own_machine.clone();
        Observed { machines, own_machine, error_regions, ..Observed::default() }
    }
}
