//! Each region in a row: its traffic, its machines, how many are wanted there, and why.

use fly_autoscaler::model::{Bounds, Kind, Region};
use fly_autoscaler::status::RegionRow;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::targets::standing;
use super::text::{bars, fit};
use super::{BAD, GOOD, MOVING, Picture, QUIET, TITLE, TRAFFIC};
use crate::demo::story::RegionNow;

/// What a narrower terminal has no room for: the traffic of the last minutes, and the reasons.
const WIDE: u16 = 66;
/// From here on the bars and the blocks grow too, not the reasons alone.
const AMPLE: u16 = 80;
/// A row up to its last fixed column, and the gaps around the others.
const FIXED: usize = 34;

/// How wide the columns are that grow; 0: left out.
struct Widths {
    bars: usize,
    blocks: usize,
    why: usize,
}

impl Widths {
    fn within(width: u16) -> Self {
        let left = usize::from(width).saturating_sub(FIXED);
        if width < WIDE {
            return Self { bars: 0, blocks: left, why: 0 };
        }
        let more = usize::from(width.saturating_sub(AMPLE)) / 5;
        let (bars, blocks) = (7 + more, 8 + more);
        Self { bars, blocks, why: left.saturating_sub(bars + blocks) }
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    if area.height == 0 {
        return;
    }
    let widths = Widths::within(area.width);
    let mut heading = format!(" {:6}{:>6}", "region", "req/s");
    if widths.bars > 0 {
        heading += &format!("  {:1$}", fit("minutes", widths.bars), widths.bars);
    }
    heading += &format!("  started  target  {:1$}", "machines", widths.blocks);
    if widths.why > 0 {
        heading += "  why";
    }
    let mut lines = vec![Line::styled(heading, TITLE)];
    let planned = picture.regions();
    for (region, now) in &picture.story.regions {
        let row = planned.iter().find(|row| row.region.as_ref() == Some(region));
        lines.push(line(picture, region, now, row, &widths));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn line(
    picture: &Picture<'_>,
    region: &Region,
    now: &RegionNow,
    row: Option<&RegionRow>,
    widths: &Widths,
) -> Line<'static> {
    let mut line = Line::from(vec![
        Span::raw(format!(" {:6}", region.as_str())).bold(),
        Span::raw(format!("{:>6.0}", now.traffic)),
    ]);
    if widths.bars > 0 {
        let points = &picture.story.points;
        let first = points.len().saturating_sub(widths.bars);
        let traffic = |point: &crate::demo::story::Point| point.traffic.get(region).copied();
        let values: Vec<f64> = points.range(first..).filter_map(traffic).collect();
        line.push_span(Span::styled(format!("  {}", bars(&values, widths.bars)), TRAFFIC));
    }
    let target = row.and_then(|row| row.targets).map(|targets| targets.of(Kind::Started));
    let count = u32::try_from(now.started).unwrap_or(u32::MAX);
    let style = target.filter(|own| own.is_defined()).map_or(QUIET, |own| standing(count, own));
    line.push_span(Span::styled(format!("  {:>7}", now.started), style));
    let target = match (target, row) {
        (None, Some(row)) if row.held => "?".to_owned(),
        (target, _) => Bounds::to_string(&target.unwrap_or_default()),
    };
    line.push_span(Span::raw(format!("  {target:>6}  ")));
    blocks(&mut line, now, widths.blocks);
    if let Some((row, why)) = row.and_then(|row| Some((row, row.why.as_ref()?))) {
        let style = match (row.held, row.skipped) {
            (true, _) => MOVING,
            (_, true) => QUIET,
            _ => Style::new(),
        };
        line.push_span(Span::styled(format!("  {}", fit(&why.to_string(), widths.why)), style));
    }
    line
}

/// A block for each machine, and how many more there are than fit.
fn blocks(line: &mut Line<'static>, now: &RegionNow, width: usize) {
    let states = [
        (now.started, "■", GOOD),
        (now.starting, "▣", MOVING),
        (now.stopped, "□", QUIET),
        (now.stopping + now.failed, "▨", BAD),
    ];
    let all: usize = states.iter().map(|(count, ..)| count).sum();
    let more =
        if all > width { format!("+{}", all - width.saturating_sub(3)) } else { String::new() };
    let mut room = if more.is_empty() { width } else { width.saturating_sub(3) };
    for (count, block, style) in states {
        let shown = count.min(room);
        room -= shown;
        line.push_span(Span::styled(block.repeat(shown), style));
    }
    let rest = room + if more.is_empty() { 0 } else { 3_usize.min(width) };
    line.push_span(Span::styled(format!("{more:rest$}"), QUIET));
}
