//! How a tick ended, and whether Fly was the trouble on the way.

use crate::act::Outcome;
use crate::decide::Verdict;
use crate::model::TickOutcome;
use crate::ports::{ApiError, ErrorClass};
use crate::status::Tick;

/// How a tick ended.
pub(super) fn outcome_of(tick: &Tick) -> TickOutcome {
    let Some(plan) = &tick.plan else { return TickOutcome::Failed };
    if tick.error.is_some() {
        return TickOutcome::Failed;
    }
    match plan.verdict {
        Verdict::Quiet => TickOutcome::Quiet,
        Verdict::Hold => TickOutcome::Held,
        Verdict::Act if tick.dry_run => TickOutcome::Acted,
        Verdict::Act => {
            let some_done = tick.outcomes.iter().any(Outcome::is_done);
            if some_done { TickOutcome::Acted } else { TickOutcome::Failed }
        }
    }
}

/// Waits for an answer of Fly's without which the tick cannot go on: that its time runs out meanwhile is
/// Fly's failure, and so is an answer that is [trouble](is_trouble).
pub(super) async fn ask<T>(
    tick: &mut Tick,
    call: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let before = std::mem::replace(&mut tick.fly_failed, true);
    let answer = call.await;
    tick.fly_failed = before || answer.as_ref().is_err_and(is_trouble);
    answer
}

/// Whether Fly itself is the trouble: no answer, too many requests, a refused token. A full region or a
/// machine in the wrong state is no reason to wait.
pub(super) fn is_trouble(error: &ApiError) -> bool {
    matches!(
        error.class,
        ErrorClass::Authorization | ErrorClass::RateLimited | ErrorClass::Transient
    )
}

/// Whether Fly was the trouble of the actions, and nothing worked beside it.
pub(super) fn fly_failed(outcomes: &[Outcome]) -> bool {
    outcomes.iter().filter_map(Outcome::error).any(is_trouble)
        && !outcomes.iter().any(Outcome::is_done)
}
