//! What tells the load of each machine, where that says in which order they leave.

use crate::decide::StopOrder;

use super::super::error::{Mistakes, Notice, Warning};
use super::super::mistake::Mistake;
use super::super::place::Place;
use super::super::raw::{Raw, Values};
use super::super::read::Reader;
use super::super::secret::Secret;
use super::super::setting::{self, Setting};
use super::super::value;
use super::super::{CollectorConfig, StopMetricConfig};
use super::groups::Uncompiled;

/// What `values` say of it.
struct Said {
    query: Option<String>,
    address: Option<String>,
    token: Option<Secret>,
}

/// Notes what is wrong with what `values` say.
pub(super) fn check(values: &Values, mistakes: &mut Mistakes) {
    read(values, mistakes);
}

fn read(values: &Values, mistakes: &mut Mistakes) -> Said {
    let mut read = Reader { values, mistakes };
    Said {
        query: read.read(&setting::STOP_METRIC_QUERY, |text| Ok(text.to_owned())),
        address: read.read(&setting::STOP_METRIC_ADDRESS, value::url),
        token: read.secret(&setting::STOP_METRIC_TOKEN),
    }
}

/// What tells the load of the machines of `group`, if anything is to.
pub(super) fn of(
    group: &Uncompiled<'_>,
    raw: &Raw,
    collectors: &[CollectorConfig],
    mistakes: &mut Mistakes,
    warnings: &mut Vec<Warning>,
) -> Option<StopMetricConfig> {
    if !group.is_entry {
        return resolve(group, raw, collectors, mistakes, warnings);
    }
    mistakes.of_group(group.group.as_str(), |mistakes| {
        check(group.values, mistakes);
        resolve(group, raw, collectors, mistakes, warnings)
    })
}

fn resolve(
    group: &Uncompiled<'_>,
    raw: &Raw,
    collectors: &[CollectorConfig],
    mistakes: &mut Mistakes,
    warnings: &mut Vec<Warning>,
) -> Option<StopMetricConfig> {
    let values = &group.in_force;
    // What is wrong with single values is noted where they are checked.
    let said = read(values, &mut Mistakes::default());
    let query = values.place(&setting::STOP_METRIC_QUERY);
    if group.policy.stop_order != StopOrder::LeastLoaded {
        warn_of_idle(values, "`stop-order: least-loaded`", warnings);
        return None;
    }
    let Some(place) = query else {
        warn_of_idle(values, "`query`", warnings);
        let place = values.place(&setting::STOP_ORDER).unwrap_or(&Place::Default);
        mistakes.add(Mistake::StopMetricRequired, place);
        return None;
    };
    let first = collectors.iter().find_map(CollectorConfig::prometheus);
    let is_given = values.place(&setting::STOP_METRIC_ADDRESS).is_some();
    // A collector that cannot be read is a mistake of its own, and may be the one with the address.
    if !is_given && first.is_none() && collectors.len() == raw.collectors.len() {
        mistakes.add(Mistake::StopMetricAddress, place);
    }
    let address = if is_given { said.address } else { first.map(|own| own.address.clone()) }?;
    // A token is for the server that it was given for: another address does not get it.
    let inherited = first.filter(|own| own.address == address).and_then(|own| own.token.clone());
    Some(StopMetricConfig { query: said.query?, token: said.token.or(inherited), address })
}

/// Warns of what is set in vain.
fn warn_of_idle(values: &Values, needs: &'static str, warnings: &mut Vec<Warning>) {
    let settings: [&'static Setting; 3] =
        [&setting::STOP_METRIC_QUERY, &setting::STOP_METRIC_ADDRESS, &setting::STOP_METRIC_TOKEN];
    let given = settings.into_iter().find_map(|own| Some((own.key, values.place(own)?)));
    let Some((key, place)) = given else { return };
    let notice = Notice::KeyHasNoEffect { key, needs };
    let warning = Warning { notice, place: place.clone() };
    // Several process groups may have it from one place.
    if warnings.iter().all(|other| other.to_string() != warning.to_string()) {
        warnings.push(warning);
    }
}
