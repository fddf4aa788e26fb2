//! What collectors remember, as JSON that can outlive the process.

use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};

use super::{Collector, Memory};

/// What holds where no collector says for how long a region that is silent is waited for.
const FOR_LACK_OF_REGIONS: Duration = Duration::from_secs(300);

impl Memory {
    /// The memory as JSON; `None` where there is nothing in it.
    #[must_use]
    pub fn to_kept(&self) -> Option<Box<RawValue>> {
        // It cannot fail: there is no key in it that is not a text.
        if *self == Self::default() { None } else { to_raw_value(self).ok() }
    }

    /// The memory that [`Memory::to_kept`] wrote; `None` where it cannot be read.
    #[must_use]
    pub fn from_kept(kept: &RawValue) -> Option<Self> {
        serde_json::from_str(kept.get()).ok()
    }
}

/// How old a memory may be to be gone on with after a restart. An older one has forgotten all regions, as
/// if their traffic had ended one by one, though perhaps nobody was there to see it: then it is safer to
/// begin anew.
#[must_use]
pub fn goes_on_within(collectors: &[Collector]) -> Duration {
    let by_region = collectors.iter().filter(|own| own.by.has_region());
    by_region.map(|own| own.absent_after).min().unwrap_or(FOR_LACK_OF_REGIONS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::collect::{Inhabited, Presence};
    use crate::model::{MetricName, ProcessGroup, Region, Timestamp};

    #[test]
    fn a_memory_comes_back_as_it_was() {
        assert!(Memory::default().to_kept().is_none());
        let (lhr, at) = (Region::new("lhr"), Timestamp::from_millis(1_234));
        let mut memory = Memory::default();
        // Not the shortest of numbers, and nothing less will do: ceil() tells them apart.
        for value in [0.1 + 0.2, 1.0 / 3.0, 5e-324, 100.000_000_000_000_01] {
            let values = [(lhr.clone(), Ok(value))].into();
            let minute = Duration::from_secs(60);
            memory.fill(&MetricName::new("load"), &values, at, minute, minute);
            let presence = Inhabited::from([(lhr.clone(), Presence::MayServe)]);
            memory.starts_with(BTreeMap::from([(ProcessGroup::new("app"), presence)]));
            let kept = memory.to_kept().expect("there is something to keep");
            assert_eq!(Memory::from_kept(&kept), Some(memory.clone()));
        }
        let torn = RawValue::from_string("[1]".into()).expect("JSON");
        assert_eq!(Memory::from_kept(&torn), None);
    }
}
