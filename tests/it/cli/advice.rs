//! Advice from what is seen at the machines: in `plan`, on `/status`, in the log.

use fly_autoscaler::model::AppName;
use fly_autoscaler::model::ProcessGroup;
use fly_autoscaler::sim::{AppSpec, deployed_config};
use serde_json::{Value, json};

use super::{Fly, my_app};

const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");

/// The app with one machine that runs and one stopped, for which the proxy has these rules.
fn proxied(autostop: Value, autostart: bool) -> AppSpec {
    let spec = my_app(1, 1, 10.0);
    let mut config = deployed_config(&AppName::new("my-app"), &ProcessGroup::new("app"), 1);
    config["services"][0]["autostop"] = autostop;
    config["services"][0]["autostart"] = json!(autostart);
    AppSpec { config: Some(config), ..spec }
}

#[tokio::test]
async fn a_plan_advises_against_the_proxy_starting_and_stopping_too() {
    for (autostop, autostart, advised) in [
        (json!(false), false, &[][..]),
        (json!("suspend"), false, &["proxy_stops"]),
        (json!(true), true, &["proxy_stops", "proxy_starts"]),
    ] {
        let fly = Fly::with(&proxied(autostop.clone(), autostart)).await;
        let ran = fly.command(&["plan"]).env(&[STARTED]).run_beside().await;
        let lines = ran.stdout.lines().filter(|line| line.starts_with("advice: "));
        let codes: Vec<&str> =
            lines.filter_map(|line| line.rsplit_once('[')?.1.strip_suffix(']')).collect();
        assert_eq!(codes, advised, "{autostop} {autostart}\n{ran}");

        let json = fly.command(&["plan", "--format", "json"]).env(&[STARTED]).run_beside().await;
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        let in_json = json["advice"].as_array().map_or(&[][..], Vec::as_slice);
        let codes: Vec<_> = in_json.iter().map(|own| own["code"].as_str().unwrap()).collect();
        assert_eq!(codes, advised, "{json}");
        assert!(in_json.iter().all(|own| own["text"].is_string()), "{json}");
    }
}
