//! STAGE 2: a table of variables to bounds. Pure.
