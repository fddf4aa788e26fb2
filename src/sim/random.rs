//! Chance that repeats itself: the same seed and the same calls give the same numbers.

use std::time::Duration;

use crate::model::Timestamp;

/// A SplitMix64 generator (Steele, Lea and Flood 2014): one word of state, good enough for play.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// A stream of its own for `purpose`, so that what happens to one app does not shift the luck of
    /// another.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        Self(mix(seed ^ hash(purpose)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Between 0 and 1, 1 excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.next())
    }

    /// `duration`, give or take `fraction` of it.
    pub(crate) fn jitter(&mut self, duration: Duration, fraction: f64) -> Duration {
        let factor = 1.0 + fraction * (self.unit() * 2.0 - 1.0);
        let millis = duration.as_secs_f64() * factor * 1000.0;
        Duration::from_millis(millis.round() as u64)
    }

    /// `digits` hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }

    /// A ULID: 26 characters, of which the first ten are `now`. Fly's instance, event and request ids
    /// have this form.
    pub(crate) fn ulid(&mut self, now: Timestamp) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let millis = u128::from(now.as_millis().unsigned_abs()) & 0xffff_ffff_ffff;
        let chance = (u128::from(self.next()) << 16) | u128::from(self.next() & 0xffff);
        let bits = (millis << 80) | chance;
        (0..26).rev().map(|place| DIGITS[((bits >> (place * 5)) & 31) as usize] as char).collect()
    }

    pub(crate) fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[(self.next() % choices.len() as u64) as usize]
    }
}

/// A number between 0 and 1 that depends on nothing but its arguments: weather, not dice.
pub(crate) fn noise(seed: u64, purpose: &str, index: i64) -> f64 {
    unit(mix(seed ^ hash(purpose) ^ mix(index as u64)))
}

/// FNV-1a, which unlike the standard library's hash is the same in every build.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_purpose_give_the_same_numbers() {
        let draw = |seed, purpose| Random::new(seed, purpose).hex(14);
        assert_eq!(draw(1, "web"), draw(1, "web"));
        assert_ne!(draw(1, "web"), draw(2, "web"));
        assert_ne!(draw(1, "web"), draw(1, "api"));
    }

    #[test]
    fn a_ulid_begins_with_its_time() {
        let mut random = Random::new(1, "");
        let at = Timestamp::parse_rfc3339("2016-07-30T22:36:16.385Z").expect("a time");
        let ulid = random.ulid(at);
        assert_eq!(ulid.len(), 26);
        // The example of the ULID specification.
        assert!(ulid.starts_with("01ARYZ6S41"), "{ulid}");
    }

    #[test]
    fn jitter_stays_within_its_fraction() {
        let mut random = Random::new(7, "jitter");
        for _ in 0..100 {
            let wait = random.jitter(Duration::from_secs(10), 0.2).as_secs_f64();
            assert!((8.0..=12.0).contains(&wait), "{wait}");
        }
    }
}
