//! `GET /v1/apps`, who may ask for lists of an organization, and what is counted of it.

use std::time::Duration;

use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::{Access, Endpoint, Token};
use secrecy::SecretString;

use super::{Fly, each};

const APPS: &str = "/v1/apps?org_slug=acme";

#[tokio::test]
async fn apps_come_by_name_and_page_by_page() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web", "api", "shop", "cron"], 1, 1);
    fly.sim.world().add_app(&fly_autoscaler::sim::AppSpec::new("alien", "other"));

    let all = fly.get(APPS).await;
    assert_eq!(each(&all["apps"], "name"), ["api", "cron", "shop", "web"]);
    assert_eq!((&all["total_apps"], &all["apps"][0]["machine_count"]), (&4.into(), &2.into()));
    assert!(all.get("next_cursor").is_none(), "{all}");

    let first = fly.get(&format!("{APPS}&limit=2")).await;
    assert_eq!(each(&first["apps"], "name"), ["api", "cron"]);
    // What comes while pages are read is for the next reading; what goes is missing.
    fly.clock.advance(Duration::from_secs(1));
    fly.add_apps(&["date"], 1, 0);
    fly.sim.world().remove_app(&AppName::new("web"));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = fly.get(&format!("{APPS}&limit=2&cursor={cursor}")).await;
    assert_eq!(each(&second["apps"], "name"), ["shop"]);
    assert!(second.get("next_cursor").is_none(), "{second}");
}

#[tokio::test]
async fn what_the_list_of_apps_refuses() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web"], 1, 0);
    let table = [
        ("/v1/apps", "400 org_slug is required"),
        ("/v1/apps?org_slug=none", "404 organization not found"),
        ("/v1/apps?org_slug=acme&limit=0", "400 invalid_argument: limit is out of range"),
        ("/v1/apps?org_slug=acme&limit=5001", "400 invalid_argument: limit is out of range"),
        ("/v1/apps?org_slug=acme&limit=2&cursor=x", "400 invalid_argument: invalid cursor"),
        ("/v1/apps?org_slug=acme&cursor=1.api", "400 invalid_argument: cursor requires limit"),
    ];
    for (path, refusal) in table {
        assert_eq!(fly.refusal(path).await, refusal, "{path}");
    }
    assert_eq!(each(&fly.get(&format!("{APPS}&limit=5000")).await["apps"], "name"), ["web"]);
}

#[tokio::test]
async fn a_token_of_one_app_is_good_for_no_list_of_an_organization() {
    let fly = Fly::start(|options| {
        let tokens = [
            ("app", Access::App(AppName::new("web"))),
            ("org", Access::Org("acme".into())),
            ("read", Access::ReadOnly("acme".into())),
            ("alien", Access::Org("other".into())),
        ];
        let token = |(secret, access)| Token { secret: SecretString::from(secret), access };
        options.tokens = tokens.map(token).into();
    })
    .await;
    fly.add_apps(&["web"], 1, 0);
    let query = "/prometheus/acme/api/v1/query?query=queue_depth";
    for (token, lists, machines) in
        [("app", 403, 200), ("org", 200, 200), ("read", 200, 200), ("alien", 403, 403)]
    {
        for path in [APPS, "/v1/orgs/acme/machines", query] {
            assert_eq!(fly.ask("GET", path, Some(token)).await.0, lists, "{token} {path}");
        }
        let own = fly.ask("GET", "/v1/apps/web/machines", Some(token)).await.0;
        assert_eq!(own, machines, "{token}");
    }
}

#[tokio::test]
async fn requests_refusals_and_bytes_are_counted_by_endpoint() {
    let fly = Fly::start(|options| options.enforce_rate_limits = true).await;
    fly.add_apps(&["web"], 0, 2);
    let world = fly.sim.world();
    let ids = fly.ids("web");
    for _ in 0..5 {
        fly.ask("GET", "/v1/apps/web/machines", None).await;
        fly.ask("POST", &format!("/v1/apps/web/machines/{}/stop", ids[0]), None).await;
    }
    fly.ask("POST", &format!("/v1/apps/web/machines/{}/stop", ids[1]), None).await;

    // Three of each at once, for each machine; lists by app.
    assert_eq!(world.count(Endpoint::List, Some(200)), 3);
    assert_eq!(world.count(Endpoint::Stop, Some(429)), 2);
    assert_eq!(world.count(Endpoint::Stop, Some(200)), 4);
    assert_eq!(world.answered(429), 4);
    let tallies = world.tallies();
    let stops = tallies[&(Endpoint::Stop, Some(200))];
    assert_eq!(stops.bytes, 4 * r#"{"ok":true}"#.len() as u64);
    assert!(tallies[&(Endpoint::List, Some(200))].bytes > 3000, "{tallies:?}");

    fly.clock.advance(Duration::from_secs(1));
    assert_eq!(fly.ask("GET", "/v1/apps/web/machines", None).await.0, 200);
    assert_eq!(fly.ask("GET", "/v1/apps/web/machines", None).await.0, 429);
}
