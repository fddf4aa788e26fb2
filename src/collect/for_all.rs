//! One answer of a source for all apps that want to know at about the same time.

use std::time::Duration;

use super::no_answer_within;
use crate::model::Timestamp;
use crate::ports::SourceError;
use crate::transport::shared::Shared;

/// The last answer of a source whose query is the same for all apps. That none came in time is an answer
/// for all as well: who waited for it must not be followed by the next who waits as long.
pub(super) struct ForAll<T> {
    shared: Shared<Result<T, SourceError>>,
    timeout: Duration,
}

impl<T: Clone> ForAll<T> {
    /// Nothing asked yet. An answer serves for `fresh_for`, and may take `timeout`.
    pub(super) fn new(fresh_for: Duration, timeout: Duration) -> Self {
        Self { shared: Shared::new(fresh_for), timeout }
    }

    /// The last answer, if it is fresh at `now`, or else what `ask` gives of the source at `address`.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        address: &str,
        ask: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let asked = async {
            tokio::time::timeout(self.timeout, ask).await.unwrap_or_else(|_| {
                let message = no_answer_within(self.timeout);
                Err(SourceError::Unreachable { address: address.to_owned(), message })
            })
        };
        self.shared.get(now, asked).await
    }
}
