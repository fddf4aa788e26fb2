//! Exponential smoothing: fitted by the library, and carried on by ourselves.

use augurs::Predict as _;
use augurs::ets::model::{
    ErrorComponent, Model, ModelType, SeasonalComponent, TrendComponent, Unfit,
};

/// With fewer values the parameters are chance.
pub const LEAST_VALUES: usize = 20;
/// In how many steps the library may look for the best parameters. It mostly needs 100 to 400; the default
/// of 2,000 bounds the time of one fit less well.
const MOST_ITERATIONS: usize = 600;
/// What is left of a slope after a step, at most. It is the library's own limit, which its search may step
/// over.
const MOST_PHI: f64 = 0.98;

/// How a level and a slope follow what is observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Smoothing {
    /// How much of an error goes into the level.
    pub(super) alpha: f64,
    /// How much of an error goes into the slope.
    pub(super) beta: f64,
    /// What is left of the slope one step later.
    pub(super) phi: f64,
}

/// Where the smoothing is after a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct State {
    pub(super) level: f64,
    pub(super) slope: f64,
}

impl Smoothing {
    /// The level is the last value.
    pub(super) const LAST: Self = Self { alpha: 1.0, beta: 0.0, phi: MOST_PHI };

    /// The same within what is stable, with at least the part `least` of an error going into the level.
    pub(super) fn following(self, least: f64) -> Self {
        let alpha = self.alpha.clamp(least, 1.0);
        Self { alpha, beta: self.beta.clamp(0.0, alpha), phi: self.phi.clamp(0.0, MOST_PHI) }
    }

    /// The state a step later, in which `value` was observed.
    pub(super) fn observed(&self, state: State, value: f64) -> State {
        let slope = self.phi * state.slope;
        let error = value - (state.level + slope);
        State { level: state.level + slope + self.alpha * error, slope: slope + self.beta * error }
    }

    /// The state `steps` later, in which nothing was observed.
    pub(super) fn unobserved(&self, state: State, steps: f64) -> State {
        State { level: self.ahead(state, steps), slope: state.slope * self.phi.powf(steps) }
    }

    /// The level `steps` ahead: with what is left of the slope in each of them.
    pub(super) fn ahead(&self, state: State, steps: f64) -> f64 {
        let reach = self.phi * (1.0 - self.phi.powf(steps)) / (1.0 - self.phi);
        state.level + state.slope * reach
    }
}

/// The better of a level alone and a level with a damped slope, by the corrected information criterion, and its
/// state after the last value. An undamped slope is not tried: an hour ahead it leaves every load behind.
///
/// # Errors
///
/// If the library finds no model.
pub(super) fn fit(values: &[f64]) -> Result<(Smoothing, State), String> {
    let mut best: Option<(f64, Model)> = None;
    for trend in [TrendComponent::None, TrendComponent::Additive] {
        let kind =
            ModelType { error: ErrorComponent::Additive, trend, season: SeasonalComponent::None };
        let unfit = Unfit::new(kind).damped(trend.included()).max_iterations(MOST_ITERATIONS);
        let Ok(model) = unfit.fit(values) else { continue };
        let criterion = model.aicc();
        if criterion.is_finite() && best.as_ref().is_none_or(|(least, _)| criterion < *least) {
            best = Some((criterion, model));
        }
    }
    let (_, model) = best.ok_or("no exponential smoothing fits")?;
    read_back(&model, values).ok_or_else(|| "the smoothing gave no finite number".to_owned())
}

/// The parameters and the last state of a fitted model, which the library keeps to itself, from what it
/// predicts. (Its predictions of more than one step are not used: they add the first step's slope twice.) Each
/// prediction follows from the one before by
/// `f' - f = alpha e + phi b'` with `phi b' = phi (phi b + beta e)`, so that they are the solution of linear
/// equations. `None` where that is not finite.
fn read_back(model: &Model, values: &[f64]) -> Option<(Smoothing, State)> {
    let fitted = model.predict_in_sample(None).ok()?.point;
    let ahead = model.predict(3, None).ok()?.point;
    let predicted: Vec<f64> = fitted.iter().chain(&ahead[..1]).copied().collect();
    let errors: Vec<f64> = values.iter().zip(&fitted).map(|(value, fit)| value - fit).collect();
    let steps: Vec<f64> = predicted.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let last_error = *errors.last()?;
    let (smoothing, slope) = if model.model_type().trend.included() {
        let (first, second) = (ahead[1] - ahead[0], ahead[2] - ahead[1]);
        let phi = if first == 0.0 { MOST_PHI } else { second / first };
        let (alpha, phi_beta) = damped_parameters(&steps, &errors, phi);
        let smoothing = Smoothing { alpha, beta: phi_beta / phi, phi };
        (smoothing, (steps.last()? - alpha * last_error) / phi)
    } else {
        let (alpha, _) =
            least_squares(steps.iter().zip(&errors).map(|(step, error)| (*step, *error, 0.0)));
        (Smoothing { alpha, beta: 0.0, phi: MOST_PHI }, 0.0)
    };
    let state = State { level: ahead[0] - smoothing.phi * slope, slope };
    let all = [smoothing.alpha, smoothing.beta, smoothing.phi, state.level, state.slope];
    all.iter().all(|number| number.is_finite()).then_some((smoothing, state))
}

/// `alpha` and `phi beta`, from
/// `step' - phi step = alpha (e' - phi e) + phi beta e'`.
fn damped_parameters(steps: &[f64], errors: &[f64], phi: f64) -> (f64, f64) {
    let pairs = steps.windows(2).zip(errors.windows(2));
    least_squares(
        pairs.map(|(step, error)| (step[1] - phi * step[0], error[1] - phi * error[0], error[1])),
    )
}

/// The factors of the second and the third number that give the first best. Zero for one that is
/// nowhere.
fn least_squares(rows: impl Iterator<Item = (f64, f64, f64)>) -> (f64, f64) {
    let (mut aa, mut ab, mut bb, mut ay, mut by) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (y, a, b) in rows {
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ay += a * y;
        by += b * y;
    }
    let determinant = aa * bb - ab * ab;
    if determinant > f64::EPSILON * aa * bb {
        ((ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant)
    } else if aa > 0.0 {
        (ay / aa, 0.0)
    } else {
        (0.0, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A level that moves, with a slope that comes and goes.
    fn wandering(count: usize) -> Vec<f64> {
        let wave = |at: usize| 20.0 * (at as f64 / 9.0).sin() + ((at * 7919) % 13) as f64;
        (0..count).map(|at| 100.0 + at as f64 * 0.3 + wave(at)).collect()
    }

    #[test]
    fn carried_on_from_the_first_value_it_predicts_each_next_one_as_the_library_does() {
        for count in [20, 57, 400] {
            let values = wandering(count);
            for trend in [TrendComponent::None, TrendComponent::Additive] {
                let season = SeasonalComponent::None;
                let kind = ModelType { error: ErrorComponent::Additive, trend, season };
                let model = Unfit::new(kind).damped(trend.included()).fit(&values).expect("fitted");
                let (smoothing, last) = read_back(&model, &values).expect("read back");
                let theirs = model.predict_in_sample(None).expect("predicted").point;
                let level = theirs[0] + smoothing.alpha * (values[0] - theirs[0]);
                let mut state = State { level, slope: (theirs[1] - level) / smoothing.phi };
                for (value, theirs) in values.iter().zip(&theirs).skip(1) {
                    let ours = smoothing.ahead(state, 1.0);
                    assert!((ours - theirs).abs() < 1e-6, "{count} {trend:?}: {ours} {theirs}");
                    state = smoothing.observed(state, *value);
                }
                assert!((state.level - last.level).abs() < 1e-6, "{state:?} {last:?}");
                assert!((state.slope - last.slope).abs() < 1e-6, "{state:?} {last:?}");
            }
        }
    }

    #[test]
    fn what_is_ahead_is_what_each_step_without_a_value_leads_to() {
        let smoothing = Smoothing { alpha: 0.5, beta: 0.1, phi: 0.9 };
        let mut state = State { level: 100.0, slope: 10.0 };
        let begin = state;
        for steps in 1..=10 {
            state = smoothing.unobserved(state, 1.0);
            let ahead = smoothing.ahead(begin, f64::from(steps));
            assert!((ahead - state.level).abs() < 1e-9, "{steps}: {ahead} {state:?}");
        }
        assert!((smoothing.ahead(begin, 1e9) - 190.0).abs() < 1e-6);
    }
}
