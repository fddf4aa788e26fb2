//! The collectors, each checked by itself.

use crate::model::{MetricName, SeriesRule};

use super::super::CollectorConfig;
use super::super::error::{Mistakes, Notice, Warning};
use super::super::mistake::{CollectorFault, Mistake};
use super::super::place::Place;
use super::super::raw::{Given, RawCollector, Values};
use super::super::read::Reader;
use super::super::setting::{self, Setting};
use super::super::value;

/// The collectors that could be read. Mistakes of the others are noted.
pub(super) fn collectors(
    raw: &[RawCollector],
    mistakes: &mut Mistakes,
    warnings: &mut Vec<Warning>,
) -> Vec<CollectorConfig> {
    raw.iter()
        .enumerate()
        .filter_map(|(index, collector)| {
            let values = collector.values.as_ref()?;
            if !check_presence(index, values, &collector.place, mistakes) {
                return None;
            }
            warn_of_unused(values, warnings);
            prometheus(values, mistakes)
        })
        .collect()
}

/// Upstream's rules, in upstream's words. Whether it is a Prometheus collector at all.
fn check_presence(index: usize, values: &Values, place: &Place, mistakes: &mut Mistakes) -> bool {
    let is_missing = |setting: &Setting| values.place(setting).is_none();
    let mut add = |fault, place| mistakes.add(Mistake::Collector { index, fault }, place);
    if is_missing(&setting::METRIC_NAME) {
        add(CollectorFault::MetricNameRequired, place);
    }
    let kind = values.get(&setting::TYPE);
    match kind.map(Given::text) {
        Some("prometheus") => {
            if is_missing(&setting::ADDRESS) {
                add(CollectorFault::AddressRequired, place);
            }
            if is_missing(&setting::QUERY) {
                add(CollectorFault::QueryRequired, place);
            }
            return true;
        }
        Some(value) => {
            let place = kind.map_or(place, |given| &given.place);
            let invalid = || CollectorFault::InvalidType { value: value.to_owned() };
            add(if value == "temporal" { CollectorFault::Temporal } else { invalid() }, place);
        }
        None if is_missing(&setting::TYPE) => add(CollectorFault::TypeRequired, place),
        None => {}
    }
    false
}

fn warn_of_unused(values: &Values, warnings: &mut Vec<Warning>) {
    for setting in [&setting::NAMESPACE, &setting::CERT_DATA, &setting::KEY_DATA] {
        if let Some(given) = values.get(setting) {
            let notice = Notice::NotForPrometheus { key: setting.key };
            warnings.push(Warning { notice, place: given.place.clone() });
        }
    }
}

fn prometheus(values: &Values, mistakes: &mut Mistakes) -> Option<CollectorConfig> {
    let mut read = Reader { values, mistakes };
    let metric =
        read.read(&setting::METRIC_NAME, |text| value::identifier(text).map(MetricName::new));
    let query = read.read(&setting::QUERY, |text| Ok(text.to_owned()));
    let address = read.read(&setting::ADDRESS, value::url);
    let token = read.secret(&setting::TOKEN);
    let timeout = read.duration(&setting::COLLECTOR_TIMEOUT);
    let empty = read.read(&setting::EMPTY, value::number);
    let max_age = read.duration(&setting::MAX_AGE);
    let on_failure = read.read(&setting::ON_FAILURE, value::on_failure);
    let series = read.choice(&setting::SERIES);
    let by = read.labels(&setting::BY);
    let absent_after = read.duration(&setting::ABSENT_AFTER);
    Some(CollectorConfig {
        metric: metric?,
        query: query?,
        address: address?,
        token,
        timeout: timeout?,
        empty,
        max_age,
        on_failure: on_failure?,
        series: [SeriesRule::One, SeriesRule::First][series?],
        by,
        absent_after: absent_after?,
    })
}
