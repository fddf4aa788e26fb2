//! The ways to forecast that are compared.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::forecast::{Fit, Follower, Outlook, Seasons};

use crate::trace::Trace;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How much of each new value goes into the average.
const EWMA: f64 = 0.3;

/// A way to forecast. It is told each value in order of time, and fitted when its time has come.
pub(crate) trait Method {
    fn name(&self) -> &'static str;
    fn observe(&mut self, trace: &Trace, index: usize, value: f64);
    /// What it says of `steps` after `index`; `None` where it has nothing to say, and then the last value is
    /// taken, as it would be.
    fn ahead(&mut self, trace: &Trace, index: usize, steps: usize) -> Option<f64>;
    /// The fit that it takes over, if it has use for one.
    fn fit(&mut self, _fits: &Fits) {}
}

/// The fits of one moment.
pub(crate) struct Fits {
    pub(crate) ets: Option<Arc<Fit>>,
    pub(crate) mstl: Option<Arc<Fit>>,
    pub(crate) detected: Result<Arc<Fit>, fly_autoscaler::forecast::Unfit>,
}

impl Fits {
    /// What is taken out for each of them.
    pub(crate) fn seasons() -> [Seasons; 3] {
        [Seasons::Given(Vec::new()), Seasons::Given(vec![DAY, 7 * DAY]), Seasons::Detected]
    }
}

pub(crate) struct Naive;

impl Method for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }
    fn observe(&mut self, _: &Trace, _: usize, _: f64) {}
    fn ahead(&mut self, _: &Trace, _: usize, _: usize) -> Option<f64> {
        None
    }
}

/// The value of yesterday.
pub(crate) struct SeasonalNaive;

impl Method for SeasonalNaive {
    fn name(&self) -> &'static str {
        "seasonal naive"
    }
    fn observe(&mut self, _: &Trace, _: usize, _: f64) {}
    fn ahead(&mut self, trace: &Trace, index: usize, steps: usize) -> Option<f64> {
        let day = usize::try_from(DAY.as_secs() / trace.step.as_secs()).expect("short");
        trace.values[(index + steps).checked_sub(day)?]
    }
}

#[derive(Default)]
pub(crate) struct Ewma(Option<f64>);

impl Method for Ewma {
    fn name(&self) -> &'static str {
        "EWMA"
    }
    fn observe(&mut self, _: &Trace, _: usize, value: f64) {
        self.0 = Some(self.0.map_or(value, |mean| mean + EWMA * (value - mean)));
    }
    fn ahead(&mut self, _: &Trace, _: usize, _: usize) -> Option<f64> {
        self.0
    }
}

/// One model, always.
pub(crate) struct Fitted {
    name: &'static str,
    choose: fn(&Fits) -> Option<Arc<Fit>>,
    follower: Option<Follower>,
}

impl Fitted {
    pub(crate) fn ets() -> Self {
        Self { name: "ETS", choose: |fits| fits.ets.clone(), follower: None }
    }
    pub(crate) fn mstl() -> Self {
        Self { name: "MSTL", choose: |fits| fits.mstl.clone(), follower: None }
    }
}

impl Method for Fitted {
    fn name(&self) -> &'static str {
        self.name
    }
    fn observe(&mut self, trace: &Trace, index: usize, value: f64) {
        if let Some(follower) = &mut self.follower {
            follower.observe(trace.at(index), value);
        }
    }
    fn ahead(&mut self, trace: &Trace, index: usize, steps: usize) -> Option<f64> {
        self.follower.as_ref()?.value_at(trace.at(index + steps)).ok()
    }
    fn fit(&mut self, fits: &Fits) {
        self.follower = (self.choose)(fits).map(Follower::new).or(self.follower.take());
    }
}

/// What the autoscaler does.
pub(crate) struct AsUsed {
    name: &'static str,
    min_skill: Option<f64>,
    outlook: Outlook,
}

impl AsUsed {
    pub(crate) fn new(name: &'static str, min_skill: Option<f64>) -> Self {
        Self { name, min_skill, outlook: Outlook::default() }
    }
}

impl Method for AsUsed {
    fn name(&self) -> &'static str {
        self.name
    }
    fn observe(&mut self, trace: &Trace, index: usize, value: f64) {
        self.outlook.observe(trace.at(index), value);
    }
    fn ahead(&mut self, trace: &Trace, index: usize, steps: usize) -> Option<f64> {
        let horizon = trace.step * u32::try_from(steps).expect("few steps");
        let forecast = self.outlook.forecast(trace.at(index), horizon, self.min_skill)?;
        Some(forecast.value)
    }
    fn fit(&mut self, fits: &Fits) {
        self.outlook.fitted(fits.detected.clone(), []);
    }
}
