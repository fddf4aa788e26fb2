//! Sections: `scale-down: {cooldown: 5m}` is another way to write `scale-down-cooldown: 5m`.

use super::super::mistake::Mistake;
use super::super::setting::{SECTIONS, SETTINGS, Setting, find, in_section, nearest};
use super::super::yaml::{Content, Key, Node};
use super::FileReader;

impl FileReader<'_> {
    /// The entries of a map, those in sections with the keys that they have outside. `settings` are those
    /// that may stand there.
    pub(super) fn flat(
        &mut self,
        entries: Vec<(Key, Node)>,
        settings: &'static [&'static Setting],
    ) -> Vec<(Key, Node)> {
        let mut all = Vec::with_capacity(entries.len());
        for (key, node) in entries {
            match SECTIONS.iter().find(|section| **section == key.text) {
                Some(section) => self.section(section, node, settings, &mut all),
                None => all.push((key, node)),
            }
        }
        all
    }

    fn section(
        &mut self,
        section: &'static str,
        node: Node,
        settings: &'static [&'static Setting],
        all: &mut Vec<(Key, Node)>,
    ) {
        let entries = match node.content {
            Content::Null => return,
            Content::Map(entries) => entries,
            other => {
                let (key, found) = (section.to_owned(), other.noun());
                let mistake = Mistake::Shape { key, expected: "a map of settings", found };
                self.mistakes.add(mistake, &self.place(node.mark));
                return;
            }
        };
        for (key, node) in entries {
            let text = format!("{section}-{}", key.text);
            // One that may not stand here is told so by who reads the entries.
            if find(settings, &text).or_else(|| find(SETTINGS, &text)).is_some() {
                all.push((Key { text, ..key }, node));
                continue;
            }
            let inside = settings.iter().filter_map(|setting| in_section(setting.key));
            let inside = inside.filter(|(own, _)| *own == section).map(|(_, name)| name);
            let known: Vec<&'static str> = inside.collect();
            let nearest = nearest(&key.text, known.iter().copied());
            let mistake = Mistake::UnknownInSection { section, key: key.text, nearest, known };
            self.mistakes.add(mistake, &self.place(key.mark));
        }
    }
}
