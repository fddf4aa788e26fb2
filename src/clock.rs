//! Reads the time: the only file that does.

#![expect(clippy::disallowed_methods, reason = "the one home of reading the time")]

use std::time::Duration;

use tokio::time::Instant;

use crate::model::Timestamp;
use crate::ports::{BoxFuture, Clock};

/// The time of the machine it runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A time that begins where it is told to and passes `speed` times as fast as the real one: a day in a
/// few minutes, for the demo.
#[derive(Debug, Clone, Copy)]
pub struct ScaledClock {
    start: Timestamp,
    // Tokio's, so that paused time in tests pauses this clock too.
    began: Instant,
    speed: f64,
}

impl ScaledClock {
    /// A clock that shows `start` now. A `speed` that is no positive finite number counts as 1.
    #[must_use]
    pub fn new(start: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { start, began: Instant::now(), speed }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.began.elapsed().as_secs_f64() * self.speed;
        self.start.plus(Duration::try_from_secs_f64(elapsed).unwrap_or(Duration::MAX))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let real = duration.as_secs_f64() / self.speed;
        Box::pin(tokio::time::sleep(Duration::try_from_secs_f64(real).unwrap_or(Duration::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_passes_as_fast_as_told() {
        let clock = ScaledClock::new(Timestamp::from_millis(1_000), 60.0);
        assert_eq!(clock.now(), Timestamp::from_millis(1_000));

        let real = Instant::now();
        clock.sleep(Duration::from_secs(3600)).await;

        assert_eq!(real.elapsed().as_secs(), 60);
        assert!(clock.now() >= Timestamp::from_millis(3_601_000), "{}", clock.now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_nonsensical_speed_counts_as_real_time() {
        for speed in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            let clock = ScaledClock::new(Timestamp::from_millis(0), speed);
            tokio::time::advance(Duration::from_secs(2)).await;
            assert_eq!(clock.now(), Timestamp::from_millis(2_000), "speed {speed}");
        }
    }
}
