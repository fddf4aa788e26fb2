//! Collectors that are `by: region`.

use super::*;

#[tokio::test]
async fn regions_have_a_variable_each_and_their_sum() {
    // what was measured | on failure | the table
    let table = [
        (
            by_region(&[("lhr", Some(3.0)), ("syd", Some(0.5))]),
            OnFailure::Hold,
            vec!["t=3.5", "t_iad=0", "t_lhr=3", "t_syd=0.5"],
        ),
        (
            by_region(&[("lhr", Some(3.0)), ("syd", None)]),
            OnFailure::Hold,
            vec![
                "t! region syd: the value is NaN",
                "t_iad=0",
                "t_lhr=3",
                "t_syd! region syd: the value is NaN",
            ],
        ),
        (
            by_region(&[("lhr", Some(3.0)), ("syd", None)]),
            OnFailure::Nil,
            vec!["t=nil", "t_iad=0", "t_lhr=3", "t_syd=nil"],
        ),
        (
            by_region(&[("lhr", Some(3.0)), ("syd", None)]),
            OnFailure::Number(10.0),
            vec!["t=13", "t_iad=0", "t_lhr=3", "t_syd=10"],
        ),
        (
            empty(),
            OnFailure::Hold,
            vec![
                "t! the query `q` returned no series",
                "t_iad! the query `q` returned no series",
                "t_lhr! the query `q` returned no series",
            ],
        ),
        (empty(), OnFailure::Number(2.0), vec!["t=2", "t_iad=2", "t_lhr=2"]),
    ];
    for (outcome, on_failure, want) in table {
        let collector = Collector { on_failure, ..collector("t", By::Region, outcome) };
        assert_eq!(first_table(&[collector]).await, want);
    }
}

#[tokio::test]
async fn a_sum_that_is_no_number_fails() {
    let outcome = by_region(&[("lhr", Some(f64::MAX)), ("iad", Some(f64::MAX))]);
    let got = first_table(&[collector("t", By::Region, outcome)]).await;
    assert_eq!(got[0], "t! the sum of the regions is too large for a number");
}

#[tokio::test]
async fn a_region_that_vanishes_keeps_its_value_for_absent_after() {
    let mut memory = Memory::default();
    let both = [collector("t", By::Region, by_region(&[("lhr", Some(3.0)), ("iad", Some(4.0))]))];
    let one = [collector("t", By::Region, by_region(&[("lhr", Some(1.0))]))];
    let none = [collector("t", By::Region, empty())];
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    assert_eq!(table(&both, &mut memory, at(0)).await, ["t=7", "t_iad=4", "t_lhr=3"]);
    assert_eq!(table(&one, &mut memory, at(15)).await, ["t=5", "t_iad=4", "t_lhr=1"]);
    let failed = table(&none, &mut memory, at(30)).await;
    assert!(failed.iter().all(|line| line.contains('!')), "no series at all: {failed:?}");
    assert_eq!(table(&one, &mut memory, at(299)).await, ["t=5", "t_iad=4", "t_lhr=1"]);
    assert_eq!(table(&one, &mut memory, at(300)).await, ["t=1", "t_iad=0", "t_lhr=1"]);
}

/// The table of one region's scope where `scaled` are listed and scaled.
async fn scope(collectors: &[Collector], scaled: &[Region], region: &str) -> Vec<String> {
    let collected = collected(collectors, &mut Memory::default(), NOW).await;
    let of = Regions { named: scaled, scaled, now: NOW, ..Regions::default() };
    shown(&collected.variables(&of).of_region(&Region::new(region)))
}

#[tokio::test]
async fn in_a_regions_scope_a_metric_is_the_regions_own_value() {
    let scaled = regions(["lhr", "iad"]);
    let t = |outcome| collector("t", By::Region, outcome);
    let both = || by_region(&[("lhr", Some(3.0)), ("syd", Some(0.5))]);
    let q = || collector("q", By::None, plain(9.0, 0));
    let got = scope(&[q(), t(both())], &scaled, "lhr").await;
    assert_eq!(got, ["q=9", "region=\"lhr\"", "t=3", "t_iad=0", "t_lhr=3", "t_syd=0.5"]);
    let got = scope(&[t(both())], &scaled, "iad").await;
    assert_eq!(got[..2], ["region=\"iad\"", "t=0"], "never seen");

    // One region's failure is its own, and no number stands for nothing.
    let failed = || by_region(&[("lhr", Some(3.0)), ("iad", None)]);
    let got = scope(&[t(failed())], &scaled, "lhr").await;
    assert_eq!(got, ["region=\"lhr\"", "t=3", "t_iad! region iad: the value is NaN", "t_lhr=3"]);
    let got = scope(&[t(failed())], &scaled, "iad").await;
    assert_eq!(got[1], "t! region iad: the value is NaN");
    let nil = Collector { on_failure: OnFailure::Nil, ..t(failed()) };
    assert_eq!(scope(&[nil], &scaled, "iad").await[1..3], ["t=nil", "t_iad=nil"]);
    let eight = Collector { on_failure: OnFailure::Number(8.0), ..t(failed()) };
    assert_eq!(scope(&[eight], &scaled, "iad").await[1..3], ["t=8", "t_iad=8"]);

    // What stands for the whole sample stands for each region, known or not.
    let two = || Collector { empty: Some(2.0), ..t(empty()) };
    for region in ["lhr", "syd"] {
        assert_eq!(scope(&[two()], &scaled, region).await[1..], ["t=2", "t_iad=2", "t_lhr=2"]);
    }
    // A metric of that name comes first.
    let named = collector("region", By::None, plain(7.0, 0));
    assert_eq!(scope(&[named], &scaled, "lhr").await, ["region=7"]);
}

#[tokio::test]
async fn no_label_takes_the_name_of_anything_else() {
    let scaled = regions(["lhr"]);
    let labels = by_region(&[("depth", Some(1.0)), ("lhr", Some(2.0)), ("machines", Some(3.0))]);
    let queue = collector("queue", By::Region, labels.clone());
    let depth = collector("queue_depth", By::None, plain(42.0, 0));
    let got = scope(&[queue, depth], &scaled, "lhr").await;
    assert_eq!(
        got,
        ["queue=2", "queue_depth=42", "queue_lhr=2", "queue_machines=3", "region=\"lhr\""]
    );
    let created = collector("created", By::Region, labels);
    let got = scope(&[created], &scaled, "lhr").await;
    assert_eq!(got, ["created=2", "created_depth=1", "created_lhr=2", "region=\"lhr\""]);
    // `a_b_c` is the value of the listed region `c`, whatever comes first.
    let odd = collector("a", By::Region, by_region(&[("b_c", Some(1.0))]));
    let listed = collector("a_b", By::Region, by_region(&[("c", Some(2.0))]));
    let got = scope(&[odd, listed], &regions(["c"]), "c").await;
    assert_eq!(got, ["a=0", "a_b=2", "a_b_c=2", "a_c=0", "region=\"c\""]);
}

/// The variables where `scaled` are scaled and the others count to the nearest of them.
async fn nearest(
    values: &[(&str, Option<f64>)],
    on_failure: OnFailure,
    scope: &str,
) -> Vec<String> {
    let scaled = regions(["lhr", "iad"]);
    let own = Collector { on_failure, ..collector("t", By::Region, by_region(values)) };
    let collected = collected(&[own], &mut Memory::default(), NOW).await;
    let nearest = Some(&**Catalog::builtin());
    let of = Regions { named: &scaled, scaled: &scaled, nearest, now: NOW, at_start: None };
    let variables = collected.variables(&of);
    match scope {
        "" => shown(variables.app_wide()),
        region => shown(&variables.of_region(&Region::new(region))),
    }
}

#[tokio::test]
async fn a_region_that_is_not_scaled_counts_to_the_nearest_that_is() {
    let all = [
        ("fra", Some(1.0)),
        ("ams", Some(2.0)),
        ("lhr", Some(4.0)),
        ("ewr", Some(8.0)),
        ("xyz", Some(16.0)),
    ];
    let each =
        ["t_ams=2", "t_ewr=8", "t_fra=1", "t_iad=8", "t_lhr=7", "t_xyz=16"].map(str::to_owned);
    let app_wide = nearest(&all, OnFailure::Hold, "").await;
    assert_eq!((app_wide[0].as_str(), &app_wide[1..]), ("t=31", &each[..]), "the sum is of all");
    assert_eq!(nearest(&all, OnFailure::Hold, "lhr").await[1], "t=7");
    assert_eq!(nearest(&all, OnFailure::Hold, "iad").await[1], "t=8");

    let failed = [("fra", None), ("lhr", Some(4.0)), ("ewr", Some(8.0))];
    let got = nearest(&failed, OnFailure::Hold, "lhr").await;
    let why = "region fra: the value is NaN";
    assert_eq!(
        got[1..],
        [
            format!("t! {why}"),
            "t_ewr=8".into(),
            format!("t_fra! {why}"),
            "t_iad=8".into(),
            format!("t_lhr! {why}"),
        ]
    );
    assert_eq!(nearest(&failed, OnFailure::Hold, "iad").await[1], "t=8", "no trouble of its");
    assert_eq!(nearest(&failed, OnFailure::Number(10.0), "lhr").await[1], "t=14");
    assert_eq!(nearest(&failed, OnFailure::Nil, "lhr").await[1], "t=nil");
}

#[tokio::test]
async fn a_region_with_machines_and_no_series_at_the_start_may_have_just_lost_it() {
    let group = ProcessGroup::new("app");
    let mut memory = Memory::default();
    assert!(!memory.has_just_begun(), "nothing is known before the first sample");
    let listed = regions(["lhr", "iad"]);
    let own = [collector("t", By::Region, by_region(&[("lhr", Some(3.0))]))];
    let again = [collector("t", By::Region, by_region(&[("lhr", Some(3.0)), ("iad", Some(2.0))]))];
    let lost = |ago: u64| {
        let why = format!(
            "region iad has machines but no series since the start {ago}s ago; it counts as 0 after absent-after (300s)"
        );
        vec![format!("t! {why}"), format!("t_iad! {why}"), "t_lhr=3".to_owned()]
    };
    let zero = ["t=3", "t_iad=0", "t_lhr=3"].map(str::to_owned).to_vec();
    let two = ["t=5", "t_iad=2", "t_lhr=3"].map(str::to_owned).to_vec();
    // seconds since the start | what is there | the table
    let ticks = [
        (0, &own, lost(0)),
        (285, &own, lost(285)),
        (300, &own, zero.clone()),
        (315, &again, two.clone()),
        (330, &own, two.clone()),
        (615, &own, zero),
    ];
    for (seconds, collectors, want) in ticks {
        let now = NOW.plus(Duration::from_secs(seconds));
        let collected = collected(collectors, &mut memory, now).await;
        if memory.has_just_begun() {
            let there = listed.iter().map(|own| (own.clone(), Presence::MayServe)).collect();
            memory.starts_with([(group.clone(), there)].into());
        }
        // What comes later changes nothing: it was there when nobody had lost anything.
        let syd = (Region::new("syd"), Presence::MayServe);
        memory.starts_with([(group.clone(), [syd].into())].into());
        let at_start = memory.at_start(&group);
        let of = Regions { named: &listed, at_start, now, ..Regions::default() };
        assert_eq!(shown(collected.variables(&of).app_wide()), want, "after {seconds}s");
    }
}

/// Everything that `iad` can be at the start, where `lhr` has 3.
#[tokio::test]
async fn only_a_region_that_may_have_served_takes_the_sum_with_it() {
    use OnFailure::{Hold, Nil, Number};
    use Presence::{AtRest, MayServe};
    let lost = "! region iad has machines but no series since the start 0s ago; it counts as 0 after absent-after (300s)";
    // its machines | its series | on-failure | seconds since the start -> the sum | in its own scope
    let table = [
        (Some(MayServe), None, Hold, 0, lost, lost),
        (Some(AtRest), None, Hold, 0, "=3", lost),
        (None, None, Hold, 0, "=3", "=0"),
        (Some(MayServe), None, Nil, 0, "=nil", "=nil"),
        (Some(AtRest), None, Nil, 0, "=3", "=nil"),
        (Some(MayServe), None, Number(10.0), 0, "=13", "=10"),
        (Some(AtRest), None, Number(10.0), 0, "=3", "=10"),
        // What was measured counts, whatever the machines do.
        (Some(MayServe), Some(2.0), Hold, 0, "=5", "=2"),
        (Some(AtRest), Some(2.0), Hold, 0, "=5", "=2"),
        (Some(MayServe), None, Hold, 300, "=3", "=0"),
        (Some(AtRest), None, Hold, 300, "=3", "=0"),
    ];
    let [group, iad] = ["app", "iad"];
    let (group, iad) = (ProcessGroup::new(group), Region::new(iad));
    for (presence, series, on_failure, seconds, sum, own) in table {
        let values: Vec<_> = [("lhr", Some(3.0)), ("iad", series)]
            .into_iter()
            .filter(|own| own.1.is_some())
            .collect();
        let t = collector("t", By::Region, by_region(&values));
        let t = [Collector { on_failure, ..t }];
        let mut memory = Memory::default();
        collected(&t, &mut memory, NOW).await;
        let there = presence.map(|presence| (iad.clone(), presence));
        memory.starts_with([(group.clone(), there.into_iter().collect())].into());
        let now = NOW.plus(Duration::from_secs(seconds));
        let at_start = memory.at_start(&group).cloned();
        let of = Regions { at_start: at_start.as_ref(), now, ..Regions::default() };
        let variables = collected(&t, &mut memory, now).await.variables(&of);
        let t = |table: &VariableTable| {
            shown(table).into_iter().find(|line| line.starts_with(['t']) && !line.starts_with("t_"))
        };
        let what = format!("{presence:?} {series:?} {on_failure:?} {seconds}s");
        assert_eq!(t(variables.app_wide()), Some(format!("t{sum}")), "{what}");
        assert_eq!(t(&variables.of_region(&iad)), Some(format!("t{own}")), "{what}");
    }
}

#[tokio::test]
async fn what_is_given_stands_in_place_of_what_was_measured() {
    let metrics = ["t", "u"].map(MetricName::new);
    let named = regions(["lhr", "iad"]);
    let measured = || {
        vec![
            collector("t", By::Region, by_region(&[("lhr", Some(3.0)), ("fra", Some(1.0))])),
            collector("q", By::None, plain(9.0, 0)),
        ]
    };
    // what is given -> what is still measured | over all regions | in lhr | in iad
    let unset = "t! nothing has set it for this region";
    type Row<'a> = (&'a [(&'a str, f64)], &'a str, &'a [&'a str], &'a str, &'a str);
    let table: [Row<'_>; 6] = [
        (&[], "tq", &["q=9", "t=4", "t_fra=1", "t_iad=0", "t_lhr=3"], "t=3", "t=0"),
        (&[("q", 1.0)], "t", &["q=1", "t=4", "t_fra=1", "t_iad=0", "t_lhr=3"], "t=3", "t=0"),
        (&[("t_iad", 8.0)], "tq", &["q=9", "t=4", "t_fra=1", "t_iad=8", "t_lhr=3"], "t=3", "t=8"),
        (&[("t", 7.0)], "q", &["q=9", "t=7"], unset, unset),
        (&[("t", 7.0), ("t_lhr", 2.0)], "q", &["q=9", "t=7", "t_lhr=2"], "t=2", unset),
        (
            &[("t_lhr", 2.0), ("t_iad", 5.0), ("t_lhr", 4.0)],
            "q",
            &["q=9", "t=9", "t_iad=5", "t_lhr=4"],
            "t=4",
            "t=5",
        ),
    ];
    for (values, asked, app_wide, lhr, iad) in table {
        let values: Vec<_> = values.iter().map(|(name, own)| ((*name).to_owned(), *own)).collect();
        let given = Given::new(&values, &metrics[..1], &named);
        let mut collectors = measured();
        collectors.retain(|own| !given.stands_for(own.source.metric()));
        let names = collectors.iter().map(|own| own.source.metric().as_str()).collect::<String>();
        assert_eq!(names, asked, "{values:?}");
        let collected = collected(&collectors, &mut Memory::default(), NOW).await.with(&given);
        let of = Regions { named: &named, now: NOW, ..Regions::default() };
        let variables = collected.variables(&of);
        assert_eq!(shown(variables.app_wide()), app_wide, "{values:?}");
        for (region, want) in [("lhr", lhr), ("iad", iad)] {
            let own = shown(&variables.of_region(&Region::new(region)));
            assert!(own.contains(&want.to_owned()), "{values:?} in {region}: {own:?}");
        }
    }
    // Where there is traffic, as far as anybody says so.
    let given = [("t_lhr".to_owned(), 0.0), ("t_iad".to_owned(), 1.0)];
    let given = Given::new(&given, &metrics[..1], &regions(["lhr", "iad", "syd"]));
    let collected = collected(&measured(), &mut Memory::default(), NOW).await.with(&given);
    assert_eq!(collected.busy(|_| true), ["fra", "iad"].map(Region::new).into());
}

#[tokio::test]
async fn labels_that_come_and_go_do_not_fill_the_memory() {
    let mut memory = Memory::default();
    let mut last = Vec::new();
    for tick in 0..6 {
        let labels: Vec<String> = (0..300).map(|label| format!("l{tick}_{label}")).collect();
        let mut values: Vec<(&str, Option<f64>)> =
            labels.iter().map(|label| (label.as_str(), Some(1.0))).collect();
        values.push(("lhr", Some(3.0)));
        let own = [collector("t", By::Region, by_region(&values))];
        last = table(&own, &mut memory, NOW.plus(Duration::from_secs(15 * tick))).await;
    }
    let why = "more than 1000 values of the label `region` within absent-after (300s), which can hardly be regions";
    assert_eq!(last, ["t", "t_iad", "t_lhr"].map(|name| format!("{name}! {why}")));

    let own = [collector("t", By::Region, by_region(&[("lhr", Some(3.0))]))];
    let got = table(&own, &mut memory, NOW.plus(Duration::from_secs(345))).await;
    assert_eq!(got, ["t=3", "t_iad=0", "t_lhr=3"], "it is over when they are gone for long");
}

#[tokio::test]
async fn busy_is_where_a_metric_that_is_read_has_another_value_than_zero() {
    let values = [("lhr", Some(3.0)), ("iad", Some(0.0)), ("syd", None)];
    let of =
        |on_failure| Collector { on_failure, ..collector("t", By::Region, by_region(&values)) };
    for (on_failure, want) in [
        (OnFailure::Hold, vec!["lhr"]),
        (OnFailure::Number(0.0), vec!["lhr"]),
        (OnFailure::Number(1.0), vec!["lhr", "syd"]),
    ] {
        let collected = collected(&[of(on_failure)], &mut Memory::default(), NOW).await;
        let busy = collected.busy(|metric| metric.as_str() == "t");
        assert_eq!(busy.iter().map(Region::as_str).collect::<Vec<_>>(), want, "{on_failure:?}");
        assert!(collected.busy(|_| false).is_empty());
    }
}
