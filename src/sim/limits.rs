//! Fly's request limits, as documented: per action and per machine, or per app where there is no machine.
//! Source: docs `machines/api/working-with-machines-api`, "Rate limits".

use std::collections::BTreeMap;

use crate::model::{MachineId, Timestamp};

use super::call::Endpoint;

/// How often an action may be asked for.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    burst: f64,
}

const ACTION: Rate = Rate { per_second: 1.0, burst: 3.0 };
const GET: Rate = Rate { per_second: 5.0, burst: 10.0 };

/// How many buckets an app keeps before the full ones go: one that is full says no more than none. Ten
/// thousand apps are then a few MB, whatever is asked of them.
const SWEEP_AT: usize = 32;

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Rate {
    fn of(endpoint: Endpoint) -> Self {
        if endpoint == Endpoint::Get { GET } else { ACTION }
    }
}

impl Bucket {
    fn tokens_at(&self, rate: Rate, now: Timestamp) -> f64 {
        let refill = now.since(self.at).as_secs_f64() * rate.per_second;
        f64::min(rate.burst, self.tokens + refill)
    }

    fn is_full(&self, rate: Rate, now: Timestamp) -> bool {
        self.tokens_at(rate, now) >= rate.burst
    }
}

/// The token buckets of one app.
#[derive(Debug, Default)]
pub(crate) struct Buckets(BTreeMap<(Endpoint, Option<MachineId>), Bucket>);

impl Buckets {
    /// Takes one request out of its bucket, or says that it is empty.
    pub(crate) fn admit(
        &mut self,
        endpoint: Endpoint,
        machine: Option<&MachineId>,
        now: Timestamp,
    ) -> bool {
        let rate = Rate::of(endpoint);
        if self.0.len() >= SWEEP_AT {
            self.0.retain(|(endpoint, _), bucket| !bucket.is_full(Rate::of(*endpoint), now));
        }
        let bucket = self
            .0
            .entry((endpoint, machine.cloned()))
            .or_insert(Bucket { tokens: rate.burst, at: now });
        bucket.tokens = bucket.tokens_at(rate, now);
        bucket.at = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }

    /// Forgets the buckets of a machine that is gone.
    pub(crate) fn forget(&mut self, machine: &MachineId) {
        self.0.retain(|(_, owner), _| owner.as_ref() != Some(machine));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_of_three_then_one_a_second() {
        let mut buckets = Buckets::default();
        let start = Timestamp::from_millis(0);
        let admitted = |buckets: &mut Buckets, at| {
            (0..5).filter(|_| buckets.admit(Endpoint::Create, None, at)).count()
        };
        assert_eq!(admitted(&mut buckets, start), 3);
        assert_eq!(admitted(&mut buckets, start.plus(Duration::from_secs(1))), 1);
        assert_eq!(admitted(&mut buckets, start.plus(Duration::from_secs(60))), 3);
    }

    #[test]
    fn each_machine_has_its_own_bucket_and_gets_are_freer() {
        let mut buckets = Buckets::default();
        let now = Timestamp::from_millis(0);
        let (one, two) = (MachineId::new("1"), MachineId::new("2"));
        let count = |buckets: &mut Buckets, endpoint, id| {
            (0..20).filter(|_| buckets.admit(endpoint, Some(id), now)).count()
        };
        assert_eq!(count(&mut buckets, Endpoint::Start, &one), 3);
        assert_eq!(count(&mut buckets, Endpoint::Start, &two), 3);
        assert_eq!(count(&mut buckets, Endpoint::Get, &one), 10);
    }

    #[test]
    fn buckets_that_are_full_again_take_no_memory() {
        let mut buckets = Buckets::default();
        for second in 0..1_000 {
            let now = Timestamp::from_millis(second * 1_000);
            let id = MachineId::new(second.to_string());
            assert!(buckets.admit(Endpoint::Start, Some(&id), now));
            // The same one all the time is still held to its rate: 3 at first, then 1 each second.
            let admitted = (0..5).filter(|_| buckets.admit(Endpoint::List, None, now)).count();
            assert_eq!(admitted, if second == 0 { 3 } else { 1 }, "second {second}");
        }
        assert!(buckets.0.len() <= SWEEP_AT, "{} buckets", buckets.0.len());
    }
}
