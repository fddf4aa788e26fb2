//! What is wanted, by which expressions, and what there is.

use fly_autoscaler::decide::ScopePlan;
use fly_autoscaler::model::{Bounds, Kind};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{BAD, GOOD, MOVING, Picture, QUIET, Setting, TITLE, title};

/// The narrowest terminal in which the query fits into a line.
pub(super) const WITH_QUERY: u16 = 90;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    if area.height == 0 {
        return;
    }
    let tick = picture.status.as_ref().and_then(|status| status.last_tick.as_deref());
    let scope = tick.and_then(|tick| tick.plan.as_ref()).and_then(|plan| plan.scopes.first());
    let mut heading = vec![Span::styled(" targets", TITLE)];
    if let Some(tick) = tick {
        let style = if tick.outcome.is_success() { GOOD } else { BAD };
        heading.push(Span::styled("  last tick ", QUIET));
        heading.push(Span::styled(tick.outcome.as_str(), style));
    }
    let mut lines = vec![
        title(area.width, heading),
        row(picture, scope, Kind::Started, area.width),
        row(picture, scope, Kind::Created, area.width),
    ];
    if area.height > 3 {
        let query = setting(picture, "FAS_PROMETHEUS_QUERY").unwrap_or_default();
        lines.push(Line::styled(format!(" traffic   {query}"), QUIET));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn row(picture: &Picture<'_>, scope: Option<&ScopePlan>, kind: Kind, width: u16) -> Line<'static> {
    let observed = scope.map(|scope| scope.observed.of(kind));
    let target = picture.total().and_then(|total| total.targets).map(|targets| targets.of(kind));
    let style = observed.zip(target).map_or(QUIET, |(count, target)| standing(count, target));
    let mut line = Line::from(vec![
        Span::raw(format!(" {kind:9}")).bold(),
        Span::styled(
            format!("{:>3}", observed.map_or("-".to_owned(), |count| count.to_string())),
            style,
        ),
        Span::raw(format!("  of {:7}", target.unwrap_or_default().to_string())),
    ]);
    let expressions = expressions(picture, kind);
    if line.width() + expressions.len() <= usize::from(width) {
        line.push_span(Span::styled(expressions, QUIET));
    }
    line
}

/// What gives the targets: for each region, or for all of them together.
fn expressions(picture: &Picture<'_>, kind: Kind) -> String {
    let name = format!("{}_MACHINE_COUNT", kind.to_string().to_uppercase());
    let of = |prefix: &str| {
        let names = ["MIN_", "MAX_", ""].map(|side| format!("{prefix}{side}{name}"));
        let values: Vec<&str> = names.iter().filter_map(|name| setting(picture, name)).collect();
        values.join(" to ")
    };
    match (of("FAS_REGION_"), of("FAS_")) {
        (each, all) if each.is_empty() => all,
        (each, all) if all.is_empty() => format!("by region: {each}"),
        (each, all) => format!("by region: {each}; in all: {all}"),
    }
}

/// How a number of machines looks beside its target.
pub(super) fn standing(count: u32, target: Bounds) -> Style {
    let is_below = target.min.is_some_and(|min| count < min);
    let is_above = target.max.is_some_and(|max| count > max);
    if is_below || is_above { MOVING } else { GOOD }
}

fn setting<'a>(picture: &Picture<'a>, name: &str) -> Option<&'a str> {
    let found = picture.settings.iter().find(|setting| setting.name == name);
    found.map(Setting::shown)
}
