//! Apps times interval times concurrency, and the orderly stop.
