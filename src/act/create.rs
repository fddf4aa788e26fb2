//! Creating one machine, and the volume that it mounts where it needs a new one.

use std::sync::Arc;

use crate::decide::{NewVolume, Template, VolumeChoice};
use crate::model::{AppName, ProcessGroup, Region, Volume};
use crate::ports::{ApiError, CreateRequest, ErrorClass, MachinesApi, VolumeRequest};

use super::outcome::{ActionResult, Asked, Skipped};
use super::room::Rooms;

/// A create as the plan has it.
#[derive(Clone, Copy)]
pub(super) struct Create<'a> {
    pub(super) create_id: &'a str,
    pub(super) group: &'a ProcessGroup,
    pub(super) regions: &'a [Region],
    /// One for each region, or none at all.
    pub(super) volumes: &'a [VolumeChoice],
    pub(super) template: &'a Template,
    pub(super) start: bool,
}

/// What came of a create.
pub(super) struct Created {
    pub(super) result: ActionResult,
    /// What was asked for, where a machine came of it or may have.
    pub(super) asked: Option<Asked>,
    /// Volumes that were made for it and that it does not mount.
    pub(super) left: Vec<Volume>,
    /// Regions that had no room, each with Fly's answer.
    pub(super) refusals: Vec<(Region, Arc<str>)>,
}

impl Create<'_> {
    /// Creates the machine in the first of its regions that has room.
    ///
    /// A volume that was made for a machine that Fly then refuses is left as it is: it bears the name
    /// that the next create looks for.
    /// Once scaling is paused, no further region is tried.
    pub(super) async fn run(
        self,
        api: &dyn MachinesApi,
        app: &AppName,
        rooms: &Rooms,
        is_paused: &(dyn Fn() -> bool + Send + Sync),
    ) -> Created {
        let mut created = Created {
            result: ActionResult::NotAttempted(Skipped::NoRoom),
            asked: None,
            left: Vec::new(),
            refusals: Vec::new(),
        };
        for (index, region) in self.regions.iter().enumerate() {
            let Some(entry) = rooms.enter(self.group, region).await else { continue };
            // To be let in may have taken as long as another create.
            if is_paused() {
                if created.refusals.is_empty() {
                    created.result = ActionResult::NotAttempted(Skipped::Paused);
                }
                break;
            }
            let result = self.run_in(api, app, region, self.volumes.get(index), &mut created).await;
            let refusal = match &result {
                ActionResult::Failed(error) if error.class == ErrorClass::Capacity => {
                    Some(answer(error))
                }
                _ => None,
            };
            entry.ended(refusal.is_none()).await;
            created.result = result;
            match refusal {
                Some(answer) => created.refusals.push((region.clone(), answer)),
                None => break,
            }
        }
        created
    }

    /// Creates the machine in `region`, with the volume of its `choice`.
    async fn run_in(
        self,
        api: &dyn MachinesApi,
        app: &AppName,
        region: &Region,
        choice: Option<&VolumeChoice>,
        created: &mut Created,
    ) -> ActionResult {
        let mut made = None;
        let volume = match choice {
            None => None,
            Some(VolumeChoice::Use(id)) => Some(id.clone()),
            Some(VolumeChoice::Create(new)) => {
                match self.make_volume(api, app, region, new).await {
                    Ok(volume) => Some(made.insert(volume).id.clone()),
                    Err(error) => return ActionResult::Failed(error),
                }
            }
        };
        let request = CreateRequest {
            region: region.clone(),
            config: self.template.config(self.create_id, self.start, volume.as_ref()),
            skip_launch: !self.start,
        };
        match api.create(app, &request).await {
            Ok(machine) => {
                created.asked = Some(Asked { region: region.clone(), volume });
                ActionResult::Done { machine: machine.id, region: machine.region }
            }
            Err(error) if error.outcome_unknown => {
                created.asked = Some(Asked { region: region.clone(), volume });
                self.settle(api, app, region, error).await
            }
            Err(error) => {
                created.left.extend(made);
                ActionResult::Failed(error)
            }
        }
    }

    async fn make_volume(
        self,
        api: &dyn MachinesApi,
        app: &AppName,
        region: &Region,
        new: &NewVolume,
    ) -> Result<Volume, ApiError> {
        let request = VolumeRequest {
            name: new.name.clone(),
            region: region.clone(),
            size_gb: new.size_gb,
            encrypted: new.encrypted,
            guest: self.template.guest().cloned(),
            image: self.template.image.clone(),
        };
        // What is unknown is whether there is a volume. There is surely no machine, and the volume, if
        // there is one, is found by its name the next time.
        let made = api.create_volume(app, &request).await;
        made.map_err(|error| ApiError { outcome_unknown: false, ..error })
    }

    /// Finds out whether a create with a lost answer was carried out. The list lags, so that only a
    /// machine that it shows is proof; without one the outcome stays unknown, and counts as carried out.
    async fn settle(
        self,
        api: &dyn MachinesApi,
        app: &AppName,
        region: &Region,
        error: ApiError,
    ) -> ActionResult {
        match api.find_created(app, self.create_id).await {
            Ok(Some(machine)) => ActionResult::Done { machine, region: region.clone() },
            Ok(None) | Err(_) => ActionResult::Failed(error),
        }
    }
}

/// What Fly said of a region without room, short enough for a line.
fn answer(error: &ApiError) -> Arc<str> {
    const ENOUGH: usize = 160;
    let status = error.status.map(|status| format!("{status} ")).unwrap_or_default();
    let mut text: String = error.message.chars().take(ENOUGH).collect();
    if text.len() < error.message.len() {
        text.push('…');
    }
    Arc::from(status + &text)
}
