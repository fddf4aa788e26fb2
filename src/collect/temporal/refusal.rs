//! What a failed call means to whoever reads the log.

use std::error::Error as _;

use tonic::{Code, Status};

use super::innermost;
use crate::ports::SourceError;

const WHO_HINT: &str =
    "; are the API key or the certificate valid, and do they belong to this namespace?";
const QUERY_HINT: &str = "; the query is a list filter, such as TaskQueue='jobs'";
const NAMESPACE_HINT: &str = "; is the namespace right? On Temporal Cloud it is the name and the account, with a dot between";
const ADDRESS_HINT: &str = "; is a Temporal frontend at this address? Its port is 7233 by default";

/// The error of a call that gave no count. `clean` makes a server's words fit for a log.
pub(super) fn failed(
    status: &Status,
    address: &str,
    clean: &dyn Fn(&str) -> String,
) -> SourceError {
    let address = address.to_owned();
    // A source means that the error arose on this side: no answer came that could be one of Temporal's.
    let message = status.source().map(innermost);
    match (status.code(), message) {
        (_, Some(message)) => SourceError::Unreachable { address, message: clean(&message) },
        (Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled, None) => {
            SourceError::Unreachable { address, message: said(clean(status.message())) }
        }
        (code, None) => {
            let (words, hint) = describe(code);
            let message = said(clean(status.message()));
            SourceError::Refused { address, status: words.to_owned(), message, hint }
        }
    }
}

fn said(message: String) -> String {
    if message.is_empty() { "nothing more".to_owned() } else { message }
}

/// The code in words, and what to do about it.
fn describe(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Unauthenticated => ("unauthenticated", WHO_HINT),
        Code::PermissionDenied => ("permission denied", WHO_HINT),
        Code::InvalidArgument => ("invalid argument", QUERY_HINT),
        Code::NotFound => ("not found", NAMESPACE_HINT),
        Code::Unimplemented => ("unimplemented", ADDRESS_HINT),
        Code::ResourceExhausted => ("resource exhausted", ""),
        Code::FailedPrecondition => ("failed precondition", ""),
        Code::OutOfRange => ("out of range", ""),
        Code::Aborted => ("aborted", ""),
        Code::AlreadyExists => ("already exists", ""),
        Code::DataLoss => ("data loss", ""),
        Code::Internal => ("internal error", ""),
        Code::Unavailable => ("unavailable", ""),
        Code::DeadlineExceeded => ("deadline exceeded", ""),
        Code::Cancelled => ("cancelled", ""),
        Code::Ok | Code::Unknown => ("unknown error", ""),
    }
}
