//! What an expression costs: once at start, and in every tick.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fly_autoscaler::evaluate::{Expression, Names};
use fly_autoscaler::model::{Timestamp, Value, VariableTable};

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

criterion_group!(benches, evaluate);
criterion_main!(benches);
