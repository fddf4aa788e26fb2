//! Going on under another configuration, as if it were the same process.

use super::Reconciler;

impl Reconciler {
    /// The same reconciler with all that `old` remembers of its app: what its collectors last measured and the
    /// past of its metrics, as far as they are measured as before; its leases, what it has said, and what it
    /// has under way. Histories are in the store, which both share.
    #[must_use]
    pub fn going_on_from(mut self, old: Self) -> Self {
        self.under_way = old.under_way;
        self.pauses = old.pauses;
        if !old.has_recalled {
            // It has not ticked yet, and knows nothing that is not in the store.
            return self;
        }
        self.has_recalled = true;
        self.memory = old.memory.with_new_collectors(&old.collectors, &self.collectors);
        self.past = self.past.going_on_from(old.past, &old.groups);
        self.series_kept = old.series_kept;
        self.reporter = self.reporter.going_on_from(old.reporter, &self.collectors);
        self.flaps = old.flaps;
        self.kept = old.kept;
        self
    }
}
