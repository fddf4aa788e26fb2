//! The demo as lines, where there is no terminal to draw on.

use std::fmt::Write as _;
use std::time::Duration;

use fly_autoscaler::model::{Bounds, Kind};
use fly_autoscaler::status::{RegionRow, Tick};

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
    let mut text = format!(
        "{title}\nlistening on {address}: the page, and /status /metrics /readyz /healthz\n"
    );
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
        // What led to a status is said before it.
        let tick = running.status().and_then(|status| status.last_tick);
        for entry in running.look()? {
            output::line(&entry_line(&entry))?;
        }
        // Without a plan there is nothing to tell that its entry has not said.
        if let Some(tick) = tick.filter(|tick| tick.at >= next_status && tick.plan.is_some()) {
            output::line(&status_lines(&tick))?;
            next_status = next_status.plus(STATUS_DISTANCE);
        }
        running.clock.sleep(running.look_distance()).await;
    }
}

fn entry_line(entry: &Entry) -> String {
    let (at, label) = (time_of_day(entry.at), entry.kind.label());
    match entry.kind {
        EntryKind::Did(_) => format!("{at}  {label:7}  {:24} because {}", entry.what, entry.why),
        EntryKind::Held if !entry.what.is_empty() => {
            format!("{at}  {label:7}  {:24} because {}", format!("in {}", entry.what), entry.why)
        }
        EntryKind::Held => format!("{at}  {label:7}  because {}", entry.why),
        EntryKind::Failed => format!("{at}  {label:7}  {}: {}", entry.what, entry.why),
    }
}

/// Traffic and machines, as the tick saw them: all together in one line, then each region in one.
fn status_lines(tick: &Tick) -> String {
    let at = time_of_day(tick.at);
    let mut text = format!("{at}  status ");
    for sample in &tick.samples {
        let value = sample.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
        let _ = write!(text, "  {} {value}", sample.metric);
    }
    let Some(group) = tick.regions().into_iter().next() else { return text };
    if let Some(scope) = tick.plan.iter().flat_map(|plan| &plan.scopes).next() {
        for kind in [Kind::Started, Kind::Created] {
            let target = group.total.targets.map_or_else(Bounds::default, |own| own.of(kind));
            let _ = write!(text, ", {} {kind} of {target}", scope.observed.of(kind));
        }
    }
    for row in &group.rows {
        let _ = write!(text, "\n{at}  {}", region_line(row));
    }
    text
}

/// One region: what is asked of it, what is there, what is wanted and why.
fn region_line(row: &RegionRow) -> String {
    let region = row.region.as_ref().map_or("", |region| region.as_str());
    let mut line = format!("region    {region}");
    for (metric, value) in &row.samples {
        let value = value.map_or_else(|| "?".to_owned(), |value| format!("{value:.0}"));
        let _ = write!(line, "  {metric} {value:>4}");
    }
    let started = row.machines.get("started").copied().unwrap_or_default();
    let all: u32 = row.machines.values().sum();
    let target = match row.targets {
        None if row.held => "?".to_owned(),
        targets => targets.unwrap_or_default().started.to_string(),
    };
    let _ = write!(line, "  {started:>2} of {all:>2} started  target {target:5}");
    if let Some(why) = &row.why {
        let _ = write!(line, "  {why}");
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use fly_autoscaler::decide::{History, Plan, Reason, ScopePlan, Tally, Verb};
    use fly_autoscaler::model::{
        MetricName, ProcessGroup, Region, Scope, ScopeBounds, TickOutcome,
    };
    use fly_autoscaler::status::{MachineCount, SampleStatus};

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
            entry(EntryKind::Held, "fra lhr", "metric traffic: no answer"),
            "10:00:00  hold     in fra lhr               because metric traffic: no answer"
        );
        assert_eq!(
            entry(EntryKind::Failed, "start in fra", "500 no host"),
            "10:00:00  failed   start in fra: 500 no host"
        );
    }

    #[test]
    fn a_region_is_one_line_with_its_reason() {
        let reason = Reason::RegionExcluded { nearest: None };
        let scope = |region: &str, started: Option<Bounds>, reasons: Vec<Reason>| ScopePlan {
            scope: Scope { group: ProcessGroup::new("app"), region: Some(Region::new(region)) },
            observed: Tally::default(),
            wanted: None,
            targets: started.map(|started| ScopeBounds { started, ..ScopeBounds::default() }),
            actions: Vec::new(),
            spares: Vec::new(),
            reasons,
            held_since: None,
        };
        let band = Bounds { min: Some(4), max: Some(5) };
        let below = Reason::BelowMin { kind: Kind::Started, observed: 3, target: 4 };
        let scopes = vec![
            scope("lhr", Some(band), vec![below]),
            scope("iad", None, vec![Reason::AppWideHeld]),
            scope("gru", None, vec![reason]),
        ];
        let metric = MetricName::new("traffic");
        let machine = |state: &str, count| MachineCount {
            group: Some(ProcessGroup::new("app")),
            region: Region::new("lhr"),
            state: state.into(),
            count,
        };
        let tick = Tick {
            at: START,
            outcome: TickOutcome::Quiet,
            dry_run: false,
            paused: false,
            evaluated: Vec::new(),
            samples: vec![SampleStatus {
                metric,
                by_region: true,
                value: None,
                regions: [(Region::new("lhr"), 240.0)].into(),
                failed_regions: [(Region::new("iad"), "NaN".into())].into(),
                error: Some("iad: NaN".into()),
                failures: Vec::new(),
            }],
            machines: vec![machine("started", 3), machine("stopped", 2)],
            plan: Some(Plan::new(scopes, History::default())),
            outcomes: Vec::new(),
            advice: Vec::new(),
            error: None,
            fly_failed: false,
            history: fly_autoscaler::model::SeriesSize::default(),
        };
        let lines = status_lines(&tick);
        let lines: Vec<&str> = lines.lines().collect();
        let held = Reason::AppWideHeld;
        assert_eq!(
            lines[1..],
            [
                "10:00:00  region    lhr  traffic  240   3 of  5 started  target 4..5   3 started, at least 4 wanted".to_owned(),
                format!("10:00:00  region    iad  traffic    ?   0 of  0 started  target ?      {held}"),
                "10:00:00  region    gru   0 of  0 started  target -      excluded (excluded-regions)".to_owned(),
            ]
        );
    }
}
