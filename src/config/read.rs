//! Typed values out of written ones, every fault noted.

use std::time::Duration;

use crate::model::{By, Region, RegionList};

use super::error::Mistakes;
use super::mistake::Mistake;
use super::place::Place;
use super::raw::{Item, Values};
use super::secret::Secret;
use super::setting::{Kind, Setting};
use super::value::{self, Fault};

/// Reads settings one by one. After a fault the value returned is a stand-in: with a mistake noted, no
/// configuration comes out of it.
pub(super) struct Reader<'a> {
    pub(super) values: &'a Values,
    pub(super) mistakes: &'a mut Mistakes,
}

impl<'a> Reader<'a> {
    /// The value of `setting`, or its default, as `parse` understands it.
    pub(super) fn read<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let given = self.values.get(setting);
        let (text, place) = match (given, setting.default) {
            (Some(given), _) => (given.text(), &given.place),
            (None, Some(default)) => (default, &Place::Default),
            (None, None) => return None,
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.mistakes.add(Mistake::Value { key: setting.key, fault }, place);
                None
            }
        }
    }

    /// A duration within the limits of the table.
    pub(super) fn duration(&mut self, setting: &'static Setting) -> Option<Duration> {
        let Kind::Duration { min } = setting.kind else { return None };
        self.read(setting, |text| value::duration(text, min))
    }

    /// A duration within the limits of the table, which may be a long one.
    pub(super) fn age(&mut self, setting: &'static Setting) -> Option<Duration> {
        let Kind::Age { min, max } = setting.kind else { return None };
        self.read(setting, |text| value::age(text, min, max))
    }

    /// So many bytes, within the limits of the table.
    pub(super) fn size(&mut self, setting: &'static Setting) -> Option<u64> {
        let Kind::Size { min, max } = setting.kind else { return None };
        self.read(setting, |text| value::size(text, min, max))
    }

    /// A whole number within the limits of the table.
    pub(super) fn count(&mut self, setting: &'static Setting) -> u32 {
        self.optional_count(setting).unwrap_or_default()
    }

    /// A whole number that need not be set.
    pub(super) fn optional_count(&mut self, setting: &'static Setting) -> Option<u32> {
        let Kind::Count { min, max } = setting.kind else { return None };
        self.read(setting, |text| value::count(text, min, max))
    }

    /// A boolean or a switch.
    pub(super) fn boolean(&mut self, setting: &'static Setting) -> bool {
        self.optional_boolean(setting).unwrap_or_default()
    }

    /// A boolean or a switch that need not be set.
    pub(super) fn optional_boolean(&mut self, setting: &'static Setting) -> Option<bool> {
        let words = if setting.kind == Kind::Switch { ["on", "off"] } else { ["true", "false"] };
        self.read(setting, |text| value::boolean(text, words))
    }

    /// The position of the value among the words of the table.
    pub(super) fn choice(&mut self, setting: &'static Setting) -> Option<usize> {
        let Kind::Choice(choices) = setting.kind else { return None };
        self.read(setting, |text| value::choice(text, choices))
    }

    /// A secret of one line.
    pub(super) fn secret(&mut self, setting: &'static Setting) -> Option<Secret> {
        self.read(setting, |text| value::text(text).map(Secret::new))
    }

    /// The regions, each once, or the word for all of them.
    pub(super) fn region_list(&mut self, setting: &'static Setting) -> RegionList {
        match self.items(setting) {
            [only] if only.text.text == value::AUTO => RegionList::Auto,
            [only] if only.text.text.eq_ignore_ascii_case(value::AUTO) => {
                let fault = Fault::NotAuto { value: only.text.text.clone() };
                self.mistakes.add(Mistake::Value { key: setting.key, fault }, &only.place);
                RegionList::default()
            }
            _ => RegionList::Listed(self.regions(setting)),
        }
    }

    /// The regions, each once.
    pub(super) fn regions(&mut self, setting: &'static Setting) -> Vec<Region> {
        let mut regions: Vec<Region> = Vec::new();
        let texts = || self.items(setting).iter().map(|item| item.text.text.as_str());
        if let (Some(first), Some(last)) = (self.items(setting).first(), texts().next_back())
            && first.text.text.starts_with('[')
            && last.ends_with(']')
        {
            // A list as JSON has it, cut at its commas: one mistake and not one for each of its parts.
            let fault = Fault::NotARegion { value: texts().collect::<Vec<_>>().join(",") };
            self.mistakes.add(Mistake::Value { key: setting.key, fault }, &first.place);
            return regions;
        }
        for item in self.items(setting) {
            let text = &item.text.text;
            let is_auto = setting.kind == Kind::RegionList && text == value::AUTO;
            let region = if is_auto { Err(Fault::AutoAmongCodes) } else { value::region(text) };
            let region = region.and_then(|region| {
                let is_new = !regions.contains(&region);
                is_new.then_some(region).ok_or_else(|| Fault::Twice { value: text.clone() })
            });
            regions.extend(self.keep(setting, item, region));
        }
        regions
    }

    /// The labels that tell values apart.
    pub(super) fn labels(&mut self, setting: &'static Setting) -> By {
        self.items(setting).iter().fold(By::None, |by, item| {
            let sum = value::add_label(by, &item.text.text);
            self.keep(setting, item, sum).unwrap_or(by)
        })
    }

    fn items(&self, setting: &Setting) -> &'a [Item] {
        let values: &'a Values = self.values;
        values.get(setting).map_or(&[], |given| given.items.as_slice())
    }

    fn keep<T>(
        &mut self,
        setting: &'static Setting,
        item: &Item,
        result: Result<T, Fault>,
    ) -> Option<T> {
        result
            .map_err(|fault| {
                self.mistakes.add(Mistake::Value { key: setting.key, fault }, &item.place);
            })
            .ok()
    }
}
