//! How log lines look: what the configuration says and the logger does.

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines: `time` (RFC 3339), `level`, `msg` and `target`, as upstream
    /// has them, then the fields of the event and of the spans around it.
    Json,
    /// One readable line, for people.
    Text,
}
