//! From what was written to what it means, with every mistake noted.

mod advice;
mod collectors;
mod damping;
mod expressions;
mod groups;
mod placement;
mod regions;
mod stop_metric;

use std::path::Path;

use crate::model::{AppName, AppPattern, AppSelection, LogFormat, MachineId};

use super::Config;
use super::env::EnvSource;
use super::env_vars as var;
use super::error::{Mistakes, Notice, Warning};
use super::mistake::Mistake;
use super::place::Place;
use super::raw::{Raw, Values};
use super::read::Reader;
use super::secret::Secret;
use super::setting::{self, VARIABLES};
use super::value;

/// The configuration that `raw` describes; `None` where something is missing without which there is
/// none. Mistakes may have been noted in either case.
pub(super) fn validate(
    raw: &Raw,
    env: &dyn EnvSource,
    mistakes: &mut Mistakes,
    warnings: &mut Vec<Warning>,
) -> Option<Config> {
    let apps = app_selection(&raw.settings, mistakes);
    let groups = groups::groups(raw, mistakes);
    let collectors = collectors::collectors(&raw.collectors, mistakes, warnings);
    let has_traffic = expressions::has_traffic(&raw.collectors);
    placement::warn_of_unknown(raw, warnings);
    for group in &groups {
        placement::warn_of_idle(&group.policy, &group.in_force, has_traffic, warnings);
        damping::warn_of_idle(&group.in_force, warnings);
    }
    let regions = super::listed_regions(groups.iter().map(|group| &group.policy));
    let names = expressions::names(&raw.collectors, &regions, mistakes);
    let app_wide = expressions::app_wide(&raw.collectors);
    stop_metric::check(&raw.settings, mistakes);
    let compile = |group: groups::Uncompiled<'_>| {
        let stop_metric = stop_metric::of(&group, raw, &collectors, mistakes, warnings);
        group.compile(&names, &app_wide, stop_metric, mistakes, warnings)
    };
    let groups = groups.into_iter().map(compile).collect();
    let flaps_base_url = base_url(var::FLY_FLAPS_BASE_URL, env, mistakes);
    let api_base_url = base_url(var::FLY_API_BASE_URL, env, mistakes);

    let mut read = Reader { values: &raw.settings, mistakes };
    let state = read.read(&setting::STATE, value::path);
    warn_of_relative(&raw.settings, state.as_deref(), warnings);
    let org = read.read(&setting::ORG, org_slug);
    let log_format = read.choice(&setting::LOG_FORMAT);
    let listen = read.read(&setting::LISTEN, value::listen);
    // Each line is read whatever became of the others, so that every fault is noted; `?` comes after.
    let [interval, timeout, refresh] =
        [&setting::INTERVAL, &setting::TIMEOUT, &setting::APP_LIST_REFRESH_INTERVAL]
            .map(|setting| read.duration(setting));
    let [release_timeout, shutdown_timeout] =
        [&setting::RELEASE_TIMEOUT, &setting::SHUTDOWN_TIMEOUT].map(|s| read.duration(s));
    let concurrency = read.count(&setting::CONCURRENCY);
    let action_concurrency = read.count(&setting::ACTION_CONCURRENCY);
    let api_token = read.secret(&setting::API_TOKEN);
    let http_token = read.read(&setting::HTTP_TOKEN, |text| value::bearer(text).map(Secret::new));
    let metrics_per_app = read.optional_boolean(&setting::METRICS_PER_APP);
    let [release_guard, verbose, dry_run] =
        [&setting::RELEASE_GUARD, &setting::VERBOSE, &setting::DRY_RUN].map(|s| read.boolean(s));
    Some(Config {
        apps: apps?,
        org,
        groups,
        collectors,
        interval: interval?,
        timeout: timeout?,
        concurrency: concurrency as usize,
        app_list_refresh_interval: refresh?,
        metrics_per_app,
        api_token,
        state,
        flaps_base_url: flaps_base_url?,
        api_base_url: api_base_url?,
        release_guard,
        release_timeout: release_timeout?,
        action_concurrency: action_concurrency as usize,
        shutdown_timeout: shutdown_timeout?,
        listen: listen?,
        http_token,
        log_format: log_format.map(|at| [LogFormat::Json, LogFormat::Text][at]),
        verbose,
        dry_run,
        own_app: env.get(var::FLY_APP_NAME).filter(|app| !app.is_empty()).map(AppName::new),
        own_machine: env.get(var::FLY_MACHINE_ID).filter(|id| !id.is_empty()).map(MachineId::new),
    })
}

/// A path that is not from the root is another one wherever the program is started.
fn warn_of_relative(values: &Values, state: Option<&Path>, warnings: &mut Vec<Warning>) {
    let Some((path, place)) = state.zip(values.place(&setting::STATE)) else { return };
    if path.is_relative() {
        let value = path.display().to_string();
        let notice = Notice::RelativePath { key: setting::STATE.key, value };
        warnings.push(Warning { notice, place: place.clone() });
    }
}

/// One app, or those of an organization that match a pattern.
fn app_selection(values: &Values, mistakes: &mut Mistakes) -> Option<AppSelection> {
    if values.place(&setting::APP_NAME).is_none() {
        mistakes.add(Mistake::AppNameRequired, &Place::Nowhere);
    }
    let mut read = Reader { values, mistakes };
    let name = read.read(&setting::APP_NAME, |text| value::app_name(text).map(str::to_owned))?;
    if !AppPattern::is_one(&name) {
        return Some(AppSelection::One(AppName::new(name)));
    }
    let Some(org) = values.get(&setting::ORG) else {
        if values.place(&setting::ORG).is_none() {
            let place = values.place(&setting::APP_NAME).cloned();
            mistakes.add(Mistake::OrgRequired, &place.unwrap_or(Place::Nowhere));
        }
        return None;
    };
    // What is wrong with it is noted where it is read.
    let org = org_slug(org.text()).ok()?;
    Some(AppSelection::Matching { pattern: AppPattern::new(name), org })
}

fn org_slug(text: &str) -> Result<String, value::Fault> {
    value::slug(text).map(str::to_owned)
}

fn base_url(name: &'static str, env: &dyn EnvSource, mistakes: &mut Mistakes) -> Option<String> {
    let default = VARIABLES.iter().find(|variable| variable.name == name)?.default?;
    let text = env.get(name).filter(|text| !text.is_empty()).unwrap_or(default);
    value::url(text)
        .map_err(|fault| {
            let place = Place::Variable(name.to_owned());
            mistakes.add(Mistake::Value { key: name, fault }, &place);
        })
        .ok()
}
