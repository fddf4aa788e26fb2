//! Every metric: its name, what it says, and its labels.
//!
//! Label sets are closed except app, group, metric, region and source, which come from the configuration
//! or from Fly. `source` is a collector, by the name of the metric that it fills.

/// One metric. Label values are given in the order of `labels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: &'static [&'static str],
}

/// Declares the metrics, each as a constant, and all of them as `ALL`.
macro_rules! names {
    ($($constant:ident = $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(pub(super) const $constant: Name =
            Name { name: $name, help: $help, labels: &[$($label),*] };)+

        /// Every metric, in the order in which they are documented.
        #[cfg(test)]
        pub(super) const ALL: &[Name] = &[$($constant),+];
    };
}

names! {
    // Upstream's three, which dashboards may read already.
    MACHINE_START = "fas_machine_start_count" ["status"]
        "Machines started, by whether the call succeeded (ok, failed).";
    MACHINE_STOP = "fas_machine_stop_count" ["status"]
        "Machines stopped, by whether the call succeeded (ok, failed).";
    RECONCILE = "fas_reconcile_count" ["status"]
        "Ticks in which machines were created, destroyed, started, stopped, suspended, cordoned or uncordoned, or none needed to be (no_scale).";

    MACHINE_CREATE = "fas_machine_create_count" ["status"]
        "Machines created, by whether the call succeeded (ok, failed).";
    MACHINE_DESTROY = "fas_machine_destroy_count" ["status"]
        "Machines destroyed, by whether the call succeeded (ok, failed).";
    MACHINE_SUSPEND = "fas_machine_suspend_count" ["status"]
        "Machines suspended, by whether the call succeeded (ok, failed).";
    MACHINE_CORDON = "fas_machine_cordon_count" ["status"]
        "Machines cordoned before they are stopped, by whether the call succeeded (ok, failed).";
    MACHINE_UNCORDON = "fas_machine_uncordon_count" ["status"]
        "Machines whose cordon was lifted, by whether the call succeeded (ok, failed).";
    TICK_DURATION = "fas_tick_duration_seconds" []
        "How long a tick of one app took, from collecting to the last answer.";
    TICK_LATENESS = "fas_tick_lateness_seconds" []
        "How long after its due time a tick began.";
    TICKS = "fas_ticks_total" ["outcome"]
        "Ticks by how they ended; skipped: not begun, because the app's last one was still running.";
    APPS = "fas_apps" []
        "Apps that are scaled.";
    PAUSED = "fas_paused" ["app"]
        "Whether somebody has paused the app (1), so that nothing is done; how many are, where app is empty.";
    LAST_SUCCESS = "fas_last_success_timestamp_seconds" ["app"]
        "When a tick of the app last ended acted or quiet, in seconds since the Unix epoch; the earliest, where app is empty.";
    METRIC_VALUE = "fas_metric_value" ["app", "metric", "region"]
        "The value that the expressions read in the last tick; absent where there was none.";
    FORECAST_VALUE = "fas_forecast_value" ["app", "group", "metric", "region", "horizon", "model"]
        "What forecast() said in the last tick, by the model that said it: mstl, ets, or last for the last value.";
    FORECAST_SKILL = "fas_forecast_skill" ["app", "group", "metric", "region", "horizon"]
        "How much better than the last value the models were of late: 1 - MAE / MAE of the last value; -1: twice as wrong, or worse. The least, where app is empty.";
    FORECAST_ERROR = "fas_forecast_error" ["app", "group", "metric", "region", "horizon", "error"]
        "Errors of late, in the metric's unit: of the models (mae, rmse) and of the last value as a forecast (naive_mae, naive_rmse). The largest, where app is empty.";
    FORECAST_FIT_DURATION = "fas_forecast_fit_duration_seconds" ["result"]
        "How long fits of models took, by the model that came of it (mstl, ets), or none.";
    HISTORY_SERIES = "fas_series" ["app"]
        "Windows of metrics that expressions look back at, and series that they forecast; each region has its own.";
    HISTORY_BYTES = "fas_series_bytes" ["app"]
        "Memory that these take, in bytes.";
    TARGET_MACHINES = "fas_target_machines" ["app", "group", "region", "kind", "bound"]
        "How many machines are wanted, after all limits; absent where no such bound was asked for or known.";
    MACHINES = "fas_machines" ["app", "group", "region", "state"]
        "Machines by state: Fly's, or unreachable where the host does not answer, or other.";
    COLLECT_ERRORS = "fas_collect_errors_total" ["source"]
        "Samples that could not be taken, by the collector's metric name.";
    EVALUATE_ERRORS = "fas_evaluate_errors_total" ["reason"]
        "Expressions without a usable result, by reason.";
    HELD = "fas_held_total" ["reason"]
        "Ticks in which a process group was held, wholly or in a region, by reason.";
    LIMITED = "fas_limited_total" ["reason"]
        "Ticks in which a limit changed a number of a process group, or put something off, wholly or in a region, by reason.";
    API_REQUESTS = "fas_api_requests_total" ["operation", "status"]
        "Requests to Fly's APIs, by HTTP status; none: no answer came.";
    API_REQUEST_DURATION = "fas_api_request_duration_seconds" ["operation"]
        "How long requests to Fly's APIs took, up to their last byte or their failure.";
    STATE_OK = "fas_state_ok" []
        "0 while the file of `state` cannot be used, so that a restart would forget what decisions remember; else 1.";
    CONFIG_RELOADS = "fas_config_reloads_total" ["status"]
        "How often the configuration was read again while the process ran, by what came of it: ok, unchanged, or failed, and what was in force stays so.";
    CONFIG_OK = "fas_config_ok" []
        "0 while the configuration file has mistakes or is gone, so that an earlier content is in force; else 1.";
    JOURNAL_OK = "fas_journal_ok" []
        "0 while the file of the journal cannot be used, so that ticks are kept in memory only; else 1.";
    JOURNAL_DROPPED_TICKS = "fas_journal_dropped_ticks_total" []
        "Ticks that the journal lacks, because those before were not written in time.";
    BUILD_INFO = "fas_build_info" ["version", "commit"]
        "Always 1; the labels say which build this is.";
}
