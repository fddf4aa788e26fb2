//! Whose request it is, and how much of what there is for all they may have.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The address a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

impl Peer {
    /// What stands for all addresses of one host: of IPv6 the network, in which a host can choose any. Not of
    /// a private one: Fly's machines are all neighbours there.
    pub(super) fn host(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(own) if !own.is_unique_local() => {
                IpAddr::V6(Ipv6Addr::from_bits(own.to_bits() >> 64 << 64))
            }
            own => own,
        }
    }
}

/// Places of which no host has more than three quarters: so many, since behind a proxy all are one host, and
/// no more, so that there is always something left for Prometheus and a probe.
#[derive(Clone)]
pub(super) struct Shares {
    most: usize,
    held: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// One of the places of a host, which has it back when this is dropped.
pub(super) struct Share {
    shares: Shares,
    host: IpAddr,
}

impl Shares {
    /// Of so many places.
    pub(super) fn of(places: usize) -> Self {
        Self { most: places * 3 / 4, held: Arc::default() }
    }

    /// How many of the places one host may have.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// One more place for `peer`, if it may have one.
    pub(super) fn take(&self, peer: Peer) -> Option<Share> {
        let host = peer.host();
        let mut held = self.held();
        let own = held.entry(host).or_default();
        (*own < self.most).then(|| {
            *own += 1;
            Share { shares: self.clone(), host }
        })
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        // Each change is one count.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        if let Some(own) = held.get_mut(&self.host) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer(text.parse().expect(text))
    }

    #[test]
    fn a_host_is_one_with_all_its_addresses_and_none_of_its_neighbours_on_flys_network() {
        for (address, is_same) in
            [("2001:db8:0:1::1", true), ("2001:db8:0:1:ffff::", true), ("2001:db8:0:2::1", false)]
        {
            let is = peer("2001:db8:0:1::7").host() == peer(address).host();
            assert_eq!(is, is_same, "{address}");
        }
        assert_ne!(peer("fdaa:0:18:a7b::2").host(), peer("fdaa:0:18:a7b::3").host());
    }

    #[test]
    fn a_host_has_three_quarters_and_what_it_gives_back_is_there_again() {
        let shares = Shares::of(8);
        let (one, other) = (peer("203.0.113.7"), peer("203.0.113.8"));
        let mut held: Vec<Share> = (0..6).filter_map(|_| shares.take(one)).collect();
        assert_eq!((held.len(), shares.most()), (6, 6));
        assert!(shares.take(one).is_none());
        assert!(shares.take(peer("::ffff:203.0.113.7")).is_none());
        assert!(shares.take(other).is_some());
        held.pop();
        assert!(shares.take(one).is_some());
        held.clear();
        assert!(shares.held().is_empty(), "nothing is kept of who has gone");
    }
}
