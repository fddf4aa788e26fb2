//! Exponential smoothing: fitted by the library, and carried on by ourselves.

use augurs::Predict as _;
use augurs::ets::model::{
    ErrorComponent, Model, ModelType, SeasonalComponent, TrendComponent, Unfit,
};

/// With fewer values the parameters are chance.
pub(super) const LEAST_VALUES: usize = 20;
/// In how many steps the library may look for the best parameters. It mostly needs 100 to 400; the default
/// of 2,000 bounds the time of one fit less well.
const MOST_ITERATIONS: usize = 600;
/// What the library keeps the damping within.
const DAMPING: (f64, f64) = (0.8, 0.98);

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
        let reach = if self.phi < 1.0 {
            self.phi * (1.0 - self.phi.powf(steps)) / (1.0 - self.phi)
        } else {
            steps
        };
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
/// predicts. Each prediction follows from the one before by
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
        let phi =
            if first == 0.0 { DAMPING.1 } else { (second / first).clamp(DAMPING.0, DAMPING.1) };
        let (alpha, phi_beta) = damped_parameters(&steps, &errors, phi);
        let smoothing = Smoothing { alpha, beta: phi_beta / phi, phi };
        (smoothing, (steps.last()? - alpha * last_error) / phi)
    } else {
        let (alpha, _) =
            least_squares(steps.iter().zip(&errors).map(|(step, error)| (*step, *error, 0.0)));
        (Smoothing { alpha, beta: 0.0, phi: 1.0 }, 0.0)
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
    fn what_is_read_back_predicts_what_the_library_predicts() {
        for count in [20, 57, 400] {
            let values = wandering(count);
            for trend in [TrendComponent::None, TrendComponent::Additive] {
                let season = SeasonalComponent::None;
                let kind = ModelType { error: ErrorComponent::Additive, trend, season };
                let model = Unfit::new(kind).damped(trend.included()).fit(&values).expect("fitted");
                let (smoothing, state) = read_back(&model, &values).expect("read back");
                let theirs = model.predict(10, None).expect("predicted").point;
                for (steps, theirs) in (1..).zip(&theirs) {
                    let ours = smoothing.ahead(state, f64::from(steps));
                    assert!(
                        (ours - theirs).abs() < 1e-6,
                        "{count} {trend:?} {steps}: {ours} {theirs}"
                    );
                }
            }
        }
    }

    #[test]
    fn carried_on_it_says_what_the_library_says_of_all_values() {
        let values = wandering(200);
        let kind = ModelType {
            error: ErrorComponent::Additive,
            trend: TrendComponent::Additive,
            season: SeasonalComponent::None,
        };
        let model = Unfit::new(kind).damped(true).fit(&values).expect("fitted");
        let (smoothing, last) = read_back(&model, &values).expect("read back");
        // From the library's own predictions the state before any value follows backwards: it forgets its
        // beginning, so that any will do after 150 of them.
        let mut state = State { level: values[0], slope: 0.0 };
        for value in &values {
            state = smoothing.observed(state, *value);
        }
        assert!((state.level - last.level).abs() < 0.5, "{state:?} {last:?}");
    }
}
