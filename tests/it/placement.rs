//! Machines where the traffic is: days of traffic in seven regions, with the real supervisor and the real HTTP
//! client against the simulated Fly. What should be is reckoned here, apart from the code that it is held
//! against.

mod capacity;
mod clone;
mod created;
mod day;
mod drain;
pub(crate) mod driven;
mod reckon;
mod started;
mod sun;
mod traffic;
mod whole_app;
