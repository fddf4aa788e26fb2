//! Hours of the week in a time zone: `Mon-Fri 08:00-18:00 Europe/London`.
//!
//! The clock on the wall decides. An hour that the change to summer time skips is not there on that day, and
//! one that the change back repeats counts both times.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::Timestamp;

/// Windows of the week. Prints as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Calendar {
    text: String,
    windows: Vec<Window>,
    zone: TimeZone,
}

/// The same hours on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// One bit for each day on which it begins, Monday's first.
    days: u8,
    /// Minutes after midnight.
    from: u16,
    /// Minutes after midnight; not more than `from`: on the day after.
    to: u16,
}

const EVERY_DAY: u8 = 0b111_1111;
const DAY: u16 = 24 * 60;

/// Longer text is no calendar.
const MAX_TEXT: usize = 1000;

/// Why text is no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum CalendarError {
    #[error("there is no day and no hour in it")]
    Empty,
    #[error("longer than {MAX_TEXT} characters")]
    TooLong,
    #[error("`{zone}` is not a time zone")]
    Zone { zone: String, nearest: Option<String> },
    #[error("`{text}` is neither a day, nor hours, nor a time zone at the end")]
    Word { text: String, nearest: Option<String> },
    #[error("`{text}` is not a time of day")]
    Time { text: String },
    #[error("`{text}` ends when it begins")]
    NoTime { text: String },
}

impl CalendarError {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Zone { nearest: Some(nearest), .. } | Self::Word { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            Self::Zone { nearest: None, .. } => {
                "write a name of the IANA time zone database, such as Europe/London, or leave it out for UTC"
                    .to_owned()
            }
            Self::Time { .. } => "write hours and minutes from 00:00 to 24:00: 08:00-18:00".to_owned(),
            Self::NoTime { .. } => "leave the hours out for whole days".to_owned(),
            Self::Empty | Self::TooLong | Self::Word { nearest: None, .. } => {
                "write it like `Mon-Fri 08:00-18:00 Europe/London`".to_owned()
            }
        }
    }
}

/// The time zone of this IANA name, in whatever case.
///
/// # Errors
///
/// An unknown name, with the one that was probably meant.
pub fn zone(name: &str) -> Result<TimeZone, CalendarError> {
    // A name that is read as a file of the system's would be another one elsewhere.
    jiff::tz::db().get(name).map_err(|_| {
        let nearest = nearest_zone(name);
        CalendarError::Zone { zone: name.to_owned(), nearest }
    })
}

/// The zone that `name` most likely means: a city's by the city alone, else the one that is spelt most alike.
fn nearest_zone(name: &str) -> Option<String> {
    const ENOUGH: f64 = 0.7;
    let plain = |text: &str| text.replace(' ', "_").to_ascii_lowercase();
    let name = plain(name);
    let city = |zone: &str| plain(zone.rsplit('/').next().unwrap_or_default());
    let all: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
    let by_city = all.iter().filter(|zone| zone.contains('/') && city(zone) == city(&name));
    let likeness = |zone: &&String| strsim::normalized_damerau_levenshtein(&name, &plain(zone));
    let alike = |zones: &mut dyn Iterator<Item = &String>| {
        zones.max_by(|one, other| likeness(one).total_cmp(&likeness(other))).cloned()
    };
    alike(&mut by_city.into_iter())
        .or_else(|| alike(&mut all.iter().filter(|zone| likeness(zone) >= ENOUGH)))
}

impl Calendar {
    /// Reads days, hours and a time zone: `Mon-Fri 08:00-18:00 Europe/London`.
    ///
    /// Days are single ones, ranges and lists, hours may go over midnight, and there may be several windows,
    /// separated by commas or semicolons. Days without hours are whole days, hours without days those of the
    /// window before, or every day. Without a zone it is UTC.
    ///
    /// # Errors
    ///
    /// What is not understood, with what to write instead.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let plain = plain(text)?;
        let (windows, last) = match plain.rsplit_once([' ', ',', ';']) {
            Some((windows, last)) => (windows, last),
            None => ("", plain.as_str()),
        };
        // What looks like neither a day nor hours at the end is the zone.
        let is_zone = !windows.is_empty() && !is_hours(last) && days(last).is_none();
        if !is_zone {
            return Self::of(text, &plain, TimeZone::UTC);
        }
        let zone = zone(last).map_err(|error| match nearest_day(last) {
            Some(day) if !last.contains('/') => {
                CalendarError::Word { text: last.to_owned(), nearest: Some(day) }
            }
            _ => error,
        });
        // A mistake in the windows comes first in the text.
        let windows = Self::of(text, windows, TimeZone::UTC)?;
        Ok(Self { zone: zone?, ..windows })
    }

    /// Reads days and hours that are those of `zone`.
    ///
    /// # Errors
    ///
    /// See [`Calendar::parse`].
    pub fn in_zone(text: &str, zone: TimeZone) -> Result<Self, CalendarError> {
        Self::of(text, &plain(text)?, zone)
    }

    fn of(text: &str, plain: &str, zone: TimeZone) -> Result<Self, CalendarError> {
        let mut windows = Vec::new();
        let mut before = EVERY_DAY;
        for part in plain.split(';') {
            let mut pending = 0;
            for word in part.split([' ', ',']).filter(|word| !word.is_empty()) {
                if let Some(days) = days(word) {
                    pending |= days;
                } else if is_hours(word) {
                    before = if pending == 0 { before } else { pending };
                    pending = 0;
                    windows.push(hours(word, before)?);
                } else {
                    let nearest = nearest_day(word);
                    return Err(CalendarError::Word { text: word.to_owned(), nearest });
                }
            }
            if pending != 0 {
                before = pending;
                windows.push(Window { days: pending, from: 0, to: DAY });
            }
        }
        if windows.is_empty() {
            return Err(CalendarError::Empty);
        }
        Ok(Self { text: text.trim().to_owned(), windows, zone })
    }

    /// Whether `at` lies in one of the windows.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        let Ok(at) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return false };
        let local = self.zone.to_datetime(at);
        let minute = u16::try_from(local.hour()).unwrap_or(0) * 60
            + u16::try_from(local.minute()).unwrap_or(0);
        let today = bit(local.weekday());
        let yesterday = bit(local.weekday().previous());
        self.windows.iter().any(|window| window.contains(minute, today, yesterday))
    }

    /// When the next window opens after `at`, at which none is open; `None` where `at` is outside the
    /// calendar, or no window opens in the next nine days.
    #[must_use]
    pub fn opens_after(&self, at: Timestamp) -> Option<Timestamp> {
        let from = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        let until = at.plus(Duration::from_secs(9 * 24 * 3600));
        let mut next: Option<Timestamp> = None;
        let mut offer = |found: jiff::Timestamp| {
            let found = Timestamp::from_millis(found.as_millisecond());
            if found > at && next.is_none_or(|next| found < next) && self.contains(found) {
                next = Some(found);
            }
        };
        let mut date = self.zone.to_datetime(from).date();
        for _ in 0..9 {
            self.openings(date).into_iter().for_each(&mut offer);
            date = date.tomorrow().ok()?;
        }
        // A change of the clocks can jump into a window.
        let changes = self.zone.following(from).map(|change| change.timestamp());
        changes
            .take_while(|change| change.as_millisecond() < until.as_millis())
            .take(MAX_CHANGES)
            .for_each(&mut offer);
        next
    }

    /// When the windows open on `date`: at a time that is there twice, both times.
    fn openings(&self, date: Date) -> BTreeSet<jiff::Timestamp> {
        let mut all = BTreeSet::new();
        for window in self.windows.iter().filter(|own| own.days & bit(date.weekday()) != 0) {
            let (hour, minute) = ((window.from / 60) as i8, (window.from % 60) as i8);
            let Ok(time) = Time::new(hour, minute, 0, 0) else { continue };
            let local = self.zone.to_ambiguous_zoned(DateTime::from_parts(date, time));
            all.extend(local.clone().earlier().map(|at| at.timestamp()));
            all.extend(local.later().map(|at| at.timestamp()));
        }
        all
    }
}

/// More changes of the clocks than this in nine days no zone ever had.
const MAX_CHANGES: usize = 4;

impl Window {
    fn contains(self, minute: u16, today: u8, yesterday: u8) -> bool {
        if self.from < self.to {
            return self.days & today != 0 && (self.from..self.to).contains(&minute);
        }
        (self.days & today != 0 && minute >= self.from)
            || (self.days & yesterday != 0 && minute < self.to)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Calendar").field(&self.text).finish()
    }
}

/// The text with one kind of dash and none around it but the two things that it joins.
fn plain(text: &str) -> Result<String, CalendarError> {
    if text.len() > MAX_TEXT {
        return Err(CalendarError::TooLong);
    }
    let text = text.replace(['–', '—'], "-");
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").replace(" -", "-").replace("- ", "-");
    if text.is_empty() { Err(CalendarError::Empty) } else { Ok(text) }
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

/// The days that `word` names: `Mon`, `monday`, `Mon-Fri`, `Fri-Mon`.
fn days(word: &str) -> Option<u8> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (day(first)?, day(last)?);
    let mut days = 0;
    let mut at = first;
    loop {
        days |= 1 << at;
        if at == last {
            return Some(days);
        }
        at = (at + 1) % 7;
    }
}

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn day(word: &str) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    DAYS.iter().position(|day| word.len() >= 3 && day.starts_with(&word))
}

/// The day, or the range of days, that `word` most likely means.
fn nearest_day(word: &str) -> Option<String> {
    let near = |word: &str| {
        let lower = word.to_ascii_lowercase();
        let distance = |day: &&&str| {
            let short = strsim::damerau_levenshtein(&lower, &day[..3]);
            short.min(strsim::damerau_levenshtein(&lower, day))
        };
        let found = DAYS.iter().min_by_key(distance)?;
        let is_near = distance(&found) <= 1 && lower.len() > 1;
        is_near.then(|| format!("{}{}", found[..1].to_ascii_uppercase(), &found[1..3]))
    };
    match word.split_once('-') {
        Some((first, last)) => Some(format!("{}-{}", near(first)?, near(last)?)),
        None => near(word),
    }
}

/// Whether `word` is meant as hours.
fn is_hours(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// `08:00-18:00`
fn hours(word: &str, days: u8) -> Result<Window, CalendarError> {
    let wrong = || CalendarError::Time { text: word.to_owned() };
    let (from, to) = word.split_once('-').ok_or_else(wrong)?;
    let window = Window {
        days,
        from: minutes(from).filter(|from| *from < DAY).ok_or_else(wrong)?,
        to: minutes(to).ok_or_else(wrong)?,
    };
    if window.from == window.to {
        return Err(CalendarError::NoTime { text: word.to_owned() });
    }
    Ok(window)
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: u16| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| is_number && *number <= most)
    };
    let minutes = number(minutes, 59).filter(|_| minutes.len() == 2)?;
    let at = number(hours, 24)? * 60 + minutes;
    (at <= DAY).then_some(at)
}

#[cfg(test)]
mod tests;
