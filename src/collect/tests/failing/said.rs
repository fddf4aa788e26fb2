//! What is said of a value that failed.

use super::*;
use crate::model::{Failure, GrowOnly, Instead};

/// What failed in the last tick of a script.
async fn failures(on_failure: OnFailure, by: By, script: &[(i64, Said)]) -> Vec<Failure> {
    let mut memory = Memory::default();
    let mut last = Vec::new();
    for (seconds, said) in script {
        let now = at(*seconds);
        let own = [Collector { by, ..measuring("q", *said, on_failure, now) }];
        last = collected(&own, &mut memory, now).await.samples[0].failures().to_vec();
    }
    last
}

#[tokio::test]
async fn a_failure_says_since_when_it_is_and_what_stands_in_until_when() {
    use OnFailure::{Hold, HoldScaleDown, Last, Nil, Number};
    let script = [(0, Said::Good(4.0)), (15, Said::Down), (30, Said::NaN)];
    let (measured_at, until) = (at(0), at(900));
    let (value, grow_only) = (4.0, true);
    let table = [
        (Hold, Instead::Nothing),
        (Nil, Instead::Nil),
        (Number(8.0), Instead::Number { value: 8.0 }),
        (HoldScaleDown, Instead::Last { value, measured_at, until, grow_only }),
        (Last, Instead::Last { value, measured_at, until, grow_only: false }),
    ];
    for (mode, instead) in table {
        let error = Arc::from("the query `q` returned NaN, which is no finite number");
        let want = Failure { region: None, error, since: at(15), instead };
        assert_eq!(failures(mode, By::None, &script).await, [want]);
    }
    let over = [(0, Said::Good(4.0)), (15, Said::Down), (900, Said::Down)];
    let over = failures(Last, By::None, &over).await;
    assert_eq!(over[0].instead, Instead::RanOut { measured_at });
    let never = failures(Last, By::None, &[(0, Said::Down), (15, Said::Down)]).await;
    assert_eq!((&never[0].instead, never[0].since), (&Instead::NeverMeasured, at(0)));
    assert_eq!(failures(Last, By::None, &[(0, Said::Down), (15, Said::Good(1.0))]).await, []);

    // Of a region, and of all of them: the sum, and what runs out first.
    let nan = (600, Said::Regions(Some(1.0), None));
    let script = [(0, Said::Regions(Some(3.0), Some(4.0))), nan];
    let region = failures(Last, By::Region, &script).await;
    let instead = Instead::Last { value, measured_at, until, grow_only: false };
    let error = Arc::from("the value is NaN");
    let iad = Some(Region::new("iad"));
    assert_eq!(region, [Failure { region: iad, error, since: at(600), instead }]);
    let script: Vec<_> = script.into_iter().chain([(610, Said::Down)]).collect();
    let all = failures(Last, By::Region, &script).await;
    let instead = Instead::Last { value: 5.0, measured_at, until, grow_only: false };
    assert_eq!((all.len(), all[0].since, &all[0].instead), (1, at(610), &instead));
    // A clock that is set back cannot make it begin in the future.
    let back = failures(Hold, By::None, &[(100, Said::Down), (0, Said::Down)]).await;
    assert_eq!(back[0].since, at(0));
}

#[tokio::test]
async fn a_held_variable_says_why_there_is_no_last_value() {
    let text = async |script: &[(i64, Said)]| {
        let mut memory = Memory::default();
        let mut said = Vec::new();
        for (seconds, own) in script {
            let now = at(*seconds);
            let own = [measuring("q", *own, OnFailure::Last, now)];
            said = table(&own, &mut memory, now).await;
        }
        said
    };
    let down = "q! http://prom could not be reached: refused; ";
    assert_eq!(
        text(&[(0, Said::Down)]).await,
        [format!("{down}there is no last value: it has not been measured yet")]
    );
    assert_eq!(
        text(&[(0, Said::Good(4.0)), (900, Said::Down)]).await,
        [format!("{down}its last value, of {}, has run out (last-for)", at(0))]
    );
}

#[tokio::test]
async fn of_several_regions_that_stand_in_the_sum_goes_by_the_one_that_runs_out_first() {
    let mut memory = Memory::default();
    let script = [
        (0, Said::Regions(Some(3.0), Some(4.0))),
        (60, Said::Regions(Some(3.0), None)),
        (75, Said::Regions(None, None)),
    ];
    let mut marks: Vec<Option<GrowOnly>> = Vec::new();
    for (seconds, said) in script {
        let now = at(seconds);
        let own = [measuring("q", said, OnFailure::HoldScaleDown, now)];
        let collected = collected(&own, &mut memory, now).await;
        let variables = collected.variables(&Regions { now, ..Regions::default() });
        marks = ["q", "q_iad", "q_lhr"]
            .map(|name| variables.app_wide().grow_only(name).cloned())
            .into();
    }
    let mark = |region: &str, since, until| {
        let why = Arc::from(format!("region {region}: the value is NaN"));
        Some(GrowOnly { since: at(since), until: at(until), why })
    };
    assert_eq!(marks, [mark("iad", 60, 900), mark("iad", 60, 900), mark("lhr", 75, 960)]);
}
