//! Which regions Fly is known to have: what is said of those in a configuration.

use std::time::Duration;

use fly_autoscaler::config::{Notice, Warning};
use fly_autoscaler::reconcile::Atlas;

use crate::output;

/// The warnings that go by the list of regions that comes with the program, and all others. Where Fly's own
/// list can be read, it settles the first: a region that Fly has is fine, and one that it has not is said
/// from there, so that one mistake is not told twice.
pub(crate) fn doubts(warnings: Vec<Warning>) -> (Vec<Warning>, Vec<Warning>) {
    let is_doubt = |own: &Warning| matches!(own.notice, Notice::UnknownRegion { .. });
    warnings.into_iter().partition(is_doubt)
}

/// Reads which regions Fly has, and says which of the configuration it has not. Where Fly does not tell
/// in time, the list that comes with the program is used, and its `doubts` stand.
pub(crate) async fn read(atlas: &Atlas, doubts: &[Warning], within: Duration) {
    if let Ok(Err(error)) = tokio::time::timeout(within, atlas.refresh()).await {
        output::note(format_args!(
            "warning: {error}; the list of regions that comes with the program is used"
        ));
    }
    if !atlas.catalog().is_current() {
        output::warnings(doubts);
    }
    for doubtful in atlas.doubtful() {
        output::note(format_args!("warning: {doubtful}"));
    }
}
