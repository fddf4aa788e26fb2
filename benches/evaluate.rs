//! What an expression costs: once at start, and in every tick.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use fly_autoscaler::evaluate::{Expression, Names};
use fly_autoscaler::model::{Ring, Summary, Timestamp, Value, VariableTable};

const CASES: [(&str, &str); 3] = [
    ("simple", "ceil(queue_depth / 10)"),
    ("nested", "max(running_machines, min(max(ceil(demand_players / 48) + 1, 2), 3))"),
    ("evalexpr", "if(queue_depth > 100, ceil(queue_depth / 10), math::sqrt(running_machines))"),
];

fn evaluate(criterion: &mut Criterion) {
    let variables = [("queue_depth", 420.0), ("running_machines", 2.0), ("demand_players", 77.0)];
    let names = Names::new(variables.iter().map(|(name, _)| name));
    let mut table = VariableTable::default();
    for (name, value) in variables {
        table.set(name, Value::Number(value));
    }
    let now = Timestamp::from_millis(1_787_306_400_000);
    for (name, source) in CASES {
        criterion.bench_function(&format!("compile/{name}"), |bencher| {
            bencher.iter(|| Expression::compile(black_box(source), &names));
        });
        let Ok(expression) = Expression::compile(source, &names) else { continue };
        criterion.bench_function(&format!("evaluate/{name}"), |bencher| {
            bencher.iter(|| expression.evaluate(black_box(&table), now));
        });
    }
}

/// What a look back costs in each tick, over a ring that is full: of samples, and of points that hold
/// several.
fn look_back(criterion: &mut Criterion) {
    let interval = Duration::from_secs(15);
    for (name, hours) in [("2h", 2), ("24h", 24), ("168h", 168)] {
        let window = Duration::from_secs(3600 * hours);
        let mut ring = Ring::new(window, interval);
        let mut now = Timestamp::from_millis(1_787_306_400_000);
        for tick in 0..=240 * hours {
            now = now.plus(interval);
            ring.push(now, (tick % 97) as f64);
        }
        for (how, summary) in [
            ("avg_over", Summary::Average),
            ("stddev_over", Summary::Deviation),
            ("ewma", Summary::Smoothed { alpha: 0.3 }),
        ] {
            criterion.bench_function(&format!("look_back/{how}/{name}"), |bencher| {
                bencher.iter(|| black_box(&ring).summary(summary, now));
            });
        }
        criterion.bench_function(&format!("record/{name}"), |bencher| {
            bencher.iter(|| {
                now = now.plus(interval);
                ring.push(now, 1.0);
            });
        });
    }
}

criterion_group!(benches, evaluate, look_back);
criterion_main!(benches);
