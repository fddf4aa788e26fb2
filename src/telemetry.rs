//! Events: one struct for each thing that happens, log and metric together.
