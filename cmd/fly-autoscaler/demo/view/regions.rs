//! Each region in a row: its traffic, and its machines by state.

use fly_autoscaler::model::Region;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::bars;
use super::{BAD, GOOD, MOVING, QUIET, TITLE, TRAFFIC};
use crate::demo::story::{RegionNow, Story};

/// What a narrower terminal has no room for: the traffic of the last minutes and the rarer states.
const WIDE: u16 = 66;
/// The columns of a wide row without its bars and blocks, margins included.
const FIXED: u16 = 50;

/// The state's name, its machines in a row, and how both look.
type Column = (&'static str, fn(&RegionNow) -> usize, &'static str, Style);

const STARTED: Column = ("started", |row| row.started, "■", GOOD);
const STARTING: Column = ("starting", |row| row.starting, "▣", MOVING);
const STOPPED: Column = ("stopped", |row| row.stopped, "□", QUIET);
const OTHER: Column = ("other", |row| row.stopping + row.failed, "▨", BAD);

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, story: &Story) {
    if area.height == 0 {
        return;
    }
    let is_wide = area.width >= WIDE;
    let columns: &[Column] =
        if is_wide { &[STARTED, STARTING, STOPPED, OTHER] } else { &[STARTED, STOPPED] };
    let bar_width = if is_wide { usize::from(area.width.saturating_sub(FIXED)) / 2 } else { 0 };

    let mut heading = format!(" {:6}{:>6}", "region", "req/s");
    if is_wide {
        heading.push_str(&format!("  {:bar_width$}", "by minute"));
    }
    heading.push_str("  ");
    for (name, ..) in columns {
        heading.push_str(name);
        heading.push(' ');
    }
    heading.push_str(" machines");
    let mut lines = vec![Line::styled(heading, TITLE)];
    for (region, now) in &story.regions {
        lines.push(row(story, region, now, columns, bar_width));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn row(
    story: &Story,
    region: &Region,
    now: &RegionNow,
    columns: &[Column],
    bar_width: usize,
) -> Line<'static> {
    let mut line = Line::from(vec![
        Span::raw(format!(" {:6}", region.as_str())).bold(),
        Span::raw(format!("{:>6.0}", now.traffic)),
    ]);
    if bar_width > 0 {
        let first = story.points.len().saturating_sub(bar_width);
        let traffic = |point: &crate::demo::story::Point| point.traffic.get(region).copied();
        let values: Vec<f64> = story.points.range(first..).filter_map(traffic).collect();
        line.push_span(Span::styled(format!("  {}", bars(&values, bar_width)), TRAFFIC));
    }
    line.push_span(Span::raw("  "));
    for (name, count, _, style) in columns {
        let width = name.len();
        line.push_span(match count(now) {
            0 => Span::styled(format!("{:>width$} ", "·"), QUIET),
            count => Span::styled(format!("{count:>width$} "), *style),
        });
    }
    line.push_span(Span::raw(" "));
    for (_, count, block, style) in columns {
        line.push_span(Span::styled(block.repeat(count(now)), *style));
    }
    line
}
