//! The last tick as data: what HTTP and the commands print.
