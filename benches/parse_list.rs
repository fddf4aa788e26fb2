//! How long a list of 10,000 machines takes to read.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fly_autoscaler::fly::wire;
use serde_json::{Value, json};

/// A machine as `fly deploy` leaves it: about 1.5 KB of config, and events.
fn machine(index: usize) -> Value {
    let env: serde_json::Map<String, Value> = (0..12)
        .map(|key| (format!("SETTING_{key}"), json!(format!("value of setting {key}"))))
        .collect();
    json!({
        "id": format!("{index:014x}"), "name": "quiet-frost-1234", "state": "started", "region": "lhr",
        "instance_id": "01HXK2J3M4N5P6Q7R8S9T0V1W2", "private_ip": "fdaa:0:1:a7b:1:2:3:4",
        "host_status": "ok", "cordoned": false,
        "created_at": "2026-08-21T10:00:00Z", "updated_at": "2026-08-21T10:00:05Z",
        "image_ref": {
            "registry": "registry.fly.io", "repository": "my-app", "tag": "deployment-01HXK2J3M4",
            "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "labels": {"fly.version": "1"},
        },
        "config": {
            "env": env, "init": {}, "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
            "metadata": {
                "fly_flyctl_version": "0.3.1", "fly_platform_version": "v2",
                "fly_process_group": "app", "fly_release_id": "abc123", "fly_release_version": "42",
            },
            "services": [{
                "protocol": "tcp", "internal_port": 8080, "autostop": "suspend", "autostart": true,
                "min_machines_running": 0,
                "ports": [
                    {"port": 80, "handlers": ["http"], "force_https": true},
                    {"port": 443, "handlers": ["http", "tls"]},
                ],
                "checks": [{"type": "http", "interval": "15s", "timeout": "10s", "path": "/health"}],
                "concurrency": {"type": "requests", "soft_limit": 20, "hard_limit": 25},
            }],
            "checks": {"alive": {"type": "tcp", "port": 8080, "interval": "15s", "timeout": "10s"}},
            "image": "registry.fly.io/my-app:deployment-01HXK2J3M4",
            "restart": {"policy": "on-failure", "max_retries": 10},
        },
        "events": [
            {"id": "01A", "type": "start", "status": "started", "source": "flyd", "timestamp": 1_787_306_400_000_u64},
            {"id": "01B", "type": "launch", "status": "created", "source": "user", "timestamp": 1_787_306_390_000_u64},
        ],
    })
}

fn parse_list(c: &mut Criterion) {
    let machines: Vec<Value> = (0..10_000).map(machine).collect();
    let body = serde_json::to_vec(&machines).expect("JSON");
    let mut group = c.benchmark_group("parse_list");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.sample_size(20);
    group.bench_function("10,000 machines", |bencher| {
        bencher.iter(|| wire::machines(black_box(&body)).expect("a list").len());
    });
    group.finish();
}

criterion_group!(benches, parse_list);
criterion_main!(benches);
