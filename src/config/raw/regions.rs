//! What stands under `per-region`.

use std::collections::BTreeSet;

use super::super::mistake::Mistake;
use super::super::place::Place;
use super::super::setting::{
    EVERY_REGION, PER_REGION, REGION_COUNTS, REGION_RULES, REGION_SETTINGS, SETTINGS, Setting, find,
};
use super::super::value;
use super::super::yaml::{Content, Key, Node};
use super::{FileReader, Values};

/// The entries of `per-region`, each name once: `*` or a region's code.
#[derive(Clone, Default)]
pub(in crate::config) struct RawRegions(pub(in crate::config) Vec<RawRegion>);

/// One of them.
#[derive(Clone)]
pub(in crate::config) struct RawRegion {
    pub(in crate::config) name: String,
    pub(in crate::config) values: Values,
    /// Where its name is, or the first variable or flag that is about it.
    pub(in crate::config) place: Place,
}

impl RawRegion {
    /// Whether it stands for each region that says nothing else.
    pub(in crate::config) fn is_every(&self) -> bool {
        self.name == EVERY_REGION
    }

    /// Whether it asks for a number of machines.
    pub(in crate::config) fn has_counts(&self) -> bool {
        REGION_COUNTS.concat().iter().any(|count| self.values.place(count).is_some())
    }
}

impl RawRegions {
    /// What stands under `name`.
    pub(in crate::config) fn get(&self, name: &str) -> Option<&RawRegion> {
        self.0.iter().find(|own| own.name == name)
    }

    /// The entries of single regions.
    pub(in crate::config) fn single(&self) -> impl Iterator<Item = &RawRegion> {
        self.0.iter().filter(|own| !own.is_every())
    }

    /// What a process group has: its own entries, and from those of the `top` level the rules that it
    /// does not set itself, as far as the group is scaled in that region.
    pub(in crate::config) fn in_group(&self, top: &Self, is_scaled: impl Fn(&str) -> bool) -> Self {
        let mut all = self.clone();
        for other in top.0.iter().filter(|own| own.is_every() || is_scaled(&own.name)) {
            if let Some(own) = all.0.iter_mut().find(|own| own.name == other.name) {
                own.values.fill_in(&other.values, &REGION_RULES.concat());
            } else {
                let mut values = Values::default();
                values.fill_in(&other.values, &REGION_RULES.concat());
                all.0.push(RawRegion { values, ..other.clone() });
            }
        }
        all
    }

    /// What holds in the region of `entry`: what it says itself, and what every region has where it says
    /// nothing. The keys of one number of machines belong together, and are taken over together.
    pub(in crate::config) fn in_force(&self, entry: &RawRegion) -> Values {
        let mut values = entry.values.clone();
        if let Some(every) = self.get(EVERY_REGION) {
            for family in REGION_COUNTS {
                if family.iter().all(|setting| values.place(setting).is_none()) {
                    values.fill_in(&every.values, family);
                }
            }
            values.fill_in(&every.values, &REGION_RULES.concat());
        }
        values
    }
}

impl FileReader<'_> {
    /// The entries of `per-region`; `path` is what stands before that key.
    pub(super) fn regions(&mut self, path: &str, node: Node) -> RawRegions {
        let entries = match node.content {
            Content::Null => Vec::new(),
            Content::Map(entries) => entries,
            other => {
                let (key, found) = (format!("{path}{PER_REGION}"), other.noun());
                let mistake = Mistake::Shape { key, expected: "a map", found };
                self.mistakes.add(mistake, &self.place(node.mark));
                Vec::new()
            }
        };
        let mut seen = BTreeSet::new();
        let entries = entries.into_iter();
        RawRegions(
            entries.filter_map(|(key, node)| self.region(path, key, node, &mut seen)).collect(),
        )
    }

    fn region(
        &mut self,
        path: &str,
        key: Key,
        node: Node,
        seen: &mut BTreeSet<String>,
    ) -> Option<RawRegion> {
        if !self.is_first(&key, seen) {
            return None;
        }
        let place = self.place(key.mark);
        if key.text != EVERY_REGION
            && let Err(fault) = value::region(&key.text)
        {
            self.mistakes.add(Mistake::Value { key: PER_REGION, fault }, &place);
            return None;
        }
        let Content::Map(entries) = node.content else {
            let (key, found) = (format!("{path}{PER_REGION}.{}", key.text), node.content.noun());
            let mistake = Mistake::Shape { key, expected: "a map of settings", found };
            self.mistakes.add(mistake, &self.place(node.mark));
            return None;
        };
        let mut values = Values::default();
        let mut seen = BTreeSet::new();
        for (key, node) in self.flat(entries, REGION_SETTINGS) {
            if !self.is_first(&key, &mut seen) {
                continue;
            }
            let (own, other) = (find(REGION_SETTINGS, &key.text), find(SETTINGS, &key.text));
            if let (None, Some(Setting { key: name, .. })) = (own, other) {
                let mistake = Mistake::NotForRegion { key: name };
                self.mistakes.add(mistake, &self.place(key.mark));
            } else if let Some(setting) = self.known(REGION_SETTINGS, &[], &key) {
                self.value(setting, node, &mut values);
            }
        }
        Some(RawRegion { name: key.text, values, place })
    }
}
