//! What happens, as it happens: server-sent events.
//!
//! Nobody waits for a reader. Each reads from its own place in the board's channel, and one that has
//! fallen out of it is let go; what it has not read yet is bounded by that channel and by the
//! connection's buffer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::time::{Sleep, sleep};

use super::Served;
use super::answer::Refusal;
use super::peer::{Peer, Share};
use super::query::Asked;
use crate::model::{AppName, TickOutcome, Timestamp};
use crate::status::{Change, Tick, TimedText};

/// How many may watch at once: a quarter of the connections, so that there is always one for Prometheus.
pub(super) const MOST: usize = 32;
/// With more apps, one has to be chosen: each tick of each would be written for everyone who watches.
const MOST_APPS: usize = 100;
/// How often something is sent where nothing happens, so that what is between knows that it is in use.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long one stream lasts. It ends by itself before its connection is cut, and browsers come back.
const LASTS: Duration = Duration::from_secs(280);
/// How soon browsers come back.
const RETRY: Duration = Duration::from_secs(2);

/// What a watcher is told of a tick.
#[derive(Serialize)]
struct Ticked<'a> {
    app: &'a AppName,
    at: Timestamp,
    outcome: TickOutcome,
    next_tick: Timestamp,
    tick: &'a Tick,
}

/// Somebody who watches.
struct Watcher {
    changes: Receiver<Change>,
    app: Option<AppName>,
    over: Pin<Box<Sleep>>,
    is_new: bool,
    _place: (OwnedSemaphorePermit, Share),
}

pub(super) async fn events(
    State(shared): State<Served>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let board = &shared.sources.board;
    let app = Asked::read(&uri, &["app"])?.app(board)?;
    if app.is_none() && board.names().len() > MOST_APPS {
        let why = format!("more than {MOST_APPS} apps are scaled here: choose one with `app`");
        return Err(Refusal::bad(why));
    }
    let full = |many: usize, whence: &str| {
        let why = format!("{many} are watching already{whence}");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why).saying(header::RETRY_AFTER, 5)
    };
    let share = shared.watching.take(peer);
    let share = share.ok_or_else(|| full(shared.watching.most(), " from this address"))?;
    let place = Arc::clone(&shared.streams).try_acquire_owned().map_err(|_| full(MOST, ""))?;
    let changes = board.changes();
    let over = Box::pin(sleep(LASTS));
    let watcher = Watcher { changes, app, over, is_new: true, _place: (place, share) };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok((unbuffered, stream).into_response())
}

impl Watcher {
    /// What to send next; `None` where it is over, or the watcher was too slow.
    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.is_new) {
            return Some(Event::default().retry(RETRY));
        }
        loop {
            let change = tokio::select! {
                () = &mut self.over => return None,
                change = self.changes.recv() => change.ok()?,
            };
            if let Some(event) = self.event(&change) {
                return Some(event);
            }
        }
    }

    /// What `change` is to this watcher, if anything.
    fn event(&self, change: &Change) -> Option<Event> {
        match change {
            Change::Tick { app, tick, next_tick } => {
                if self.app.as_ref().is_some_and(|own| own != app) {
                    return None;
                }
                let (at, outcome, next_tick) = (tick.at, tick.outcome, *next_tick);
                event("tick", &Ticked { app, at, outcome, next_tick, tick })
            }
            Change::Noted(noted) => event::<TimedText>("noted", noted),
        }
    }
}

fn event<T: Serialize>(name: &str, data: &T) -> Option<Event> {
    // A tick has no map whose keys are no texts, so that this cannot fail.
    Some(Event::default().event(name).data(serde_json::to_string(data).ok()?))
}
