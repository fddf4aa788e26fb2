//! The plans of many apps: those that say something in full, the quiet ones in a line each.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use fly_autoscaler::config::Config;
use fly_autoscaler::decide::Verdict;
use fly_autoscaler::fleet::Matching;
use fly_autoscaler::fly::{FlyClient, OrgClient};
use fly_autoscaler::model::{AppName, AppPattern, AppSelection};
use fly_autoscaler::ports::Directory as _;
use fly_autoscaler::status::Tick;
use futures::stream::{self, StreamExt as _};
use serde::Serialize;

use super::{text, verdict};
use crate::compose::Scaling;

/// The next tick of each app that matches, by name.
pub(super) async fn previews(
    scaling: &Scaling,
    fly: &Arc<FlyClient>,
    pattern: &AppPattern,
    org: &str,
    config: &Config,
) -> anyhow::Result<Vec<(AppName, Tick)>> {
    let organization = Arc::new(OrgClient::new(Arc::clone(fly), org));
    let apps = Matching::new(organization, pattern.clone(), config.own_app.clone()).apps().await;
    let apps = apps.with_context(|| format!("the apps that match `{pattern}` cannot be listed"))?;
    let previews = stream::iter(apps.into_iter().map(|app| async {
        let tick = scaling.of(app.clone()).preview().await;
        (app, tick)
    }));
    let mut plans: Vec<_> = previews.buffer_unordered(config.concurrency).collect().await;
    plans.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(plans)
}

pub(super) fn render(apps: &AppSelection, plans: &[(AppName, Tick)]) -> String {
    let mut out = String::new();
    let is_quiet = |tick: &Tick| verdict(tick) == Some(Verdict::Quiet);
    for (app, tick) in plans.iter().filter(|(_, tick)| !is_quiet(tick)) {
        out += &text::render(app, tick);
        out.push('\n');
    }
    for (app, tick) in plans.iter().filter(|(_, tick)| is_quiet(tick)) {
        let _ = writeln!(out, "{app}: {}", text::in_a_line(tick));
    }
    let count = |wanted| plans.iter().filter(|(_, tick)| verdict(tick) == wanted).count();
    let _ = writeln!(
        out,
        "{} apps match {apps}: {} would change, {} held, {} quiet, {} failed",
        plans.len(),
        count(Some(Verdict::Act)),
        count(Some(Verdict::Hold)),
        count(Some(Verdict::Quiet)),
        count(None),
    );
    out
}

/// The plans for programs.
#[derive(Serialize)]
pub(super) struct Plans<'a> {
    apps: Vec<Planned<'a>>,
}

#[derive(Serialize)]
struct Planned<'a> {
    app: &'a AppName,
    #[serde(flatten)]
    tick: &'a Tick,
}

pub(super) fn as_json(plans: &[(AppName, Tick)]) -> Plans<'_> {
    Plans { apps: plans.iter().map(|(app, tick)| Planned { app, tick }).collect() }
}
