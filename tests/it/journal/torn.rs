//! Rows that cannot be understood: answers leave them out, and the file goes on being used.

use fly_autoscaler::store::JournalReader;
use rusqlite::Connection;

use super::*;

/// A journal of 300 quiet ticks, and a hold in the tick of each hundredth; closed.
async fn kept(place: &Place) {
    let journal = place.open();
    for number in 0..300 {
        let tick = quiet(at(number), f64::from(number));
        let is_held = number % 100 == 50;
        record(&journal, if is_held { with_reason(tick, hold(number)) } else { tick });
    }
    all_passages(&journal).await;
    close(&journal);
}

fn spoil(place: &Place, sql: &str) {
    Connection::open(place.path()).unwrap().execute_batch(sql).unwrap();
}

fn whole() -> ChartQuery {
    ChartQuery { app: web(), from: at(0), until: at(299), most: 1000 }
}

#[tokio::test]
async fn one_torn_row_costs_what_is_in_it_and_nothing_else() {
    let place = Place::new();
    kept(&place).await;
    spoil(
        &place,
        "UPDATE passages SET body = x'00' WHERE id = 3;
            UPDATE chunks SET body = x'00' WHERE id = 2;
            UPDATE entries SET body = CAST(x'ff' AS TEXT) WHERE id = 1;
            INSERT INTO columns (name) VALUES (CAST(x'ff' AS TEXT))",
    );
    let journal = place.open();
    let passages = all_passages(&journal).await;
    assert_eq!(passages.iter().map(|own| own.ticks).sum::<u64>(), 300 - 49 - 50);
    let times = journal.chart(&whole()).await.unwrap().times;
    assert_eq!(times.len(), 300 - 64);
    assert_eq!(journal.history(&everything()).await.unwrap().len(), 2);
    // Asked for that tick, none stands in for it; for one whose numbers are gone, its first does.
    let gone = journal.passages(&web(), When::At(at(60)), 1).await.unwrap_err().to_string();
    assert_eq!(gone, "the journal cannot be read: what is kept of that tick cannot be understood");
    assert!(place.shows("fas_journal_ok 1"), "the file is used");
    record(&journal, quiet(at(300), 300.0));
    assert_eq!(at_time(&journal, at(300)).await.map(|own| traffic(&own)), Some(300.0));
    close(&journal);
    let kept = Connection::open(place.path()).unwrap();
    let last: i64 =
        kept.query_row("SELECT max(until_at) FROM chunks", [], |row| row.get(0)).unwrap();
    assert_eq!(last, at(300).as_millis(), "it went into the file");
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_and_the_file_goes_on() {
    let place = Place::new();
    kept(&place).await;
    spoil(&place, "UPDATE apps SET name = CAST(x'ff' AS TEXT) WHERE id = 1");
    let journal = place.open();
    for _ in 0..3 {
        drop(journal.history(&everything()).await);
        assert!(place.shows("fas_journal_ok 1"));
    }
    record(&journal, quiet(at(300), 300.0));
    assert_eq!(at_time(&journal, at(300)).await.map(|own| traffic(&own)), Some(300.0));
    close(&journal);
    let kept = Connection::open(place.path()).unwrap();
    let apps: i64 = kept.query_row("SELECT count(*) FROM apps", [], |row| row.get(0)).unwrap();
    assert_eq!(apps, 2, "the tick went into the file");
}

#[tokio::test]
async fn records_that_grow_when_they_are_unpacked_have_a_bound() {
    let place = Place::new();
    let journal = place.open();
    // 1.5 MB, and next to nothing in the file.
    record(&journal, failed(at(0), &"ab ".repeat(500_000)));
    at_time(&journal, at(0)).await;
    close(&journal);
    spoil(
        &place,
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60)
            INSERT INTO passages (app, from_at, until_at, ticks, key, body)
            SELECT app, from_at + n, until_at + n, 1, key, body FROM passages, n",
    );
    let reader = JournalReader::open(&place.path()).unwrap().unwrap();
    let whole = When::Between(at(0), at(99));
    let error = reader.passages(&web(), whole, 1000).unwrap_err().to_string();
    let expected = "the answer takes more than 64 MB; ask for less of it";
    assert_eq!(error, format!("the journal cannot be read: {expected}"));
    assert_eq!(reader.passages(&web(), whole, 3).unwrap().len(), 3);
}
