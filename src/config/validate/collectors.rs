//! The collectors, each checked by itself.

mod temporal;

use std::time::Duration;

use crate::model::{MetricName, SeriesRule};

use super::super::error::{Mistakes, Notice, Warning};
use super::super::mistake::{CollectorFault, Mistake};
use super::super::place::Place;
use super::super::raw::{Given, RawCollector, Values};
use super::super::read::Reader;
use super::super::setting::{self, COLLECTOR_SETTINGS, CollectorKind, Setting};
use super::super::value;
use super::super::{CollectorConfig, PrometheusConfig, SourceConfig};

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
            let kind = check_presence(index, values, &collector.place, mistakes)?;
            warn_of_unused(values, kind, warnings);
            warn_of_last_for(values, warnings);
            warn_of_retention(values, warnings);
            match kind.name {
                "temporal" => temporal::temporal(index, values, &collector.place, mistakes),
                _ => prometheus(values, mistakes),
            }
        })
        .collect()
}

/// Upstream's rules, in upstream's words. Which kind of collector it is, where that can be told.
fn check_presence(
    index: usize,
    values: &Values,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<&'static CollectorKind> {
    let is_missing = |setting: &Setting| values.place(setting).is_none();
    let mut add = |fault, place| mistakes.add(Mistake::Collector { index, fault }, place);
    if is_missing(&setting::METRIC_NAME) {
        add(CollectorFault::MetricNameRequired, place);
    }
    let Some(given) = values.get(&setting::TYPE) else {
        if is_missing(&setting::TYPE) {
            add(CollectorFault::TypeRequired, place);
        }
        return None;
    };
    let kind = setting::collector_kind(given.text());
    match kind.map(|kind| kind.name) {
        Some("temporal") if is_missing(&setting::ADDRESS) => {
            add(CollectorFault::TemporalAddressRequired, place);
        }
        Some("prometheus") => {
            if is_missing(&setting::ADDRESS) {
                add(CollectorFault::AddressRequired, place);
            }
            if is_missing(&setting::QUERY) {
                add(CollectorFault::QueryRequired, place);
            }
        }
        Some(_) => {}
        None => {
            let value = given.text().to_owned();
            add(CollectorFault::InvalidType { value }, &given.place);
        }
    }
    kind
}

fn warn_of_unused(values: &Values, kind: &CollectorKind, warnings: &mut Vec<Warning>) {
    for setting in COLLECTOR_SETTINGS {
        if let Some(given) = values.get(setting)
            && setting::find(kind.settings, setting.key).is_none()
        {
            let notice = Notice::NotForKind { key: setting.key, kind: kind.name };
            warnings.push(Warning { notice, place: given.place.clone() });
        }
    }
}

/// How far back Fly's Prometheus remembers. Source: docs `monitoring/metrics` (superfly/docs): about 15 days.
const RETENTION: Duration = Duration::from_secs(15 * 24 * 3600);

/// Says that a query looks back further than Fly's Prometheus remembers: it then has a part of what it asks for.
fn warn_of_retention(values: &Values, warnings: &mut Vec<Warning>) {
    let is_flys = |given: &Given| given.text().contains("://api.fly.io/");
    let Some(query) = values.get(&setting::QUERY) else { return };
    if values.get(&setting::ADDRESS).is_some_and(is_flys)
        && let Some(window) = windows(query.text()).find(|(_, length)| *length > RETENTION)
    {
        let notice = Notice::BeyondRetention { window: window.0.to_owned() };
        warnings.push(Warning { notice, place: query.place.clone() });
    }
}

/// The windows of a query, such as the `30d` of `[30d]` and `[30d:1h]`. Those that are written in another way (with
/// milliseconds, of several units) are left out.
fn windows(query: &str) -> impl Iterator<Item = (&str, Duration)> {
    query.split('[').skip(1).filter_map(|rest| {
        let window = rest.split([']', ':']).next()?.trim();
        let number: u64 =
            window.strip_suffix(|unit: char| unit.is_ascii_alphabetic())?.parse().ok()?;
        let seconds = match window.chars().last()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            'w' => 7 * 24 * 3600,
            'y' => 365 * 24 * 3600,
            _ => return None,
        };
        Some((window, Duration::from_secs(number.checked_mul(seconds)?)))
    })
}

/// Says that `last-for` changes nothing where no last value is asked for.
fn warn_of_last_for(values: &Values, warnings: &mut Vec<Warning>) {
    // Both kinds of collectors have the two keys.
    let takes_last = values
        .get(&setting::ON_FAILURE)
        .is_some_and(|given| matches!(given.text(), "last" | "hold-scale-down"));
    if let Some(given) = values.get(&setting::LAST_FOR).filter(|_| !takes_last) {
        let needs = "`on-failure: hold-scale-down` or `last`";
        let notice = Notice::KeyHasNoEffect { key: setting::LAST_FOR.key, needs };
        warnings.push(Warning { notice, place: given.place.clone() });
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
    let last_for = read.duration(&setting::LAST_FOR);
    let series = read.choice(&setting::SERIES);
    let by = read.labels(&setting::BY);
    let absent_after = read.duration(&setting::ABSENT_AFTER);
    let source = SourceConfig::Prometheus(PrometheusConfig {
        query: query?,
        address: address?,
        token,
        empty,
        max_age,
        series: [SeriesRule::One, SeriesRule::First][series?],
        by,
        absent_after: absent_after?,
    });
    Some(CollectorConfig {
        metric: metric?,
        source,
        timeout: timeout?,
        on_failure: on_failure?,
        last_for: last_for?,
    })
}
