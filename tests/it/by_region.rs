//! Collectors that are `by: region`, as they are met from outside: labels that are no regions, what a restart
//! does not know, Fly's list of its regions, and that all commands make the same of them.

mod alike;
mod labels;
mod lists;
mod restarts;

use fly_autoscaler::reconcile::Reconciler;

use crate::faults::{Stage, web};

/// One machine for each ten of `load`, over all regions.
const LOAD: &str = r#"
started-machine-count: "ceil(load / 10)"
metric-collectors:
  - type: prometheus
    metric-name: load
    by: region
    address: $PROMETHEUS
    query: sum by (region) (load{app="$APP_NAME"})
"#;

fn scaler(stage: &Stage) -> Reconciler {
    let prometheus = stage.sim.prometheus_url("acme");
    stage.scaler("s", &[("FAS_CONFIG_YAML", LOAD), ("PROMETHEUS", &prometheus)])
}

/// Sets the load that the label `region` names.
fn load(stage: &Stage, region: &str, value: f64) {
    stage.sim.world().set_gauge(&web(), "load", &[("region", region)], value).unwrap();
}
