//! What a caller can do about an answer that is no success. Fly's statuses alone do not tell: the
//! texts do. They are those seen in production, listed in fly-go, flyctl and public issue threads.

use super::client::About;
use crate::ports::{ErrorClass, Operation};

/// Texts that mean "no room": the host, the region or the organization's quota is full.
const CAPACITY: [&str; 10] = [
    "insufficient_capacity",
    "insufficient capacity",
    "insufficient resources",
    "insufficient memory",
    "could not reserve resource",
    "no capacity",
    "not enough capacity",
    "allowed quota",
    "over the quota",
    "quota exceeded",
];

/// Means "no room" wherever it cannot mean "insufficient permissions": in everything but a 403.
const INSUFFICIENT: &str = "insufficient";

/// What flyctl takes for a full host when a start is refused with it.
const CAPACITY_ON_START: &str = " for machine";

/// Texts of a refused suspend that a later one may not get: another state than thought, or a lease or a
/// lock that someone holds.
const PASSING: [&str; 5] =
    ["current state", "still active", "getting replaced", " lease", "lock for machine"];

/// The class of an answer with `status` (not 2xx), whose words are `text`.
pub(super) fn classify(operation: Operation, status: u16, text: &str) -> ErrorClass {
    let has_no_room = || speaks_of_capacity(operation, text);
    match status {
        401 => ErrorClass::Authorization,
        403 if mentions(text, &CAPACITY) => ErrorClass::Capacity,
        403 => ErrorClass::Authorization,
        404 if is_on_machine(operation) => ErrorClass::Gone,
        400..=499 if is_refused_for_good(operation, status, text) => ErrorClass::Unsupported,
        400 | 409 | 412 | 422 if has_no_room() => ErrorClass::Capacity,
        409 | 412 => ErrorClass::Conflict,
        429 => ErrorClass::RateLimited,
        408 | 500..=599 => ErrorClass::Transient,
        _ => ErrorClass::Rejected,
    }
}

/// The class of an answer whose status says yes while the answer says no, in the words `text`.
pub(super) fn class_of_denial(operation: Operation, text: &str) -> ErrorClass {
    match operation {
        Operation::Suspend => classify(operation, 412, text),
        _ if speaks_of_capacity(operation, text) => ErrorClass::Capacity,
        _ => ErrorClass::Rejected,
    }
}

/// Whether a refusal in these words is for lack of room.
fn speaks_of_capacity(operation: Operation, text: &str) -> bool {
    mentions(text, &CAPACITY)
        || mentions(text, &[INSUFFICIENT])
        || (operation == Operation::Start && mentions(text, &[CAPACITY_ON_START]))
}

/// Whether Fly would refuse the same suspend again. Its words for what it cannot suspend are not
/// documented, so that all count but those that are known to pass: the machine is then stopped instead,
/// where asking on would neither suspend nor stop it.
fn is_refused_for_good(operation: Operation, status: u16, text: &str) -> bool {
    operation == Operation::Suspend
        && !matches!(status, 408 | 429)
        && !(matches!(status, 409 | 412) && mentions(text, &PASSING))
}

fn mentions(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Whether the request may have been carried out although `status` says otherwise: Fly's front gave
/// up on the host, or something failed on the way.
pub(super) fn leaves_outcome_unknown(operation: Operation, status: u16) -> bool {
    changes_something(operation) && matches!(status, 408 | 500..=599)
}

/// Whether carrying out `operation` leaves anything behind.
pub(super) fn changes_something(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::List
            | Operation::Get
            | Operation::FindCreated
            | Operation::ListVolumes
            | Operation::CurrentRelease
            | Operation::CurrentToken
            | Operation::ListApps
            | Operation::ListOrg
            | Operation::ListRegions
    )
}

fn is_on_machine(operation: Operation) -> bool {
    match operation {
        Operation::Get
        | Operation::Start
        | Operation::Stop
        | Operation::Suspend
        | Operation::Cordon
        | Operation::Uncordon
        | Operation::SetMetadata
        | Operation::Destroy
        | Operation::AcquireLease
        | Operation::ReleaseLease => true,
        Operation::List
        | Operation::Create
        | Operation::FindCreated
        | Operation::ListVolumes
        | Operation::CreateVolume
        | Operation::CurrentRelease
        | Operation::CurrentToken
        | Operation::ListApps
        | Operation::ListOrg
        | Operation::ListRegions => false,
    }
}

/// What to do about a failure, to be put behind Fly's words; empty where nothing is known.
pub(super) fn advice(
    operation: Operation,
    class: ErrorClass,
    status: u16,
    about: About<'_>,
) -> String {
    let api = match operation {
        Operation::CurrentRelease => "reading the release",
        _ => "the Machines API",
    };
    match (class, status, about) {
        (ErrorClass::Authorization, _, About::App(app)) => format!(
            "; {api} needs a deploy token of this app (fly tokens create deploy -a {app}) or an org token"
        ),
        (ErrorClass::Authorization, _, About::Org(org)) => format!(
            "; a list for a whole organization needs an org token (fly tokens create org -o {org}), not a deploy token"
        ),
        (ErrorClass::Rejected, 404, About::App(app)) if operation != Operation::CurrentToken => {
            format!("; app {app} was not found, or the token does not cover it")
        }
        (ErrorClass::Rejected, 404, About::Org(org)) if operation != Operation::CurrentToken => {
            format!("; organization {org} was not found, or the token does not cover it")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_refusal_has_its_class() {
        use ErrorClass::{
            Authorization, Capacity, Conflict, Gone, RateLimited, Rejected, Transient,
        };
        use Operation::{AcquireLease, Create, Destroy, List, ReleaseLease, Start, Stop};
        let table = [
            (List, 401, "Authenticate: token validation error", Authorization),
            (Create, 403, "unauthorized", Authorization),
            (Create, 403, "insufficient permissions", Authorization),
            (
                Create,
                403,
                "organization \"x\" is using 9 MB of memory in dfw which is over the allowed quota. please consider other regions",
                Capacity,
            ),
            (List, 404, "app not found", Rejected),
            (Create, 404, "app not found", Rejected),
            (Start, 404, "machine not found", Gone),
            (Destroy, 404, "", Gone),
            (ReleaseLease, 404, "lease not found", Gone),
            (Create, 408, "deadline_exceeded", Transient),
            (
                Start,
                409,
                "aborted: could not reserve resource for machine: insufficient memory available to fulfill request",
                Capacity,
            ),
            (Start, 409, "failed to place image for machine", Capacity),
            (Stop, 409, "lock for machine is taken", Conflict),
            (
                AcquireLease,
                409,
                "machine ID m1 lease currently held by x@tokens.fly.io, expires at 2026-08-21T10:00:00Z",
                Conflict,
            ),
            (
                Create,
                412,
                "insufficient resources to create new machine with existing volume",
                Capacity,
            ),
            (
                Start,
                412,
                "failed_precondition: unable to start machine from current state: 'created'",
                Conflict,
            ),
            (Start, 412, "failed_precondition: machine still active, refusing to start", Conflict),
            (Create, 400, "no capacity", Capacity),
            (Create, 422, "Insufficient CPUs available", Capacity),
            (Create, 422, "invalid config.image", Rejected),
            (Create, 400, "region xyz not found", Rejected),
            (Create, 429, "rate limit exceeded", RateLimited),
            (List, 500, "", Transient),
            (List, 503, "", Transient),
            (List, 302, "", Rejected),
            (List, 418, "", Rejected),
        ];
        for (operation, status, text, want) in table {
            assert_eq!(classify(operation, status, text), want, "{operation:?} {status} {text}");
        }
    }

    #[test]
    fn a_refused_suspend_is_final_unless_it_is_known_to_pass() {
        use ErrorClass::{
            Authorization, Capacity, Conflict, Gone, RateLimited, Transient, Unsupported,
        };
        let table = [
            (400, "machine has swap enabled", Unsupported),
            (
                412,
                "failed_precondition: machines with more than 2GB cannot be suspended",
                Unsupported,
            ),
            (409, "words that nobody has seen yet", Unsupported),
            (409, "please release it first", Unsupported),
            (422, "", Unsupported),
            (405, "", Unsupported),
            // There is room enough to stop it.
            (409, "aborted: insufficient disk space for a snapshot", Unsupported),
            (
                412,
                "failed_precondition: unable to suspend machine from current state: 'starting'",
                Conflict,
            ),
            (412, "failed_precondition: machine still active, refusing to suspend", Conflict),
            (412, "failed_precondition: machine getting replaced, refusing to suspend", Conflict),
            (409, "machine ID m1 lease currently held by x@tokens.fly.io", Conflict),
            (409, "lock for machine is taken", Conflict),
            (401, "", Authorization),
            (403, "unauthorized", Authorization),
            (403, "over the quota", Capacity),
            (404, "machine not found", Gone),
            (408, "deadline_exceeded", Transient),
            (429, "rate limit exceeded", RateLimited),
            (503, "", Transient),
        ];
        for (status, text, want) in table {
            assert_eq!(classify(Operation::Suspend, status, text), want, "{status} {text}");
        }
        assert_eq!(classify(Operation::Stop, 400, "no"), ErrorClass::Rejected);
    }

    #[test]
    fn only_a_change_can_have_an_unknown_outcome() {
        for (operation, status, want) in [
            (Operation::Create, 408, true),
            (Operation::Create, 500, true),
            (Operation::Stop, 503, true),
            (Operation::Create, 429, false),
            (Operation::Create, 422, false),
            (Operation::List, 500, false),
        ] {
            assert_eq!(leaves_outcome_unknown(operation, status), want, "{operation:?} {status}");
        }
    }
}
