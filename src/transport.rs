//! The HTTP client that `fly` and `collect` share: TLS, time limits, bounded bodies.
