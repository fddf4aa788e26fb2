//! The process groups of a file.

use std::collections::BTreeSet;

use super::super::mistake::Mistake;
use super::super::place::Place;
use super::super::setting::{GROUP_SETTINGS, Kind, PROCESS_GROUPS, SETTINGS, find};
use super::super::yaml::{Content, Key, Node};
use super::{FileReader, OTHER_KEYS, Values};

/// One process group as written.
#[derive(Clone)]
pub(in crate::config) struct RawGroup {
    pub(in crate::config) name: String,
    /// What stands under it; `None` where that is something else than a map.
    pub(in crate::config) own: Option<Values>,
    /// Where its name is.
    pub(in crate::config) place: Place,
}

impl RawGroup {
    /// Everything that holds for the group: what stands under it, and from the `top` level what does not.
    /// Expressions are not taken from there: what is right for one group is wrong for another.
    pub(in crate::config) fn in_force(&self, top: &Values) -> Values {
        let mut values = self.own.clone().unwrap_or_default();
        for setting in GROUP_SETTINGS.iter().filter(|own| own.kind != Kind::Expression) {
            if values.get(setting).is_none()
                && let Some(given) = top.get(setting)
            {
                values.set(setting, given.clone());
            }
        }
        values
    }
}

impl FileReader<'_> {
    /// The groups. A map without any would leave open what is scaled.
    pub(super) fn groups(&mut self, node: Node) -> Vec<RawGroup> {
        let place = self.place(node.mark);
        let entries = match node.content {
            Content::Null => Vec::new(),
            Content::Map(entries) => entries,
            other => {
                let (key, found) = (PROCESS_GROUPS.to_owned(), other.noun());
                self.mistakes.add(Mistake::Shape { key, expected: "a map", found }, &place);
                return Vec::new();
            }
        };
        if entries.is_empty() {
            self.mistakes.add(Mistake::NoGroups, &place);
        }
        let mut seen = BTreeSet::new();
        let mut groups = Vec::with_capacity(entries.len());
        for (key, node) in entries {
            if self.is_first(&key, &mut seen) {
                groups.push(self.group(&key, node));
            }
        }
        groups
    }

    fn group(&mut self, name: &Key, node: Node) -> RawGroup {
        let own = match node.content {
            Content::Map(entries) => Some(self.group_values(entries)),
            other => {
                let (key, found) = (format!("{PROCESS_GROUPS}.{}", name.text), other.noun());
                let mistake = Mistake::Shape { key, expected: "a map of settings", found };
                self.mistakes.add(mistake, &self.place(node.mark));
                None
            }
        };
        RawGroup { name: name.text.clone(), own, place: self.place(name.mark) }
    }

    fn group_values(&mut self, entries: Vec<(Key, Node)>) -> Values {
        let mut values = Values::default();
        let mut seen = BTreeSet::new();
        for (key, node) in entries {
            if !self.is_first(&key, &mut seen) {
                continue;
            }
            let is_of_the_app = find(GROUP_SETTINGS, &key.text).is_none()
                && (find(SETTINGS, &key.text).is_some() || OTHER_KEYS.contains(&&*key.text));
            if is_of_the_app {
                let mistake = Mistake::NotForGroup { key: key.text.clone() };
                self.mistakes.add(mistake, &self.place(key.mark));
            } else if let Some(setting) = self.known(GROUP_SETTINGS, &[], &key) {
                self.value(setting, node, &mut values);
            }
        }
        values
    }
}
