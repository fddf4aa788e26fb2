//! Random ticks in, passages out: each tick is in exactly one of them, with what was measured in it.

use proptest::prelude::*;

use super::*;

/// What a tick is like, and what was measured in it.
#[derive(Debug, Clone)]
struct Own {
    kind: u8,
    traffic: f64,
    gap: u16,
}

impl Own {
    fn tick(&self, at: Timestamp) -> Tick {
        let plain = quiet(at, self.traffic);
        match self.kind {
            0..=5 => plain,
            6 => with_reason(plain, hold(1)),
            7 => with_reason(plain, hold(2)),
            8 => started(plain, "m1"),
            _ => failed(at, "no route"),
        }
    }

    /// Whether this tick shares a passage with `other`, right before it.
    fn is_as(&self, other: &Self) -> bool {
        let class = |kind: u8| kind.max(5);
        class(self.kind) == class(other.kind) && self.kind != 8
    }

    /// What is kept of what was measured: a tick without a plan has nothing by region.
    fn measured(&self) -> f64 {
        if self.kind > 8 { 0.0 } else { self.traffic }
    }
}

fn some() -> impl Strategy<Value = Own> {
    let traffic = prop_oneof![
        (0..1000_i32).prop_map(f64::from),
        (0..10_000_i32).prop_map(|own| f64::from(own) / 100.0),
        0.0..1e9_f64,
    ];
    (0..10_u8, traffic, 1..60_000_u16).prop_map(|(kind, traffic, gap)| Own { kind, traffic, gap })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_goes_in_comes_out(ticks in prop::collection::vec(some(), 1..300), restart in 0..300_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&ticks, restart));
    }
}

async fn check(ticks: &[Own], restart: usize) {
    let place = Place::new();
    let mut journal = place.open();
    let mut times = Vec::new();
    let mut expected: Vec<(Timestamp, Timestamp, u64)> = Vec::new();
    let mut now = start();
    for (number, own) in ticks.iter().enumerate() {
        now = now.plus(Duration::from_millis(own.gap.into()));
        place.clock.advance(Duration::from_millis(own.gap.into()));
        times.push(now);
        let goes_on = number > 0 && number != restart && own.is_as(&ticks[number - 1]);
        match expected.last_mut() {
            Some(last) if goes_on => *last = (last.0, now, last.2 + 1),
            _ => expected.push((now, now, 1)),
        }
        if number == restart {
            close(&journal);
            journal = place.open();
        }
        record(&journal, own.tick(now));
    }
    let mut passages = all_passages(&journal).await;
    passages.reverse();
    let runs: Vec<_> = passages.iter().map(|own| (own.from, own.until, own.ticks)).collect();
    assert_eq!(runs, expected);
    for (own, at) in ticks.iter().zip(&times) {
        let shown = at_time(&journal, *at).await.unwrap();
        assert_eq!((shown.at, traffic(&shown)), (*at, own.measured()));
    }
    let query = ChartQuery { app: web(), from: times[0], until: now, most: 1000 };
    let chart = journal.chart(&query).await.unwrap();
    assert_eq!(chart.times, times.iter().map(|own| own.as_millis()).collect::<Vec<_>>());
    let metric = Line::Metric { metric: MetricName::new("traffic"), region: None };
    let curve = chart.curves.iter().find(|curve| curve.line == metric).unwrap();
    let measured: Vec<_> = ticks.iter().map(|own| Some(own.measured())).collect();
    assert_eq!(curve.values, measured);
    close(&journal);
}
