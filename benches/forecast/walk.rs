//! Through a trace, step by step.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::forecast::{Fit, LOOKBACK};

use crate::cost;
use crate::methods::{AsUsed, Ewma, Fits, Fitted, Method, Naive, SeasonalNaive};
use crate::trace::Trace;

/// What came of one trace.
pub(crate) struct Walk {
    pub(crate) name: String,
    pub(crate) step: Duration,
    pub(crate) methods: Vec<&'static str>,
    /// For each horizon, in steps, the errors of each method.
    pub(crate) horizons: Vec<(usize, Vec<Sums>)>,
    /// How long each fit took of a core.
    pub(crate) costs: Vec<Duration>,
    /// What was fitted last, in words.
    pub(crate) last_fit: String,
}

/// Sums of errors.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) count: f64,
    pub(crate) absolute: f64,
    pub(crate) squares: f64,
}

/// Walks through `trace`, with a fit every `refit`, or in a short trace 24 times.
pub(crate) fn walk(trace: &Trace, refit: Duration) -> Walk {
    let span = trace.step * u32::try_from(trace.values.len()).expect("a short trace");
    let refit = refit.min(span / 24);
    // Two days show a season twice. What comes before is for learning, with every method.
    let learning = (span / 4).min(Duration::from_secs(2 * 24 * 3600));
    let first = usize::try_from(learning.as_secs() / trace.step.as_secs()).expect("short");
    let mut methods: Vec<Box<dyn Method>> = vec![
        Box::new(Naive),
        Box::new(SeasonalNaive),
        Box::new(Ewma::default()),
        Box::new(Fitted::ets()),
        Box::new(Fitted::mstl()),
        Box::new(AsUsed::new("as used", None)),
        Box::new(AsUsed::new("with min-skill 0", Some(0.0))),
    ];
    let mut horizons: Vec<_> =
        trace.horizons().map(|steps| (steps, vec![Sums::default(); methods.len()])).into();
    let mut costs = Vec::new();
    let mut last_fit = String::new();
    let mut fitted_at = None;
    for (index, value) in trace.values.iter().enumerate() {
        let Some(value) = *value else { continue };
        for method in &mut methods {
            method.observe(trace, index, value);
        }
        let now = trace.at(index);
        if fitted_at.is_none_or(|at| now.since(at) >= refit) && index > 20 {
            fitted_at = Some(now);
            let fits = fits(trace, index, &mut costs);
            last_fit = match &fits.detected {
                Ok(fit) => format!("{}, seasons {:?}", fit.model(), fit.seasons()),
                Err(why) => why.to_string(),
            };
            for method in &mut methods {
                method.fit(&fits);
            }
        }
        for (steps, sums) in &mut horizons {
            // The models are asked in the time of learning too, as their skill is measured then.
            let said: Vec<_> =
                methods.iter_mut().map(|method| method.ahead(trace, index, *steps)).collect();
            let Some(Some(actual)) = trace.values.get(index + *steps) else { continue };
            for (own, said) in sums.iter_mut().zip(said).filter(|_| index >= first) {
                let error = said.unwrap_or(value) - actual;
                own.count += 1.0;
                own.absolute += error.abs();
                own.squares += error * error;
            }
        }
    }
    Walk {
        name: trace.name.clone(),
        step: trace.step,
        methods: methods.iter().map(|method| method.name()).collect(),
        horizons,
        costs,
        last_fit,
    }
}

/// All fits of one moment; the cost is that of the one that is used.
fn fits(trace: &Trace, index: usize, costs: &mut Vec<Duration>) -> Fits {
    let back = usize::try_from(LOOKBACK.as_secs() / trace.step.as_secs()).expect("short");
    let mut points = trace.until(index);
    points.drain(..points.len().saturating_sub(back));
    let [ets, mstl, detected] = Fits::seasons();
    let (detected, cost) = cost::of(|| Fit::of(&points, &detected));
    costs.push(cost);
    Fits {
        ets: Fit::of(&points, &ets).ok().map(Arc::new),
        mstl: Fit::of(&points, &mstl).ok().map(Arc::new),
        detected: detected.map(Arc::new),
    }
}
