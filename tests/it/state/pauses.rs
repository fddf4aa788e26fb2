//! Who is paused, where the file that knows it comes late.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::ports::{KeptPauses, StateStore};
use fly_autoscaler::status::Board;
use fly_autoscaler::store::SqliteStore;
use fly_autoscaler::supervisor::Supervisor;
use rusqlite::Connection;

use super::{Place, app, close, wait_until};

/// What people give orders to, in a process that keeps who is paused in `store`.
fn process(place: &Place, store: &Arc<SqliteStore>) -> Supervisor {
    let (clock, metrics) = (place.clock.clone(), Arc::clone(&place.metrics));
    let interval = Duration::from_secs(15);
    Supervisor::new(clock, Board::default(), metrics, interval, Duration::ZERO)
        .with_store(store.clone())
}

#[tokio::test]
async fn what_is_said_before_the_file_is_read_counts_after_what_it_says() {
    let place = Place::new();
    let store = Arc::new(place.open("s1"));
    let standing = process(&place, &store).orders().pause(None, "a test").await;
    assert!(standing.outlives_process);
    close(&store);

    let lock = Connection::open(place.path()).unwrap();
    lock.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let store = Arc::new(place.open("s2"));
    let supervisor = process(&place, &store);
    let (orders, board) = (supervisor.orders(), supervisor.board.clone());
    let (web, api, cron) = (app("web"), app("api"), app("cron"));
    assert_eq!(store.kept_pauses(), KeptPauses::Unread);
    assert!(!orders.resume(Some(&web), "a test").await.outlives_process);
    assert!(!orders.pause(Some(&api), "a test").await.outlives_process);
    assert_eq!(board.pauses().to_string(), "api", "more is not known yet");

    drop(lock);
    wait_until("the file", || store.kept_pauses() != KeptPauses::Unread);
    assert!(orders.resume(Some(&cron), "a test").await.outlives_process);
    assert_eq!(board.pauses().to_string(), "all but cron, web");
    close(&store);

    let store = Arc::new(place.open("s3"));
    let supervisor = process(&place, &store);
    let orders = supervisor.orders();
    assert!(orders.resume(Some(&api), "a test").await.outlives_process);
    assert_eq!(supervisor.board.pauses().to_string(), "all but api, cron, web");
}
