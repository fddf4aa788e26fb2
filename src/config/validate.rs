//! From what was written to what it means, with every mistake noted.

mod collectors;
mod expressions;

use crate::decide::Policy;
use crate::model::{AppName, Kind, LogFormat, MachineId, ProcessGroup, Side};

use super::env::EnvSource;
use super::env_vars as var;
use super::error::{Mistakes, Warning};
use super::mistake::Mistake;
use super::place::Place;
use super::raw::{Raw, Values};
use super::read::Reader;
use super::setting::{self, Setting, VARIABLES};
use super::value;
use super::{Config, GroupConfig};

/// The configuration that `raw` describes; `None` where something is missing without which there is
/// none. Mistakes may have been noted in either case.
pub(super) fn validate(
    raw: &Raw,
    env: &dyn EnvSource,
    mistakes: &mut Mistakes,
    warnings: &mut Vec<Warning>,
) -> Option<Config> {
    let app = app_name(&raw.settings, mistakes);
    check_counts(&raw.settings, mistakes);
    let policy = policy(&raw.settings, mistakes);
    let collectors = collectors::collectors(&raw.collectors, mistakes, warnings);
    let names = expressions::names(&raw.collectors, &policy.regions, mistakes);
    let expressions = expressions::compile_all(&raw.settings, &names, mistakes);
    let flaps_base_url = base_url(var::FLY_FLAPS_BASE_URL, env, mistakes);
    let api_base_url = base_url(var::FLY_API_BASE_URL, env, mistakes);

    let mut read = Reader { values: &raw.settings, mistakes };
    let group = read.text(&setting::PROCESS_GROUP).map(ProcessGroup::new);
    let org = read.read(&setting::ORG, |text| value::slug(text).map(str::to_owned));
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
    let [release_guard, verbose, dry_run] =
        [&setting::RELEASE_GUARD, &setting::VERBOSE, &setting::DRY_RUN].map(|s| read.boolean(s));
    Some(Config {
        app: app?,
        org,
        groups: vec![GroupConfig { group: group?, expressions, policy }],
        collectors,
        interval: interval?,
        timeout: timeout?,
        concurrency: concurrency as usize,
        app_list_refresh_interval: refresh?,
        api_token,
        flaps_base_url: flaps_base_url?,
        api_base_url: api_base_url?,
        release_guard,
        release_timeout: release_timeout?,
        action_concurrency: action_concurrency as usize,
        shutdown_timeout: shutdown_timeout?,
        listen: listen?,
        log_format: log_format.map(|at| [LogFormat::Json, LogFormat::Text][at]),
        verbose,
        dry_run,
        own_machine: env.get(var::FLY_MACHINE_ID).filter(|id| !id.is_empty()).map(MachineId::new),
    })
}

fn app_name(values: &Values, mistakes: &mut Mistakes) -> Option<AppName> {
    if values.place(&setting::APP_NAME).is_none() {
        mistakes.add(Mistake::AppNameRequired, &Place::Nowhere);
    }
    let mut read = Reader { values, mistakes };
    read.read(&setting::APP_NAME, |text| value::app_name(text).map(AppName::new))
}

/// The settings of one kind of count: the number itself, and its two ends.
const COUNTS: [(Kind, [&Setting; 3]); 2] = [
    (
        Kind::Created,
        [
            &setting::CREATED_MACHINE_COUNT,
            &setting::MIN_CREATED_MACHINE_COUNT,
            &setting::MAX_CREATED_MACHINE_COUNT,
        ],
    ),
    (
        Kind::Started,
        [
            &setting::STARTED_MACHINE_COUNT,
            &setting::MIN_STARTED_MACHINE_COUNT,
            &setting::MAX_STARTED_MACHINE_COUNT,
        ],
    ),
];

/// Upstream's rules about which counts go together.
fn check_counts(values: &Values, mistakes: &mut Mistakes) {
    let mut is_any = false;
    for (kind, settings) in COUNTS {
        let [one, min, max] = settings.map(|setting| values.place(setting));
        is_any |= one.or(min).or(max).is_some();
        match (one, min, max) {
            (Some(_), Some(end), _) | (Some(_), None, Some(end)) => {
                mistakes.add(Mistake::CountAndRange { kind }, end);
            }
            (None, Some(place), None) => {
                let (missing, given) = (Side::Max, Side::Min);
                mistakes.add(Mistake::RangeEnd { kind, missing, given }, place);
            }
            (None, None, Some(place)) => {
                let (missing, given) = (Side::Min, Side::Max);
                mistakes.add(Mistake::RangeEnd { kind, missing, given }, place);
            }
            _ => {}
        }
    }
    if !is_any {
        mistakes.add(Mistake::NoMachineCount, &Place::Nowhere);
    }
}

fn policy(values: &Values, mistakes: &mut Mistakes) -> Policy {
    let mut read = Reader { values, mistakes };
    let policy = Policy {
        regions: read.regions(&setting::REGIONS),
        launch_created: read.choice(&setting::INITIAL_MACHINE_STATE) == Some(0),
        min_machines: read.count(&setting::MIN_MACHINES),
        max_machines: read.count(&setting::MAX_MACHINES),
        destroy_brake: read.boolean(&setting::DESTROY_BRAKE),
        destroy_force: read.boolean(&setting::DESTROY_FORCE),
        suspend: read.choice(&setting::STOP_ACTION) == Some(1),
        create_volumes: read.choice(&setting::VOLUMES) == Some(1),
    };
    let (min, max) = (policy.min_machines, policy.max_machines);
    // A maximum that could not be read stands here as 0, below what the table allows.
    if max > 0 && min > max {
        let given = values.get(&setting::MIN_MACHINES).or(values.get(&setting::MAX_MACHINES));
        let place = given.map_or(&Place::Default, |given| &given.place);
        mistakes.add(Mistake::MinAboveMax { min, max }, place);
    }
    policy
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
