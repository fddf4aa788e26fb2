//! Reads the time: the only file that does.
