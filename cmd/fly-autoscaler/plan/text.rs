//! A plan for people: what was measured, what is there, what would be done and why.

use std::cmp::max;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fly_autoscaler::decide::{
    Action, Plan, PlannedAction, Reason, ScopePlan, Verb, Verdict, Weight,
};
use fly_autoscaler::model::{AppName, Bounds, Kind, ProcessGroup, Region, ScopeBounds};
use fly_autoscaler::status::{MachineCount, SampleStatus, Tick};

/// The whole of it. Without a plan, which is to say without the machines, it ends after the metrics.
pub(super) fn render(app: &AppName, tick: &Tick) -> String {
    let mut text = format!("{app} at {}\n", tick.at);
    metrics(&mut text, &tick.samples);
    if let Some(plan) = &tick.plan {
        machines(&mut text, &tick.machines);
        for scope in &plan.scopes {
            scope_text(&mut text, scope);
        }
        let _ = writeln!(text, "\n{}", verdict(plan));
    }
    text
}

/// Why nothing is to be done, in one line.
pub(super) fn in_a_line(tick: &Tick) -> String {
    let scopes = tick.plan.iter().flat_map(|plan| &plan.scopes);
    let reasons = scopes.flat_map(|scope| scope.reasons.iter().map(ToString::to_string));
    reasons.collect::<Vec<_>>().join("; ")
}

fn metrics(text: &mut String, samples: &[SampleStatus]) {
    if samples.is_empty() {
        return;
    }
    text.push_str("\nmetrics\n");
    let width = samples.iter().map(|own| own.metric.as_str().len()).max().unwrap_or_default();
    for sample in samples {
        let _ = writeln!(text, "  {:width$}  {}", sample.metric, value(sample));
    }
}

fn value(sample: &SampleStatus) -> String {
    let mut text = match (sample.value, &sample.error) {
        (Some(value), _) => value.to_string(),
        (None, Some(error)) => format!("no value: {error}"),
        (None, None) => "no value".to_owned(),
    };
    let regions: Vec<String> =
        sample.regions.iter().map(|(region, value)| format!("{region} {value}")).collect();
    if !regions.is_empty() {
        let _ = write!(text, "  ({})", regions.join(", "));
    }
    text
}

/// One table for each process group: regions down, states across.
fn machines(text: &mut String, counts: &[MachineCount]) {
    let groups: BTreeSet<Option<&ProcessGroup>> =
        counts.iter().map(|count| count.group.as_ref()).collect();
    if groups.is_empty() {
        text.push_str("\nmachines: none\n");
    }
    for group in groups {
        let own = counts.iter().filter(|count| count.group.as_ref() == group);
        let name = group.map_or("(no process group)", |group| group.as_str());
        group_table(text, name, &own.collect::<Vec<_>>());
    }
}

fn group_table(text: &mut String, group: &str, counts: &[&MachineCount]) {
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

    // First why, then what, then what stands in the way of more.
    let (causes, others): (Vec<&Reason>, Vec<&Reason>) =
        scope.reasons.iter().partition(|own| own.weight() == Weight::Cause);
    text.push('\n');
    for own in causes {
        let _ = writeln!(text, "  {}", reason(own));
    }
    for planned in &scope.actions {
        let _ = write!(text, "    {}", action(planned));
        if !scope.reasons.contains(&planned.reason) {
            let _ = write!(text, ": {}", reason(&planned.reason));
        }
        text.push('\n');
    }
    for own in others {
        let _ = writeln!(text, "  {}{}", label(own), reason(own));
    }
}

/// The sentence first, then the code to look it up by.
fn reason(reason: &Reason) -> String {
    format!("{reason} [{}]", reason.code())
}

fn label(reason: &Reason) -> &'static str {
    match reason.weight() {
        Weight::Cause => "",
        Weight::Limit => "limited: ",
        Weight::Hold => "held: ",
    }
}

/// The action, and for a create where it goes if its first region has no room.
fn action(planned: &PlannedAction) -> String {
    match &planned.action {
        Action::Create { regions, .. } if regions.len() > 1 => {
            let others: Vec<&str> = regions[1..].iter().map(Region::as_str).collect();
            format!("{} (or else in {})", planned.action, others.join(", "))
        }
        action => action.to_string(),
    }
}

/// What is held beside other groups in which something would be done.
fn beside(plan: &Plan) -> String {
    let held = plan.scopes.iter().filter(|own| own.is_held() && own.actions.is_empty());
    let held: Vec<String> = held.map(|own| own.scope.to_string()).collect();
    if held.is_empty() { String::new() } else { format!("; held: {}", held.join(", ")) }
}

/// The short of it.
fn verdict(plan: &Plan) -> String {
    match plan.verdict {
        Verdict::Quiet => "nothing to do".to_owned(),
        Verdict::Hold => "held: nothing would be done".to_owned(),
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
