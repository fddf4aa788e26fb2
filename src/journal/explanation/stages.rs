//! From a record to sentences, stage by stage.

use std::collections::BTreeMap;

use super::{Explained, Part, Stage};
use crate::decide::Weight;
use crate::evaluate::{number, put_in};
use crate::journal::{
    ActionRecord, OutcomeRecord, ReasonRecord, Record, SampleRecord, ScopeRecord,
};
use crate::model::{Kind, ProcessGroup, Region, ScopeBounds};
use crate::status::{Evaluated, MachineCount};

/// What is about no scope by itself.
pub(super) fn of_all(record: &Record) -> Vec<Explained> {
    let mut lines: Vec<Explained> = Vec::new();
    for sample in &record.samples {
        lines.extend(measured(sample).into_iter().map(|text| said(Stage::Collect, text)));
    }
    lines.extend(seen(&record.machines).into_iter().map(|text| said(Stage::Observe, text)));
    let (is_acting, stage) = (record.scopes.iter().any(|own| !own.actions.is_empty()), Stage::Act);
    if record.paused {
        lines.push(said(stage, "the scaling of this app is paused: nothing is done".to_owned()));
    } else if record.dry_run && is_acting {
        lines.push(said(stage, "dry-run is on: nothing is done".to_owned()));
    }
    if let Some(error) = &record.error {
        let (what, stage) = match record.scopes.is_empty() {
            true => ("there is no plan", Stage::Limit),
            false => ("the tick failed", Stage::Act),
        };
        lines.push(said(stage, format!("{what}: {error}")));
    }
    lines.extend(record.advice.iter().map(|own| said(Stage::Act, format!("advice: {own}"))));
    lines.sort_by_key(|line| line.stage);
    lines
}

/// One scope, from its expressions to what Fly answered.
pub(super) fn of_scope(own: &ScopeRecord, record: &Record) -> Part {
    let mut lines = vec![said(Stage::Observe, observed(own))];
    let evaluated = record.evaluated.iter().filter(|one| one.scope == own.scope);
    lines.extend(evaluated.map(|one| said(Stage::Evaluate, worked_out(one))));
    match own.wanted {
        Some(wanted) if is_any(wanted) => {
            lines.push(said(Stage::Evaluate, format!("asked for: {}", both(wanted))));
        }
        None if own.reasons.iter().any(|why| why.weight == Weight::Hold) => {
            lines.push(said(Stage::Evaluate, "asked for: not known".to_owned()));
        }
        // Nothing is asked of it: it is excluded, or has no count.
        Some(_) | None => {}
    }
    let (causes, others): (Vec<_>, Vec<_>) =
        own.reasons.iter().partition(|reason| reason.weight == Weight::Cause);
    lines.extend(others.into_iter().map(|reason| because(Stage::Limit, reason)));
    if let Some(targets) = own.targets.filter(|targets| is_any(*targets)) {
        let same = if own.wanted == Some(targets) { ", as asked for" } else { "" };
        lines.push(said(Stage::Limit, format!("after all limits: {}{same}", both(targets))));
    }
    if let Some(since) = own.held_since {
        lines.push(said(Stage::Limit, format!("held without a break since {since}")));
    }
    lines.extend(causes.into_iter().map(|reason| because(Stage::Choose, reason)));
    lines.extend(own.actions.iter().map(|action| chosen(action, own)));
    let outcomes = record.outcomes.iter().filter(|outcome| outcome.scope == own.scope);
    lines.extend(outcomes.map(|outcome| said(Stage::Act, answered(outcome, own))));
    Part { scope: own.scope.clone(), lines }
}

fn said(stage: Stage, text: String) -> Explained {
    Explained { stage, code: None, weight: None, text }
}

fn because(stage: Stage, reason: &ReasonRecord) -> Explained {
    Explained {
        stage,
        code: Some(reason.code.clone()),
        weight: Some(reason.weight),
        text: reason.text.clone(),
    }
}

/// What a collector measured, and what could not be measured.
fn measured(sample: &SampleRecord) -> Vec<String> {
    let metric = &sample.metric;
    let of_region = |(region, value): (&Region, &f64)| format!("{region} {}", number(*value));
    let regions: Vec<String> = sample.regions.iter().map(of_region).collect();
    let first = match (sample.value, regions.as_slice()) {
        (Some(value), []) => format!("{metric} = {}", number(value)),
        (Some(value), some) => {
            format!("{metric} = {} in all: {}", number(value), some.join(", "))
        }
        (None, []) => format!("{metric}: no value"),
        (None, some) => format!("{metric}: no value for all regions: {}", some.join(", ")),
    };
    let failures = sample.failures.iter().chain(match sample.failures.as_slice() {
        [] => &sample.error,
        _ => &None,
    });
    std::iter::once(first).chain(failures.map(|why| format!("{metric}: {why}"))).collect()
}

/// The machines of each process group, by region and state.
fn seen(machines: &[MachineCount]) -> Vec<String> {
    let mut groups: BTreeMap<Option<&ProcessGroup>, BTreeMap<&Region, Vec<String>>> =
        BTreeMap::new();
    for own in machines {
        let region = groups.entry(own.group.as_ref()).or_default().entry(&own.region).or_default();
        region.push(format!("{} {}", own.count, own.state));
    }
    let told = |(group, regions): (Option<&ProcessGroup>, BTreeMap<&Region, Vec<String>>)| {
        let regions =
            regions.into_iter().map(|(region, own)| format!("{region} {}", own.join(", ")));
        let regions = regions.collect::<Vec<_>>().join("; ");
        let group = group.map_or("(no process group)", ProcessGroup::as_str);
        format!("machines of {group}: {regions}")
    };
    groups.into_iter().map(told).collect()
}

/// The numbers of a scope as the plan counts them.
fn observed(own: &ScopeRecord) -> String {
    let tally = own.observed;
    let mut text = format!(
        "{} created, {} started, {} that can be started",
        tally.created, tally.started, tally.stopped
    );
    if tally.unreachable > 0 {
        text += &format!("; not counted: {} on hosts that do not answer", tally.unreachable);
    }
    text
}

/// An expression, the same with its values, what it gave and what that was rounded to.
fn worked_out(one: &Evaluated) -> String {
    let side = one.side.map(|side| format!("{side} ")).unwrap_or_default();
    let plain = put_in(&one.expression, |_| None);
    let filled = put_in(&one.expression, |text| one.values.get(text));
    let mut text = format!("{side}{}: {plain}", one.kind);
    if filled != plain {
        text += &format!(" = {filled}");
    }
    if let Some(gave) = one.gave.map(number).filter(|gave| *gave != filled) {
        text += &format!(" = {gave}");
    }
    if let Some(error) = &one.error {
        return format!("{text}: {error}");
    }
    match (one.gave, one.count) {
        (Some(gave), Some(0)) if gave < 0.0 => text + ", and less than none is none",
        (Some(gave), Some(count)) if gave != f64::from(count) => {
            format!("{text}, rounded to {count}")
        }
        _ => text,
    }
}

fn is_any(bounds: ScopeBounds) -> bool {
    bounds.created.is_defined() || bounds.started.is_defined()
}

/// Both numbers, as far as they are asked for.
fn both(bounds: ScopeBounds) -> String {
    let kinds = [Kind::Created, Kind::Started].into_iter().map(|kind| (kind, bounds.of(kind)));
    let defined = kinds.filter(|(_, own)| own.is_defined());
    defined.map(|(kind, own)| format!("{own} {kind}")).collect::<Vec<_>>().join(", ")
}

/// What was to be done, why that, and why on this machine.
fn chosen(action: &ActionRecord, own: &ScopeRecord) -> Explained {
    let mut text = action.text.clone();
    if !own.reasons.contains(&action.reason) {
        text += &format!(" ({})", action.reason.text);
    }
    if let Some(choice) = &action.choice {
        text += &format!(": {choice}");
    }
    Explained { text, ..because(Stage::Choose, &action.reason) }
}

/// What became of an action.
fn answered(outcome: &OutcomeRecord, own: &ScopeRecord) -> String {
    let is_planned = |action: &ActionRecord| {
        action.verb == outcome.verb
            && (action.machine.is_none() || action.machine == outcome.machine)
    };
    if own.actions.iter().any(is_planned) {
        outcome.text.clone()
    } else {
        format!("{} (the next in order, in place of one that failed)", outcome.text)
    }
}
