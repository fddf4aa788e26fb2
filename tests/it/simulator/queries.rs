//! Queries over many apps.

use fly_autoscaler::model::{AppName, Region};

use super::Fly;

/// Each series of a result as `labels value`.
async fn result(fly: &Fly, query: &str) -> Vec<String> {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let body = fly.get(&format!("/prometheus/acme/api/v1/query?query={encoded}")).await;
    let rows = body["data"]["result"].as_array().unwrap();
    rows.iter().map(|row| format!("{} {}", row["metric"], row["value"][1])).collect()
}

#[tokio::test]
async fn one_query_answers_for_all_apps_of_an_organization() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web", "shop", "cron"], 1, 0);
    let world = fly.sim.world();
    for (app, depth) in [("web", 10.0), ("shop", 25.0)] {
        let app = AppName::new(app);
        world.set_queue_depth(&app, Some(depth)).unwrap();
        world.set_traffic(&app, &Region::new("lhr"), Some(depth / 5.0)).unwrap();
        world.set_gauge(&app, "jobs", &[("kind", "mail")], 1.0).unwrap();
        world.set_gauge(&app, "jobs", &[("kind", "pdf")], depth).unwrap();
    }
    // Each with its own: all apps; apps by pattern; no app; two labels; a gauge; machines of all.
    let table: [(&str, &[&str]); 7] = [
        ("sum by (app) (queue_depth)", &[r#"{"app":"shop"} "25""#, r#"{"app":"web"} "10""#]),
        (r#"sum by (app) (queue_depth{app=~"w.*"})"#, &[r#"{"app":"web"} "10""#]),
        (r#"sum by (app) (queue_depth{app!~"w.*",app!="shop"})"#, &[]),
        (r#"queue_depth{app="none"}"#, &[]),
        (
            "sum by (app, region) (traffic)",
            &[r#"{"app":"shop","region":"lhr"} "5""#, r#"{"app":"web","region":"lhr"} "2""#],
        ),
        ("sum by (app) (jobs)", &[r#"{"app":"shop"} "26""#, r#"{"app":"web"} "11""#]),
        ("sum(fly_instance_up)", &[r#"{} "3""#]),
    ];
    for (query, expected) in table {
        assert_eq!(result(&fly, query).await, expected, "{query}");
    }
}
