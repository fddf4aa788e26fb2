//! Recipes that enter regions and leave them by what their traffic was.

use std::collections::BTreeMap;
use std::time::Duration;

use fly_autoscaler::model::{Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, Endpoint, Load, Trace};

use super::{MINUTE, my_app, run_from};
use crate::placement::driven::Driven;

/// The requests per second of each region in a minute, counted from the start.
type Rates = fn(i64) -> [(&'static str, f64); 6];

fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap()
}

/// One machine at home, and traffic that is known for seven hours before the start.
fn app(rates: Rates) -> AppSpec {
    let past = 7 * 60;
    let row = |minute| rates(minute).map(|(code, rate)| (Region::new(code), rate)).into();
    let mut app = my_app().with_machines("iad", 1, 0);
    app.load = Load::Trace(Trace {
        start: start().minus(Duration::from_secs(60 * past)),
        step: MINUTE,
        rows: (-i64::try_from(past).unwrap()..300).map(row).collect(),
    });
    app
}

/// How many machines there are in each region at the end of each minute.
struct Course(Vec<BTreeMap<Region, usize>>);

impl Course {
    async fn of(driven: &Driven, minutes: usize) -> Self {
        let mut course = Vec::new();
        for _ in 0..minutes {
            driven.pass(MINUTE).await;
            let machines = driven.machines().into_iter();
            course.push(machines.map(|(region, count)| (region, count.present)).collect());
        }
        Self(course)
    }

    fn at(&self, code: &str, minute: usize) -> usize {
        self.0[minute - 1].get(&Region::new(code)).copied().unwrap_or(0)
    }

    /// From when until when there was a machine.
    fn stays(&self, code: &str) -> Vec<(usize, usize)> {
        let mut stays = Vec::new();
        let mut since = None;
        for minute in 1..=self.0.len() {
            match (self.at(code, minute), since) {
                (0, Some(came)) => stays.push((came, minute)),
                (0, None) => {}
                (count, _) => {
                    assert_eq!(count, 1, "{code} at minute {minute}");
                    since = since.or(Some(minute));
                    continue;
                }
            }
            since = None;
        }
        stays.extend(since.map(|came| (came, self.0.len() + 1)));
        stays
    }
}

/// One of two numbers, in turns.
fn turns(minute: i64, one: f64, other: f64) -> f64 {
    if minute % 2 == 0 { one } else { other }
}

#[tokio::test]
async fn auto_placer_enters_above_50_leaves_below_10_and_rests_for_an_hour() {
    let rates: Rates = |minute| {
        let nrt = match minute {
            10..70 => 60.0,
            70..130 => turns(minute, 45.0, 55.0),
            130..190 => turns(minute, 5.0, 30.0),
            190.. => 2.0,
            _ => 0.0,
        };
        // Ten minutes of every forty.
        let syd = if minute >= 10 && (minute - 10) % 40 < 10 { 100.0 } else { 0.0 };
        let noise = turns(minute, 12.0, 48.0);
        [("iad", 0.0), ("lhr", noise), ("nrt", nrt), ("syd", syd), ("fra", 49.0), ("gru", 0.0)]
    };
    let driven = run_from("auto-placer", &app(rates), start()).await;
    let course = Course::of(&driven, 240).await;

    // Three minutes at 60 are an average of 36 over five, and five are 60.
    let [(came, left)] = course.stays("nrt")[..] else { panic!("{:?}", course.stays("nrt")) };
    assert!((14..=17).contains(&came), "entered at {came}");
    // 17.5 on average until minute 190, then 2: below 10 from the tenth minute on. One tick stops, the next destroys.
    assert!(
        (199..=206).contains(&left),
        "left at {left}, not while it flapped around either threshold"
    );

    for between in ["lhr", "fra", "gru"] {
        assert_eq!(course.stays(between), [], "{between} was never above 50 on average");
    }

    // Six bursts, of which every other one falls into the hour after the one before.
    let stays = course.stays("syd");
    let came: Vec<usize> = stays.iter().map(|(came, _)| *came).collect();
    assert!(matches!(came[..], [12..=16, 92..=96, 172..=176]), "{stays:?}");
    // Twenty minutes after the burst it is forgotten, and not before.
    assert!(stays.iter().all(|(came, left)| (15..35).contains(&(left - came))), "{stays:?}");

    let watched = driven.world().watched(&my_app().name).unwrap();
    assert_eq!(watched.fewest_started_in[&Region::new("iad")], 1, "home without any traffic");
    assert_eq!(driven.done(Endpoint::Create), 4);
    assert_eq!(driven.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn auto_placer_adaptive_enters_where_traffic_is_unusual_and_keeps_what_is_usual() {
    let rates: Rates = |minute| {
        let lhr = turns(minute, 140.0, 160.0) + if (60..90).contains(&minute) { 40.0 } else { 0.0 };
        let nrt = match minute {
            60..90 => 90.0,
            150.. => 20.0,
            _ => turns(minute, 35.0, 45.0),
        };
        let sin = match minute {
            60..120 => 60.0,
            120.. => 2.0,
            _ => 0.0,
        };
        let syd = if (100..110).contains(&minute) { 15.0 } else { turns(minute, 0.1, 1.0) };
        [("iad", 0.0), ("lhr", lhr), ("nrt", nrt), ("sin", sin), ("syd", syd), ("fra", 220.0)]
    };
    let driven = run_from("auto-placer-adaptive", &app(rates), start()).await;
    let course = Course::of(&driven, 200).await;

    assert!(course.at("fra", 4) == 1 && course.at("fra", 200) == 1, "above 200 in any case");
    assert_eq!(
        course.stays("syd"),
        [],
        "15 is many deviations above 0.5, and below the floor of 20"
    );

    // 150, a deviation of 10 and so a threshold of about 171: three of five minutes at 190.
    let [(came, left)] = course.stays("lhr")[..] else { panic!("{:?}", course.stays("lhr")) };
    assert!((62..=67).contains(&came) && left > 200, "kept at 150, which is usual: {came} {left}");

    // 40, a deviation of 5. Half of what is usual for a quarter of an hour is a reason to leave; 40 again was none.
    let [(came, left)] = course.stays("nrt")[..] else { panic!("{:?}", course.stays("nrt")) };
    assert!((61..=66).contains(&came) && (161..=170).contains(&left), "{came} {left}");

    // From nothing to 60. An hour of that in six has a deviation above its mean: the floor of 5 decides, which the
    // average of twenty minutes reaches after nineteen.
    let [(came, left)] = course.stays("sin")[..] else { panic!("{:?}", course.stays("sin")) };
    assert!((62..=66).contains(&came) && (139..=146).contains(&left), "{came} {left}");

    let watched = driven.world().watched(&my_app().name).unwrap();
    assert_eq!(watched.fewest_started_in[&Region::new("iad")], 1);
    assert_eq!(driven.done(Endpoint::Create), 4);
    assert_eq!(driven.refused(), Vec::<String>::new());
}
