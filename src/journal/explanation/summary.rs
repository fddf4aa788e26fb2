//! The short of a tick, in a sentence.

use crate::decide::{Verb, Weight};
use crate::journal::{ReasonRecord, Record, ResultKind, ScopeRecord};
use crate::model::{TickOutcome, Timestamp};

/// So many reasons are named; the parts have all.
const NAMED: usize = 3;

/// What the tick at `now` came to, and why where nothing was done.
pub(super) fn of(record: &Record, now: Timestamp) -> String {
    if record.scopes.is_empty()
        && let Some(error) = &record.error
    {
        return format!("nothing was done, for there was no plan: {error}");
    }
    let is_planned = record.scopes.iter().any(|own| !own.actions.is_empty());
    match record.outcome {
        _ if is_planned && (record.dry_run || record.paused) => {
            let why = if record.paused { "paused" } else { "dry-run" };
            format!("would {}; {why}, so nothing was done", wishes(record))
        }
        TickOutcome::Acted | TickOutcome::Failed if is_planned => {
            let beside = record.error.as_ref().map(|error| format!("; {error}"));
            format!("{}{}", deeds(record), beside.unwrap_or_default())
        }
        TickOutcome::Failed => match &record.error {
            Some(error) => format!("nothing was done: {error}"),
            None => "nothing was done".to_owned(),
        },
        TickOutcome::Held => {
            let since = record.scopes.iter().filter_map(|own| own.held_since).min();
            let since = since.filter(|since| *since < now);
            let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
            format!("nothing was done, held{since}: {}", reasons(record, &[Weight::Hold]))
        }
        TickOutcome::Quiet | TickOutcome::Acted => {
            // What kept a number down says more than that the number is reached.
            let limits = reasons(record, &[Weight::Limit]);
            let causes = reasons(record, &[Weight::Cause]);
            match limits.as_str() {
                "" => format!("nothing to do: {causes}"),
                limits => format!("nothing was done: {causes}; {limits}"),
            }
        }
    }
}

/// The reasons of these weights, each once, with its scope where there are several.
fn reasons(record: &Record, weights: &[Weight]) -> String {
    let mut told: Vec<(&ScopeRecord, &ReasonRecord)> = Vec::new();
    let all = record.scopes.iter().flat_map(|own| own.reasons.iter().map(move |why| (own, why)));
    for (own, why) in all.filter(|(_, why)| weights.contains(&why.weight)) {
        // Region after region says the same of one cause.
        if !told.iter().any(|(_, known)| known.text == why.text) {
            told.push((own, why));
        }
    }
    // That regions have numbers is known; which they are is asked.
    if told.len() > 1 {
        told.retain(|(_, why)| why.code != "by_region");
    }
    let is_one = record.scopes.len() == 1;
    let named = told.iter().take(NAMED).map(|(own, why)| {
        if is_one { why.text.clone() } else { format!("{}: {}", own.scope, why.text) }
    });
    let named = named.collect::<Vec<_>>().join("; ");
    match told.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

/// What was to be done.
fn wishes(record: &Record) -> String {
    let actions = || record.scopes.iter().flat_map(|own| &own.actions);
    let parts = Verb::ALL.into_iter().filter_map(|verb| {
        let count = actions().filter(|action| action.verb == verb).count();
        (count > 0).then(|| format!("{verb} {}", machines(count)))
    });
    parts.collect::<Vec<_>>().join(" and ")
}

/// What was done, and what was not.
fn deeds(record: &Record) -> String {
    let count = |verb: Option<Verb>, results: &[ResultKind]| {
        let of_verb = record.outcomes.iter().filter(|own| verb.is_none_or(|verb| own.verb == verb));
        of_verb.filter(|own| results.contains(&own.result)).count()
    };
    let mut parts: Vec<String> = Vec::new();
    for verb in Verb::ALL {
        match count(Some(verb), &[ResultKind::Done, ResultKind::Gone]) {
            0 => {}
            some => parts.push(format!("{} {}", past(verb), machines(some))),
        }
    }
    if parts.is_empty() {
        parts.push("nothing was done".to_owned());
    }
    for (result, text) in [
        (ResultKind::Failed, "failed"),
        (ResultKind::Unknown, "may have happened"),
        (ResultKind::NotAttempted, "not attempted"),
    ] {
        match count(None, &[result]) {
            0 => {}
            1 => parts.push(format!("1 action {text}")),
            some => parts.push(format!("{some} actions {text}")),
        }
    }
    parts.join(", ")
}

fn past(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "created",
        Verb::Start => "started",
        Verb::Stop => "stopped",
        Verb::Suspend => "suspended",
        Verb::Cordon => "cordoned",
        Verb::Uncordon => "uncordoned",
        Verb::Destroy => "destroyed",
    }
}

fn machines(count: usize) -> String {
    if count == 1 { "1 machine".to_owned() } else { format!("{count} machines") }
}
