//! What expressions look back and ahead at over the end of a process, where no source remembers it.

use std::path::Path;

use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use fly_autoscaler::store::{Options, SqliteStore};
use tempfile::TempDir;

use super::*;

const BACK: (&str, &str) =
    ("FAS_STARTED_MACHINE_COUNT", r#"ceil(avg_over("traffic", "20m") / 10)"#);

fn store(directory: &Path, clock: &Arc<ManualClock>) -> Arc<SqliteStore> {
    let options = Options {
        path: directory.join("fas.db"),
        scaler: "s1".into(),
        retry: Duration::from_millis(20),
    };
    let metrics = Arc::new(Metrics::new("test", "test"));
    Arc::new(SqliteStore::open(options, clock.clone(), metrics))
}

/// A world whose metrics have no past.
async fn forgetful() -> Stage {
    let stage = Stage::at(12, 14).await;
    let code = FaultKind::Status { code: 404, body: "{}".into(), retry_after: None };
    stage.sim.world().inject(FaultRule::always(Endpoint::PrometheusQueryRange, code));
    stage
}

/// How many rows of series the file has.
fn rows(directory: &Path) -> i64 {
    let file = rusqlite::Connection::open(directory.join("fas.db")).unwrap();
    let count = "SELECT count(*) FROM kept WHERE what LIKE 'series %'";
    file.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn windows_go_on_after_an_orderly_stop_and_after_a_kill() {
    let stage = forgetful().await;
    let directory = TempDir::new().unwrap();
    let fits: Arc<Fits> = Arc::default();
    let kept = store(directory.path(), &stage.clock);
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[BACK]);
    for minute in 0..20 {
        let told = sentences(&stage.tick(&mut scaler, &fits).await);
        assert_eq!(told.contains("enough in"), minute < 19, "{minute}: {told}");
    }
    scaler.keep_series();
    kept.close(Duration::from_secs(30));
    assert_eq!(rows(directory.path()), 1);

    // The next one goes on at once; it is killed, with nothing kept at its end.
    let kept = store(directory.path(), &stage.clock);
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[BACK]);
    for _ in 0..3 {
        let told = sentences(&stage.tick(&mut scaler, &fits).await);
        assert!(!told.contains("has no value"), "{told}");
    }
    drop(scaler);
    kept.close(Duration::from_secs(30));
    let kept = store(directory.path(), &stage.clock);
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[BACK]);
    let told = sentences(&stage.tick(&mut scaler, &fits).await);
    assert!(!told.contains("has no value"), "{told}");

    // Without the file all is forgotten.
    let mut scaler = stage.fresh(&fits, &[BACK]);
    let told = sentences(&stage.tick(&mut scaler, &fits).await);
    assert!(told.contains("there are 1 samples of the last 20m"), "{told}");
    kept.close(Duration::from_secs(30));
}

#[tokio::test]
async fn a_torn_row_is_the_trouble_of_its_series_alone_and_old_ones_go() {
    let both = (
        "FAS_STARTED_MACHINE_COUNT",
        r#"ceil((avg_over("traffic", "20m") + avg_over("traffic", "10m")) / 20)"#,
    );
    let stage = forgetful().await;
    let directory = TempDir::new().unwrap();
    let fits: Arc<Fits> = Arc::default();
    let kept = store(directory.path(), &stage.clock);
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[both]);
    for _ in 0..20 {
        stage.tick(&mut scaler, &fits).await;
    }
    scaler.keep_series();
    kept.close(Duration::from_secs(30));
    assert_eq!(rows(directory.path()), 2);
    {
        let file = rusqlite::Connection::open(directory.path().join("fas.db")).unwrap();
        let torn = "UPDATE kept SET value = substr(value, 1, 50) WHERE what LIKE '% 1200000ms'";
        assert_eq!(file.execute(torn, []).unwrap(), 1);
    }
    let kept = store(directory.path(), &stage.clock);
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[both]);
    let told = sentences(&stage.tick(&mut scaler, &fits).await);
    assert!(told.contains(r#"avg_over("traffic", "20m")"#), "{told}");
    assert!(!told.contains(r#"avg_over("traffic", "10m")"#), "{told}");

    // A configuration that looks back at less: the rows of the rest are gone once they are too old.
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[BACK]);
    for _ in 0..22 {
        stage.tick(&mut scaler, &fits).await;
    }
    scaler.keep_series();
    kept.close(Duration::from_secs(30));
    assert_eq!(rows(directory.path()), 1);
}

#[tokio::test]
async fn a_forecast_remembers_what_no_source_does() {
    let stage = forgetful().await;
    let directory = TempDir::new().unwrap();
    let fits: Arc<Fits> = Arc::default();
    let kept = store(directory.path(), &stage.clock);
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[AHEAD]);
    for _ in 0..40 {
        stage.tick(&mut scaler, &fits).await;
    }
    scaler.keep_series();
    kept.close(Duration::from_secs(30));

    let fits: Arc<Fits> = Arc::default();
    let kept = store(directory.path(), &stage.clock);
    let mut scaler = stage.scaler(&fits, Arc::<SqliteStore>::clone(&kept), &[AHEAD]);
    // Its first tick has all that a fit needs, and the second one has the fit.
    let told = sentences(&stage.tick(&mut scaler, &fits).await);
    assert!(told.contains("no model was fitted yet: 41 values over 40m are known"), "{told}");
    let told = sentences(&stage.tick(&mut scaler, &fits).await);
    assert!(!told.contains("has no value"), "{told}");
    kept.close(Duration::from_secs(30));
}
