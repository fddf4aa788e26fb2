//! Creating one machine, and the volume that it mounts where it needs a new one.

use crate::decide::{NewVolume, Template, VolumeChoice};
use crate::model::{AppName, Region, Volume};
use crate::ports::{ApiError, CreateRequest, ErrorClass, MachinesApi, Operation, VolumeRequest};

use super::outcome::{ActionResult, Asked};

/// A create as the plan has it.
#[derive(Clone, Copy)]
pub(super) struct Create<'a> {
    pub(super) create_id: &'a str,
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
}

impl Create<'_> {
    /// Creates the machine in the first of its regions that has room.
    ///
    /// A volume that was made for a machine that Fly then refuses is left as it is: it bears the name
    /// that the next create looks for.
    pub(super) async fn run(self, api: &dyn MachinesApi, app: &AppName) -> Created {
        let mut left = Vec::new();
        let mut refused = None;
        for (index, region) in self.regions.iter().enumerate() {
            let choice = self.volumes.get(index);
            let mut made = None;
            let volume = match choice {
                None => None,
                Some(VolumeChoice::Use(id)) => Some(id.clone()),
                Some(VolumeChoice::Create(new)) => {
                    match self.make_volume(api, app, region, new).await {
                        Ok(volume) => Some(made.insert(volume).id.clone()),
                        Err(error) if error.class == ErrorClass::Capacity => {
                            refused = Some(error);
                            continue;
                        }
                        Err(error) => return Created::failed(error, left),
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
                    let result = ActionResult::Done { machine: machine.id, region: machine.region };
                    let asked = Some(Asked { region: region.clone(), volume });
                    return Created { result, asked, left };
                }
                Err(error) if error.outcome_unknown => {
                    let result = self.settle(api, app, region, error).await;
                    let asked = Some(Asked { region: region.clone(), volume });
                    return Created { result, asked, left };
                }
                Err(error) => {
                    left.extend(made);
                    if error.class != ErrorClass::Capacity {
                        return Created::failed(error, left);
                    }
                    refused = Some(error);
                }
            }
        }
        Created::failed(refused.unwrap_or_else(|| no_region(app)), left)
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

impl Created {
    fn failed(error: ApiError, left: Vec<Volume>) -> Self {
        Self { result: ActionResult::Failed(error), asked: None, left }
    }
}

/// A plan names at least one region for each create; one that does not is not carried out.
fn no_region(app: &AppName) -> ApiError {
    ApiError {
        operation: Operation::Create,
        subject: app.to_string(),
        class: ErrorClass::Rejected,
        status: None,
        message: "the plan names no region".into(),
        request_id: None,
        outcome_unknown: false,
    }
}
