//! Acting under a lease, so that two scalers do not both create or both destroy.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::{Either, select};

use crate::act::Outcome;
use crate::decide::view::View;
use crate::decide::{Effect, History, Plan, Reason, Verb, guard_release};
use crate::model::{MachineId, ProcessGroup, Timestamp};
use crate::ports::{ApiError, ErrorClass, Lease};
use crate::status::{Tick, machine_counts};

use super::{Decided, Reconciler, is_trouble};

/// How long a lease lasts if this process dies before it gives it back: long enough for the creates of
/// a tick, short enough that nobody waits for a dead scaler. It also keeps the proxy from starting
/// that one machine meanwhile.
const LEASE_TTL: Duration = Duration::from_secs(30);

/// How long after a create the lease is still kept. Whoever takes it next reads the list, which lags by a
/// second or a few: by then it shows what was made. A lease that runs out by itself costs no waiting,
/// and a process that dies meanwhile forgets nothing that matters.
const KEPT_AFTER_CREATE: Duration = Duration::from_secs(5);

/// A lease that we have not given back but left to run out.
#[derive(Debug)]
pub(super) struct Kept {
    lease: Lease,
    until: Timestamp,
}

impl Reconciler {
    /// Takes the lease of each group that creates or destroys, so that two scalers (a standby, a deploy
    /// of the autoscaler itself) do not both do it. A group whose lease is not to be had is held. Once
    /// the app is paused, none is taken.
    pub(super) async fn take_leases(
        &self,
        tick: &mut Tick,
        decided: &mut Decided,
        history: &History,
    ) -> Vec<Lease> {
        let mut leases = Vec::new();
        for group in needing_lease(&decided.plan) {
            self.heed_pause(tick);
            if tick.paused {
                break;
            }
            let view = View::of_group(&decided.observed, &group, history, tick.at);
            let Some(machine) = oldest(&view).cloned() else { continue };
            let lease = self.take_lease(&machine).await;
            tick.fly_failed |= lease.as_ref().is_err_and(is_trouble);
            let reason = match lease {
                Ok(lease) => {
                    leases.push(lease);
                    continue;
                }
                Err(error) if error.class == ErrorClass::Conflict => {
                    Reason::LeaseHeld { message: error.to_string() }
                }
                Err(error) => Reason::LeaseFailed { message: error.to_string() },
            };
            decided.plan = decided.plan.clone().held_in(&group, &reason);
        }
        leases
    }

    /// Takes the lease of a machine, or goes on with the one that we still have.
    async fn take_lease(&self, machine: &MachineId) -> Result<Lease, ApiError> {
        let (api, app) = (&self.adapters.api, &self.app);
        let kept = self.kept_leases().find(|lease| lease.machine == *machine);
        if let Some(lease) = kept
            && api.keep_lease(app, lease, LEASE_TTL).await.is_ok()
        {
            return Ok(lease.clone());
        }
        api.acquire_lease(app, machine, LEASE_TTL).await
    }

    /// The leases that we have left to run out and that have not done so yet.
    pub(super) fn kept_leases(&self) -> impl Iterator<Item = &Lease> {
        let now = self.adapters.clock.now();
        self.kept.iter().filter(move |kept| now < kept.until).map(|kept| &kept.lease)
    }

    /// Gives the leases back, or keeps them for a while if machines were created under them.
    pub(super) async fn give_back(&mut self, leases: Vec<Lease>, outcomes: &[Outcome]) {
        if leases.is_empty() {
            return;
        }
        let (api, app, clock) = (&self.adapters.api, &self.app, &self.adapters.clock);
        let created = |outcome: &Outcome| matches!(outcome.effect(), Some(Effect::Created { .. }));
        let created = outcomes.iter().any(created);
        self.kept.retain(|kept| clock.now() < kept.until);
        for lease in leases {
            let before = self.kept.len();
            self.kept.retain(|kept| kept.lease.machine != lease.machine);
            let created_lately = self.kept.len() < before;
            if created || created_lately {
                // What cannot be shortened lasts as long as it was taken for.
                let kept = api.keep_lease(app, &lease, KEPT_AFTER_CREATE).await;
                let lasts = if kept.is_ok() { KEPT_AFTER_CREATE } else { LEASE_TTL };
                self.kept.push(Kept { lease, until: clock.now().plus(lasts) });
            } else {
                // A lease that cannot be given back runs out by itself; the machine may be gone with it.
                let _ = api.release_lease(app, &lease).await;
            }
        }
    }

    /// Decides again, or says why that failed, the end of the tick's time included.
    pub(super) async fn decide_again_within(
        &mut self,
        tick: &mut Tick,
        decided: &mut Decided,
        history: &History,
        deadline: &mut (impl Future<Output = ()> + Unpin),
    ) -> Result<(), String> {
        let before = std::mem::replace(&mut tick.fly_failed, true);
        let again = {
            let again = std::pin::pin!(self.decide_again(tick, decided, history));
            match select(again, deadline).await {
                Either::Left((again, _)) => Some(again),
                Either::Right(((), _)) => None,
            }
        };
        match again {
            Some(Ok(())) => {
                tick.fly_failed |= before;
                Ok(())
            }
            Some(Err(error)) => Err(error.to_string()),
            None => Err(self.too_slow(tick)),
        }
    }

    /// Reads the machines again under the lease: another scaler may have changed them before we got it.
    async fn decide_again(
        &mut self,
        tick: &mut Tick,
        decided: &mut Decided,
        history: &History,
    ) -> Result<(), ApiError> {
        let leased = needing_lease(&decided.plan);
        decided.observed.machines = self.adapters.api.list(&self.app).await?;
        tick.fly_failed = false;
        tick.machines = machine_counts(&decided.observed);
        let held: BTreeMap<ProcessGroup, Reason> = decided
            .plan
            .scopes
            .iter()
            .filter_map(|scope| {
                let lease = |reason: &&Reason| {
                    matches!(reason, Reason::LeaseHeld { .. } | Reason::LeaseFailed { .. })
                };
                Some((scope.scope.group.clone(), scope.reasons.iter().find(lease)?.clone()))
            })
            .collect();
        let now = self.adapters.clock.now();
        let (observed, targets) = (&mut decided.observed, &decided.targets);
        let mut plan = self.decide(tick, observed, targets, history, now).await;
        for (group, reason) in &held {
            plan = plan.held_in(group, reason);
        }
        // A group that had nothing to create or destroy before has no lease to do it under now.
        for group in needing_lease(&plan).difference(&leased) {
            let message = "the machines changed while other groups' leases were taken; the next tick asks for it";
            let message = message.to_owned();
            plan = plan.held_in(group, &Reason::LeaseFailed { message });
        }
        decided.plan = guard_release(plan, &decided.release, self.settings.release_timeout, now);
        Ok(())
    }
}

/// The groups in which machines would come into being or go: one lease serves all regions of a group.
fn needing_lease(plan: &Plan) -> BTreeSet<ProcessGroup> {
    plan.actions()
        .filter(|(_, planned)| matches!(planned.action.verb(), Verb::Create | Verb::Destroy))
        .map(|(scope, _)| scope.group.clone())
        .collect()
}

/// The machine of a group that every scaler would lease: the oldest of those that are still there, since
/// one that we have just destroyed has no lease to give, whatever the list says. The oldest, because
/// what is created under the lease must not take its place.
fn oldest<'a>(view: &View<'a>) -> Option<&'a MachineId> {
    let machines = view.machines.iter().map(|seen| seen.machine);
    machines.min_by_key(|machine| (machine.created_at, &machine.id)).map(|machine| &machine.id)
}
