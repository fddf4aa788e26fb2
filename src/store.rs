//! Where histories are kept between ticks.
