//! The process groups of a file.

use std::collections::BTreeSet;

use super::super::mistake::Mistake;
use super::super::place::Place;
use super::super::setting::{
    GROUP_SETTINGS, Kind, PER_REGION, PROCESS_GROUPS, REGIONS, SETTINGS, find,
};
use super::super::value::AUTO;
use super::super::yaml::{Content, Key, Node};
use super::{FileReader, OTHER_KEYS, Raw, RawRegions, Values};

/// One process group as written.
#[derive(Clone)]
pub(in crate::config) struct RawGroup {
    pub(in crate::config) name: String,
    /// What stands under it; `None` where that is something else than a map.
    pub(in crate::config) own: Option<Values>,
    /// What stands under its `per-region`.
    pub(in crate::config) regions: RawRegions,
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

    /// Everything that holds for single regions. Limits for a region of the `top` level hold in the groups
    /// that are scaled there.
    pub(in crate::config) fn regions_in_force(&self, top: &Raw) -> RawRegions {
        let values = self.in_force(&top.settings);
        let listed = values.get(&REGIONS).map_or(&[][..], |given| &given.items);
        let is_listed =
            |code: &str| listed.iter().any(|item| [code, AUTO].contains(&&*item.text.text));
        self.regions.in_group(&top.regions, is_listed)
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
        let place = self.place(name.mark);
        let mut group =
            RawGroup { name: name.text.clone(), own: None, regions: RawRegions::default(), place };
        match node.content {
            Content::Map(entries) => self.group_entries(&mut group, entries),
            other => {
                let (key, found) = (format!("{PROCESS_GROUPS}.{}", name.text), other.noun());
                let mistake = Mistake::Shape { key, expected: "a map of settings", found };
                self.mistakes.add(mistake, &self.place(node.mark));
            }
        }
        group
    }

    fn group_entries(&mut self, group: &mut RawGroup, entries: Vec<(Key, Node)>) {
        let mut values = Values::default();
        let mut seen = BTreeSet::new();
        for (key, node) in self.flat(entries, GROUP_SETTINGS) {
            if !self.is_first(&key, &mut seen) {
                continue;
            }
            if key.text == PER_REGION {
                let path = format!("{PROCESS_GROUPS}.{}.", group.name);
                group.regions = self.regions(&path, node);
                continue;
            }
            let is_of_the_app = find(GROUP_SETTINGS, &key.text).is_none()
                && (find(SETTINGS, &key.text).is_some() || OTHER_KEYS.contains(&&*key.text));
            if is_of_the_app {
                let mistake = Mistake::NotForGroup { key: key.text.clone() };
                self.mistakes.add(mistake, &self.place(key.mark));
            } else if let Some(setting) = self.known(GROUP_SETTINGS, &[PER_REGION], &key) {
                self.value(setting, node, &mut values);
            }
        }
        group.own = Some(values);
    }
}
