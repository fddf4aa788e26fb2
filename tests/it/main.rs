//! One integration binary: each module is one topic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod architecture;
mod by_region;
mod cli;
mod closed_loop;
mod composed;
mod config;
mod damping;
mod decide_properties;
mod decide_regions;
mod decide_table;
mod demo;
mod docs;
mod double;
mod expressions;
mod faults;
mod fleet;
mod forecasts;
mod http;
mod leaving;
mod machines_api;
mod metric_faults;
mod monitoring;
mod placement;
mod process_groups;
mod prometheus_api;
mod recipes;
mod reload;
mod running;
mod simulator;
mod soak;
mod state;
mod suspend;
mod temporal;
mod upstream;
mod volumes;
