//! The day so far: traffic, and what the started machines are meant to take.

use std::cmp::max;

use fly_autoscaler::model::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Paragraph};

use super::{GOOD, Picture, QUIET, TITLE, TRAFFIC, title};
use crate::demo::story::{Point, hour_and_minute};
use crate::demo::world::REQUESTS_PER_MACHINE;

/// The curve begins with this much room, so that its first minutes are no jumps.
const SHORTEST_MINUTES: f64 = 60.0;
/// With fewer lines than this there is no room for the times below.
const WITH_TIMES: u16 = 8;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    let (Some(first), Some(last)) = (picture.story.points.front(), picture.story.points.back())
    else {
        return;
    };
    if area.height < 2 {
        return;
    }
    let [head, graph] = ratatui::layout::Layout::vertical([
        ratatui::layout::Constraint::Length(1),
        ratatui::layout::Constraint::Fill(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(heading(last, area.width)), head);

    let minutes = |at: Timestamp| at.since(first.at).as_secs_f64() / 60.0;
    let points = |value: fn(&Point) -> f64| -> Vec<(f64, f64)> {
        picture.story.points.iter().map(|point| (minutes(point.at), value(point))).collect()
    };
    let (traffic, room) = (points(Point::total), points(room));
    let top = traffic.iter().chain(&room).map(|(_, value)| *value).fold(100.0, f64::max);
    let top = (top / 100.0).ceil() * 100.0;
    let width = f64::max(minutes(last.at), SHORTEST_MINUTES);

    let curve = |data, style| {
        Dataset::default()
            .data(data)
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(style)
    };
    let mut across = Axis::default().bounds([0.0, width]).style(QUIET);
    if graph.height >= WITH_TIMES {
        let end = first.at.plus(std::time::Duration::from_secs_f64(width * 60.0));
        across = across.labels([hour_and_minute(first.at), hour_and_minute(end)]);
    }
    let up = Axis::default()
        .bounds([0.0, top])
        .style(QUIET)
        .labels([format!("{:>5}", 0), format!("{top:>5.0}")]);
    let chart = Chart::new(vec![curve(&room, GOOD), curve(&traffic, TRAFFIC)])
        .x_axis(across)
        .y_axis(up)
        .legend_position(None);
    frame.render_widget(chart, Rect { width: max(graph.width, 1) - 1, ..graph });
}

/// The requests per second that the started machines are meant to take.
fn room(point: &Point) -> f64 {
    point.started as f64 * REQUESTS_PER_MACHINE
}

fn heading(last: &Point, width: u16) -> Line<'static> {
    title(
        width,
        [
            Span::styled(" today", TITLE),
            Span::styled(format!("  ━ traffic {:.0} req/s", last.total()), TRAFFIC),
            Span::styled(format!("  ━ {} started, good for {:.0}", last.started, room(last)), GOOD),
        ],
    )
}
