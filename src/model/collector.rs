//! How a collector reads an answer, and what its failure means. Set by configuration, used by `collect`.

/// What a failed sample does to the scopes whose expressions read it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum OnFailure {
    /// Nothing is scaled there.
    #[default]
    Hold,
    /// The variable is nil, so that `a ?? b ?? 8` reads past it.
    Nil,
    /// The variable is this number.
    Number(f64),
}

/// What to make of a result with more than one series where one is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeriesRule {
    /// A failed sample.
    #[default]
    One,
    /// The first one counts, whichever that is (upstream's behaviour).
    First,
}

/// Which labels of a result tell its values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// None: one value.
    #[default]
    None,
    /// The label `app`: one query serves many apps.
    App,
    /// The label `region`.
    Region,
    /// Both.
    AppAndRegion,
}

impl By {
    /// Whether there is one value per region.
    #[must_use]
    pub fn has_region(self) -> bool {
        matches!(self, Self::Region | Self::AppAndRegion)
    }

    /// Whether there is one value per app.
    #[must_use]
    pub fn has_app(self) -> bool {
        matches!(self, Self::App | Self::AppAndRegion)
    }
}
