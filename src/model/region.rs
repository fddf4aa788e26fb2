//! Where machines run.

use super::text_newtype;

text_newtype! {
    /// A Fly region's three-letter code, such as `lhr`.
    Region
}

impl Region {
    /// Stands for no region: that of a value whose label was empty or missing while others had one. No
    /// region and no label reads like this, and expressions cannot name it.
    #[must_use]
    pub fn unlabelled() -> Self {
        Self::new("(none)")
    }
}

/// The regions that a process group is scaled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegionList {
    /// These, in order of preference. None: where the machine is that is cloned.
    Listed(Vec<Region>),
    /// Those in which there is traffic or a machine.
    Auto,
}

impl RegionList {
    /// The regions that are listed by name.
    #[must_use]
    pub fn listed(&self) -> &[Region] {
        match self {
            Self::Listed(regions) => regions,
            Self::Auto => &[],
        }
    }
}

impl Default for RegionList {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl From<Vec<Region>> for RegionList {
    fn from(regions: Vec<Region>) -> Self {
        Self::Listed(regions)
    }
}
