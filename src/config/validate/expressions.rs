//! The names that expressions can read, and the expressions themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::evaluate::{CompileError, Expression, Names, ScopeExpressions};
use crate::model::Region;

use super::super::error::Mistakes;
use super::super::mistake::{CollectorFault, Mistake};
use super::super::place::{Mark, Place, SourceText};
use super::super::raw::{Given, RawCollector, Values};
use super::super::setting::{self, Setting};

/// What was observed of the machines, where no metric has the name.
const OBSERVED: [&str; 3] = ["created_machines", "started_machines", "stopped_machines"];

/// The names that app-wide expressions can read. Two sources for one name are a mistake.
///
/// A collector with a mistake in it still has its name: that mistake is told once, at the collector, and
/// not again at each expression.
pub(super) fn names(raw: &[RawCollector], regions: &[Region], mistakes: &mut Mistakes) -> Names {
    let mut sources: BTreeMap<String, usize> = BTreeMap::new();
    for (index, collector) in raw.iter().enumerate() {
        let Some(values) = &collector.values else { continue };
        let Some(metric) = values.get(&setting::METRIC_NAME) else { continue };
        for name in names_of(metric.text(), values, regions) {
            if let Some(by) = sources.insert(name.clone(), index) {
                let fault = CollectorFault::SecondSource { name, by };
                mistakes.add(Mistake::Collector { index, fault }, &metric.place);
            }
        }
    }
    let by_region =
        raw.iter().filter_map(|own| own.values.as_ref()).filter(|own| is_by_region(own));
    let by_region = by_region.filter_map(|own| Some(own.get(&setting::METRIC_NAME)?.text()));
    Names::new(sources.into_keys()).with_counts(OBSERVED).with_regional(by_region)
}

/// What one collector fills: its metric, and with `by: region` one variable for each listed region.
fn names_of(metric: &str, values: &Values, regions: &[Region]) -> Vec<String> {
    let regions = if is_by_region(values) { regions } else { &[] };
    let regional = regions.iter().map(|region| format!("{metric}_{region}"));
    std::iter::once(metric.to_owned()).chain(regional).collect()
}

/// Whether the collector tells regions apart.
fn is_by_region(values: &Values) -> bool {
    let labels = values.get(&setting::BY).map_or(&[][..], |given| &given.items);
    let is_prometheus = values.get(&setting::TYPE).is_none_or(|kind| kind.text() == "prometheus");
    is_prometheus && labels.iter().any(|label| label.text.text.trim() == "region")
}

/// Whether any collector tells regions apart.
pub(super) fn has_traffic(raw: &[RawCollector]) -> bool {
    raw.iter().filter_map(|own| own.values.as_ref()).any(is_by_region)
}

/// The metrics that are one number for the whole app, each with what would give every region its own.
pub(super) fn app_wide(raw: &[RawCollector]) -> BTreeMap<&str, &'static str> {
    let of = |values: &'_ Values| {
        let is_temporal = values.get(&setting::TYPE).is_some_and(|own| own.text() == "temporal");
        match values.place(&setting::METRIC_NAME) {
            _ if is_temporal => {
                "Temporal counts the app as a whole: ask for one number outside of `per-region`, or for each region by itself"
            }
            Some(Place::Variable(_) | Place::Flag(_)) => {
                "FAS_PROMETHEUS_BY=region gives each its own; the query keeps the label: sum by (region) (...)"
            }
            _ => {
                "`by: region` gives each its own; the query keeps the label: sum by (region) (...)"
            }
        }
    };
    let values = raw.iter().filter_map(|own| own.values.as_ref());
    // What is said of labels and cannot be read is told by itself.
    let is_app = |own: &&Values| {
        let labels = own.get(&setting::BY).map_or(&[][..], |given| &given.items);
        labels.iter().all(|label| label.text.text.trim() == "app")
    };
    let named = |own| Some((Values::get(own, &setting::METRIC_NAME)?.text(), of(own)));
    values.filter(is_app).filter_map(named).collect()
}

/// Compiles what is set; a single count is both ends.
pub(super) fn compile_all(
    values: &Values,
    names: &Names,
    mistakes: &mut Mistakes,
) -> ScopeExpressions {
    let mut compile = |setting| compile(setting, values, names, mistakes);
    let [created, created_min, created_max] = [
        &setting::CREATED_MACHINE_COUNT,
        &setting::MIN_CREATED_MACHINE_COUNT,
        &setting::MAX_CREATED_MACHINE_COUNT,
    ]
    .map(&mut compile);
    let [started, started_min, started_max] = [
        &setting::STARTED_MACHINE_COUNT,
        &setting::MIN_STARTED_MACHINE_COUNT,
        &setting::MAX_STARTED_MACHINE_COUNT,
    ]
    .map(&mut compile);
    ScopeExpressions {
        created_min: created_min.or(created.clone()),
        created_max: created_max.or(created),
        started_min: started_min.or(started.clone()),
        started_max: started_max.or(started),
    }
}

fn compile(
    setting: &'static Setting,
    values: &Values,
    names: &Names,
    mistakes: &mut Mistakes,
) -> Option<Expression> {
    let given = values.get(setting)?;
    Expression::compile(given.text(), names)
        .map_err(|error| {
            let place = place_in(given, &error);
            mistakes.add(Mistake::Expression { key: setting.key, error }, &place);
        })
        .ok()
}

/// The spot inside the expression: in the file's own line where the expression stands there as it is,
/// otherwise in the expression alone.
fn place_in(given: &Given, error: &CompileError) -> Place {
    let expression = given.text();
    let offset = error.offset.unwrap_or_default();
    let before = &expression[..offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[start..].chars().count() + 1;
    let width = if error.offset.is_some() { 1 } else { expression.chars().count() };
    if let Place::Text(source, mark) = &given.place
        && let Some(at) = column_of(expression, source, *mark)
    {
        let mark = Mark { line: mark.line, column: at + column - 1, width };
        return Place::Text(Arc::clone(source), mark);
    }
    let line = before.matches('\n').count() + 1;
    let whole = Box::new(given.place.clone());
    Place::Part { whole, text: expression.to_owned(), mark: Mark { line, column, width } }
}

/// The column at which `expression` stands, unchanged, in the line of `mark`.
fn column_of(expression: &str, source: &SourceText, mark: Mark) -> Option<usize> {
    let line = source.text.lines().nth(mark.line - 1)?;
    let from = line.char_indices().nth(mark.column - 1)?.0;
    let at = from + line[from..].find(expression)?;
    Some(line[..at].chars().count() + 1)
}
