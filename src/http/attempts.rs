//! Who tried wrong tokens, and how often.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::peer::Peer;
use crate::model::Timestamp;

/// After so many wrong tokens within [`WINDOW`] no other wrong one from that address is looked into until it is
/// over.
const ALLOWED: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Of so many addresses the attempts are counted; beyond, the oldest is forgotten.
const ADDRESSES: usize = 1024;

/// Wrong tokens by who tried them. Those who guess are told to wait, and fill no log; whoever has the token is
/// not kept from using it.
#[derive(Default)]
pub(super) struct Attempts(Mutex<BTreeMap<IpAddr, Failed>>);

#[derive(Clone, Copy)]
struct Failed {
    since: Timestamp,
    count: u32,
}

impl Failed {
    /// A clock that was set back ends a window too.
    fn is_on(self, now: Timestamp) -> bool {
        self.since.is_within(WINDOW, now)
    }
}

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Failed>> {
        // Each change is one insertion or one removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long wrong tokens of `peer` are only turned away, if so.
    pub(super) fn locked_out(&self, peer: Peer, now: Timestamp) -> Option<Duration> {
        let failed = self.lock().get(&peer.host()).copied()?;
        let is_out = failed.is_on(now) && failed.count >= ALLOWED;
        is_out.then(|| failed.since.plus(WINDOW).since(now))
    }

    /// Notes a wrong token of `peer`; gives whether it was the last one before that.
    pub(super) fn failed(&self, peer: Peer, now: Timestamp) -> bool {
        let mut table = self.lock();
        let host = peer.host();
        if !table.contains_key(&host) && table.len() >= ADDRESSES {
            table.retain(|_, own| own.is_on(now));
            let oldest = table.iter().max_by_key(|(_, own)| Reverse(own.since));
            if let Some(oldest) = oldest.map(|(peer, _)| *peer)
                && table.len() >= ADDRESSES
            {
                table.remove(&oldest);
            }
        }
        let own = table.entry(host).or_insert(Failed { since: now, count: 0 });
        if !own.is_on(now) {
            *own = Failed { since: now, count: 0 };
        }
        own.count = own.count.saturating_add(1);
        own.count >= ALLOWED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn ip(text: &str) -> Peer {
        Peer(text.parse().expect(text))
    }

    #[test]
    fn ten_wrong_tokens_lock_an_address_out_for_the_rest_of_the_minute() {
        let attempts = Attempts::default();
        let (one, other) = (ip("203.0.113.7"), ip("203.0.113.8"));
        for count in 1..=10 {
            assert_eq!(attempts.locked_out(one, at(count)), None, "{count}");
            assert_eq!(attempts.failed(one, at(count)), count == 10, "{count}");
        }
        assert_eq!(attempts.locked_out(one, at(11)), Some(Duration::from_secs(50)));
        assert!(attempts.locked_out(ip("::ffff:203.0.113.7"), at(11)).is_some());
        assert_eq!(attempts.locked_out(other, at(11)), None);
        assert_eq!(attempts.locked_out(one, at(61)), None);
        assert!(!attempts.failed(one, at(61)), "counted anew");
        assert_eq!(attempts.locked_out(one, at(62)), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..5000_u32 {
            attempts.failed(Peer(IpAddr::V4(number.into())), at(1000 + i64::from(number) / 1000));
        }
        assert_eq!(attempts.lock().len(), ADDRESSES);
        let newest = IpAddr::V4(4999.into());
        assert!(attempts.lock().contains_key(&newest));
        attempts.failed(ip("203.0.113.7"), at(2000));
        assert_eq!(attempts.lock().len(), 1, "what is over is forgotten first");
    }
}
