//! Whatever happens to the file, and SIGHUP.

use std::fs;
use std::os::unix::fs::symlink;

use super::{CONFIG, LOOKED, Running};
use crate::running::Autoscaler;

/// What the file says from here on.
fn with_ceiling(count: u32) -> String {
    format!("{CONFIG}max-machines: {count}\n")
}

#[tokio::test]
async fn a_file_that_is_written_anew_counts_from_the_next_tick_on() {
    let own = Running::with(&with_ceiling(2)).await;
    own.want(6);
    own.until_running(2).await;
    own.write(&with_ceiling(4));
    own.until_running(4).await;
    assert_eq!((own.reloads().await, own.is_ok().await), ([1, 0, 0], true));
    let said = own.said("the configuration has changed");
    assert_eq!(said.len(), 1, "{}", own.scaler.program.told());
    assert_eq!(said[0]["changes"], "`max-machines` 2 -> 4");
    assert_eq!(own.value("max-machines").await, "4");
    assert_eq!(own.world().total(fly_autoscaler::sim::Endpoint::Start), 3);
}

#[tokio::test]
async fn a_file_that_another_takes_the_place_of_counts_too() {
    let own = Running::with(&with_ceiling(2)).await;
    let beside = own.folder.path().join(".fas.yml.swp");
    fs::write(&beside, with_ceiling(3)).unwrap();
    fs::rename(&beside, own.path()).unwrap();
    own.want(6);
    own.until_running(3).await;
}

#[tokio::test]
async fn so_does_one_that_a_link_leads_to_as_in_a_mounted_config_map() {
    let own = Running::with(&with_ceiling(2)).await;
    let at = |name: &str| own.folder.path().join(name);
    let lead_to = |version: &str, count: u32| {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("fas.yml"), with_ceiling(count)).unwrap();
        symlink(version, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    lead_to("..1", 2);
    fs::remove_file(own.path()).unwrap();
    symlink("..data/fas.yml", own.path()).unwrap();
    lead_to("..2", 5);
    own.want(8);
    own.until_running(5).await;
    assert_eq!(own.reloads().await[0], 1, "{}", own.scaler.program.told());
}

#[tokio::test]
async fn sighup_has_it_read_at_once_and_says_where_nothing_has_changed() {
    let own = Running::with(&with_ceiling(2)).await;
    own.scaler.program.signal("HUP");
    own.until_reloads([0, 1, 0]).await;
    assert_eq!(own.said("the configuration was read again").len(), 1);
    // The first look that could find it is later than this.
    own.reload(&with_ceiling(3));
    own.until_reloads([1, 1, 0]).await;
    assert_eq!(own.value("max-machines").await, "3");
}

#[tokio::test]
async fn a_file_that_was_only_touched_is_no_news() {
    let own = Running::with(CONFIG).await;
    own.write(CONFIG);
    let looked = tokio::time::timeout(LOOKED, own.until_reloads([1, 0, 0])).await;
    assert!(looked.is_err() && own.reloads().await == [0; 3]);
}

/// A comment is another content, and the same configuration.
#[tokio::test]
async fn a_file_that_says_the_same_in_other_words_is_read_in_silence() {
    let own = Running::with(CONFIG).await;
    own.write(&format!("# nothing new\n{CONFIG}"));
    own.until_reloads([0, 1, 0]).await;
    assert_eq!(own.said("the configuration"), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read_again() {
    let own = Running::with(CONFIG).await;
    let (url, prometheus) = (own.sim.url(), own.sim.prometheus_url("acme"));
    let scaler = Autoscaler::start(&[
        ("FAS_CONFIG_YAML", CONFIG),
        ("FAS_DRY_RUN", "true"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("PROMETHEUS", &prometheus),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ])
    .await;
    scaler.program.signal("HUP");
    let told = scaler
        .program
        .line("that there is none", |line| {
            line.contains("there is no configuration to read again").then(|| line.to_owned())
        })
        .await;
    assert!(told.contains("variables stay as they are until a restart"), "{told}");
    let (code, _) = scaler.get("/healthz").await;
    assert_eq!(code, 200, "it goes on{}", scaler.program.told());
}
