//! decide_properties
