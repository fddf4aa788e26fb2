//! The regions that the simulator offers: Fly's.

use crate::model::{Catalog, Region, Site};

/// The region of that code.
pub(crate) fn find(region: &Region) -> Option<&'static Site> {
    Catalog::builtin().get(region)
}

/// Fly's name for the part of the world, as `geo_region` in its answers.
pub(crate) fn geo_region(site: &Site) -> &'static str {
    match (site.latitude, site.longitude) {
        (latitude, longitude) if longitude < -30.0 && latitude < 15.0 => "south_america",
        (_, longitude) if longitude < -30.0 => "north_america",
        (latitude, longitude) if longitude < 45.0 && latitude > 35.0 => "europe",
        (_, longitude) if longitude < 45.0 => "africa",
        _ => "asia_pacific",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_is_in_the_right_part_of_the_world() {
        let parts = ["lhr", "iad", "gru", "jnb", "sin", "syd"]
            .map(|code| geo_region(find(&Region::new(code)).expect("a region of the table")));
        let expected =
            ["europe", "north_america", "south_america", "africa", "asia_pacific", "asia_pacific"];
        assert_eq!(parts, expected);
    }
}
