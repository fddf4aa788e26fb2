//! The demo as lines, where there is no terminal to draw on.

use std::fmt::Write as _;
use std::time::Duration;

use fly_autoscaler::model::{Bounds, Kind};
use fly_autoscaler::status::Tick;

use super::story::{Entry, EntryKind, day_and_time, time_of_day};
use super::world::Setting;
use super::{Running, output};

/// How far apart the status lines are, in simulated time.
const STATUS_DISTANCE: Duration = Duration::from_secs(30 * 60);

/// Prints what it is that runs, and how it is configured.
pub(crate) fn introduce(running: &Running) -> anyhow::Result<()> {
    output::line(&introduction(
        &format!(
            "demo of the app `{}`: seed {}, {} times as fast as real time, from {} UTC",
            running.app,
            running.seed,
            running.speed,
            day_and_time(super::world::START),
        ),
        &running.address,
        &running.settings,
    ))
}

fn introduction(title: &str, address: &str, settings: &[Setting]) -> String {
    let mut text = format!("{title}\nlistening on {address}: /status /metrics /readyz /healthz\n");
    for setting in settings {
        let _ = writeln!(text, "  {}={}", setting.name, setting.shown());
    }
    text.truncate(text.trim_end().len());
    text
}

/// Prints what happens until it is dropped.
pub(crate) async fn run(running: &mut Running) -> anyhow::Result<()> {
    let mut next_status = super::world::START;
    loop {
        for entry in running.look()? {
            output::line(&entry_line(&entry))?;
        }
        let tick = running.status().and_then(|status| status.last_tick);
        if let Some(tick) = tick.filter(|tick| tick.at >= next_status) {
            output::line(&status_line(&tick))?;
            next_status = next_status.plus(STATUS_DISTANCE);
        }
        running.clock.sleep(running.look_distance()).await;
    }
}

fn entry_line(entry: &Entry) -> String {
    let (at, label) = (time_of_day(entry.at), entry.kind.label());
    match entry.kind {
        EntryKind::Did(_) => format!("{at}  {label:7}  {:24} because {}", entry.what, entry.why),
        EntryKind::Held => format!("{at}  {label:7}  because {}", entry.why),
        EntryKind::Failed => format!("{at}  {label:7}  {}: {}", entry.what, entry.why),
    }
}

/// Traffic and machines in one line, as the tick saw them.
fn status_line(tick: &Tick) -> String {
    let mut line = format!("{}  status ", time_of_day(tick.at));
    for sample in &tick.samples {
        let value = sample.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
        let _ = write!(line, "  {} {value}", sample.metric);
    }
    if let Some(scope) = tick.plan.iter().flat_map(|plan| &plan.scopes).next() {
        for kind in [Kind::Started, Kind::Created] {
            let target = scope.targets.map_or_else(Bounds::default, |targets| targets.of(kind));
            let _ = write!(line, ", {} {kind} of {target}", scope.observed.of(kind));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use fly_autoscaler::decide::Verb;

    use super::*;
    use crate::demo::world::START;

    #[test]
    fn an_entry_is_one_line_with_its_reason() {
        let entry = |kind, what: &str, why: &str| {
            entry_line(&Entry { at: START, kind, what: what.into(), why: why.into() })
        };
        assert_eq!(
            entry(EntryKind::Did(Verb::Start), "2 in fra lhr", "9 started, at least 11 wanted"),
            "10:00:00  start    2 in fra lhr             because 9 started, at least 11 wanted"
        );
        assert_eq!(
            entry(EntryKind::Held, "", "metric traffic: no answer"),
            "10:00:00  hold     because metric traffic: no answer"
        );
        assert_eq!(
            entry(EntryKind::Failed, "start in fra", "500 no host"),
            "10:00:00  failed   start in fra: 500 no host"
        );
    }
}
