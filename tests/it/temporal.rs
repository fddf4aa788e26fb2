//! temporal: the collector against a gRPC server in this process, with and without TLS, and against a real
//! Temporal.

mod certificates;
mod configured;
mod real;
mod server;
mod source;
