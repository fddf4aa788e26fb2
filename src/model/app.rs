//! Whose machines they are: an app, and a process group within it.

use super::text_newtype;

text_newtype! {
    /// The name of a Fly app.
    AppName
}

text_newtype! {
    /// The name of a process group (`app` unless `fly.toml` has `[processes]`).
    ProcessGroup
}
