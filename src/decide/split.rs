//! Sharing a number of machines out among regions.

use std::cmp::{Ordering, Reverse};

/// One of those that a number is shared out among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// What its part is in proportion to.
    pub(super) weight: u32,
    /// The least that it gets, as far as there is enough for all.
    pub(super) floor: u32,
    /// The most that it gets.
    pub(super) ceiling: u32,
}

/// Shares `total` out in proportion to the weights, by D'Hondt's method: each next machine goes where the
/// weight divided by one more than there are is largest. Nobody loses a machine because there is one more
/// to share, and a small change of the weights moves few.
///
/// First everyone gets its floor; where there is not enough for that, the floors are shared out in
/// proportion. Of equal claims the lighter share comes first, to which one machine is more: where ten, ten
/// and one are to be one fewer, the one stays. Only shares that are equal in all are served in their
/// order, so that the order matters to nobody else. What no ceiling allows is not given.
#[must_use]
pub(super) fn split(total: u32, shares: &[Share]) -> Vec<u32> {
    let floors = shares.iter().fold(0_u32, |sum, own| sum.saturating_add(own.floor));
    if total < floors {
        let claims =
            shares.iter().map(|own| Claim { weight: own.floor, limit: own.floor, given: 0, own });
        share_out(total, claims.collect())
    } else {
        let claims = shares.iter().map(|own| Claim {
            weight: own.weight,
            limit: own.ceiling,
            given: own.floor,
            own,
        });
        share_out(total - floors, claims.collect())
    }
}

fn share_out(machines: u32, mut claims: Vec<Claim<'_>>) -> Vec<u32> {
    for _ in 0..machines {
        // The last of equals is taken, and the first is meant.
        let open = claims.iter_mut().rev().filter(|claim| claim.given < claim.limit);
        match open.max_by(|one, other| one.against(other)) {
            Some(claim) => claim.given += 1,
            None => break,
        }
    }
    claims.into_iter().map(|claim| claim.given).collect()
}

/// A share and what it has been given.
struct Claim<'a> {
    weight: u32,
    limit: u32,
    given: u32,
    own: &'a Share,
}

impl Claim<'_> {
    /// Which of two has the stronger claim on the next machine: by the quotients, without dividing. What
    /// follows only settles ties in the same way whatever the order. Where nobody has a weight, those
    /// with the fewest come first.
    fn against(&self, other: &Self) -> Ordering {
        let next = |claim: &Self| u64::from(claim.given) + 1;
        let quotient = |claim: &Self, other: &Self| u64::from(claim.weight) * next(other);
        let ties = |claim: &Self| {
            let Share { weight, floor, ceiling } = *claim.own;
            (Reverse(claim.weight), Reverse(claim.given), Reverse(weight), ceiling, floor)
        };
        quotient(self, other).cmp(&quotient(other, self)).then_with(|| ties(self).cmp(&ties(other)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(rows: &[(u32, u32, u32)]) -> Vec<Share> {
        let share = |&(weight, floor, ceiling): &_| Share { weight, floor, ceiling };
        rows.iter().map(share).collect()
    }

    #[test]
    fn a_number_is_shared_out_in_proportion() {
        const ANY: u32 = u32::MAX;
        type Row<'a> = (u32, &'a [(u32, u32, u32)], &'a [u32]);
        // total | (weight, floor, ceiling) | given
        let table: [Row<'_>; 14] = [
            (6, &[(4, 0, ANY), (2, 0, ANY)], &[4, 2]),
            // The textbook's: 8 seats for 100, 80, 30 and 20 votes.
            (8, &[(100, 0, ANY), (80, 0, ANY), (30, 0, ANY), (20, 0, ANY)], &[4, 3, 1, 0]),
            (0, &[(4, 0, ANY)], &[0]),
            (3, &[], &[]),
            // Equals: in their order.
            (3, &[(1, 0, ANY), (1, 0, ANY)], &[2, 1]),
            // Equal quotients: the lighter one first.
            (2, &[(2, 0, ANY), (1, 0, ANY)], &[1, 1]),
            (20, &[(10, 0, 10), (10, 0, 10), (1, 0, 1)], &[10, 9, 1]),
            // Nothing to go by.
            (5, &[(0, 0, ANY), (0, 0, ANY), (0, 0, ANY)], &[2, 2, 1]),
            (2, &[(0, 0, ANY), (3, 0, 1)], &[1, 1]),
            // Floors first, ceilings always.
            (6, &[(10, 0, ANY), (0, 2, ANY)], &[4, 2]),
            (6, &[(10, 0, 3), (1, 0, ANY)], &[3, 3]),
            (9, &[(1, 0, 2), (1, 0, 3)], &[2, 3]),
            // Not even enough for the floors.
            (2, &[(0, 3, ANY), (9, 1, ANY)], &[2, 0]),
            (ANY, &[(1, 0, 2), (1, 5, 5)], &[2, 5]),
        ];
        for (total, rows, given) in table {
            assert_eq!(split(total, &shares(rows)), given, "{total} {rows:?}");
        }
    }

    fn any_shares() -> impl Strategy<Value = Vec<Share>> {
        let share = (0_u32..60, 0_u32..6, 0_u32..40).prop_map(|(weight, floor, more)| Share {
            weight,
            floor,
            ceiling: floor + more,
        });
        prop::collection::vec(share, 0..9)
    }

    proptest! {
        #[test]
        fn all_is_given_within_the_limits(total in 0_u32..300, shares in any_shares()) {
            let given = split(total, &shares);
            let floors: u32 = shares.iter().map(|own| own.floor).sum();
            let ceilings: u32 = shares.iter().map(|own| own.ceiling).sum();
            prop_assert_eq!(given.iter().sum::<u32>(), total.min(ceilings));
            for (share, given) in shares.iter().zip(&given) {
                prop_assert!(*given <= share.ceiling);
                prop_assert!(*given >= share.floor || total < floors);
            }
        }

        #[test]
        fn nobody_gets_less_than_the_whole_part_of_its_proportion(
            total in 0_u32..300,
            weights in prop::collection::vec(0_u32..60, 1..9),
        ) {
            let shares: Vec<Share> = weights
                .iter()
                .map(|&weight| Share { weight, floor: 0, ceiling: u32::MAX })
                .collect();
            let sum: u32 = weights.iter().sum();
            for (weight, given) in weights.iter().zip(split(total, &shares)) {
                prop_assert!(sum == 0 || given >= weight * total / sum);
            }
        }

        #[test]
        fn the_order_does_not_matter(
            total in 0_u32..300,
            (shares, shuffled) in any_shares().prop_flat_map(|all| {
                let shuffled = Just(all.clone()).prop_shuffle();
                (Just(all), shuffled)
            }),
        ) {
            let sorted = |shares: &[Share]| {
                let given = split(total, shares);
                let mut rows: Vec<_> = shares
                    .iter()
                    .zip(given)
                    .map(|(own, given)| (own.weight, own.floor, own.ceiling, given))
                    .collect();
                rows.sort_unstable();
                rows
            };
            prop_assert_eq!(sorted(&shares), sorted(&shuffled));
        }

        #[test]
        fn one_more_to_share_takes_from_nobody(total in 0_u32..300, shares in any_shares()) {
            let (before, after) = (split(total, &shares), split(total + 1, &shares));
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
        }
    }
}
