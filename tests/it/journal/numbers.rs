//! Numbers over time.

use fly_autoscaler::model::Side;

use super::*;

fn query(from: u32, until: u32, most: usize) -> ChartQuery {
    ChartQuery { app: web(), from: at(from), until: at(until), most }
}

fn values<'a>(chart: &'a Chart, line: &Line) -> &'a [Option<f64>] {
    &chart.curves.iter().find(|curve| curve.line == *line).unwrap().values
}

#[tokio::test]
async fn a_chart_has_what_was_measured_wanted_and_there() {
    let place = Place::new();
    let journal = place.open();
    let started_count = |count| {
        let mut tick = quiet(at(100), 7.0);
        let mut plan = tick.plan.take().unwrap();
        plan.scopes[0].observed.started = count;
        tick.plan = Some(plan);
        tick
    };
    for number in 0..100 {
        record(&journal, quiet(at(number), f64::from(number)));
    }
    record(&journal, started_count(3));
    record(&journal, failed(at(101), "no route"));
    let chart = journal.chart(&query(0, 101, 1000)).await.unwrap();
    assert_eq!(chart.app, web());
    assert_eq!(chart.times, (0..102).map(|own| at(own).as_millis()).collect::<Vec<_>>());

    let (group, region) = (ProcessGroup::new("app"), Some(Region::new("lhr")));
    let metric = |region| Line::Metric { metric: MetricName::new("traffic"), region };
    let mut measured: Vec<_> = (0..100).map(|own| Some(f64::from(own))).collect();
    measured.extend([Some(7.0), Some(0.0)]);
    assert_eq!(values(&chart, &metric(None)), measured);
    assert_eq!(values(&chart, &metric(region.clone())), measured);
    let kind = Kind::Started;
    let machines = Line::Machines { group: group.clone(), region: region.clone(), kind };
    assert_eq!(values(&chart, &machines)[98..], [Some(2.0), Some(2.0), Some(3.0), None]);
    for side in [Side::Min, Side::Max] {
        let target = Line::Target { group: group.clone(), region: region.clone(), kind, side };
        assert_eq!(values(&chart, &target)[99..], [Some(2.0), Some(2.0), None]);
    }
    let of_created = |line: &Line| matches!(line, Line::Target { kind: Kind::Created, .. });
    assert!(!chart.curves.iter().any(|curve| of_created(&curve.line)), "nothing was asked for");
}

#[tokio::test]
async fn a_chart_has_no_more_times_than_wanted_and_always_the_last() {
    let place = Place::new();
    let journal = place.open();
    for number in 0..1000 {
        record(&journal, quiet(at(number), f64::from(number)));
    }
    for (from, until, most) in [(0, 999, 100), (0, 999, 999), (10, 500, 7), (10, 500, 1)] {
        let chart = journal.chart(&query(from, until, most)).await.unwrap();
        assert!(chart.times.len() <= most && chart.times.len() > most / 3, "{from} {until} {most}");
        assert_eq!(chart.times.last(), Some(&at(until).as_millis()));
        assert!(chart.times.iter().all(|time| *time >= at(from).as_millis()));
        assert!(chart.times.is_sorted());
        let line = Line::Metric { metric: MetricName::new("traffic"), region: None };
        let last = values(&chart, &line).last().copied().flatten();
        assert_eq!(last, Some(f64::from(until)));
    }
    let empty = ChartQuery { app: AppName::new("other"), ..query(0, 9, 9) };
    assert!(journal.chart(&empty).await.unwrap().times.is_empty());
}
