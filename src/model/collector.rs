//! How a collector is to be read: what a failure, several series and labels mean.

/// What a failed sample does to the expressions that read it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum OnFailure {
    /// Nothing is scaled in the scopes whose expressions read it.
    #[default]
    Hold,
    /// The last good value stands for it for a while, and nothing is scaled down meanwhile; then as
    /// [`OnFailure::Hold`].
    HoldScaleDown,
    /// The last good value stands for it for a while; then as [`OnFailure::Hold`].
    Last,
    /// The variable is nil, so that `a ?? 8` works.
    Nil,
    /// This number stands for each value that failed.
    Number(f64),
}

/// What more than one series means where one is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeriesRule {
    /// A failed sample.
    #[default]
    One,
    /// The first one that the source names is taken (as the Go autoscaler does).
    First,
}

/// Which labels tell the values of one query apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// None: the query gives one number.
    #[default]
    None,
    /// `app`: only the series of the app at hand.
    App,
    /// `region`: one number for each region.
    Region,
    /// Both: one number for each region, of the app at hand.
    AppAndRegion,
}

impl By {
    /// Whether series are told apart by the label `app`.
    #[must_use]
    pub fn has_app(self) -> bool {
        matches!(self, Self::App | Self::AppAndRegion)
    }

    /// Whether series are told apart by the label `region`.
    #[must_use]
    pub fn has_region(self) -> bool {
        matches!(self, Self::Region | Self::AppAndRegion)
    }
}
