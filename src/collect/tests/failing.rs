//! What stands for a value that failed, tick by tick.

mod said;

use super::*;

const MODES: [OnFailure; 5] = [
    OnFailure::Hold,
    OnFailure::HoldScaleDown,
    OnFailure::Last,
    OnFailure::Number(8.0),
    OnFailure::Nil,
];

/// What is tried | what is said at so many seconds | what is read in the end in each of [`MODES`].
type Row<'a> = (&'a str, &'a [(i64, Said)], [&'a str; 5]);

/// What one source says in one tick.
#[derive(Debug, Clone, Copy)]
enum Said {
    Good(f64),
    Down,
    NaN,
    Empty,
    /// Measured 6 minutes before.
    Old(f64),
    /// By region: `lhr` and `iad`; `None` is NaN.
    Regions(Option<f64>, Option<f64>),
    /// By region: `lhr` alone.
    Lhr(f64),
}

impl Said {
    fn outcome(self, now: Timestamp) -> Option<Result<Sample, SourceError>> {
        let query = || "q".to_owned();
        Some(match self {
            Self::Good(value) => Ok(Sample::Plain { value, at: Some(now) }),
            Self::Old(value) => {
                Ok(Sample::Plain { value, at: Some(now.minus(Duration::from_secs(360))) })
            }
            Self::Down => {
                let (address, message) = ("http://prom".to_owned(), "refused".to_owned());
                Err(SourceError::Unreachable { address, message })
            }
            Self::NaN => Err(SourceError::NotFinite { query: query(), value: "NaN".into() }),
            Self::Empty => Err(SourceError::Empty { query: query() }),
            Self::Regions(lhr, iad) => return by_region(&[("lhr", lhr), ("iad", iad)]),
            Self::Lhr(value) => return by_region(&[("lhr", Some(value))]),
        })
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + seconds * 1000)
}

/// What measures `name` with a `max-age` of 5 minutes.
fn measuring(name: &str, said: Said, on_failure: OnFailure, now: Timestamp) -> Collector {
    let by = match said {
        Said::Regions(..) | Said::Lhr(_) => By::Region,
        _ => By::None,
    };
    let max_age = Some(Duration::from_secs(300));
    Collector { on_failure, max_age, ..collector(name, by, said.outcome(now)) }
}

/// The variables but for the text of what failed; `^` where nothing may be scaled down by one.
fn read(table: &VariableTable) -> String {
    let variable = |line: String| {
        let name = line.split(['=', '!']).next().unwrap_or_default();
        let mark = if table.grow_only(name).is_some() { "^" } else { "" };
        line.split("! ")
            .next()
            .map(|own| if own == line { format!("{line}{mark}") } else { format!("{own}!") })
    };
    shown(table).into_iter().filter_map(variable).collect::<Vec<_>>().join(" ")
}

/// What expressions read, tick by tick, each at so many seconds.
async fn ticks(
    on_failure: OnFailure,
    by: By,
    script: &[(i64, Said)],
    memory: &mut Memory,
) -> Vec<String> {
    let mut seen = Vec::new();
    for (seconds, said) in script {
        let now = at(*seconds);
        let own = [Collector { by, ..measuring("q", *said, on_failure, now) }];
        let collected = collected(&own, memory, now).await;
        seen.push(read(collected.variables(&Regions { now, ..Regions::default() }).app_wide()));
    }
    seen
}

#[tokio::test]
async fn each_mode_stands_for_each_failure_as_long_as_it_says() {
    use Said::{Down, Empty, Good, NaN, Old};
    // what | at so many seconds, what is said | hold | hold-scale-down | last | 8 | nil, at the end
    let table: [Row<'_>; 15] = [
        ("measured", &[(0, Good(4.0))], ["q=4"; 5]),
        ("down", &[(0, Good(4.0)), (15, Down)], ["q!", "q=4^", "q=4", "q=8", "q=nil"]),
        ("NaN", &[(0, Good(4.0)), (15, NaN)], ["q!", "q=4^", "q=4", "q=8", "q=nil"]),
        ("empty", &[(0, Good(4.0)), (15, Empty)], ["q!", "q=4^", "q=4", "q=8", "q=nil"]),
        ("too old", &[(0, Good(4.0)), (15, Old(9.0))], ["q!", "q=4^", "q=4", "q=8", "q=nil"]),
        ("a zero is a value", &[(0, Good(0.0)), (15, Down)], ["q!", "q=0^", "q=0", "q=8", "q=nil"]),
        (
            "the last one",
            &[(0, Good(4.0)), (15, Good(5.0)), (30, Down)],
            ["q!", "q=5^", "q=5", "q=8", "q=nil"],
        ),
        (
            "just before last-for",
            &[(0, Good(4.0)), (15, Down), (899, Down)],
            ["q!", "q=4^", "q=4", "q=8", "q=nil"],
        ),
        (
            "last-for is over",
            &[(0, Good(4.0)), (15, Down), (900, Down)],
            ["q!", "q!", "q!", "q=8", "q=nil"],
        ),
        (
            "another failure goes on",
            &[(0, Good(4.0)), (15, Down), (600, NaN), (900, Empty)],
            ["q!", "q!", "q!", "q=8", "q=nil"],
        ),
        ("comes back", &[(0, Good(4.0)), (15, Down), (30, Good(1.0))], ["q=1"; 5]),
        (
            "comes back after long",
            &[(0, Good(4.0)), (15, Down), (4000, Down), (4015, Good(1.0))],
            ["q=1"; 5],
        ),
        ("never measured", &[(0, Down)], ["q!", "q!", "q!", "q=8", "q=nil"]),
        (
            "the clock was set back a little",
            &[(0, Good(4.0)), (-60, Down)],
            ["q!", "q=4^", "q=4", "q=8", "q=nil"],
        ),
        (
            "the clock was set back far",
            &[(0, Good(4.0)), (-86_400, Down)],
            ["q!", "q!", "q!", "q=8", "q=nil"],
        ),
    ];
    for (what, script, want) in table {
        for (mode, want) in MODES.into_iter().zip(want) {
            let got = ticks(mode, By::None, script, &mut Memory::default()).await;
            assert_eq!(got.last().map(String::as_str), Some(want), "{what}, {mode:?}: {got:?}");
        }
    }
}

#[tokio::test]
async fn each_mode_stands_for_a_region_and_for_all_of_them() {
    use Said::{Down, Lhr, Regions};
    let both = (0, Regions(Some(3.0), Some(4.0)));
    let nan = (15, Regions(Some(1.0), None));
    // what | script | hold | hold-scale-down | last | 8 | nil, at the end
    let table: [Row<'_>; 9] = [
        (
            "one region of two",
            &[both, nan],
            [
                "q! q_iad! q_lhr=1",
                "q=5^ q_iad=4^ q_lhr=1",
                "q=5 q_iad=4 q_lhr=1",
                "q=9 q_iad=8 q_lhr=1",
                "q=nil q_iad=nil q_lhr=1",
            ],
        ),
        (
            "until its own last value is too old",
            &[both, nan, (900, Regions(Some(2.0), None))],
            [
                "q! q_iad! q_lhr=2",
                "q! q_iad! q_lhr=2",
                "q! q_iad! q_lhr=2",
                "q=10 q_iad=8 q_lhr=2",
                "q=nil q_iad=nil q_lhr=2",
            ],
        ),
        (
            "it comes back",
            &[both, nan, (30, Regions(Some(2.0), Some(2.0)))],
            ["q=4 q_iad=2 q_lhr=2"; 5],
        ),
        (
            "never measured there",
            &[nan],
            [
                "q! q_iad! q_lhr=1",
                "q! q_iad! q_lhr=1",
                "q! q_iad! q_lhr=1",
                "q=9 q_iad=8 q_lhr=1",
                "q=nil q_iad=nil q_lhr=1",
            ],
        ),
        (
            "all of them",
            &[both, (15, Down)],
            ["q!", "q=7^ q_iad=4^ q_lhr=3^", "q=7 q_iad=4 q_lhr=3", "q=8", "q=nil"],
        ),
        ("all of them for long", &[both, (900, Down)], ["q!", "q!", "q!", "q=8", "q=nil"]),
        (
            "one of them was NaN before",
            &[both, (600, Regions(Some(1.0), None)), (890, Down)],
            ["q!", "q=5^ q_iad=4^ q_lhr=1^", "q=5 q_iad=4 q_lhr=1", "q=8", "q=nil"],
        ),
        (
            "whose value runs out before those of the others",
            &[both, (600, Regions(Some(1.0), None)), (900, Down)],
            ["q!", "q! q_iad! q_lhr=1^", "q! q_iad! q_lhr=1", "q=8", "q=nil"],
        ),
        (
            "one was gone, and counted as 0",
            &[both, (15, Lhr(3.0)), (400, Lhr(3.0)), (415, Down)],
            ["q!", "q=3^ q_lhr=3^", "q=3 q_lhr=3", "q=8", "q=nil"],
        ),
    ];
    for (what, script, want) in table {
        for (mode, want) in MODES.into_iter().zip(want) {
            let got = ticks(mode, By::Region, script, &mut Memory::default()).await;
            assert_eq!(got.last().map(String::as_str), Some(want), "{what}, {mode:?}: {got:?}");
        }
    }
}

#[tokio::test]
async fn a_region_without_a_value_then_has_a_last_value_of_zero() {
    let mut memory = Memory::default();
    for (seconds, said, want) in [
        (0, Said::Lhr(3.0), r#"q=0 q_lhr=3 region="syd""#),
        (15, Said::Down, r#"q=0^ q_lhr=3^ region="syd""#),
    ] {
        let now = at(seconds);
        let own = measuring("q", said, OnFailure::HoldScaleDown, now);
        let own = [Collector { by: By::Region, ..own }];
        let collected = collected(&own, &mut memory, now).await;
        let variables = collected.variables(&Regions { now, ..Regions::default() });
        assert_eq!(read(&variables.of_region(&Region::new("syd"))), want);
    }
}

#[tokio::test]
async fn what_empty_means_is_a_value_like_any_other() {
    let mut memory = Memory::default();
    let mut read_at = async |seconds, said: Said, by| {
        let now = at(seconds);
        let own = measuring("q", said, OnFailure::Last, now);
        let own = [Collector { by, empty: Some(2.0), ..own }];
        let collected = collected(&own, &mut memory, now).await;
        let failures = collected.samples[0].failures().len();
        let variables = collected.variables(&Regions { now, ..Regions::default() });
        (read(variables.app_wide()), failures)
    };
    assert_eq!(read_at(0, Said::Good(4.0), By::None).await, ("q=4".into(), 0));
    assert_eq!(read_at(15, Said::Empty, By::None).await, ("q=2".into(), 0));
    assert_eq!(read_at(30, Said::Down, By::None).await, ("q=2".into(), 1));
    let both = Said::Regions(Some(3.0), Some(4.0));
    assert_eq!(read_at(45, both, By::Region).await, ("q=7 q_iad=4 q_lhr=3".into(), 0));
    assert_eq!(read_at(60, Said::Empty, By::Region).await, ("q=2".into(), 0));
    assert_eq!(read_at(75, Said::Down, By::Region).await, ("q=2".into(), 1));
}

#[tokio::test]
async fn each_collector_has_its_own_mode_and_its_own_last_value() {
    let mut memory = Memory::default();
    let mut read_at = async |seconds, a: Said, b: Said| {
        let now = at(seconds);
        let own = [
            measuring("a", a, OnFailure::Last, now),
            measuring("b", b, OnFailure::HoldScaleDown, now),
            measuring("c", b, OnFailure::Hold, now),
        ];
        let collected = collected(&own, &mut memory, now).await;
        read(collected.variables(&Regions { now, ..Regions::default() }).app_wide())
    };
    assert_eq!(read_at(0, Said::Good(1.0), Said::Good(2.0)).await, "a=1 b=2 c=2");
    assert_eq!(read_at(15, Said::Good(3.0), Said::Down).await, "a=3 b=2^ c!");
    assert_eq!(read_at(30, Said::Down, Said::Good(4.0)).await, "a=3 b=4 c=4");
    assert_eq!(read_at(910, Said::Down, Said::Down).await, "a=3 b=4^ c!");
    assert_eq!(read_at(915, Said::Down, Said::Down).await, "a! b=4^ c!");
}

/// What a process writes down, another one reads.
fn restarted(memory: &Memory) -> Memory {
    let text = serde_json::to_string(memory).expect("it can be written");
    serde_json::from_str(&text).expect("it can be read again")
}

#[tokio::test]
async fn after_a_restart_last_values_are_known_only_if_they_were_written_down() {
    let script = [(0, Said::Good(4.0)), (15, Said::Down)];
    let mut memory = Memory::default();
    ticks(OnFailure::Last, By::None, &script, &mut memory).await;
    let down = [(30, Said::Down)];
    let mut fresh = Memory::default();
    assert_eq!(ticks(OnFailure::Last, By::None, &down, &mut fresh).await, ["q!"]);
    let mut restored = restarted(&memory);
    assert_eq!(restored, memory);
    assert_eq!(ticks(OnFailure::Last, By::None, &down, &mut restored).await, ["q=4"]);
    let later = [(901, Said::Down)];
    assert_eq!(ticks(OnFailure::Last, By::None, &later, &mut restarted(&memory)).await, ["q!"]);

    // Of regions too. Where there were machines at the start is for the new process to find out, if it was
    // away for so long that regions may have lost their series meanwhile.
    let script = [(0, Said::Regions(Some(3.0), Some(4.0)))];
    let mut memory = Memory::default();
    ticks(OnFailure::Last, By::Region, &script, &mut memory).await;
    memory.starts_with(BTreeMap::new());
    assert!(!restarted(&memory).has_just_begun(), "it goes on where the other ended");
    let mut restored = restarted(&memory).after_a_gap();
    let down = ticks(OnFailure::Last, By::Region, &down, &mut restored).await;
    assert_eq!(down, ["q=7 q_iad=4 q_lhr=3"]);
    assert!(!memory.has_just_begun() && !restored.has_just_begun(), "there is no sample yet");
    ticks(OnFailure::Last, By::Region, &[(45, Said::Lhr(1.0))], &mut restored).await;
    assert!(restored.has_just_begun());
}

#[tokio::test]
async fn a_source_that_was_away_for_long_is_as_new() {
    let group = ProcessGroup::new("app");
    let both = Said::Regions(Some(3.0), Some(4.0));
    // For how many seconds it is down, and what is read when it comes back without iad, and later.
    let table =
        [(60, ["q=7 q_iad=4 q_lhr=3", "q=3 q_lhr=3"]), (400, ["q! q_iad! q_lhr=3", "q=3 q_lhr=3"])];
    for (gap, want) in table {
        let mut memory = Memory::default();
        let script = [(0, both), (15, Said::Down), (15 + gap, Said::Lhr(3.0))];
        let mut seen = Vec::new();
        for (seconds, said) in script.into_iter().chain([(315 + gap, Said::Lhr(3.0))]) {
            let now = at(seconds);
            let own = measuring("q", said, OnFailure::Hold, now);
            let own = [Collector { by: By::Region, ..own }];
            let collected = collected(&own, &mut memory, now).await;
            if memory.has_just_begun() {
                let iad = (Region::new("iad"), Presence::MayServe);
                memory.starts_with([(group.clone(), [iad].into())].into());
            }
            let at_start = memory.at_start(&group);
            let variables = collected.variables(&Regions { now, at_start, ..Regions::default() });
            if let Some(Err(why)) = variables.app_wide().get("q_iad") {
                assert_eq!(
                    why,
                    "region iad has machines but no series since the metric came back 0s ago; it counts as 0 after absent-after (300s)"
                );
            }
            seen.push(read(variables.app_wide()));
        }
        assert_eq!(seen[2..], want, "down for {gap}s: {seen:?}");
    }
}

#[tokio::test]
async fn what_no_collector_fills_any_more_is_forgotten() {
    let mut memory = Memory::default();
    ticks(OnFailure::Last, By::None, &[(0, Said::Good(4.0))], &mut memory).await;
    collected(&[], &mut memory, at(15)).await;
    assert_eq!(memory, Memory::default());
}
