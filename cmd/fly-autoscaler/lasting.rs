//! What stays while one configuration of a process follows another.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::{Config, Secret};
use fly_autoscaler::fleet::Roster;
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::model::AppSelection;
use fly_autoscaler::ports::{Clock, MachinesApi, Overview, Platform, StateStore};
use fly_autoscaler::reconcile::forecasts::Fits;
use fly_autoscaler::reconcile::{Atlas, Fills};
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport;
use tokio::sync::watch;

use crate::compose::{self, Scaling};

/// Connections, what is known of Fly, models, and all else that does not follow from the configuration alone.
pub(crate) struct Lasting {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) fly: Arc<FlyClient>,
    pub(crate) fits: Arc<Fits>,
    store: Arc<dyn StateStore>,
    fills: Fills,
    http: transport::Client,
    has_https: bool,
    /// Fly's regions, from the first configuration on that says anything of regions.
    atlas: watch::Sender<Option<Arc<Atlas>>>,
    /// What is known of the machines of many apps, and for how long one look serves all of them.
    roster: Option<(Duration, Arc<dyn Overview>)>,
}

impl Lasting {
    pub(crate) fn new(
        config: &Config,
        token: &Secret,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        store: Arc<dyn StateStore>,
    ) -> anyhow::Result<Self> {
        let has_https = compose::needs_https(compose::all_addresses(config));
        let http = compose::http_client(compose::all_addresses(config))?;
        Ok(Self {
            fly: compose::fly(config, token, http.clone(), Arc::clone(&clock), &metrics)?,
            clock,
            metrics,
            fits: Arc::default(),
            store,
            fills: Fills::default(),
            http,
            has_https,
            atlas: watch::Sender::new(None),
            roster: None,
        })
    }

    /// What scales apps by `config`. Where it cannot be made, nothing has changed.
    pub(crate) fn scaling(&mut self, config: &Config) -> anyhow::Result<Scaling> {
        let needs_https = compose::needs_https(compose::all_addresses(config));
        if needs_https && !self.has_https {
            self.http = compose::http_client(compose::all_addresses(config))?;
            self.has_https = true;
        }
        let shared_for = compose::shared_for(config);
        let collectors = compose::collectors(&config.collectors, &self.http, shared_for)?;
        let stop_metrics = compose::stop_metrics(config, &self.http, shared_for)?;
        let api: Arc<dyn MachinesApi> = Arc::<FlyClient>::clone(&self.fly);
        let (clock, metrics) = (Arc::clone(&self.clock), Arc::clone(&self.metrics));
        let scaling =
            Scaling::new(config, collectors, api, clock, Arc::clone(&self.store), metrics);
        Ok(scaling
            .with_stop_metrics(stop_metrics)
            .with_fits(Arc::clone(&self.fits))
            .with_fills(self.fills.clone())
            .with_atlas(self.atlas(config))
            .with_overview(self.overview(config)))
    }

    /// Fly's regions, where a configuration has ever asked for them.
    pub(crate) fn regions(&self) -> watch::Receiver<Option<Arc<Atlas>>> {
        self.atlas.subscribe()
    }

    fn atlas(&self, config: &Config) -> Option<Arc<Atlas>> {
        let known = self.atlas.borrow().clone();
        match &known {
            Some(atlas) => atlas.go_on_with(compose::named_regions(config).unwrap_or_default()),
            None => {
                let platform: Arc<dyn Platform> = Arc::<FlyClient>::clone(&self.fly);
                let clock = Arc::clone(&self.clock);
                let atlas = compose::atlas(config, platform, clock, &self.metrics);
                self.atlas.send_replace(atlas);
            }
        }
        self.atlas.borrow().clone()
    }

    /// What is known of many apps is kept for as long as the interval is the same, by which it is read.
    fn overview(&mut self, config: &Config) -> Option<Arc<dyn Overview>> {
        let AppSelection::Matching { org, .. } = &config.apps else { return None };
        let fresh_for = compose::shared_for(config)?;
        if self.roster.as_ref().is_none_or(|(known, _)| *known != fresh_for) {
            let organization = compose::organization(&self.fly, org);
            let roster = Roster::new(organization, Arc::clone(&self.metrics), fresh_for);
            self.roster = Some((fresh_for, Arc::new(roster)));
        }
        self.roster.as_ref().map(|(_, roster)| Arc::clone(roster))
    }
}

/// Keeps Fly's regions current beside the ticks, from when on anybody wants to know them.
pub(crate) async fn keep_current(mut regions: watch::Receiver<Option<Arc<Atlas>>>) {
    let atlas = regions.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
    match atlas {
        Some(atlas) => atlas.keep_current().await,
        None => future::pending().await,
    }
}
