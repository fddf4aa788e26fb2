//! Flag over environment over file, with the place of each value kept.

mod regions;

use std::collections::BTreeSet;

use crate::model::{Catalog, Region};

use super::env::EnvSource;
use super::error::{Mistakes, Notice, Warning};
use super::flags::FlagValues;
use super::mistake::Mistake;
use super::place::Place;
use super::raw::{Given, Raw, RawCollector, Values, expand_value};
use super::setting::{
    ADDRESS, COLLECTOR_KINDS, COLLECTOR_SETTINGS, CREATED_MACHINE_COUNT, CollectorKind, Kind,
    MAX_CREATED_MACHINE_COUNT, MAX_STARTED_MACHINE_COUNT, METRIC_NAME, MIN_CREATED_MACHINE_COUNT,
    MIN_STARTED_MACHINE_COUNT, PROCESS_GROUP, QUERY, REGION_SETTINGS, REGIONS, SETTINGS,
    STARTED_MACHINE_COUNT, Setting, TYPE, VARIABLES, meant_for_region, nearest, region_variable,
};

/// Lays the sources over each other.
pub(super) struct Layering<'a> {
    pub(super) flags: &'a FlagValues,
    pub(super) env: &'a dyn EnvSource,
    /// Variables that the file refers to.
    pub(super) used: BTreeSet<String>,
    pub(super) mistakes: &'a mut Mistakes,
    pub(super) warnings: Vec<Warning>,
}

impl Layering<'_> {
    /// What holds, and what is to be said about it.
    pub(super) fn merge(mut self, file: Raw) -> (Raw, Vec<Warning>) {
        let Raw { settings: from_file, regions, collectors, groups } = file;
        let mut layers = [self.flag_values(SETTINGS), self.env_values(SETTINGS), from_file];
        if groups.is_some() {
            refuse_beside_groups(SETTINGS, &mut layers, self.mistakes);
        }
        let settings = self.lay_over(SETTINGS, "", layers);
        // Whoever lists regions means one by three letters at the end of a variable, mistaken or not.
        let lists_regions = settings.place(&REGIONS).is_some() || groups.is_some();
        let regions = self.merge_regions(&regions, groups.is_some(), lists_regions);
        let collectors = self.add_collectors(collectors);
        self.warn_of_unknown_variables(lists_regions);
        (Raw { settings, regions, collectors, groups }, self.warnings)
    }

    /// What holds of `settings`: the first of `layers` that says it. `path` is what stands before their
    /// keys in the file.
    fn lay_over(
        &mut self,
        settings: &[&'static Setting],
        path: &str,
        mut layers: [Values; 3],
    ) -> Values {
        for family in &COUNT_FAMILIES {
            self.settle_family(family, path, &mut layers);
        }
        let mut chosen = Values::default();
        for setting in settings {
            if let Some(given) = self.choose(setting, path, &layers) {
                chosen.set(setting, given);
            } else if let Some(place) = layers[2].place(setting) {
                chosen.set_unreadable(setting, place.clone());
            }
        }
        chosen
    }

    fn flag_values(&mut self, settings: &[&'static Setting]) -> Values {
        let flags = self.flags;
        self.line_values(settings, |setting| {
            let (name, line) = flags.get(setting)?;
            Some((Place::Flag(name.to_owned()), line))
        })
    }

    fn env_values(&mut self, settings: &[&'static Setting]) -> Values {
        let env = self.env;
        self.line_values(settings, |setting| {
            let is_set = |name: &&str| env.get(name).is_some_and(|line| !line.trim().is_empty());
            let name = setting.env_first.filter(is_set).or(setting.env)?;
            Some((Place::Variable(name.to_owned()), env.get(name)?))
        })
    }

    fn line_values<'a>(
        &mut self,
        settings: &[&'static Setting],
        line: impl Fn(&'static Setting) -> Option<(Place, &'a str)>,
    ) -> Values {
        let mut values = Values::default();
        for &setting in settings {
            let Some((place, line)) = line(setting) else { continue };
            let Some(mut given) = Given::from_line(setting, line, place) else { continue };
            if setting.kind == Kind::Query {
                let (text, place) = (given.text().to_owned(), given.place.clone());
                let (env, used) = (self.env, &mut self.used);
                let expanded = expand_value(setting, &text, &place, env, used, self.mistakes);
                if let (Some(item), Some(expanded)) = (given.items.first_mut(), expanded) {
                    item.text = expanded;
                }
            }
            values.set(setting, given);
        }
        values
    }

    fn choose(
        &mut self,
        setting: &'static Setting,
        path: &str,
        [flags, env, file]: &[Values; 3],
    ) -> Option<Given> {
        if let Some(given) = flags.get(setting) {
            return Some(given.clone());
        }
        let (env, file) = (env.get(setting), file.get(setting));
        if let (Some(env), Some(file)) = (env, file)
            && let Place::Variable(variable) = &env.place
            && !env.agrees_with(file)
        {
            let (variable, key) = (variable.clone(), format!("{path}{}", setting.key));
            self.warn(Notice::VariableWins { variable, key }, &file.place);
        }
        env.or(file).cloned()
    }

    /// A count is said either as one number or as two ends. Where a stronger source says it one way,
    /// what weaker ones say the other way is dropped rather than mixed in.
    fn settle_family(&mut self, family: &CountFamily, path: &str, layers: &mut [Values; 3]) {
        let has = |values: &Values, settings: &[&Setting]| {
            settings.iter().any(|setting| values.get(setting).is_some())
        };
        let (one, ends) = (&[family.one][..], &family.ends[..]);
        let Some(at) = layers.iter().position(|values| has(values, one) || has(values, ends))
        else {
            return;
        };
        let drop = match (has(&layers[at], one), has(&layers[at], ends)) {
            (true, true) => return,
            (true, false) => ends,
            (false, _) => one,
        };
        let keep = if drop.len() == 1 { ends } else { one };
        let winner = keep.iter().find_map(|setting| layers[at].get(setting)).cloned();
        let by = winner.map(|given| given.place.origin().to_string()).unwrap_or_default();
        for values in &mut layers[at + 1..] {
            for setting in drop {
                if let Some(given) = values.remove(setting) {
                    let (key, by) = (format!("{path}{}", setting.key), by.clone());
                    let notice = Notice::Superseded { key, by };
                    self.warnings.push(Warning { notice, place: given.place });
                }
            }
        }
    }

    /// The file's collectors and those that variables and flags describe, at most one of each kind; of two
    /// with the same metric, the latter.
    fn add_collectors(&mut self, mut collectors: Vec<RawCollector>) -> Vec<RawCollector> {
        // What the file refers to is asked before queries in variables add to it.
        let by_file = self.used.clone();
        let described: Vec<_> =
            COLLECTOR_KINDS.iter().filter_map(|kind| self.described(kind, &by_file)).collect();
        for own in &described {
            let Some(metric) = metric_of(own) else { continue };
            let same = collectors.iter().position(|other| metric_of(other) == Some(metric));
            if let Some(at) = same {
                let replaced = collectors.remove(at);
                let metric = metric.to_owned();
                self.warn(Notice::CollectorReplaced { metric }, &replaced.place);
            }
        }
        collectors.extend(described);
        collectors
    }

    /// The collector of this kind that variables and flags describe.
    fn described(
        &mut self,
        kind: &'static CollectorKind,
        by_file: &BTreeSet<String>,
    ) -> Option<RawCollector> {
        // A variable that the file refers to is the file's way of keeping a value out of itself: it
        // joins a collector of the environment, but does not make one.
        let is_by_file =
            |given: &Given| matches!(&given.place, Place::Variable(name) if by_file.contains(name));
        let mut values = self.env_values(kind.settings);
        if TELLING.iter().all(|setting| values.get(setting).is_none_or(is_by_file)) {
            for setting in kind.settings {
                if values.get(setting).is_some_and(is_by_file) {
                    values.remove(setting);
                }
            }
        }
        let from_flags = self.flag_values(kind.settings);
        for setting in kind.settings {
            if let Some(given) = from_flags.get(setting) {
                values.set(setting, given.clone());
            }
        }
        let Some(place) =
            TELLING.iter().find_map(|s| values.get(s)).map(|given| given.place.clone())
        else {
            self.warn_of_idle(kind, &values);
            return None;
        };
        if let Some(given) = Given::from_line(&TYPE, kind.name, place.clone()) {
            values.set(&TYPE, given);
        }
        Some(RawCollector { values: Some(values), place })
    }

    fn warn_of_idle(&mut self, kind: &CollectorKind, values: &Values) {
        for setting in kind.settings {
            let place = values.get(setting).map(|given| given.place.clone());
            // Those of other programs may be there for them.
            if let (Some(variable), Some(place)) = (setting.env, place)
                && !matches!(&place, Place::Variable(name) if Some(name.as_str()) == setting.env_first)
            {
                self.warn(Notice::NoEffect { variable, needs: kind.needs }, &place);
            }
        }
    }

    fn warn_of_unknown_variables(&mut self, lists_regions: bool) {
        let settings = SETTINGS.iter().chain(REGION_SETTINGS).chain(COLLECTOR_SETTINGS);
        let known: BTreeSet<&'static str> = settings
            .filter_map(|setting| setting.env)
            .chain(VARIABLES.iter().map(|variable| variable.name))
            .collect();
        for name in self.env.names() {
            let region = region_variable(name).map(|(_, code)| code);
            let is_of_region = region.is_some_and(|code| names_region(code, lists_regions));
            let is_known = known.contains(name) || is_of_region || self.used.contains(name);
            if name.starts_with("FAS_") && !is_known {
                let nearest = match region {
                    Some(code) if !is_capitals(code) => Some(name.to_ascii_uppercase()),
                    _ => meant_for_region(name)
                        .or_else(|| nearest(name, known.iter().copied()).map(str::to_owned)),
                };
                let notice = Notice::UnknownVariable { name: name.to_owned(), nearest };
                self.warnings.push(Warning { notice, place: Place::Nowhere });
            }
        }
    }

    fn warn(&mut self, notice: Notice, place: &Place) {
        self.warnings.push(Warning { notice, place: place.clone() });
    }
}

/// Takes out what makes no sense where `process-groups` is set: which group is scaled, and counts that
/// would not say for which group they are.
fn refuse_beside_groups(
    settings: &[&'static Setting],
    layers: &mut [Values; 3],
    mistakes: &mut Mistakes,
) {
    let is_refused = |own: &Setting| own.kind == Kind::Expression || own.key == PROCESS_GROUP.key;
    for values in layers {
        for setting in settings.iter().filter(|own| is_refused(own)) {
            if let Some(given) = values.remove(setting) {
                mistakes.add(Mistake::BesideGroups { key: setting.key }, &given.place);
            }
        }
    }
}

/// Whether this is a region's code as variables are written.
fn is_capitals(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether the end of a variable's name is meant as a region. Where nobody lists regions, only the codes that
/// are known are: the Go autoscaler pays no heed to `FAS_STARTED_MACHINE_COUNT_OLD`.
fn names_region(code: &str, lists_regions: bool) -> bool {
    let is_known = || Catalog::builtin().get(&Region::new(code.to_ascii_lowercase())).is_some();
    is_capitals(code) && (lists_regions || is_known())
}

fn metric_of(collector: &RawCollector) -> Option<&str> {
    Some(collector.values.as_ref()?.get(&METRIC_NAME)?.text())
}

/// The keys that every kind of collector has and nothing else: any of them means that there is one.
const TELLING: [&Setting; 3] = [&ADDRESS, &QUERY, &METRIC_NAME];

/// The ways to say one count.
struct CountFamily {
    one: &'static Setting,
    ends: [&'static Setting; 2],
}

const COUNT_FAMILIES: [CountFamily; 2] = [
    CountFamily {
        one: &CREATED_MACHINE_COUNT,
        ends: [&MIN_CREATED_MACHINE_COUNT, &MAX_CREATED_MACHINE_COUNT],
    },
    CountFamily {
        one: &STARTED_MACHINE_COUNT,
        ends: [&MIN_STARTED_MACHINE_COUNT, &MAX_STARTED_MACHINE_COUNT],
    },
];
