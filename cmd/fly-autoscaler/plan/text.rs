//! A plan for people: what was measured, what is there, what would be done and why.

use std::cmp::max;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fly_autoscaler::decide::{Plan, ScopePlan, Verb, Verdict};
use fly_autoscaler::model::{AppName, Bounds, Kind, ProcessGroup, Region, ScopeBounds, Timestamp};
use fly_autoscaler::status::{GroupRegions, MachineCount, SampleStatus, Tick};

use super::reasons;
use super::table::table;
use crate::cell::{code, listed, number, sentence};

/// How many regions a line names.
const NAMED: usize = 10;

/// The whole of it. Without a plan, which is to say without the machines, it ends after the metrics.
pub(super) fn render(app: &AppName, tick: &Tick) -> String {
    let mut text = format!("{app} at {}\n", tick.at);
    let Some(plan) = &tick.plan else {
        metrics(&mut text, &tick.samples, false);
        return text;
    };
    let regions = tick.regions();
    let (tables, others): (Vec<&GroupRegions>, Vec<&GroupRegions>) =
        regions.iter().partition(|own| is_by_region(own, plan));
    metrics(&mut text, &tick.samples, !tables.is_empty());
    if tables.is_empty() && tick.machines.is_empty() {
        text.push_str("\nmachines: none\n");
    }
    for group in others {
        let own = tick.machines.iter().filter(|count| count.group == group.group);
        let name = group.group.as_ref().map_or("(no process group)", ProcessGroup::as_str);
        group_table(&mut text, name, &own.collect::<Vec<_>>());
    }
    for group in regions.iter() {
        let scopes =
            plan.scopes.iter().filter(|own| Some(&own.scope.group) == group.group.as_ref());
        let scopes: Vec<&ScopePlan> = scopes.collect();
        if tables.contains(&group) {
            let name = group.group.as_ref().map_or("", ProcessGroup::as_str);
            let table = table(name, group);
            text += &table.text;
            reasons::by_region(&mut text, group, &scopes, &table.cut);
        } else {
            scopes.into_iter().for_each(|scope| scope_text(&mut text, scope));
        }
    }
    for advice in &tick.advice {
        let _ = write!(text, "\nadvice: {} [{}]", sentence(&advice.to_string()), advice.code());
    }
    if !tick.advice.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "\n{}", verdict(plan, tick.at));
    text
}

/// Whether there is something to tell of single regions.
fn is_by_region(regions: &GroupRegions, plan: &Plan) -> bool {
    let mut own = plan
        .scopes
        .iter()
        .filter(|own| Some(&own.scope.group) == regions.group.as_ref())
        .peekable();
    own.peek().is_some() && (regions.rows.len() > 1 || own.any(|own| own.scope.region.is_some()))
}

/// Why nothing is to be done, in one line.
pub(super) fn in_a_line(tick: &Tick) -> String {
    let scopes = tick.plan.iter().flat_map(|plan| &plan.scopes);
    let reasons: Vec<String> = scopes
        .flat_map(|scope| {
            let region = scope.scope.region.as_ref();
            let place = region.map(|region| format!("{}: ", code(region.as_str(), 16)));
            let place = place.unwrap_or_default();
            scope.reasons.iter().map(move |own| format!("{place}{}", sentence(&own.to_string())))
        })
        .collect();
    match reasons.len().saturating_sub(NAMED) {
        0 => reasons.join("; "),
        more => format!("{}; and {more} more", reasons[..NAMED].join("; ")),
    }
}

/// What was measured; single regions are left to the tables, where there are some.
fn metrics(text: &mut String, samples: &[SampleStatus], has_tables: bool) {
    if samples.is_empty() {
        return;
    }
    text.push_str("\nmetrics\n");
    let width = samples.iter().map(|own| own.metric.as_str().len()).max().unwrap_or_default();
    for sample in samples {
        let _ = writeln!(text, "  {:width$}  {}", sample.metric, value(sample, has_tables));
    }
}

fn value(sample: &SampleStatus, has_tables: bool) -> String {
    let mut text = match (sample.value, &sample.error) {
        (Some(value), None) => exactly(value),
        (Some(value), Some(error)) => format!("{}  ({})", exactly(value), sentence(error)),
        (None, Some(error)) => format!("no value: {}", sentence(error)),
        (None, None) => "no value".to_owned(),
    };
    let in_region = |(region, value): (&Region, &f64)| {
        format!("{} {}", code(region.as_str(), 16), number(*value))
    };
    let regions: Vec<String> = sample.regions.iter().map(in_region).collect();
    if !regions.is_empty() && !has_tables {
        let _ = write!(text, "  ({})", listed(&regions, NAMED));
    }
    text
}

/// All digits, as far as they are few.
fn exactly(value: f64) -> String {
    let text = value.to_string();
    if text.len() > 20 { format!("{value:e}") } else { text }
}

/// Regions down, states across.
fn group_table(text: &mut String, group: &str, counts: &[&MachineCount]) {
    if counts.is_empty() {
        return;
    }
    let states: BTreeSet<&str> = counts.iter().map(|count| count.state.as_str()).collect();
    let mut regions: BTreeMap<&Region, BTreeMap<&str, u32>> = BTreeMap::new();
    for count in counts {
        *regions.entry(&count.region).or_default().entry(&count.state).or_default() += count.count;
    }
    let title = format!("machines of {group}");
    let first =
        max(title.len(), 2 + regions.keys().map(|own| own.as_str().len()).max().unwrap_or(0));
    let row = |text: &mut String, name: &str, cell: &dyn Fn(&str) -> String| {
        let cells = states.iter().map(|state| {
            let width = max(state.len(), 5);
            format!("  {:>width$}", cell(state))
        });
        let _ = writeln!(text, "{name:first$}{}", cells.collect::<String>());
    };
    text.push('\n');
    row(text, &title, &|state| state.to_owned());
    for (region, own) in &regions {
        let cell = |state: &str| own.get(state).map_or("-".to_owned(), u32::to_string);
        row(text, &format!("  {region}"), &cell);
    }
    if regions.len() > 1 {
        let total = |state: &str| {
            regions.values().filter_map(|own| own.get(state)).sum::<u32>().to_string()
        };
        row(text, "  total", &total);
    }
}

fn scope_text(text: &mut String, scope: &ScopePlan) {
    let title = format!("plan for {}", scope.scope);
    let first = max(title.len(), "  observed".len());
    let row = |text: &mut String, name: &str, cell: &dyn Fn(Kind) -> String| {
        let (created, started) = (cell(Kind::Created), cell(Kind::Started));
        let _ = writeln!(text, "{name:first$}  {created:>7}  {started:>7}");
    };
    // What could not be evaluated is not the same as what nobody asks for (`-`).
    let bounds = |bounds: Option<ScopeBounds>| {
        move |kind| bounds.map_or("?".to_owned(), |own| Bounds::to_string(&own.of(kind)))
    };
    text.push('\n');
    row(text, &title, &|kind| kind.to_string());
    row(text, "  observed", &|kind| scope.observed.of(kind).to_string());
    row(text, "  wanted", &bounds(scope.wanted));
    row(text, "  target", &bounds(scope.targets));
    if scope.observed.unreachable > 0 {
        let _ = writeln!(
            text,
            "  not counted: {} on hosts that do not answer",
            scope.observed.unreachable
        );
    }

    text.push('\n');
    reasons::of_scope(text, scope, 2);
}

/// What is held beside other scopes in which something would be done.
fn beside(plan: &Plan) -> String {
    let held = plan.scopes.iter().filter(|own| own.is_held() && own.actions.is_empty());
    let held: Vec<String> = held.map(|own| sentence(&own.scope.to_string())).collect();
    if held.is_empty() { String::new() } else { format!("; held: {}", listed(&held, NAMED)) }
}

/// The short of it.
fn verdict(plan: &Plan, now: Timestamp) -> String {
    match plan.verdict {
        Verdict::Quiet => "nothing to do".to_owned(),
        Verdict::Hold => {
            // Known only from what an earlier process has written down.
            let since = plan.scopes.iter().filter_map(|own| own.held_since).min();
            let since = since.filter(|since| *since < now);
            let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
            format!("held{since}: nothing would be done")
        }
        Verdict::Act => {
            let count = |verb| plan.actions().filter(|(_, own)| own.action.verb() == verb).count();
            let counts = Verb::ALL.map(|verb| (verb, count(verb)));
            let parts: Vec<String> = counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(verb, count)| format!("{verb} {count}"))
                .collect();
            let machines = if counts.iter().map(|(_, count)| count).sum::<usize>() == 1 {
                "machine"
            } else {
                "machines"
            };
            format!("would {} {machines}{}", parts.join(" and "), beside(plan))
        }
    }
}
