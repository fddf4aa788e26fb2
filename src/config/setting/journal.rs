//! How much of what happened is kept.

use std::time::Duration;

use super::super::env_vars as var;
use super::{Kind, PLAIN, Setting};

const HOUR: Duration = Duration::from_secs(3600);

/// `journal-retention`
pub const JOURNAL_RETENTION: Setting = Setting {
    key: "journal-retention",
    env: Some(var::FAS_JOURNAL_RETENTION),
    flag: Some("journal-retention"),
    kind: Kind::Age { min: HOUR, max: HOUR.saturating_mul(24 * 366) },
    default: Some("360h"),
    doc: "For how long every tick is kept in the journal, with what it measured, decided and did",
    example: "720h",
    ..PLAIN
};
/// `journal-size`
pub const JOURNAL_SIZE: Setting = Setting {
    key: "journal-size",
    env: Some(var::FAS_JOURNAL_SIZE),
    flag: Some("journal-size"),
    kind: Kind::Size { min: 1_000_000, max: 1_000_000_000_000 },
    default: Some("256MB"),
    doc: "How large the file of the journal may get; the oldest goes first",
    example: "1GB",
    ..PLAIN
};
