//! One tick of one app, when it is its turn, kept from touching the others.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Semaphore;

use crate::model::Timestamp;
use crate::ports::Clock;
use crate::reconcile::Reconciler;
use crate::status::Tick;
use crate::telemetry::events::{TickBegan, TickPanicked};
use crate::telemetry::metrics::Metrics;

/// A tick that waits for its turn.
pub(super) struct Turn {
    pub(super) reconciler: Box<Reconciler>,
    /// Who may be worked on at once. Closed when no further tick is to begin.
    pub(super) places: Arc<Semaphore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    /// When it was due.
    pub(super) due: Timestamp,
    /// Somebody wants it before the app's next tick is due.
    pub(super) is_early: bool,
}

/// What became of a turn.
pub(super) struct Turned {
    pub(super) reconciler: Box<Reconciler>,
    pub(super) ran: Option<Ran>,
}

/// A tick that ran.
pub(super) struct Ran {
    /// When it began.
    pub(super) began: Timestamp,
    /// How long after it was due.
    pub(super) lateness: Duration,
    /// The tick, or what a panic said.
    pub(super) tick: Result<Tick, String>,
}

impl Turn {
    /// Waits for a place and runs the tick, or gives up where there are no more places.
    ///
    /// A panic ends the tick and nothing else. The reconciler is used again: what it carries from tick
    /// to tick is replaced whole, so that a panic leaves nothing half done.
    pub(super) async fn take(self) -> Turned {
        let Self { mut reconciler, places, clock, metrics, due, is_early } = self;
        let Ok(_place) = places.acquire().await else { return Turned { reconciler, ran: None } };
        let began = clock.now();
        let lateness = began.since(due);
        TickBegan { app: reconciler.app(), lateness }.emit(&metrics);
        // In a box, since thousands may wait for their turn and a tick is much larger than a turn.
        let tick = AssertUnwindSafe(async {
            if is_early { reconciler.tick_between().await } else { reconciler.tick().await }
        });
        let tick = Box::pin(tick.catch_unwind()).await;
        let tick = tick.map_err(|panic| {
            let (app, message) = (reconciler.app(), TickPanicked::message_of(panic.as_ref()));
            let duration = clock.now().since(began);
            TickPanicked { app, message, duration }.emit(&metrics);
            message.to_owned()
        });
        Turned { reconciler, ran: Some(Ran { began, lateness, tick }) }
    }
}
