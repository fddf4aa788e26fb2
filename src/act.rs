//! STAGE 4: carries a plan out and reports what happened. Makes no choices.

mod cordon;
mod create;
mod intent;
pub mod outcome;
mod room;
pub mod under_way;

use std::collections::VecDeque;
use std::future::Future;

use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use crate::decide::{Action, Plan, Reason, ScopePlan, Verb};
use crate::model::{AppName, MachineId};
use crate::ports::{ErrorClass, Lease, MachinesApi};

use create::{Create, Created};
use room::Rooms;

pub use intent::intents;
pub use outcome::{ActionResult, Asked, Outcome, Skipped};
pub use under_way::UnderWay;

/// How actions are carried out.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What changes machines that others are kept from changing.
    pub leases: &'a [Lease],
    /// How many actions may be under way at once.
    pub concurrency: usize,
    /// Where those that are stand.
    pub under_way: &'a UnderWay,
    /// Whether scaling is paused. Asked before anything begins: an action, one in place of another, a create in
    /// the next region.
    pub is_paused: &'a (dyn Fn() -> bool + Send + Sync),
}

/// Carries out the actions of `plan` on these `terms`, and returns what became of each.
///
/// Where a start, a stop, a suspend or a cordon fails, the next machine in order takes its place, each once. A refused token,
/// a pause, or the completion of `deadline` keep further actions from beginning; those under way are awaited,
/// since each has a time limit of its own and an answer that nobody reads is a machine that nobody
/// counts.
pub async fn act(
    api: &dyn MachinesApi,
    app: &AppName,
    plan: &Plan,
    terms: Terms<'_>,
    mut deadline: impl Future<Output = ()> + Unpin,
) -> Vec<Outcome> {
    let mut queue = Queue::new(plan);
    let rooms = Rooms::default();
    let mut running = FuturesUnordered::new();
    let mut outcomes = Vec::new();
    // What comes before the actions may have used up the time.
    let mut stop = (&mut deadline).now_or_never().map(|()| Skipped::Deadline);
    let mut deadline = Some(deadline).filter(|_| stop.is_none());

    loop {
        while stop.is_none() && running.len() < terms.concurrency {
            if (terms.is_paused)() {
                stop = Some(Skipped::Paused);
                break;
            }
            let Some(job) = queue.next() else { break };
            running.push(job.run(api, app, terms, &rooms));
        }
        if running.is_empty() {
            break;
        }
        let finished = match deadline.take() {
            None => running.next().await,
            Some(waiting) => match select(waiting, running.next()).await {
                Either::Left(((), _)) => {
                    stop.get_or_insert(Skipped::Deadline);
                    continue;
                }
                Either::Right((finished, waiting)) => {
                    deadline = Some(waiting);
                    finished
                }
            },
        };
        let Some(outcome) = finished else { continue };
        if outcome.error().is_some_and(|error| error.class == ErrorClass::Authorization) {
            stop = Some(Skipped::Authorization);
        }
        if outcome.wants_spare() {
            queue.replace(&outcome);
        }
        outcomes.push(outcome);
    }
    drop(running);
    if let Some(skipped) = stop {
        let rest = queue.jobs.iter();
        outcomes.extend(rest.map(|job| job.ended(ActionResult::NotAttempted(skipped))));
    }
    outcomes
}

/// An action that waits for its turn.
struct Job<'a> {
    scope: &'a ScopePlan,
    action: &'a Action,
    reason: &'a Reason,
}

/// What is still to be done. Each scope's actions stay in their order, and the scopes take turns. Creates
/// come last: Fly grants one a second and app, so that those of one group would keep the others waiting,
/// tick after tick.
struct Queue<'a> {
    jobs: VecDeque<Job<'a>>,
    /// For each scope of the plan how many of its spares were used.
    used: Vec<usize>,
    plan: &'a Plan,
}

impl<'a> Queue<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut jobs: Vec<(usize, Job<'_>)> = Vec::new();
        for scope in &plan.scopes {
            jobs.extend(scope.actions.iter().enumerate().map(|(turn, planned)| {
                let (action, reason) = (&planned.action, &planned.reason);
                (turn, Job { scope, action, reason })
            }));
        }
        jobs.sort_by_key(|(turn, job)| (job.action.verb() == Verb::Create, *turn));
        let jobs = jobs.into_iter().map(|(_, job)| job).collect();
        Self { jobs, used: vec![0; plan.scopes.len()], plan }
    }

    fn next(&mut self) -> Option<Job<'a>> {
        self.jobs.pop_front()
    }

    /// Queues the next machine in order in place of the one that failed.
    fn replace(&mut self, failed: &Outcome) {
        let scopes = self.plan.scopes.iter().zip(&mut self.used);
        for (scope, used) in scopes.filter(|(scope, _)| scope.scope == failed.scope) {
            let Some(action) = scope.spares.get(*used) else { continue };
            // A machine that is stopped in the next tick after all is no reason to take a second one out
            // of rotation.
            let is_cordoned = failed.action.verb() != Verb::Cordon;
            if action.verb() == Verb::Cordon && is_cordoned && !failed.is_refused() {
                continue;
            }
            *used += 1;
            // Its reason is that of the action it stands in for. It may be a stop in place of a suspend.
            let alike = scope.actions.iter().find(|planned| planned.reason == failed.reason);
            if let Some(alike) = alike {
                self.jobs.push_front(Job { scope, action, reason: &alike.reason });
            }
        }
    }
}

impl Job<'_> {
    fn ended(&self, result: ActionResult) -> Outcome {
        Outcome {
            scope: self.scope.scope.clone(),
            action: self.action.clone(),
            reason: self.reason.clone(),
            result,
            asked: None,
            left_volumes: Vec::new(),
            refusals: Vec::new(),
        }
    }

    async fn run(
        self,
        api: &dyn MachinesApi,
        app: &AppName,
        terms: Terms<'_>,
        rooms: &Rooms,
    ) -> Outcome {
        let _listed = terms.under_way.begin(self.action);
        let lease_on = |id: &MachineId| terms.leases.iter().find(|lease| lease.machine == *id);
        let (answer, machine, region) = match self.action {
            Action::Create { create_id, regions, volumes, template, start } => {
                let group = &self.scope.scope.group;
                let create = Create { create_id, group, regions, volumes, template, start: *start };
                let Created { result, asked, left, refusals } =
                    create.run(api, app, rooms, terms.is_paused).await;
                return Outcome { asked, left_volumes: left, refusals, ..self.ended(result) };
            }
            Action::Start { machine, region } => {
                (api.start(app, machine, lease_on(machine)).await, machine, region)
            }
            Action::Stop { machine, region } => {
                (api.stop(app, machine, lease_on(machine)).await, machine, region)
            }
            Action::Suspend { machine, region } => {
                (api.suspend(app, machine, lease_on(machine)).await, machine, region)
            }
            Action::Cordon { machine, region, at } => {
                (cordon::on(api, app, machine, *at, lease_on(machine)).await, machine, region)
            }
            Action::Uncordon { machine, region } => {
                (cordon::off(api, app, machine, lease_on(machine)).await, machine, region)
            }
            Action::Destroy { machine, region, force } => {
                (api.destroy(app, machine, *force, lease_on(machine)).await, machine, region)
            }
        };
        self.ended(match answer {
            Ok(()) => ActionResult::Done { machine: machine.clone(), region: region.clone() },
            Err(error) if error.class == ErrorClass::Gone => ActionResult::Gone,
            Err(error) => ActionResult::Failed(error),
        })
    }
}
