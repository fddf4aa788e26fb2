use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{text}"))
}

fn calendar(text: &str) -> Calendar {
    Calendar::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// 2026-03-02 is a Monday.
#[test]
fn windows_of_the_week() {
    let table: &[(&str, &[&str], &[&str])] = &[
        // text, times within, times outside; all in UTC
        (
            "Mon-Fri 08:00-18:00",
            &["2026-03-02T08:00:00Z", "2026-03-06T17:59:59.999Z"],
            &["2026-03-02T07:59:59.999Z", "2026-03-06T18:00:00Z", "2026-03-07T12:00:00Z"],
        ),
        ("Sat,Sun", &["2026-03-07T00:00:00Z", "2026-03-08T23:59:59Z"], &["2026-03-09T00:00:00Z"]),
        ("saturday Sunday", &["2026-03-08T12:00:00Z"], &["2026-03-06T23:59:59Z"]),
        ("Fri-Mon", &["2026-03-06T00:00:00Z", "2026-03-09T12:00:00Z"], &["2026-03-10T00:00:00Z"]),
        ("9:00-17:00", &["2026-03-08T09:00:00Z"], &["2026-03-08T08:59:00Z"]),
        ("18:00-24:00", &["2026-03-08T23:59:59Z"], &["2026-03-09T00:00:00Z"]),
        // Over midnight a window belongs to the day on which it begins.
        (
            "Fri 22:00-06:00",
            &["2026-03-06T22:00:00Z", "2026-03-07T05:59:59Z"],
            &["2026-03-06T05:00:00Z", "2026-03-07T06:00:00Z", "2026-03-07T22:00:00Z"],
        ),
        (
            "Sun 23:00-00:00",
            &["2026-03-08T23:30:00Z"],
            &["2026-03-09T00:00:00Z", "2026-03-09T23:30:00Z"],
        ),
        (
            "Mon,Wed 08:00-10:00, Sat 10:00-12:00",
            &["2026-03-04T09:00:00Z", "2026-03-07T11:00:00Z"],
            &["2026-03-03T09:00:00Z", "2026-03-07T09:00:00Z"],
        ),
        (
            "Mon-Fri 08:00-12:00,13:00-18:00",
            &["2026-03-02T11:59:00Z", "2026-03-02T13:00:00Z"],
            &["2026-03-02T12:30:00Z", "2026-03-07T13:30:00Z"],
        ),
        // The semicolon ends a window that has no hours.
        (
            "Sat,Sun; Mon–Fri 18:00 - 08:00",
            &["2026-03-07T12:00:00Z", "2026-03-02T19:00:00Z", "2026-03-03T07:00:00Z"],
            &["2026-03-02T12:00:00Z", "2026-03-02T07:00:00Z"],
        ),
        ("Mon-Fri 08:00-18:00 Asia/Kolkata", &["2026-03-02T02:30:00Z"], &["2026-03-02T12:30:00Z"]),
        ("mon 08:00-18:00 europe/london", &["2026-03-02T08:00:00Z"], &["2026-03-02T18:00:00Z"]),
        ("Mon 08:00-18:00 UTC", &["2026-03-02T08:00:00Z"], &["2026-03-02T18:00:00Z"]),
    ];
    for (text, within, outside) in table {
        let calendar = calendar(text);
        assert_eq!(calendar.to_string(), *text);
        for time in *within {
            assert!(calendar.contains(at(time)), "{text} at {time}");
        }
        for time in *outside {
            assert!(!calendar.contains(at(time)), "{text} at {time}");
        }
    }
}

/// In 2026 London's clocks go from 01:00 to 02:00 on March 29, and from 02:00 to 01:00 on October 25.
#[test]
fn the_clock_on_the_wall_decides_when_the_clocks_change() {
    let table = [
        // text, from, when it opens next
        ("08:00-18:00 Europe/London", "2026-03-28T18:00:00Z", "2026-03-29T07:00:00Z"),
        ("08:00-18:00 Europe/London", "2026-03-27T18:00:00Z", "2026-03-28T08:00:00Z"),
        ("08:00-18:00 Europe/London", "2026-10-24T17:00:00Z", "2026-10-25T08:00:00Z"),
        // What the change skips is not there: the next one is tomorrow's.
        ("01:00-02:00 Europe/London", "2026-03-28T12:00:00Z", "2026-03-30T00:00:00Z"),
        // A window that begins in the hour that is skipped begins after it.
        ("01:30-04:00 Europe/London", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        // What the change back repeats is there twice.
        ("01:15-01:30 Europe/London", "2026-10-24T12:00:00Z", "2026-10-25T00:15:00Z"),
        ("01:15-01:30 Europe/London", "2026-10-25T00:30:00Z", "2026-10-25T01:15:00Z"),
        ("01:00-01:30 Europe/London", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
        ("01:15-01:30 Europe/London", "2026-10-25T01:30:00Z", "2026-10-26T01:15:00Z"),
        ("Sun 22:00-06:00", "2026-03-02T06:00:00Z", "2026-03-08T22:00:00Z"),
    ];
    for (text, from, opens) in table {
        let calendar = calendar(text);
        assert!(!calendar.contains(at(from)), "{text} at {from}");
        assert_eq!(calendar.opens_after(at(from)), Some(at(opens)), "{text} from {from}");
    }
    let hours = |text: &str, date: &str| {
        let calendar = calendar(text);
        let midnight = at(&format!("{date}T00:00:00Z")).minus(Duration::from_secs(12 * 3600));
        let minutes = (0..48 * 60).map(|minute| midnight.plus(Duration::from_secs(minute * 60)));
        minutes.filter(|at| calendar.contains(*at)).count()
    };
    // Two days around the change: one hour less in a window over that night, one hour more in the other.
    assert_eq!(hours("Sat 22:00-06:00 Europe/London", "2026-03-29"), 7 * 60);
    assert_eq!(hours("Sat 22:00-06:00 Europe/London", "2026-10-25"), 9 * 60);
    assert_eq!(hours("Sat 22:00-06:00 Europe/London", "2026-03-08"), 8 * 60);
}

#[test]
fn the_next_opening_is_the_first_minute_within() {
    for text in [
        "Mon-Fri 08:00-18:00 Europe/London",
        "01:15-01:45,22:00-23:30 America/New_York",
        "Sun 00:00-03:00 Australia/Lord_Howe",
        "23:30-00:30 Asia/Beirut",
    ] {
        let calendar = calendar(text);
        let begin = at("2026-03-06T00:00:00Z");
        let minutes = (0..40 * 24 * 60).map(|minute| begin.plus(Duration::from_secs(minute * 60)));
        let mut said: Option<Timestamp> = None;
        for now in minutes {
            if calendar.contains(now) {
                assert!(said.is_none_or(|said| said == now), "{text}: {said:?}, is {now}");
                said = None;
            } else {
                said = Some(said.unwrap_or_else(|| calendar.opens_after(now).expect(text)));
                assert!(said > Some(now), "{text}: {said:?} has passed at {now}");
            }
        }
    }
}

#[test]
fn every_mistake_says_what_to_write() {
    for (text, message, hint) in [
        (
            "",
            "there is no day and no hour in it",
            "write it like `Mon-Fri 08:00-18:00 Europe/London`",
        ),
        (
            "Mon-Fri 08:00-18:00 Europe/Lodnon",
            "`Europe/Lodnon` is not a time zone",
            "did you mean `Europe/London`?",
        ),
        (
            "Mon-Fri 08:00-18:00 London",
            "`London` is not a time zone",
            "did you mean `Europe/London`?",
        ),
        (
            "Mon-Fri 08:00-18:00 Nowhere/Atall",
            "`Nowhere/Atall` is not a time zone",
            "write a name of the IANA time zone database, such as Europe/London, or leave it out for UTC",
        ),
        (
            "Mon-Fry 08:00-18:00",
            "`Mon-Fry` is neither a day, nor hours, nor a time zone at the end",
            "did you mean `Mon-Fri`?",
        ),
        (
            "office hours only please",
            "`office` is neither a day, nor hours, nor a time zone at the end",
            "write it like `Mon-Fri 08:00-18:00 Europe/London`",
        ),
        (
            "Mon-Fri 8-18",
            "`8-18` is not a time of day",
            "write hours and minutes from 00:00 to 24:00: 08:00-18:00",
        ),
        (
            "Mon 08:00-25:00",
            "`08:00-25:00` is not a time of day",
            "write hours and minutes from 00:00 to 24:00: 08:00-18:00",
        ),
        (
            "Mon 24:00-08:00",
            "`24:00-08:00` is not a time of day",
            "write hours and minutes from 00:00 to 24:00: 08:00-18:00",
        ),
        (
            "Mon 08:00-08:00",
            "`08:00-08:00` ends when it begins",
            "leave the hours out for whole days",
        ),
    ] {
        let error = Calendar::parse(text).expect_err(text);
        assert_eq!((error.to_string().as_str(), error.hint().as_str()), (message, hint), "{text}");
    }
    assert_eq!(Calendar::parse(&"Mon ".repeat(500)), Err(CalendarError::TooLong));
}

/// For expressions, which give the zone by itself.
#[test]
fn days_and_hours_in_a_zone_given_apart() {
    let tokyo = zone("asia/tokyo").expect("a zone");
    let calendar = Calendar::in_zone("Mon 09:00-10:00", tokyo.clone()).expect("a calendar");
    assert!(calendar.contains(at("2026-03-02T00:30:00Z")));
    assert!(Calendar::in_zone("Mon 09:00-10:00 UTC", tokyo).is_err());
    assert!(zone("Mars/Base").is_err());
}
