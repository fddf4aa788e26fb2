//! The regions that Fly offers, and where they are.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::Region;

/// Where a region is.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its name, such as `London, United Kingdom`.
    pub name: Arc<str>,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Fly takes no new machines there.
    pub is_deprecated: bool,
}

/// A list of Fly's regions.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    sites: BTreeMap<Region, Site>,
    is_current: bool,
}

const TABLE: &str = include_str!("regions.tsv");

static BUILTIN: LazyLock<Arc<Catalog>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#')).skip(1);
    let sites = lines.filter_map(|line| {
        let mut cells = line.split('\t');
        let region = Region::new(cells.next()?);
        let site = Site {
            name: Arc::from(cells.next()?),
            latitude: cells.next()?.parse().ok()?,
            longitude: cells.next()?.parse().ok()?,
            is_deprecated: false,
        };
        Some((region, site))
    });
    Arc::new(Catalog { sites: sites.collect(), is_current: false })
});

impl Catalog {
    /// The list that comes with the program. Fly may have regions by now that it lacks.
    #[must_use]
    pub fn builtin() -> &'static Arc<Self> {
        &BUILTIN
    }

    /// The list as Fly gave it.
    #[must_use]
    pub fn current(sites: BTreeMap<Region, Site>) -> Self {
        Self { sites, is_current: true }
    }

    /// Whether it came from Fly: what it lacks, Fly does not have.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.is_current
    }

    /// Whether new machines can be had in `region`, as far as this list tells.
    #[must_use]
    pub fn offers(&self, region: &Region) -> bool {
        self.get(region).is_some_and(|site| !site.is_deprecated)
    }

    /// Where `region` is.
    #[must_use]
    pub fn get(&self, region: &Region) -> Option<&Site> {
        self.sites.get(region)
    }

    /// All of them, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = (&Region, &Site)> {
        self.sites.iter()
    }

    /// The one of `among` that is nearest to `region` along the great circle, the first of several that
    /// are equally near; `None` where it is not known where they are.
    #[must_use]
    pub fn nearest<'a>(
        &self,
        region: &Region,
        among: impl IntoIterator<Item = &'a Region>,
    ) -> Option<&'a Region> {
        let here = self.get(region)?;
        let sited =
            among.into_iter().filter_map(|other| Some((here.angle_to(self.get(other)?), other)));
        sited.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, other)| other)
    }

    /// The code that `text` was probably meant to be: that of the same letters in another case, of the
    /// city of that name, or one that differs in a single letter.
    #[must_use]
    pub fn meant_by(&self, text: &str) -> Option<&Region> {
        let lower = text.trim().to_lowercase();
        let is_city = |site: &Site| {
            let city = site.name.split([',', '(']).next().unwrap_or_default();
            lower.len() > 3 && city.trim().to_lowercase() == lower
        };
        let distance = |code: &Region| strsim::damerau_levenshtein(&lower, code.as_str());
        // Of several that are as near, the one that begins as it does: slips come late in a word.
        let is_same = |(one, other): &(char, char)| one == other;
        let shared =
            |code: &Region| lower.chars().zip(code.as_str().chars()).take_while(is_same).count();
        self.sites
            .iter()
            .find(|(code, site)| code.as_str() == lower || is_city(site))
            .or_else(|| {
                let near = self.sites.iter().rev().filter(|(code, _)| distance(code) == 1);
                near.max_by_key(|(code, _)| shared(code))
            })
            .map(|(code, _)| code)
    }
}

impl Site {
    /// The angle between two places along the great circle, in radians: nearer is smaller.
    #[must_use]
    pub fn angle_to(&self, other: &Self) -> f64 {
        let (here, there) = (self.latitude.to_radians(), other.latitude.to_radians());
        let turn = (self.longitude - other.longitude).to_radians();
        let cosine = here.sin() * there.sin() + here.cos() * there.cos() * turn.cos();
        cosine.clamp(-1.0, 1.0).acos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_list_has_eighteen_regions() {
        let catalog = Catalog::builtin();
        assert_eq!(catalog.iter().count(), 18);
        assert!(catalog.offers(&Region::new("lhr")) && !catalog.offers(&Region::new("xyz")));
        assert!(!catalog.is_current());
    }

    #[test]
    fn the_nearest_region_is_that_of_the_map() {
        let catalog = Catalog::builtin();
        let listed = ["iad", "lhr", "syd", "xyz"].map(Region::new);
        for (from, nearest) in [
            ("fra", Some("lhr")),
            ("ewr", Some("iad")),
            ("gru", Some("iad")),
            ("sin", Some("syd")),
            ("lhr", Some("lhr")),
            ("xyz", None),
        ] {
            let found = catalog.nearest(&Region::new(from), &listed).map(Region::as_str);
            assert_eq!(found, nearest, "{from}");
        }
        assert_eq!(catalog.nearest(&Region::new("fra"), &[]), None);
    }

    #[test]
    fn a_mistaken_code_has_its_likely_one() {
        let catalog = Catalog::builtin();
        for (text, meant) in [
            ("LHR", Some("lhr")),
            ("london", Some("lhr")),
            ("San Jose", Some("sjc")),
            ("lhx", Some("lhr")),
            ("frankfurt", Some("fra")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(catalog.meant_by(text).map(Region::as_str), meant, "{text}");
        }
    }
}
