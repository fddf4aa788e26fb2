pub(crate) async fn a_day_in_the_life(_seed: u64) {}
