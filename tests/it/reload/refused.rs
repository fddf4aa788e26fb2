//! What cannot be taken over changes nothing, and is said once with each mistake.

use std::fs;

use serde_json::Value;

use super::{CONFIG, LOOKED, Running};

const WRONG: &str = "max-machnes: 3\ninterval: 0s\n";

#[tokio::test]
async fn mistakes_are_said_as_check_says_them_and_nothing_changes() {
    let own = Running::with(&format!("{CONFIG}max-machines: 2\n")).await;
    own.write(&CONFIG.replace("interval: 1s", WRONG));
    own.until_reloads([0, 0, 1]).await;
    let said = own.said("error: ");
    let texts: Vec<&str> = said.iter().filter_map(|line| line["msg"].as_str()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("max-machnes") && texts[0].contains("fas.yml:4:1"), "{texts:?}");
    assert!(texts[0].contains("hint: did you mean `max-machines`?"), "{texts:?}");
    assert!(texts[1].contains("interval"), "{texts:?}");
    assert_eq!(own.said("the configuration was not taken over").len(), 1);
    assert!(!own.is_ok().await);
    // Scaling goes on by what was in force.
    own.want(6);
    own.until_running(2).await;
    // Looked at again and again, said once.
    own.ticks(5).await;
    assert_eq!(own.reloads().await, [0, 0, 1]);
    // What was right before is right again.
    own.write(&format!("{CONFIG}max-machines: 2\n"));
    own.until_reloads([0, 1, 1]).await;
    assert!(own.is_ok().await);
    assert_eq!(own.said("the configuration was read again").len(), 1);
}

#[tokio::test]
async fn a_file_that_is_half_written_is_waited_for() {
    let own = Running::with(&format!("{CONFIG}max-machines: 2\n")).await;
    own.want(6);
    own.until_running(2).await;
    let whole = format!("# {}\n{CONFIG}max-machines: 4\n", "x".repeat(500));
    // Written bit by bit for longer than it takes to find a change; what there is at times is valid and lacks
    // the limit.
    let started = std::time::Instant::now();
    let mut polls = tokio::time::interval(std::time::Duration::from_millis(100));
    let mut length = CONFIG.len();
    while started.elapsed() < LOOKED {
        polls.tick().await;
        own.write(&whole[..length]);
        length = (length + 1).min(whole.len() - 8);
    }
    own.write(&whole);
    own.until_running(4).await;
    assert_eq!(own.reloads().await, [1, 0, 0], "{}", own.scaler.program.told());
}

#[tokio::test]
async fn a_file_that_is_gone_is_said_and_missed_by_nothing() {
    let own = Running::with(CONFIG).await;
    fs::remove_file(own.path()).unwrap();
    own.until_reloads([0, 0, 1]).await;
    let said = own.said("error: ");
    assert!(said[0]["msg"].as_str().unwrap().contains("No such file"), "{said:?}");
    own.want(3);
    own.until_running(3).await;
    own.write(CONFIG);
    own.until_reloads([0, 1, 1]).await;
    assert!(own.is_ok().await);
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_or_is_missing_is_a_mistake_too() {
    let spec = fly_autoscaler::sim::AppSpec::new("web", "acme").with_machines("iad", 1, 2);
    let with = |line: &str| format!("{CONFIG}{line}\n");
    let own = Running::of(&spec, &with("api-token: fm2_file"), &[("FAS_API_TOKEN", "")]).await;
    own.reload(&with("api-token: fm2_hunter2 and more"));
    own.until_reloads([0, 0, 1]).await;
    own.reload(CONFIG);
    own.until_reloads([0, 0, 2]).await;
    let said = own.said("error: ");
    let has = |text: &str| {
        said.iter().filter_map(|line| line["msg"].as_str()).any(|own| own.contains(text))
    };
    assert!(has("`api-token`: the token holds") && has("api token required"), "{said:?}");
    own.want(2);
    own.until_running(2).await;
    assert!(!own.scaler.program.written().contains("hunter2"));
    // Each is as the page and the journal get it: one line.
    let line: Value = said[0].clone();
    assert_eq!(line["level"], "ERROR");
}
