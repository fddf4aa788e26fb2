//! `serve`: the daemon.

use std::future;
use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::config::{Config, FlagValues, Loaded, Warning};
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::http::{self, Sources};
use fly_autoscaler::journal::{EntryKind, Journal as _, Noted};
use fly_autoscaler::model::Timestamp;
use fly_autoscaler::ports::{Clock, MachinesApi, Platform};
use fly_autoscaler::reconcile::Atlas;
use fly_autoscaler::reconcile::forecasts::Fits;
use fly_autoscaler::status::Board;
use fly_autoscaler::store::JournalStore;
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::events::{TokenDoubtful, TokenFits, TokenUnchecked};
use fly_autoscaler::telemetry::{Metrics, logging};
use futures::FutureExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{COMMIT, DONE, VERSION, compose, configuration, keep, known};

pub(crate) async fn run(flags: &FlagValues) -> anyhow::Result<u8> {
    let Loaded { config, warnings, .. } = configuration::load(flags)?;
    let token = config.require_api_token()?;
    logging::init(config.log_format, config.verbose)?;
    let (doubts, warnings) = known::doubts(warnings);
    tell(&warnings);

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Metrics::new(VERSION, COMMIT).with_series_per_app(config.metrics_per_app);
    let metrics = Arc::new(metrics);
    let http = compose::http_client(compose::all_addresses(&config))?;
    let shared_for = compose::shared_for(&config);
    let collectors = compose::collectors(&config.collectors, &http, shared_for)?;
    let stop_metrics = compose::stop_metrics(&config, &http, shared_for)?;
    let api = compose::fly(&config, token, http, Arc::clone(&clock), &metrics)?;
    let supervisor = Supervisor::new(
        Arc::clone(&clock),
        Board::default(),
        Arc::clone(&metrics),
        config.interval,
        config.shutdown_timeout,
    );
    let sources = Sources {
        board: supervisor.board.clone(),
        metrics: Arc::clone(&metrics),
        clock: Arc::clone(&clock),
        interval: config.interval,
        version: VERSION,
    };
    let listener = listen(&config.listen).await?;
    announce(&config, &listener)?;

    let stop = CancellationToken::new();
    let signals = stop_on_signal(stop.clone())?;
    let checked = check_token(&config, Arc::clone(&api), Arc::clone(&metrics));
    let fly: Arc<dyn MachinesApi> = Arc::<FlyClient>::clone(&api);
    let platform: Arc<dyn Platform> = Arc::<FlyClient>::clone(&api);
    let atlas = compose::atlas(&config, platform, Arc::clone(&clock), &metrics);
    let kept = keep::Kept::new(&config, &clock, &metrics);
    let journal = keep::journal(&config, &clock, &metrics);
    journal.note(began(clock.now()));
    let supervisor = supervisor.with_journal(Arc::<JournalStore>::clone(&journal));
    let scaling =
        compose::Scaling::new(&config, collectors, fly, Arc::clone(&clock), kept.store(), metrics);
    let fits: Arc<Fits> = Arc::default();
    let scaling = scaling.with_fits(Arc::clone(&fits));
    let scaling = scaling.with_atlas(atlas.clone()).with_stop_metrics(stop_metrics);
    let apps = scaling.apps(&config, &api);
    let ticks = async {
        if let Some(atlas) = &atlas {
            atlas.first().await;
            if !atlas.catalog().is_current() {
                tell(&doubts);
            }
        }
        supervisor.run(apps, stop.clone()).await;
    };
    tokio::select! {
        () = ticks => {}
        () = keep_current(atlas.as_deref()) => {}
        () = fits.run(supervisor.clock.as_ref(), &supervisor.metrics) => {}
        () = checked.then(|()| future::pending()) => {}
        () = http::serve(listener, http::router(sources), future::pending()) => {}
        () = signals => {}
    }
    keep::close(&kept, &journal);
    info!("stopped");
    Ok(DONE)
}

/// That the process began, for the journal.
fn began(at: Timestamp) -> Noted {
    let text = format!("fly-autoscaler {VERSION} began");
    Noted { at, app: None, kind: EntryKind::Start, text }
}

fn tell(warnings: &[Warning]) {
    for warning in warnings {
        warn!("{warning}");
    }
}

/// Keeps Fly's regions current beside the ticks, where anybody wants to know them.
async fn keep_current(atlas: Option<&Atlas>) {
    match atlas {
        Some(atlas) => atlas.keep_current().await,
        None => future::pending().await,
    }
}

/// Binds the address. Where a machine has no IPv6, `[::]` is taken as all of IPv4.
async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    let bound = match (bound, address.strip_prefix("[::]:")) {
        (Err(error), Some(port)) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind(format!("0.0.0.0:{port}")).await
        }
        (bound, _) => bound,
    };
    bound.with_context(|| {
        format!("cannot listen on {address}; choose another address with `listen` (FAS_LISTEN)")
    })
}

fn announce(config: &Config, listener: &TcpListener) -> anyhow::Result<()> {
    info!(
        version = VERSION,
        commit = COMMIT,
        app = %config.apps,
        interval = ?config.interval,
        dry_run = config.dry_run,
        listen = %listener.local_addr()?,
        "fly-autoscaler started"
    );
    Ok(())
}

/// Says beside the first tick what speaks against the token. Whatever comes of it, the ticks go on.
async fn check_token(config: &Config, fly: Arc<FlyClient>, metrics: Arc<Metrics>) {
    let apps = &config.apps;
    match fly.check_token(apps, config.org.as_deref()).await {
        Ok(warnings) if warnings.is_empty() => TokenFits { apps }.emit(&metrics),
        Ok(warnings) => {
            for warning in &warnings {
                TokenDoubtful { apps, warning }.emit(&metrics);
            }
        }
        Err(error) => TokenUnchecked { apps, error: &error }.emit(&metrics),
    }
}

/// Requests the stop at the first signal, and ends at once at the second.
fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => info!("SIGINT received, stopping"),
            _ = terminate.recv() => info!("SIGTERM received, stopping"),
        }
        stop.cancel();
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        warn!("second signal received, not waiting any longer");
    })
}
