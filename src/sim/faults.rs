//! Faults to order: what goes wrong, for which calls, how often, and whether the call took effect.

use std::time::Duration;

use crate::model::{AppName, Region};

use super::call::Endpoint;
use super::random::Random;

/// Which calls a fault is for. What is `None` matches all.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// The call.
    pub endpoint: Option<Endpoint>,
    /// The app that the call is about.
    pub app: Option<AppName>,
    /// The region of the machine that the call is about, or that it names.
    pub region: Option<Region>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// This status and body.
    Status {
        /// The HTTP status.
        code: u16,
        /// The body as it is.
        body: String,
        /// The header `retry-after`, in seconds.
        retry_after: Option<u32>,
    },
    /// The right answer, later by this much of the simulator's time.
    Delay(Duration),
    /// No answer, ever; the connection stays open.
    Hang,
    /// The connection is reset without an answer.
    Reset,
    /// 200 with an HTML page, as proxies and sign-in pages give.
    Html200,
    /// 200 with JSON of another shape.
    WrongJson,
    /// 200 with a body of this many bytes.
    HugeBody(u64),
    /// 200 with bytes that are no text.
    Garbage,
}

/// When it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Instead of the call: nothing has happened.
    Before,
    /// The call took effect; only its answer is lost.
    After,
}

/// How often it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Times {
    /// Each time.
    Always,
    /// The next so many times.
    Next(u32),
    /// With this probability, by the simulator's seed.
    Chance(f64),
}

/// A fault to inject.
#[derive(Debug, Clone)]
pub struct FaultRule {
    /// For which calls.
    pub matching: Matching,
    /// What goes wrong.
    pub kind: FaultKind,
    /// Instead of the call, or of its answer.
    pub phase: Phase,
    /// How often.
    pub times: Times,
}

impl FaultRule {
    /// `kind` instead of the next call of `endpoint`.
    #[must_use]
    pub fn once(endpoint: Endpoint, kind: FaultKind) -> Self {
        let matching = Matching { endpoint: Some(endpoint), ..Matching::default() };
        Self { matching, kind, phase: Phase::Before, times: Times::Next(1) }
    }

    /// `kind` instead of each call of `endpoint`.
    #[must_use]
    pub fn always(endpoint: Endpoint, kind: FaultKind) -> Self {
        Self { times: Times::Always, ..Self::once(endpoint, kind) }
    }

    /// The same fault, after the call took effect.
    #[must_use]
    pub fn after(self) -> Self {
        Self { phase: Phase::After, ..self }
    }
}

/// The rules in force, in the order in which they were injected.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: Vec<FaultRule>,
    random: Random,
}

/// What a call is about, as far as rules ask.
pub(crate) struct Subject<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) app: Option<&'a AppName>,
    pub(crate) region: Option<&'a Region>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), random: Random::new(seed, "faults") }
    }

    pub(crate) fn inject(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The fault of the first rule that strikes; a rule that is used up goes.
    pub(crate) fn strike(&mut self, subject: &Subject<'_>) -> Option<(FaultKind, Phase)> {
        let random = &mut self.random;
        let index = self.rules.iter().position(|rule| {
            rule.matching.covers(subject)
                && match rule.times {
                    Times::Always => true,
                    Times::Next(left) => left > 0,
                    Times::Chance(chance) => random.unit() < chance,
                }
        })?;
        let rule = &mut self.rules[index];
        let struck = (rule.kind.clone(), rule.phase);
        if let Times::Next(left) = &mut rule.times {
            *left -= 1;
            if *left == 0 {
                self.rules.remove(index);
            }
        }
        Some(struck)
    }
}

impl Matching {
    fn covers(&self, subject: &Subject<'_>) -> bool {
        self.endpoint.is_none_or(|endpoint| endpoint == subject.endpoint)
            && self.app.as_ref().is_none_or(|app| Some(app) == subject.app)
            && self.region.as_ref().is_none_or(|region| Some(region) == subject.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(faults: &mut Faults, endpoint: Endpoint, region: &Region, calls: usize) -> usize {
        let subject = Subject { endpoint, app: None, region: Some(region) };
        (0..calls).filter(|_| faults.strike(&subject).is_some()).count()
    }

    #[test]
    fn a_rule_strikes_what_it_matches_as_often_as_it_says() {
        let (lhr, iad) = (Region::new("lhr"), Region::new("iad"));
        let mut faults = Faults::new(1);
        let mut rule = FaultRule::once(Endpoint::Create, FaultKind::Reset);
        rule.matching.region = Some(lhr.clone());
        rule.times = Times::Next(2);
        faults.inject(rule);
        assert_eq!(strikes(&mut faults, Endpoint::Create, &iad, 5), 0);
        assert_eq!(strikes(&mut faults, Endpoint::Start, &lhr, 5), 0);
        assert_eq!(strikes(&mut faults, Endpoint::Create, &lhr, 5), 2);
    }

    #[test]
    fn chance_is_the_seeds() {
        let count = |seed| {
            let mut faults = Faults::new(seed);
            let rule = FaultRule::always(Endpoint::List, FaultKind::Hang);
            faults.inject(FaultRule { times: Times::Chance(0.3), ..rule });
            strikes(&mut faults, Endpoint::List, &Region::new("lhr"), 1000)
        };
        assert_eq!(count(1), count(1));
        assert!((250..350).contains(&count(1)), "{}", count(1));
    }
}
