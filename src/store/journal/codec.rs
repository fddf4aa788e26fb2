//! Numbers as bytes: an unchanged one costs about nothing, a decimal that varies two or three bytes.

/// A column whose values are whole numbers of 10^-N, each as its difference from the one before. N is what is
/// left of the tag.
const DECIMAL: u8 = 0x10;
/// A column of floats, each as the bits that differ from the one before.
const BITS: u8 = 0x20;
/// Where some values are missing: which, as bits, before the others.
const SPARSE: u8 = 0x80;
/// The most digits after the point that a number is taken as a decimal with.
const MOST_DIGITS: u8 = 4;
/// Beyond it not every whole number is a float.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

pub(super) fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

/// Small to either side stays small.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)) as u64);
}

pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    take_number(bytes).map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
}

/// Writes a column; NaN is a value that is missing.
pub(super) fn put_column(out: &mut Vec<u8>, values: &[f64]) {
    let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let sparse = if present.len() < values.len() { SPARSE } else { 0 };
    let decimals = (0..=MOST_DIGITS).find_map(|digits| Some((digits, whole(&present, digits)?)));
    let tag = decimals.as_ref().map_or(BITS, |(digits, _)| DECIMAL | digits);
    out.push(tag | sparse);
    if sparse != 0 {
        for eight in values.chunks(8) {
            let bits =
                eight.iter().rev().fold(0, |bits, value| bits << 1 | u8::from(!value.is_nan()));
            out.push(bits);
        }
    }
    match decimals {
        Some((_, numbers)) => put_decimals(out, &numbers),
        None => put_bits(out, &present),
    }
}

/// The values as whole numbers of 10^-digits, where each of them is one, to the last bit.
fn whole(values: &[f64], digits: u8) -> Option<Vec<i64>> {
    let scale = 10_f64.powi(digits.into());
    let one = |value: &f64| {
        let scaled = (value * scale).round();
        // As it is read, which has no minus zero.
        let read = scaled as i64 as f64 / scale;
        let is_exact = scaled.abs() < MOST_WHOLE && read.to_bits() == value.to_bits();
        is_exact.then_some(scaled as i64)
    };
    values.iter().map(one).collect()
}

fn put_decimals(out: &mut Vec<u8>, numbers: &[i64]) {
    let mut before = 0;
    let mut rest = numbers;
    while let Some((first, others)) = rest.split_first() {
        put_signed(out, first - before);
        before = *first;
        rest = others;
        if out.last() == Some(&0) {
            // The same again: how many more times.
            let more = rest.iter().take_while(|number| **number == before).count();
            put_number(out, more as u64);
            rest = &rest[more..];
        }
    }
}

fn take_decimals(bytes: &mut &[u8], count: usize, digits: u8) -> Option<Vec<f64>> {
    let scale = 10_f64.powi(digits.into());
    let mut values = Vec::with_capacity(count);
    let mut number = 0_i64;
    while values.len() < count {
        let step = take_signed(bytes)?;
        number = number.checked_add(step)?;
        let more = if step == 0 { usize::try_from(take_number(bytes)?).ok()? } else { 0 };
        repeat(&mut values, number as f64 / scale, more, count)?;
    }
    Some(values)
}

fn put_bits(out: &mut Vec<u8>, values: &[f64]) {
    let mut before = 0;
    let mut rest = values;
    while let Some((first, others)) = rest.split_first() {
        let bits = first.to_bits();
        let differs = bits ^ before;
        before = bits;
        rest = others;
        if differs == 0 {
            let more = rest.iter().take_while(|value| value.to_bits() == before).count();
            out.push(0);
            put_number(out, more as u64);
            rest = &rest[more..];
        } else {
            // The bytes that differ, and how many equal ones are behind them.
            let trailing = differs.trailing_zeros() / 8;
            let length = 8 - differs.leading_zeros() / 8 - trailing;
            out.push((trailing << 4 | length) as u8);
            let bytes = (differs >> (trailing * 8)).to_le_bytes();
            out.extend_from_slice(&bytes[..length as usize]);
        }
    }
}

fn take_bits(bytes: &mut &[u8], count: usize) -> Option<Vec<f64>> {
    let mut values = Vec::with_capacity(count);
    let mut bits = 0_u64;
    while values.len() < count {
        let head = take_byte(bytes)?;
        let mut more = 0;
        if head == 0 {
            more = usize::try_from(take_number(bytes)?).ok()?;
        } else {
            let (trailing, length) = (u32::from(head >> 4), usize::from(head & 0xf));
            let mut own = [0; 8];
            own.get_mut(..length)?.copy_from_slice(bytes.get(..length)?);
            *bytes = &bytes[length..];
            bits ^= u64::from_le_bytes(own).checked_shl(trailing * 8)?;
        }
        repeat(&mut values, f64::from_bits(bits), more, count)?;
    }
    Some(values)
}

/// Adds `value`, and `more` times again, where there are not more than `count` then.
fn repeat(values: &mut Vec<f64>, value: f64, more: usize, count: usize) -> Option<()> {
    let is_fine = more < count - values.len();
    is_fine.then(|| values.extend(std::iter::repeat_n(value, more + 1)))
}

/// Reads a column of `count` values that begins with `tag`.
pub(super) fn take_column(tag: u8, bytes: &mut &[u8], count: usize) -> Option<Vec<f64>> {
    let mask = (tag & SPARSE != 0).then(|| {
        let (mask, rest) = bytes.split_at_checked(count.div_ceil(8))?;
        *bytes = rest;
        Some(mask)
    });
    let mask = match mask {
        Some(mask) => Some(mask?),
        None => None,
    };
    let is_there = |at: usize| mask.is_none_or(|mask| mask[at / 8] >> (at % 8) & 1 == 1);
    let there = (0..count).filter(|at| is_there(*at)).count();
    let values = match tag & !SPARSE {
        BITS => take_bits(bytes, there)?,
        tag if tag & DECIMAL != 0 && tag <= DECIMAL | MOST_DIGITS => {
            take_decimals(bytes, there, tag & !DECIMAL)?
        }
        _ => return None,
    };
    let mut values = values.into_iter();
    (0..count).map(|at| if is_there(at) { values.next() } else { Some(f64::NAN) }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(values: &[f64]) -> usize {
        let mut out = Vec::new();
        put_column(&mut out, values);
        let mut bytes = &out[1..];
        let read = take_column(out[0], &mut bytes, values.len()).expect("a column");
        let bits = |values: &[f64]| values.iter().map(|own| own.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(values));
        assert!(bytes.is_empty(), "{bytes:?}");
        out.len()
    }

    #[test]
    fn what_stays_costs_about_nothing_and_what_varies_little() {
        assert!(size(&[3.0; 64]) <= 4);
        assert!(size(&[0.1 + 0.2; 64]) <= 12);
        let counts: Vec<f64> = (0..64).map(|at| f64::from(at * at % 50)).collect();
        assert!(size(&counts) <= 66);
        let cents: Vec<f64> = (0..64).map(|at| f64::from(10_000 + at * at % 50) / 100.0).collect();
        assert!(size(&cents) <= 70);
        let thirds: Vec<f64> = (0..64).map(|at| 100.0 + f64::from(at) / 3.0).collect();
        assert!(size(&thirds) <= 64 * 8);
        let mut gaps = vec![7.0; 64];
        gaps[9] = f64::NAN;
        assert!(size(&gaps) <= 12);
        assert!(size(&[f64::NAN; 3]) <= 2);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            values in prop::collection::vec(
                prop_oneof![
                    any::<f64>().prop_filter("missing", |value| !value.is_nan()),
                    (-1000..1000_i32).prop_map(|cents| f64::from(cents) / 100.0),
                    Just(f64::NAN),
                    Just(1.0),
                    Just(-0.0),
                ],
                0..64,
            )
        ) {
            size(&values);
        }

        #[test]
        fn noise_is_refused_or_read_but_never_more_than_asked_for(
            noise in prop::collection::vec(any::<u8>(), 1..100),
        ) {
            let mut bytes = &noise[1..];
            if let Some(values) = take_column(noise[0], &mut bytes, 40) {
                prop_assert_eq!(values.len(), 40);
            }
        }

        #[test]
        fn numbers_of_any_size_come_back(number: i64) {
            let mut out = Vec::new();
            put_signed(&mut out, number);
            prop_assert_eq!(take_signed(&mut out.as_slice()), Some(number));
        }
    }
}
