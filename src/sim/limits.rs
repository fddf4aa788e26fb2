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

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
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
        let rate = if endpoint == Endpoint::Get { GET } else { ACTION };
        let bucket = self
            .0
            .entry((endpoint, machine.cloned()))
            .or_insert(Bucket { tokens: rate.burst, at: now });
        let refill = now.since(bucket.at).as_secs_f64() * rate.per_second;
        bucket.tokens = f64::min(rate.burst, bucket.tokens + refill);
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
}
