//! STAGE 1: sources to a table of variables, under one deadline.
