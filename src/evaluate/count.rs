//! From the result of an expression to a number of machines.

use super::EvaluateError;

/// More than this is taken for a mistake in the expression or in the metric. A limit of ours: no
/// app on Fly comes near it.
pub const MAX_MACHINES: u32 = 100_000;

/// `value` as a number of machines: rounded half away from zero, as Go's `math.Round` does and
/// therefore upstream (2.5 gives 3); below zero is none.
///
/// # Errors
/// NaN, infinity, and anything over [`MAX_MACHINES`]: bad data must not become the cap.
pub fn machine_count(value: f64) -> Result<u32, EvaluateError> {
    let value = finite(value)?;
    let rounded = value.round();
    if rounded > f64::from(MAX_MACHINES) {
        return Err(EvaluateError::TooLarge { value });
    }
    // In range by now, and a cast from a negative float gives 0.
    Ok(rounded as u32)
}

/// `value`, unless it is NaN or infinite.
pub(super) fn finite(value: f64) -> Result<f64, EvaluateError> {
    if value.is_nan() {
        Err(EvaluateError::Nan)
    } else if value.is_infinite() {
        Err(EvaluateError::Inf)
    } else {
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_become_counts() {
        for (value, count) in [
            (0.0, 0),
            (-0.0, 0),
            (0.49, 0),
            (0.5, 1),
            (1.5, 2),
            (2.5, 3),
            (-0.4, 0),
            (-7.0, 0),
            (-1e300, 0),
            (99_999.5, 100_000),
            (100_000.4, 100_000),
        ] {
            assert_eq!(machine_count(value), Ok(count), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_a_count_is_an_error() {
        for (value, message) in [
            (f64::NAN, "expression returned NaN"),
            (f64::INFINITY, "expression returned Inf"),
            (f64::NEG_INFINITY, "expression returned Inf"),
            (100_000.5, "expression returned 100000.5, more than the limit of 100000 machines"),
            (1e300, "expression returned 1e300, more than the limit of 100000 machines"),
        ] {
            assert_eq!(
                machine_count(value).map_err(|error| error.to_string()),
                Err(message.into())
            );
        }
    }
}
