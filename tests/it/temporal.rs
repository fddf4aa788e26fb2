//! temporal: the collector against a gRPC server in this process, with and without TLS, and against a real
//! Temporal.

mod certificates;
mod configured;
mod real;
mod server;
mod source;

/// How many machines are to be started, by what `eval` prints.
fn started(printed: &str) -> Option<u64> {
    let printed: serde_json::Value = serde_json::from_str(printed).ok()?;
    printed["started"]["max"].as_u64()
}
