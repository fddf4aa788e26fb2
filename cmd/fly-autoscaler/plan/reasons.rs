//! Reasons in full, with their codes, and the actions one by one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fly_autoscaler::decide::{Action, PlannedAction, Reason, ScopePlan, Weight};
use fly_autoscaler::model::Region;
use fly_autoscaler::status::GroupRegions;

use crate::cell::{code, listed, sentence};

/// How many regions of which the same is to be said are named.
const NAMED: usize = 10;

/// What the table of a group could not say: scopes of which more than one line is to be told, or what they
/// are to be looked up by. `cut` are the rows of the table whose reason is not all there.
pub(super) fn by_region(
    text: &mut String,
    regions: &GroupRegions,
    scopes: &[&ScopePlan],
    cut: &BTreeSet<usize>,
) {
    let rows = || regions.rows.iter().map(|row| row.region.as_ref());
    let is_cut = |scope: &ScopePlan| {
        let place = match scope.scope.region.as_ref() {
            None => Some(regions.rows.len()),
            region => rows().position(|row| row == region),
        };
        place.is_none_or(|place| cut.contains(&place))
    };
    // One cause may hold many regions: it is said once.
    let mut told: Vec<(Vec<String>, String)> = Vec::new();
    for scope in scopes {
        let is_as_wanted = |own: &Reason| matches!(own, Reason::WithinBounds { .. });
        let is_more = scope.reasons.len() > 1 && !scope.reasons.iter().all(is_as_wanted);
        let is_told = is_more || scope.is_held() || is_cut(scope);
        if !is_told && scope.actions.is_empty() {
            continue;
        }
        let mut body = String::new();
        of_scope(&mut body, scope, 4);
        let name = scope.scope.region.as_ref();
        let name = name.map_or("all regions together".to_owned(), |own| code(own.as_str(), 16));
        match told.iter_mut().find(|(_, own)| *own == body) {
            Some((names, _)) => names.push(name),
            None => told.push((vec![name], body)),
        }
    }
    if !told.is_empty() {
        text.push('\n');
    }
    for (names, body) in told {
        let _ = writeln!(text, "  {}", listed(&names, NAMED));
        *text += &body;
    }
}

/// First why, then what, then what stands in the way of more.
pub(super) fn of_scope(text: &mut String, scope: &ScopePlan, indent: usize) {
    let (causes, others): (Vec<&Reason>, Vec<&Reason>) =
        scope.reasons.iter().partition(|own| own.weight() == Weight::Cause);
    for own in causes {
        let _ = writeln!(text, "{:indent$}{}", "", reason(own));
    }
    let chosen_alike = |one: &PlannedAction, next: &PlannedAction| one.choice.is_like(&next.choice);
    for together in scope.actions.chunk_by(chosen_alike) {
        for planned in together {
            let _ = write!(text, "{:indent$}  {}", "", sentence(&action(planned)));
            if !scope.reasons.contains(&planned.reason) {
                let _ = write!(text, ": {}", reason(&planned.reason));
            }
            text.push('\n');
        }
        let why = together.first().and_then(|own| own.choice.together(together.len()));
        if let Some(why) = why {
            let _ = writeln!(text, "{:indent$}    {}", "", sentence(&why));
        }
    }
    for own in others {
        let _ = writeln!(text, "{:indent$}{}{}", "", label(own), reason(own));
    }
}

/// The sentence first, then the code to look it up by.
fn reason(reason: &Reason) -> String {
    format!("{} [{}]", sentence(&reason.to_string()), reason.code())
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
