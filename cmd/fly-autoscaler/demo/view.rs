//! What the terminal shows: a pure function from what is known to a frame.
//!
//! Only the sixteen named colours are used, and none of black, white, yellow: terminals with a light
//! background and with a dark one show all the others well.

mod curve;
mod regions;
mod targets;
mod text;

use std::cmp::min;

use fly_autoscaler::model::Timestamp;
use fly_autoscaler::status::{AppStatus, GroupRegions, RegionRow};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::story::{Entry, EntryKind, Story, day_and_time, time_of_day};
use super::world::Setting;
use text::{fit, wrap};

/// Everything that a frame shows.
pub(crate) struct Picture<'a> {
    pub(crate) app: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) speed: f64,
    pub(crate) address: &'a str,
    pub(crate) settings: &'a [Setting],
    pub(crate) status: Option<AppStatus>,
    pub(crate) story: &'a Story,
}

impl Picture<'_> {
    /// What the last tick says of each region.
    fn regions(&self) -> Vec<RegionRow> {
        self.group().map(|group| group.rows).unwrap_or_default()
    }

    /// What it says of all regions together.
    fn total(&self) -> Option<RegionRow> {
        self.group().map(|group| group.total)
    }

    fn group(&self) -> Option<GroupRegions> {
        self.status.as_ref()?.last_tick.as_ref()?.regions().into_iter().next()
    }
}

const TRAFFIC: Style = Style::new().fg(Color::Cyan);
const GOOD: Style = Style::new().fg(Color::Green);
const MOVING: Style = Style::new().fg(Color::Magenta);
const BAD: Style = Style::new().fg(Color::Red);
const QUIET: Style = Style::new().add_modifier(Modifier::DIM);
const TITLE: Style = Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD);

/// Draws a frame.
pub(crate) fn draw(frame: &mut Frame<'_>, picture: &Picture<'_>) {
    let area = frame.area();
    let heights = Heights::within(area, picture.story.regions.len());
    let [header, regions, targets, curve, decisions, failures] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(heights.regions),
        Constraint::Length(heights.targets),
        Constraint::Length(heights.curve),
        Constraint::Length(heights.decisions),
        Constraint::Length(heights.failures),
    ])
    .areas(area);
    draw_header(frame, header, picture);
    regions::draw(frame, regions, picture);
    targets::draw(frame, targets, picture);
    curve::draw(frame, curve, picture);
    draw_entries(frame, decisions, "decisions", picture.story.decisions.iter());
    draw_entries(frame, failures, "failures", picture.story.failures.iter());
}

/// How many lines each part gets; 0: it is left out.
#[derive(Debug, PartialEq, Eq)]
struct Heights {
    regions: u16,
    targets: u16,
    curve: u16,
    decisions: u16,
    failures: u16,
}

impl Heights {
    /// The parts that matter most come first where there is no room for all.
    fn within(area: Rect, regions: usize) -> Self {
        let mut left = Left(area.height.saturating_sub(1));
        let targets = left.take(3);
        let decisions = left.take(3);
        let regions = left.take(u16::try_from(regions).unwrap_or(u16::MAX).saturating_add(1));
        let failures = left.take(2);
        let curve = left.take(5);
        // What is left over makes the parts longer that have more to tell.
        let (query, curve_more, failures_more) = match curve {
            0 => (0, 0, 0),
            _ => (
                left.take(u16::from(area.width >= targets::WITH_QUERY)),
                left.take(min(left.0 * 2 / 5, 9)),
                left.take(min(left.0 / 4, 8)),
            ),
        };
        Self {
            regions,
            targets: targets + query,
            curve: curve + curve_more,
            decisions: decisions + left.0,
            failures: failures + failures_more,
        }
    }
}

/// Lines that nobody has yet.
struct Left(u16);

impl Left {
    /// Gives all of `wanted` or nothing.
    fn take(&mut self, wanted: u16) -> u16 {
        let taken = if self.0 >= wanted { wanted } else { 0 };
        self.0 -= taken;
        taken
    }
}

fn draw_header(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    let mut line = Line::default().bold();
    let mut left = usize::from(area.width);
    let parts = [
        (format!(" fly-autoscaler demo  {}", picture.app), TITLE),
        (format!("  {} UTC", day_and_time(picture.now)), Style::new()),
        (format!("  page {}", picture.address), Style::new()),
        ("  q quits".to_owned(), QUIET),
        (format!("  {}x", picture.speed), QUIET),
    ];
    for (part, style) in parts {
        if part.len() <= left {
            left -= part.len();
            line.push_span(Span::styled(part, style));
        }
    }
    frame.render_widget(Paragraph::new(line), area);
}

/// A part's title, with a line to the right border.
fn title<'a>(width: u16, spans: impl IntoIterator<Item = Span<'a>>) -> Line<'a> {
    let mut line = Line::from_iter(spans);
    let filler = usize::from(width).saturating_sub(line.width() + 2);
    line.push_span(Span::styled(format!(" {}", "─".repeat(filler)), QUIET));
    line
}

/// Decisions or failures, the newest first, each with its reason.
fn draw_entries<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    name: &'static str,
    entries: impl Iterator<Item = &'a Entry>,
) {
    if area.height == 0 {
        return;
    }
    let height = usize::from(area.height);
    let mut lines = vec![title(area.width, [Span::styled(format!(" {name}"), TITLE)])];
    for entry in entries {
        let rows = height.saturating_sub(lines.len());
        if rows == 0 {
            break;
        }
        lines.extend(entry_lines(entry, usize::from(area.width), rows));
    }
    if lines.len() == 1 {
        lines.push(Line::styled(" none so far", QUIET));
    }
    lines.truncate(height);
    frame.render_widget(Paragraph::new(lines), area);
}

/// How wide the time and the kind are, and how wide what was done is at most.
const WHEN: usize = 19;
const WHAT: usize = 24;

fn entry_lines(entry: &Entry, width: usize, rows: usize) -> Vec<Line<'static>> {
    let style = match entry.kind {
        EntryKind::Did(_) => GOOD,
        EntryKind::Held => MOVING,
        EntryKind::Failed => BAD,
    };
    let when = Span::styled(format!(" {}  ", time_of_day(entry.at)), QUIET);
    let kind = Span::styled(format!("{:8}", entry.kind.label()), style);
    let room = width.saturating_sub(WHEN + 1);
    if entry.what.is_empty() || room < WHAT + 20 {
        let all = if entry.what.is_empty() {
            entry.why.clone()
        } else {
            format!("{}: {}", entry.what, entry.why)
        };
        return hang(vec![when, kind], wrap(&all, room, rows));
    }
    let what = Span::raw(format!("{:WHAT$}", fit(&entry.what, WHAT - 2)));
    hang(vec![when, kind, what], wrap(&entry.why, room - WHAT, rows))
}

/// The lines of a text, beside its first columns.
fn hang(first: Vec<Span<'static>>, text: Vec<String>) -> Vec<Line<'static>> {
    let mut line = Line::from(first);
    let indent = " ".repeat(line.width());
    let mut parts = text.into_iter();
    line.push_span(Span::raw(parts.next().unwrap_or_default()));
    let more = parts.map(|part| Line::from(format!("{indent}{part}")));
    std::iter::once(line).chain(more).collect()
}

#[cfg(test)]
mod tests;
