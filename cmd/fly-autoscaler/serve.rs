//! `serve`: the daemon.

use std::future;
use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::config::{Config, Effective, FlagValues, Loaded, Warning};
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::http::{self, Sources};
use fly_autoscaler::journal::{EntryKind, Journal as _, Noted};
use fly_autoscaler::model::Timestamp;
use fly_autoscaler::ports::Clock;
use fly_autoscaler::status::Board;
use fly_autoscaler::store::JournalStore;
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::events::{TokenDoubtful, TokenFits, TokenUnchecked};
use fly_autoscaler::telemetry::{Metrics, logging};
use futures::FutureExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::lasting::{self, Lasting};
use crate::reload::{InForce, Reload, Watched};
use crate::{COMMIT, DONE, VERSION, configuration, keep, known};

pub(crate) async fn run(flags: &FlagValues) -> anyhow::Result<u8> {
    // Before it is read: what changes meanwhile is found by the first look.
    let watched = Watched::of(flags);
    let Loaded { config, warnings, effective, hidden } = configuration::load(flags)?;
    let token = config.require_api_token()?;
    let verbosity = logging::init(config.log_format, config.verbose)?;
    let hangups = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let values = effective.clone();
    let configured = configuration::shown(&config, &warnings, values, clock.now());
    let configured = watch::Sender::new(Arc::new(configured));
    let (doubts, certain) = known::doubts(warnings.clone());
    tell(&certain);

    let metrics = Metrics::new(VERSION, COMMIT).with_series_per_app(config.metrics_per_app);
    let metrics = Arc::new(metrics);
    let listener = listen(&config.listen).await?;
    let kept = keep::Kept::new(&config, &clock, &metrics);
    let mut lasting =
        Lasting::new(&config, token, Arc::clone(&clock), Arc::clone(&metrics), kept.store())?;
    let apps = lasting.scaling(&config)?.apps(&config, &lasting.fly);
    let supervisor = Supervisor::new(
        Arc::clone(&clock),
        Board::default(),
        Arc::clone(&metrics),
        config.interval,
        config.shutdown_timeout,
    );
    let journal = keep::journal(&config, &clock, &metrics);
    journal.note(began(clock.now()));
    let supervisor =
        supervisor.with_store(kept.store()).with_journal(Arc::<JournalStore>::clone(&journal));
    let sources = Sources {
        board: supervisor.board.clone(),
        journal: Arc::<JournalStore>::clone(&journal),
        metrics: Arc::clone(&metrics),
        clock,
        configured: configured.subscribe(),
        orders: supervisor.orders(),
        version: VERSION,
    };
    announce(&config, &listener)?;

    let stop = CancellationToken::new();
    let signals = stop_on_signal(stop.clone())?;
    let checked = check_token(&config, Arc::clone(&lasting.fly), Arc::clone(&metrics));
    let (regions, fits) = (lasting.regions(), Arc::clone(&lasting.fits));
    let first_regions = regions.borrow().clone();
    let ticks = async {
        if let Some(atlas) = first_regions {
            atlas.first().await;
            if !atlas.catalog().is_current() {
                tell(&doubts);
            }
        }
        supervisor.run(apps, stop.clone()).await;
    };
    let reload = Reload {
        flags: flags.clone(),
        watched,
        in_force: InForce {
            config: config.clone(),
            effective: Effective { values: effective, hidden },
            warnings,
        },
        lasting,
        supervisor: supervisor.clone(),
        verbosity,
        shown: configured,
        journal: Some(Arc::<JournalStore>::clone(&journal)),
        is_rejected: false,
    };
    tokio::select! {
        () = ticks => {}
        () = reload.run(hangups) => {}
        () = lasting::keep_current(regions) => {}
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

pub(crate) fn tell(warnings: &[Warning]) {
    for warning in warnings {
        warn!("{warning}");
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
pub(crate) async fn check_token(config: &Config, fly: Arc<FlyClient>, metrics: Arc<Metrics>) {
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
