//! One tick of one app: observe, collect, evaluate, decide, act, remember.

mod atlas;
mod ending;
mod flaps;
pub mod forecasts;
mod keep;
mod leases;
mod numbers;
mod observe;
mod parts;
mod past;
mod renew;
mod report;
mod volumes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, join3, select};

use crate::act::{Terms, UnderWay, act};
use crate::collect::{Collector, Memory, collect};
use crate::decide::{
    History, Observed, Plan, Reason, ReleaseState, Targets, Verdict, advice, guard_release,
};
use crate::model::{AppName, Catalog, Region, SeriesSize, TickOutcome, Timestamp};
use crate::ports::{ApiError, Lease, Measured, Overview};
use crate::status::{Pauses, Tick, machine_counts};

pub use atlas::{Atlas, DoubtfulRegion};
use ending::{ask, fly_failed, is_trouble, outcome_of};
use flaps::Flaps;
use forecasts::Fits;
use leases::Kept;
pub use numbers::{Facts, Gave, GroupNumbers, named_regions};
use observe::{Observer, Seen};
use parts::INTERVAL;
pub use parts::{Adapters, Group, Settings, StopMetrics};
pub use past::{Fills, Past};
use report::Reporter;

/// Brings one app's machines to what its expressions say, tick by tick.
pub struct Reconciler {
    app: AppName,
    collectors: Arc<[Collector]>,
    groups: Arc<[Group]>,
    settings: Settings,
    adapters: Adapters,
    /// What is known of the app without asking it, where it is one of many.
    overview: Option<Arc<dyn Overview>>,
    /// What tells the load of each group's machines, where that says in which order they leave.
    stop_metrics: StopMetrics,
    /// Fly's regions, where they matter; else those that come with the program.
    atlas: Option<Arc<Atlas>>,
    /// The regions that expressions may name: each has its variable in a collector that is `by: region`.
    named: Vec<Region>,
    memory: Memory,
    /// What was last kept of it.
    measured: Option<Measured>,
    /// Whether what an earlier process kept was looked for.
    has_recalled: bool,
    /// What expressions look back and ahead at.
    past: Past,
    /// When that was last kept.
    series_kept: Option<Timestamp>,
    fills: Fills,
    reporter: Reporter,
    flaps: Flaps,
    under_way: UnderWay,
    /// Leases of ours that run out by themselves.
    kept: Vec<Kept>,
    /// Who is not to be touched for now.
    pauses: Pauses,
}

/// The first half of a tick: what would be done.
struct Decided {
    observed: Observed,
    targets: Targets,
    plan: Plan,
    release: ReleaseState,
}

impl Reconciler {
    /// A reconciler for `app`. The reconcilers of many apps share collectors and groups.
    #[must_use]
    pub fn new(
        app: AppName,
        collectors: impl Into<Arc<[Collector]>>,
        groups: impl Into<Arc<[Group]>>,
        settings: Settings,
        adapters: Adapters,
    ) -> Self {
        let (collectors, groups) = (collectors.into(), groups.into());
        let reporter = Reporter::new(app.clone(), Arc::clone(&adapters.metrics));
        let named = named_regions(&groups);
        let past = Past::new(&groups, Arc::clone(&collectors), INTERVAL);
        Self {
            app,
            collectors,
            groups,
            settings,
            adapters,
            overview: None,
            stop_metrics: StopMetrics::default(),
            atlas: None,
            named,
            memory: Memory::default(),
            measured: None,
            has_recalled: false,
            past,
            series_kept: None,
            fills: Fills::default(),
            reporter,
            flaps: Flaps::default(),
            under_way: UnderWay::default(),
            kept: Vec::new(),
            pauses: Pauses::default(),
        }
    }

    /// The same reconciler, which asks the app itself only where `overview` does not tell enough.
    #[must_use]
    pub fn with_overview(mut self, overview: Arc<dyn Overview>) -> Self {
        self.overview = Some(overview);
        self
    }

    /// The same reconciler, which knows Fly's regions from `atlas`.
    #[must_use]
    pub fn with_atlas(mut self, atlas: Arc<Atlas>) -> Self {
        self.atlas = Some(atlas);
        self
    }

    /// The same reconciler, in which the machines of each group in `metrics` leave in the order of their
    /// load.
    #[must_use]
    pub fn with_stop_metrics(mut self, metrics: StopMetrics) -> Self {
        self.stop_metrics = metrics;
        self
    }

    /// The same reconciler, whose ticks are one `interval` apart, and which asks for the past of metrics in
    /// turn with all others that share `fills`.
    #[must_use]
    pub fn with_ticks_apart(mut self, interval: Duration, fills: Fills) -> Self {
        self.past = Past::new(&self.groups, Arc::clone(&self.collectors), interval);
        self.fills = fills;
        self
    }

    /// The same reconciler, with `fits` for what its expressions look ahead at. To be said after
    /// [`Reconciler::with_ticks_apart`].
    #[must_use]
    pub fn with_forecasts(mut self, fits: Arc<Fits>) -> Self {
        self.past = self.past.with_forecasts(self.app.clone(), &self.groups, fits);
        self
    }

    /// The same reconciler, which does nothing while `pauses` has its app.
    #[must_use]
    pub fn with_pauses(mut self, pauses: Pauses) -> Self {
        self.pauses = pauses;
        self
    }

    /// Fly's regions, as far as they are known by now.
    fn catalog(&self) -> Arc<Catalog> {
        let builtin = || Arc::clone(Catalog::builtin());
        self.atlas.as_ref().map_or_else(builtin, |atlas| atlas.catalog())
    }

    /// The app.
    #[must_use]
    pub fn app(&self) -> &AppName {
        &self.app
    }

    /// Drops everything that is kept of the app, which is no longer scaled.
    pub fn forget(self) {
        self.past.forget();
        self.adapters.store.forget(&self.app);
        self.adapters.metrics.forget(&self.app);
        if let Some(overview) = &self.overview {
            overview.forget(&self.app);
        }
    }

    /// The actions that are under way, at any time.
    #[must_use]
    pub fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    /// Runs one tick, up to and including its actions.
    pub async fn tick(&mut self) -> Tick {
        let tick = self.begin();
        let history = self.recall(tick.at);
        self.run(tick, history).await
    }

    /// The same between two ticks, for somebody who does not want to wait for the next one. It adds no wish for a
    /// large destroy: that such wishes are an interval apart is what the brake is about.
    pub async fn tick_between(&mut self) -> Tick {
        let tick = self.begin();
        let mut history = self.recall(tick.at);
        history.repeat_wishes();
        self.run(tick, history).await
    }

    async fn run(&mut self, mut tick: Tick, mut history: History) -> Tick {
        let mut deadline = Box::pin(tokio::time::sleep(self.settings.timeout));

        match self.plan_within(&mut tick, &history, &mut deadline).await {
            Err(error) => {
                // A tick that cannot see breaks the row of wishes for a large destroy.
                history.large_destroy_wishes.clear();
                tick.error = Some(error);
            }
            Ok(decided) => {
                self.heed_pause(&mut tick);
                let plan = if tick.dry_run {
                    decided.plan
                } else {
                    self.carry_out(&mut tick, decided, &history, deadline).await
                };
                let plan = plan.held_since(&history, tick.at);
                history = plan.next.clone();
                let now = self.adapters.clock.now();
                tick.outcomes.iter().for_each(|outcome| outcome.remember(&mut history, now));
                tick.plan = Some(plan);
            }
        }
        if tick.paused {
            // Of these wishes nothing could come: after the pause the row begins anew.
            history.large_destroy_wishes.clear();
        }
        self.keep(history);
        if let Some(overview) = self.overview.as_ref().filter(|_| !tick.outcomes.is_empty()) {
            // What was known before is no longer so.
            overview.forget(&self.app);
        }
        self.flaps.note(&tick.outcomes, self.adapters.clock.now());
        tick.outcome = outcome_of(&tick);
        tick.fly_failed |= fly_failed(&tick.outcomes);
        self.reporter.ended(&tick, self.adapters.clock.now());
        tick
    }

    /// Runs a tick up to its last step: what the next one would do, and why. Changes nothing.
    pub async fn preview(&mut self) -> Tick {
        // A process that has just begun holds the regions that have machines and no series until it knows
        // that they have not just lost it. Who asks for a preview wants to know what the scaler does that
        // has been running for long, for which such a region counts as 0. Where that one has kept what it
        // knows, that counts.
        let mut tick = self.begin();
        tick.dry_run = true;
        let history = self.recall(tick.at);
        self.memory.starts_with(BTreeMap::new());
        let mut deadline = Box::pin(tokio::time::sleep(self.settings.timeout));
        match self.plan_within(&mut tick, &history, &mut deadline).await {
            Ok(decided) => tick.plan = Some(decided.plan.held_since(&history, tick.at)),
            Err(error) => tick.error = Some(error),
        }
        tick.outcome = outcome_of(&tick);
        tick
    }

    /// Notes that the app is paused. A tick that began so stays so: what it shows is one thing.
    fn heed_pause(&self, tick: &mut Tick) {
        if self.pauses.has(&self.app) {
            (tick.paused, tick.dry_run) = (true, true);
        }
    }

    fn begin(&self) -> Tick {
        let mut tick = Tick {
            at: self.adapters.clock.now(),
            outcome: TickOutcome::Failed,
            dry_run: self.settings.dry_run,
            paused: false,
            samples: Vec::new(),
            machines: Vec::new(),
            history: SeriesSize::default(),
            evaluated: Vec::new(),
            plan: None,
            outcomes: Vec::new(),
            advice: Vec::new(),
            error: None,
            fly_failed: false,
        };
        self.heed_pause(&mut tick);
        tick
    }

    /// Observes, collects, evaluates and decides, or says why there is no plan.
    async fn plan_within(
        &mut self,
        tick: &mut Tick,
        history: &History,
        deadline: &mut (impl Future<Output = ()> + Unpin),
    ) -> Result<Decided, String> {
        let planned = {
            let planned = std::pin::pin!(self.plan(tick, history));
            match select(planned, deadline).await {
                Either::Left((planned, _)) => Some(planned),
                Either::Right(((), _)) => None,
            }
        };
        match planned {
            Some(planned) => planned.map_err(|error| error.to_string()),
            None => Err(self.too_slow(tick)),
        }
    }

    /// Why the time was over before anything could be done.
    fn too_slow(&self, tick: &Tick) -> String {
        let timeout = self.settings.timeout;
        let why =
            if tick.fly_failed { "Fly had not answered" } else { "a metric was not there in time" };
        format!("the tick took longer than its timeout of {timeout:?}: {why}")
    }

    async fn plan(&mut self, tick: &mut Tick, history: &History) -> Result<Decided, ApiError> {
        let now = tick.at;
        let observer = self.observer();
        let (seen, collected, unread) = join3(
            observer.look(&mut tick.fly_failed, now),
            collect(&self.collectors, &self.app, &mut self.memory, now),
            self.past.fetch(&self.app, &self.fills, now),
        )
        .await;
        self.reporter.past_unread(&unread);
        tick.samples = report::samples(&self.collectors, &collected);
        self.reporter.collected(&collected, &self.catalog(), now);
        let Seen { mut observed, is_close } = seen?;
        if self.memory.has_just_begun() {
            self.memory.starts_with(self.inhabited(&observed, history, now));
        }
        let mut targets = self.evaluate(tick, &collected, &observed, history);
        let mut plan = self.decide(tick, &mut observed, &targets, history, now).await;
        if !is_close && (plan.verdict == Verdict::Act || plan.needs_configs()) {
            let loads = std::mem::take(&mut observed.loads);
            observed = observer.look_closely(&mut tick.fly_failed, &observed, now).await?;
            observed.loads = loads;
            targets = self.evaluate(tick, &collected, &observed, history);
            plan = self.decide(tick, &mut observed, &targets, history, now).await;
        }
        tick.machines = machine_counts(&observed);
        tick.advice = advice(&observed, &targets, history, now);
        tick.advice.extend(self.flaps.advice());
        tick.history = self.past.size();
        self.reporter.observed(&observed);
        self.reporter.remembered(tick.history);
        self.adapters.metrics.set_forecasts(&self.app, &self.past.forecasts(now));
        let release = match plan.verdict {
            Verdict::Act => self.read_release(tick).await,
            Verdict::Quiet | Verdict::Hold => ReleaseState::Ignored,
        };
        let plan = guard_release(plan, &release, self.settings.release_timeout, tick.at);
        Ok(Decided { observed, targets, plan, release })
    }

    fn observer(&self) -> Observer {
        Observer {
            app: self.app.clone(),
            api: Arc::clone(&self.adapters.api),
            overview: self.overview.clone(),
            own_machine: self.settings.own_machine.clone(),
        }
    }

    /// Asked for only when there is something to do.
    async fn read_release(&self, tick: &mut Tick) -> ReleaseState {
        if !self.settings.release_guard {
            return ReleaseState::Ignored;
        }
        match ask(tick, self.adapters.api.current_release(&self.app)).await {
            Ok(Some(release)) => ReleaseState::Known(release),
            Ok(None) => ReleaseState::None,
            Err(error) => ReleaseState::Unreadable(error.to_string()),
        }
    }

    /// Acts on the plan, under leases where machines come or go; gives the plan that was acted on.
    async fn carry_out(
        &mut self,
        tick: &mut Tick,
        mut decided: Decided,
        history: &History,
        mut deadline: impl Future<Output = ()> + Unpin,
    ) -> Plan {
        let mut leases = Vec::new();
        if decided.plan.creates_or_destroys() {
            leases = self.take_leases(tick, &mut decided, history).await;
            if !leases.is_empty()
                && !tick.paused
                && let Err(message) =
                    self.decide_again_within(tick, &mut decided, history, &mut deadline).await
            {
                tick.error = Some(message.clone());
                decided.plan = decided.plan.held(&Reason::LeaseFailed { message });
            }
        }
        // To get here may have taken seconds.
        self.heed_pause(tick);
        if decided.plan.verdict == Verdict::Act && !tick.dry_run {
            self.keep_intents(&decided.plan).await;
            // So may that, on a slow disk.
            self.heed_pause(tick);
        }
        if decided.plan.verdict == Verdict::Act && !tick.dry_run {
            let usable: Vec<Lease> = leases.iter().chain(self.kept_leases()).cloned().collect();
            let terms = Terms {
                leases: &usable,
                concurrency: self.settings.action_concurrency,
                under_way: &self.under_way,
                is_paused: &|| self.pauses.has(&self.app),
            };
            let api = self.adapters.api.as_ref();
            tick.outcomes = act(api, &self.app, &decided.plan, terms, deadline).await;
        }
        self.give_back(leases, &tick.outcomes).await;
        decided.plan
    }
}
