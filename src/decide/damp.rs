//! Slowing down: what the expressions ask for is approached with care, as far as the rules say so.

pub mod rules;

pub use rules::{Damping, Millionths, RegionDamping, Rules, Step};
