//! The regions that the simulator offers: Fly's.

use crate::model::Region;

/// One region and where it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
}

const TABLE: &str = include_str!("regions.tsv");

/// All of them, in the order of their codes.
pub(crate) fn all() -> impl Iterator<Item = Place> {
    TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).filter_map(|line| {
        let mut cells = line.split('\t');
        Some(Place {
            code: cells.next()?,
            name: cells.next()?,
            latitude: cells.next()?.parse().ok()?,
            longitude: cells.next()?.parse().ok()?,
        })
    })
}

/// The region of that code.
pub(crate) fn find(region: &Region) -> Option<Place> {
    all().find(|place| place.code == region.as_str())
}

impl Place {
    /// Fly's name for the part of the world, as `geo_region` in its answers.
    pub(crate) fn geo_region(&self) -> &'static str {
        match (self.latitude, self.longitude) {
            (latitude, longitude) if longitude < -30.0 && latitude < 15.0 => "south_america",
            (_, longitude) if longitude < -30.0 => "north_america",
            (latitude, longitude) if longitude < 45.0 && latitude > 35.0 => "europe",
            (_, longitude) if longitude < 45.0 => "africa",
            _ => "asia_pacific",
        }
    }

    /// The angle between two places along the great circle: nearer is smaller.
    pub(crate) fn angle_to(&self, other: &Self) -> f64 {
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
    fn the_table_holds_eighteen_regions() {
        assert_eq!(all().count(), 18);
        assert_eq!(find(&Region::new("xyz")), None);
    }

    #[test]
    fn each_region_is_in_the_right_part_of_the_world() {
        let parts = ["lhr", "iad", "gru", "jnb", "sin", "syd"]
            .map(|code| find(&Region::new(code)).expect("a region of the table").geo_region());
        let expected =
            ["europe", "north_america", "south_america", "africa", "asia_pacific", "asia_pacific"];
        assert_eq!(parts, expected);
    }
}
