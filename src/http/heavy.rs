//! Reads that keep the processor busy for a while, on threads of their own and few at a time.
//!
//! Ticks and answers share one thread, so that what takes long to write down would hold up the ticks. What
//! machines ask (`/metrics`, `/healthz`, `/readyz`) needs no place.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::answer::Refusal;

/// How many are made at once: a few, since each may hold some megabytes and they share the processor with
/// the ticks.
const PLACES: usize = 3;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// When to come again, in seconds.
const RETRY: u32 = 5;

/// The places for all of them.
pub(super) struct HeavyReads(Arc<Semaphore>);

/// One of the places.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Default for HeavyReads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PLACES)))
    }
}

impl HeavyReads {
    /// Waits for a place, not for long. To be asked for only once all is there that has to be waited for: a
    /// journal on a disk that hangs must not keep others from the status.
    pub(super) async fn place(&self) -> Result<Place, Refusal> {
        match timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            Ok(Err(_)) | Err(_) => {
                let why =
                    format!("{PLACES} answers as large are being made: try again in {RETRY} s");
                let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why);
                Err(refusal.saying(header::RETRY_AFTER, RETRY))
            }
        }
    }
}

impl Place {
    /// Does `work` on a thread of its own. The place is free again when it has ended, even where nobody waits
    /// for it any more.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = spawn_blocking(move || {
            let _place = self;
            work()
        });
        done.await.map_err(|_| {
            let why = "the answer could not be made: this is a bug";
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why)
        })
    }

    /// The answer with what `make` gives, as JSON.
    pub(super) async fn json<T: Serialize>(
        self,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Response, Refusal> {
        self.run(move || Json(make()).into_response()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_for_a_while_is_told_to_come_again() {
        let reads = HeavyReads::default();
        let mut taken = Vec::new();
        for _ in 0..PLACES {
            taken.push(reads.place().await.unwrap_or_else(|_| panic!("there is a place")));
        }
        let moment = Duration::from_millis(10);
        assert!(timeout(PATIENCE - moment, reads.place()).await.is_err(), "it waits");
        let Ok(Err(refusal)) = timeout(PATIENCE + moment, reads.place()).await else {
            panic!("it waits for ever")
        };
        let response = refusal.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        taken.pop();
        assert!(reads.place().await.is_ok());
    }

    /// The thread of the runtime is free while the work is done, and the place is not, though nobody waits.
    #[tokio::test]
    async fn a_place_is_taken_until_its_work_has_ended() {
        let reads = HeavyReads::default();
        let (go_on, wait) = mpsc::channel::<()>();
        let place = reads.place().await.unwrap_or_else(|_| panic!("there is a place"));
        let mut work = Box::pin(place.run(move || wait.recv()));
        assert!(futures::poll!(&mut work).is_pending());
        drop(work);
        assert_eq!(reads.0.available_permits(), PLACES - 1);
        go_on.send(()).expect("somebody waits");
        let all = u32::try_from(PLACES).expect("they are few");
        let free = timeout(Duration::from_secs(30), reads.0.acquire_many(all)).await;
        assert!(free.is_ok());
    }

    #[tokio::test]
    async fn work_that_panics_is_an_answer_and_leaves_its_place() {
        let reads = HeavyReads::default();
        let place = reads.place().await.unwrap_or_else(|_| panic!("there is a place"));
        let done: Result<(), Refusal> = place.run(|| panic!("so")).await;
        let Err(refusal) = done else { panic!("it failed") };
        assert_eq!(refusal.into_response().status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reads.0.available_permits(), PLACES);
    }
}
