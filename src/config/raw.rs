//! What was written, before it means anything: texts with their places, nothing filled in.

mod groups;
mod regions;
mod sections;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::env::EnvSource;
use super::error::{ConfigError, ConfigErrors, Mistakes};
use super::expand::{ExpandError, Expanded, expand};
use super::mistake::Mistake;
use super::place::{Mark, Place, SourceText};
use super::setting::{
    COLLECTOR_SETTINGS, METRIC_COLLECTORS, PER_REGION, PROCESS_GROUPS, SECTIONS, SETTINGS, Setting,
    find, in_section, nearest,
};
use super::yaml::{Content, Key, Node};

pub(super) use groups::RawGroup;
pub(super) use regions::{RawRegion, RawRegions};

/// A value as written: one item, or several where the setting takes a list.
#[derive(Clone)]
pub(super) struct Given {
    /// The texts. Without `Debug`: one may be a secret.
    pub(super) items: Vec<Item>,
    /// Where the value as a whole is.
    pub(super) place: Place,
}

/// One text.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) text: Expanded,
    pub(super) place: Place,
}

impl Given {
    /// A value from a flag or a variable: a comma list where the setting takes a list. `None` where
    /// there is nothing but white space: an empty value is the same as none.
    pub(super) fn from_line(setting: &Setting, line: &str, place: Place) -> Option<Self> {
        let parts: Vec<&str> =
            if setting.kind.is_list() { line.split(',').collect() } else { vec![line] };
        let items: Vec<_> = parts
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| Item { text: Expanded::literal(part), place: place.clone() })
            .collect();
        (!items.is_empty()).then_some(Self { items, place })
    }

    /// A single value from a file. Where a list may stand it is read as in a variable:
    /// `regions: iad,ord`.
    fn from_scalar(setting: &Setting, text: Expanded, place: &Place) -> Option<Self> {
        if setting.kind.is_list() {
            return Self::from_line(setting, &text.text, place.clone());
        }
        let items = vec![Item { text, place: place.clone() }];
        Some(Self { items, place: place.clone() })
    }

    /// The value as one text, for a setting that takes no list.
    pub(super) fn text(&self) -> &str {
        self.items.first().map_or("", |item| item.text.text.trim())
    }

    /// The value for people: what variables named like secrets contain is left out.
    pub(super) fn shown(&self) -> String {
        self.items.iter().map(|item| item.text.shown.as_str()).collect::<Vec<_>>().join(",")
    }

    /// The value as it counts, secrets and all.
    pub(super) fn written(&self) -> String {
        self.items.iter().map(|item| item.text.text.as_str()).collect::<Vec<_>>().join(",")
    }

    /// Whether both say the same.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let texts = |given: &Self| given.items.iter().map(|item| item.text.text.clone()).collect();
        let (own, others): (Vec<_>, Vec<_>) = (texts(self), texts(other));
        own == others
    }
}

/// Values by key: all optional.
#[derive(Clone, Default)]
pub(super) struct Values {
    given: BTreeMap<&'static str, Given>,
    /// Settings that were written but not understood: that was said, and they are not missing.
    unreadable: BTreeMap<&'static str, Place>,
}

impl Values {
    pub(super) fn get(&self, setting: &Setting) -> Option<&Given> {
        self.given.get(setting.key)
    }

    /// Where the setting was written, be it understood or not.
    pub(super) fn place(&self, setting: &Setting) -> Option<&Place> {
        let given = self.get(setting).map(|given| &given.place);
        given.or_else(|| self.unreadable.get(setting.key))
    }

    pub(super) fn set(&mut self, setting: &Setting, given: Given) {
        self.given.insert(setting.key, given);
    }

    pub(super) fn set_unreadable(&mut self, setting: &Setting, place: Place) {
        self.unreadable.insert(setting.key, place);
    }

    pub(super) fn remove(&mut self, setting: &Setting) -> Option<Given> {
        self.given.remove(setting.key)
    }

    /// Takes over what is not written here.
    pub(super) fn fill_in(&mut self, other: &Self, settings: &[&Setting]) {
        for setting in settings {
            if let (None, Some(given)) = (self.place(setting), other.get(setting)) {
                self.set(setting, given.clone());
            }
        }
    }
}

/// One collector as written.
#[derive(Clone)]
pub(super) struct RawCollector {
    /// `None` where there is something else than a map.
    pub(super) values: Option<Values>,
    pub(super) place: Place,
}

/// Everything that one source says.
#[derive(Clone, Default)]
pub(super) struct Raw {
    pub(super) settings: Values,
    /// What is said for single regions, and for every one.
    pub(super) regions: RawRegions,
    pub(super) collectors: Vec<RawCollector>,
    /// The entries of `process-groups`, in their order; `None` where it is not set.
    pub(super) groups: Option<Vec<RawGroup>>,
}

/// The top-level keys that are no settings but hold some.
const OTHER_KEYS: [&str; 3] = [METRIC_COLLECTORS, PROCESS_GROUPS, PER_REGION];

/// Reads the tree of a file against the table of settings.
pub(super) struct FileReader<'a> {
    pub(super) source: &'a Arc<SourceText>,
    pub(super) env: &'a dyn EnvSource,
    /// Variables that the file refers to: they are the file's way of speaking, and set nothing else.
    pub(super) used: &'a mut BTreeSet<String>,
    pub(super) mistakes: &'a mut Mistakes,
}

impl FileReader<'_> {
    /// Reads the whole file.
    pub(super) fn read(&mut self, root: Node) -> Result<Raw, ConfigErrors> {
        let mut raw = Raw::default();
        let place = self.place(root.mark);
        let Content::Map(entries) = root.content else {
            let mistake = Mistake::NotSettings { found: root.content.noun() };
            return Err(ConfigError { mistake, place }.into());
        };
        let mut seen = BTreeSet::new();
        for (key, node) in self.flat(entries, SETTINGS) {
            if !self.is_first(&key, &mut seen) {
                continue;
            }
            if key.text == METRIC_COLLECTORS {
                raw.collectors = self.collectors(node);
            } else if key.text == PROCESS_GROUPS {
                raw.groups = Some(self.groups(node));
            } else if key.text == PER_REGION {
                raw.regions = self.regions("", node);
            } else if let Some(setting) = self.known(SETTINGS, &OTHER_KEYS, &key) {
                self.value(setting, node, &mut raw.settings);
            }
        }
        Ok(raw)
    }

    fn collectors(&mut self, node: Node) -> Vec<RawCollector> {
        match node.content {
            Content::Null => Vec::new(),
            Content::List(items) => items.into_iter().map(|item| self.collector(item)).collect(),
            other => {
                let found = other.noun();
                let key = METRIC_COLLECTORS.to_owned();
                let mistake = Mistake::Shape { key, expected: "a list", found };
                self.mistakes.add(mistake, &self.place(node.mark));
                Vec::new()
            }
        }
    }

    fn collector(&mut self, node: Node) -> RawCollector {
        let mut place = self.place(node.mark);
        let entries = match node.content {
            Content::Map(entries) => entries,
            other => {
                let found = other.noun();
                let key = METRIC_COLLECTORS.to_owned();
                let mistake = Mistake::Shape { key, expected: "a list of maps", found };
                self.mistakes.add(mistake, &place);
                return RawCollector { values: None, place };
            }
        };
        if let Some((key, _)) = entries.first() {
            place = self.place(key.mark);
        }
        let mut values = Values::default();
        let mut seen = BTreeSet::new();
        for (key, node) in entries {
            if self.is_first(&key, &mut seen)
                && let Some(setting) = self.known(COLLECTOR_SETTINGS, &[], &key)
            {
                self.value(setting, node, &mut values);
            }
        }
        RawCollector { values: Some(values), place }
    }

    fn is_first(&mut self, key: &Key, seen: &mut BTreeSet<String>) -> bool {
        let is_first = seen.insert(key.text.clone());
        if !is_first {
            let mistake = Mistake::DuplicateKey { key: key.text.clone() };
            self.mistakes.add(mistake, &self.place(key.mark));
        }
        is_first
    }

    fn known(
        &mut self,
        settings: &'static [&'static Setting],
        others: &'static [&'static str],
        key: &Key,
    ) -> Option<&'static Setting> {
        let known = find(settings, &key.text);
        if known.is_none() {
            let keys = settings.iter().map(|setting| setting.key).chain(others.iter().copied());
            // Collectors have no sections.
            let has_sections = settings.iter().any(|setting| in_section(setting.key).is_some());
            let sections = SECTIONS.iter().copied().filter(|_| has_sections);
            let nearest = nearest(&key.text, keys.chain(sections));
            let mistake = Mistake::UnknownKey { key: key.text.clone(), nearest };
            self.mistakes.add(mistake, &self.place(key.mark));
        }
        known
    }

    /// Reads one value into `values`.
    fn value(&mut self, setting: &'static Setting, node: Node, values: &mut Values) {
        let place = self.place(node.mark);
        let given = match node.content {
            Content::Null => return,
            Content::Scalar(text) => match self.expand(setting, &text, &place) {
                // An empty value is the same as none.
                Some(text) if text.text.trim().is_empty() => return,
                text => text.and_then(|text| Given::from_scalar(setting, text, &place)),
            },
            Content::List(nodes) if setting.kind.is_list() => {
                let items: Option<Vec<Item>> =
                    nodes.into_iter().map(|node| self.item(setting, node)).collect();
                match items {
                    Some(items) if items.is_empty() => return,
                    items => items.map(|items| Given { items, place: place.clone() }),
                }
            }
            other => {
                let found = other.noun();
                let expected = if setting.kind.is_list() { "a list" } else { "a single value" };
                let mistake = Mistake::Shape { key: setting.key.to_owned(), expected, found };
                self.mistakes.add(mistake, &place);
                None
            }
        };
        match given {
            Some(given) => values.set(setting, given),
            None => values.set_unreadable(setting, place),
        }
    }

    fn item(&mut self, setting: &'static Setting, node: Node) -> Option<Item> {
        let place = self.place(node.mark);
        if let Content::Scalar(text) = node.content {
            return Some(Item { text: self.expand(setting, &text, &place)?, place });
        }
        let (expected, found) = ("a list of single values", node.content.noun());
        let mistake = Mistake::Shape { key: setting.key.to_owned(), expected, found };
        self.mistakes.add(mistake, &place);
        None
    }

    fn expand(&mut self, setting: &'static Setting, text: &str, place: &Place) -> Option<Expanded> {
        expand_value(setting, text, place, self.env, self.used, self.mistakes)
    }

    fn place(&self, mark: Mark) -> Place {
        Place::Text(Arc::clone(self.source), mark)
    }
}

/// Fills in the variables of one value, or notes why that cannot be done.
pub(super) fn expand_value(
    setting: &'static Setting,
    text: &str,
    place: &Place,
    env: &dyn EnvSource,
    used: &mut BTreeSet<String>,
    mistakes: &mut Mistakes,
) -> Option<Expanded> {
    let why = match expand(text, env, used) {
        Ok(expanded) => return Some(expanded),
        Err(why) => why,
    };
    // What looks like a variable inside a secret may be a part of the secret.
    let is_all = matches!(&why, ExpandError::Unset { name }
        if text.trim().trim_matches(['$', '{', '}']) == name);
    let key = setting.key;
    mistakes.add(
        if setting.is_secret && !is_all {
            Mistake::ExpandSecret { key }
        } else {
            Mistake::Expand { key, why }
        },
        place,
    );
    None
}

impl Content {
    /// What it is, in words.
    fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}
