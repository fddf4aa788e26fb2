//! The bugs that are alive in superfly/fly-autoscaler 0.3.2, one test or two for each, named after it. Each
//! would fail with what upstream does. `docs/differences.md` lists them.

mod images;
mod machines;
mod numbers;
mod outside;
mod process;
