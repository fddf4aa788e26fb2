//! Reload after reload.

use std::fs;

use fly_autoscaler::sim::Endpoint;

use super::{CONFIG, Running};
use crate::running::until;

const RELOADS: u32 = 100;

/// Threads, open files and memory in KB.
fn weight(own: &Running) -> [u64; 3] {
    let pid = own.scaler.program.id();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
    };
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    [of("Threads"), files as u64, of("VmRSS")]
}

/// In each of them something else is wanted, and each tick goes by what was in force when it began.
#[tokio::test]
async fn a_hundred_of_them_leave_nothing_behind_and_touch_no_machine_twice() {
    let own = Running::with(CONFIG).await;
    own.want(5);
    let mut early = None;
    for count in 1..=RELOADS {
        let ceiling = if count < RELOADS { 100 + count } else { 8 };
        let more = if count % 2 == 0 { "min-machines: 1\n" } else { "" };
        own.reload(&format!("{CONFIG}max-machines: {ceiling}\n{more}"));
        own.until_reloads([u64::from(count), 0, 0]).await;
        if count == RELOADS / 4 {
            early = Some(weight(&own));
        }
    }
    own.until_running(5).await;
    own.ticks(2).await;
    assert_eq!(own.world().total(Endpoint::Start), 4, "{}", own.scaler.program.told());
    let (early, late) = (early.unwrap(), weight(&own));
    let [threads, files, memory] = [0, 1, 2].map(|index| (early[index], late[index]));
    assert!(threads.1 <= threads.0 + 2, "threads: {threads:?}");
    assert!(files.1 <= files.0 + 4, "open files: {files:?}");
    assert!(memory.1 <= memory.0 + 4096, "KB: {memory:?}");
}

/// A tick that acts while the configuration changes ends as it began.
#[tokio::test]
async fn a_tick_under_way_is_neither_cut_short_nor_repeated() {
    use fly_autoscaler::sim::{FaultKind, FaultRule};
    let own = Running::with(CONFIG).await;
    own.ticks(1).await;
    // Its answer comes after the reload.
    let slow = FaultKind::Delay(std::time::Duration::from_secs(3));
    own.world().inject(FaultRule::once(Endpoint::Start, slow).after());
    own.want(2);
    until(
        "the start",
        || own.scaler.program.told(),
        async || {
            let running = own.running_in("iad");
            if running == 2 { Ok(()) } else { Err(running.to_string()) }
        },
    )
    .await;
    own.reload(&format!("{CONFIG}max-machines: 7\n"));
    own.until_reloads([1, 0, 0]).await;
    own.ticks(2).await;
    assert_eq!(own.world().total(Endpoint::Start), 1, "{}", own.scaler.program.told());
    let metrics = own.scaler.get("/metrics").await.1;
    assert!(metrics.contains("fas_machine_start_count{status=\"ok\"} 1"), "{metrics}");
}
