//! Many apps: what is known of them is kept, and those that come later go by what is in force.

use fly_autoscaler::model::{AppName, MachineState};
use fly_autoscaler::sim::{AppSpec, Endpoint};

use super::{CONFIG, Running};
use crate::running::until;

fn spec(name: &str) -> AppSpec {
    AppSpec::new(name, "acme").with_machines("iad", 1, 4)
}

fn running(own: &Running, name: &str) -> usize {
    let machines = own.world().machines(&AppName::new(name)).unwrap();
    machines.iter().filter(|own| own.state == MachineState::Started).count()
}

async fn until_running(own: &Running, names: &[&str], wanted: usize) {
    until(
        "all of them",
        || own.scaler.program.told(),
        async || {
            let counts: Vec<usize> = names.iter().map(|name| running(own, name)).collect();
            if counts.iter().all(|count| *count == wanted) {
                Ok(())
            } else {
                Err(format!("{counts:?}"))
            }
        },
    )
    .await;
}

#[tokio::test]
async fn all_apps_go_by_the_new_one_and_none_is_asked_again() {
    let many =
        CONFIG.replace("app-name: web", "app-name: web*\norg: acme\napp-list-refresh-interval: 1s");
    let own =
        Running::of(&spec("web"), &format!("{many}max-machines: 2\nconcurrency: 4\n"), &[]).await;
    let names = ["web", "web-1", "web-2", "web-3", "web-4"];
    for name in &names[1..] {
        own.world().add_app(&spec(name));
    }
    for name in names {
        own.world().set_gauge(&AppName::new(name), "wanted", &[], 4.0).unwrap();
    }
    until_running(&own, &names, 2).await;
    // Until it is quiet: each was read once more after it was acted on.
    let mut lists = 0;
    while own.world().total(Endpoint::List) != lists {
        lists = own.world().total(Endpoint::List);
        own.ticks(2 * names.len() as u64).await;
    }
    own.reload(&format!("{many}max-machines: 2\nconcurrency: 1\nrelease-timeout: 2h\n"));
    own.until_reloads([1, 0, 0]).await;
    own.ticks(2 * names.len() as u64).await;
    assert_eq!(own.world().total(Endpoint::List), lists, "what is known of them is kept");
    own.reload(&format!("{many}max-machines: 3\nconcurrency: 2\n"));
    until_running(&own, &names, 3).await;
    own.world().add_app(&spec("web-new"));
    own.world().set_gauge(&AppName::new("web-new"), "wanted", &[], 4.0).unwrap();
    until_running(&own, &["web-new"], 3).await;
    assert_eq!(own.world().total(Endpoint::Start), 2 * 6, "{}", own.scaler.program.told());
}
