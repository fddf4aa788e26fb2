//! What is asked for after the `?`, read strictly: what is not understood is refused, or a misspelt limit
//! would look like one that holds.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::answer::Refusal;
use crate::config::{duration, setting};
use crate::model::{AppName, Region, Timestamp};
use crate::status::Board;

/// No name and no time is longer.
const LONGEST: usize = 100;
/// Of the apps that there are, a message names so many.
const NAMED: usize = 10;

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Asked(BTreeMap<&'static str, String>);

impl Asked {
    /// Reads the query of `uri`, in which the parameters of `known` may be, each once.
    pub(super) fn read(uri: &Uri, known: &[&'static str]) -> Result<Self, Refusal> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = pairs.map_err(|error| Refusal::bad(error.body_text()))?;
        let mut asked = BTreeMap::new();
        for (name, value) in pairs {
            let Some(own) = known.iter().find(|own| **own == name) else {
                return Err(unknown(&name, known));
            };
            if value.is_empty() || value.len() > LONGEST {
                let why = format!("`{own}` is empty or longer than {LONGEST} bytes");
                return Err(Refusal::bad(why));
            }
            if asked.insert(*own, value).is_some() {
                return Err(Refusal::bad(format!("`{own}` is there twice")));
            }
        }
        Ok(Self(asked))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        wanted: &str,
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = || Refusal::bad(format!("`{name}={}`: write {wanted}", shown(text)));
        parse(text).map(Some).ok_or_else(wrong)
    }

    /// The app, whether it is scaled or not.
    pub(super) fn any_app(&self) -> Option<AppName> {
        self.text("app").map(AppName::new)
    }

    /// The app that is meant, where it is scaled.
    pub(super) fn app(&self, board: &Board) -> Result<Option<AppName>, Refusal> {
        let Some(app) = self.any_app() else { return Ok(None) };
        if board.has(&app) { Ok(Some(app)) } else { Err(no_such_app(&app, board)) }
    }

    /// The app that is meant, where it is scaled: if it is the only one, it need not be said.
    pub(super) fn scaled_app(&self, board: &Board) -> Result<AppName, Refusal> {
        match self.app(board)? {
            Some(app) => Ok(app),
            None => self.one_app(board),
        }
    }

    /// The app that is meant, whether it is scaled or not: where one is, it need not be said.
    pub(super) fn one_app(&self, board: &Board) -> Result<AppName, Refusal> {
        if let Some(app) = self.any_app() {
            return Ok(app);
        }
        let mut names = board.names();
        match (names.pop(), names.pop()) {
            (Some(app), None) => Ok(app),
            (None, _) => Err(Refusal::new(StatusCode::NOT_FOUND, "no app is scaled here so far")),
            _ => Err(Refusal::bad(format!("say which app with `app`: {}", listed(board)))),
        }
    }

    /// The region.
    pub(super) fn region(&self) -> Option<Region> {
        self.text("region").map(Region::new)
    }

    /// A time.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let parse = |text: &str| {
            let millis = || text.parse().ok().map(Timestamp::from_millis);
            Timestamp::parse_rfc3339(text).or_else(millis)
        };
        let wanted = "a time such as 2026-08-21T10:00:00Z, or milliseconds since 1970";
        self.parsed(name, parse, wanted)
    }

    /// A duration.
    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>, Refusal> {
        self.parsed(name, duration::parse, "a duration such as 30m or 6h")
    }

    /// A count from 1 to `most`.
    pub(super) fn count(&self, name: &str, most: usize) -> Result<Option<usize>, Refusal> {
        let parse = |text: &str| text.parse().ok().filter(|count| (1..=most).contains(count));
        self.parsed(name, parse, &format!("a number from 1 to {most}"))
    }

    /// One of the values of `T`, as they are written in JSON.
    pub(super) fn choice<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
        let wrong = |error: ValueError| Refusal::bad(format!("`{name}`: {error}"));
        T::deserialize(text).map(Some).map_err(wrong)
    }

    /// From when to when: `from` and `until`, or the `last` so long before `now`; without any, the last
    /// `default`.
    pub(super) fn span(
        &self,
        now: Timestamp,
        default: Duration,
    ) -> Result<(Timestamp, Timestamp), Refusal> {
        let (from, until) = (self.time("from")?, self.time("until")?);
        let last = self.duration("last")?;
        if last.is_some() && (from.is_some() || until.is_some()) {
            return Err(Refusal::bad("`last` ends now: leave out `from` and `until`, or it"));
        }
        let until = until.unwrap_or(now);
        let from = from.unwrap_or_else(|| until.minus(last.unwrap_or(default)));
        if from > until {
            return Err(Refusal::bad(format!("`from` ({from}) is after `until` ({until})")));
        }
        Ok((from, until))
    }
}

/// An app that is not scaled here, with those that are.
pub(super) fn no_such_app(app: &AppName, board: &Board) -> Refusal {
    let error = format!("no app `{}` is scaled here; {}", shown(app.as_str()), listed(board));
    Refusal::new(StatusCode::NOT_FOUND, error)
}

/// The apps that there are.
fn listed(board: &Board) -> String {
    let names = board.names();
    let mut text = match names.len() {
        0 => return "there is none so far".to_owned(),
        1 => "there is ".to_owned(),
        _ => "there are ".to_owned(),
    };
    let some: Vec<&str> = names.iter().take(NAMED).map(AppName::as_str).collect();
    text += &some.join(", ");
    if names.len() > NAMED {
        text += &format!(" and {} more", names.len() - NAMED);
    }
    text
}

fn unknown(name: &str, known: &[&'static str]) -> Refusal {
    let name = shown(name);
    if known.is_empty() {
        return Refusal::bad(format!("unknown parameter `{name}`: there are none here"));
    }
    match setting::nearest(name, known.iter().copied()) {
        Some(nearest) => {
            Refusal::bad(format!("unknown parameter `{name}`; did you mean `{nearest}`?"))
        }
        None => {
            let known = known.join(", ");
            Refusal::bad(format!("unknown parameter `{name}`; there are {known}"))
        }
    }
}

/// The beginning of what somebody sent.
fn shown(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    &text[..end]
}
