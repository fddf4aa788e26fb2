//! What Linux tells of a process.

use std::fs;
use std::time::Duration;

/// The processor time, user and system, that all threads of a process have used. From the scheduler, which
/// counts nanoseconds: `/proc/PID/stat` counts hundredths of a second, more than a quiet tick takes.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    tasks.flatten().map(|task| scheduled(&format!("{}/schedstat", task.path().display()))).sum()
}

/// The processor time of one thread of this process.
pub(crate) fn thread_cpu_time(thread: u32) -> Duration {
    scheduled(&format!("/proc/self/task/{thread}/schedstat"))
}

/// The id of the thread that asks.
pub(crate) fn thread_id() -> u32 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    stat.split(' ').next().and_then(|id| id.parse().ok()).unwrap()
}

/// The processor time of a process in hundredths of a second, threads that have ended included.
pub(crate) fn coarse_cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold spaces; after it comes the third field. utime and stime are 14 and 15.
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 =
        fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// A line of `/proc/PID/status` in kB, such as `VmHWM`, the most memory that it ever had resident.
pub(crate) fn status_kb(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn scheduled(path: &str) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
