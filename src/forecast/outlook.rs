//! All that a tick needs to forecast one series.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

use super::{Distrust, Fit, Follower, LOOKBACK, Model, NoForecast, Score, Unfit};

/// What is known of one series: its newest value, the model that follows it, and how well that forecast over each
/// horizon that is asked for. What was measured survives a restart; the model is fitted anew.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outlook {
    newest: Option<(Timestamp, f64)>,
    /// One for each horizon.
    scores: Vec<Score>,
    #[serde(skip)]
    fitted: Option<Result<Follower, Unfit>>,
}

/// A number for a time ahead, and what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The number, in the unit of the series.
    pub value: f64,
    /// What gave it.
    pub model: Model,
    /// Why it is the last value, where it is.
    pub fallback: Option<Fallback>,
}

/// Why the last value stands for a forecast.
#[derive(Debug, Clone, PartialEq)]
pub enum Fallback {
    /// It is not its turn yet, which in a large fleet can take hours after a start.
    NotFitted,
    /// No model could be fitted.
    Unfit(Unfit),
    /// The model gives none.
    NoForecast(NoForecast),
    /// The model is not relied on.
    Distrust(Distrust),
}

impl Fallback {
    /// Whether too little is known to say anything, so that the last value would be a guess. Otherwise much is
    /// known, and the last value is what it comes to.
    #[must_use]
    pub fn is_for_lack(&self) -> bool {
        match self {
            Self::NotFitted
            | Self::Unfit(Unfit::TooFew { .. } | Unfit::Gaps { .. } | Unfit::Library(_)) => true,
            Self::NoForecast(NoForecast::BeyondReach { .. } | NoForecast::NotFinite) => true,
            Self::Unfit(Unfit::Constant | Unfit::Silent) => false,
            Self::NoForecast(NoForecast::Silent) | Self::Distrust(_) => false,
        }
    }

    /// Why, without what follows from it.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::NotFitted => "no model was fitted yet".to_owned(),
            Self::Unfit(why) => why.to_string(),
            Self::NoForecast(why) => why.to_string(),
            Self::Distrust(why) => why.to_string(),
        }
    }
}

impl fmt::Display for Fallback {
    /// A sentence without its period, for a reason or a status.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the last value is used: {}", self.why())
    }
}

impl Outlook {
    /// Takes in the value of a tick, and compares what was said of it. Values come in order of time.
    pub fn observe(&mut self, at: Timestamp, value: f64) {
        if !value.is_finite() || self.newest.is_some_and(|(newest, _)| at <= newest) {
            return;
        }
        self.newest = Some((at, value));
        for score in &mut self.scores {
            score.came(at, value);
        }
        if let Some(Ok(follower)) = &mut self.fitted {
            follower.observe(at, value);
        }
    }

    /// Takes the result of the last fit, and has it follow what came since: `since`, in order of time.
    pub fn fitted(
        &mut self,
        fit: Result<Arc<Fit>, Unfit>,
        since: impl IntoIterator<Item = (Timestamp, f64)>,
    ) {
        match fit {
            Ok(fit) => {
                let mut follower = Follower::new(fit);
                for (at, value) in since {
                    follower.observe(at, value);
                }
                self.fitted = Some(Ok(follower));
            }
            // A gap, say, leaves what was known before it. But what is constant by now has no season any more.
            Err(why) if why == Unfit::Constant || self.is_outdated() => {
                self.fitted = Some(Err(why));
            }
            Err(_) => {}
        }
    }

    /// Whether there is no model, or one that is older than what a new one would look back on.
    fn is_outdated(&self) -> bool {
        let Some((newest, _)) = self.newest else { return true };
        self.fit().is_none_or(|fit| newest.since(fit.until()) > LOOKBACK)
    }

    /// The value `horizon` after `now`; `None` before the first value. Asking is what makes the horizon measured.
    ///
    /// With `min_skill`, the last value stands in until the model has been compared [`ENOUGH`](super::ENOUGH) times, and
    /// whenever its skill is below that.
    pub fn forecast(
        &mut self,
        now: Timestamp,
        horizon: Duration,
        min_skill: Option<f64>,
    ) -> Option<Forecast> {
        let (_, last) = self.newest?;
        let score = score_of(&mut self.scores, horizon);
        let modelled = match &self.fitted {
            None => Err(Fallback::NotFitted),
            Some(Err(why)) => Err(Fallback::Unfit(why.clone())),
            Some(Ok(follower)) => match follower.value_at(now.plus(horizon)) {
                Ok(value) => Ok((value, follower.fit().model())),
                Err(why) => Err(Fallback::NoForecast(why)),
            },
        };
        let trusted = modelled.and_then(|(value, model)| {
            score.forecast(now, value, last);
            let trust = min_skill.map_or(Ok(()), |min| score.trust(min));
            trust.map_err(Fallback::Distrust).map(|()| (value, model))
        });
        Some(match trusted {
            Ok((value, model)) => Forecast { value, model, fallback: None },
            Err(why) => Forecast { value: last, model: Model::Last, fallback: Some(why) },
        })
    }

    /// How well the model did over `horizon`; `None` if that was never asked for.
    #[must_use]
    pub fn score(&self, horizon: Duration) -> Option<&Score> {
        self.scores.iter().find(|score| score.horizon() == horizon)
    }

    /// Forgets the horizons that no expression asks for any more.
    pub fn keep_horizons(&mut self, wanted: impl Fn(Duration) -> bool) {
        self.scores.retain(|score| wanted(score.horizon()));
    }

    /// The bytes of memory that it takes, with its model.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let scores: usize = self.scores.iter().map(Score::bytes).sum();
        size_of::<Self>() + scores + self.fit().map_or(0, |fit| fit.bytes())
    }

    /// The model that is followed.
    #[must_use]
    pub fn fit(&self) -> Option<&Arc<Fit>> {
        self.fitted.as_ref()?.as_ref().ok().map(Follower::fit)
    }
}

fn score_of(scores: &mut Vec<Score>, horizon: Duration) -> &mut Score {
    let at = scores.iter().position(|score| score.horizon() == horizon).unwrap_or_else(|| {
        scores.push(Score::new(horizon));
        scores.len() - 1
    });
    &mut scores[at]
}
