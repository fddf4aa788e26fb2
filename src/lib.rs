//! The autoscaler for Fly.io Machines that says why.

pub mod act;
pub mod clock;
pub mod collect;
pub mod config;
pub mod decide;
pub mod evaluate;
pub mod fly;
pub mod http;
pub mod model;
pub mod ports;
pub mod reconcile;
pub mod sim;
pub mod status;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod transport;
