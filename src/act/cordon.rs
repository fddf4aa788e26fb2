//! Taking a machine out of the proxy's rotation and putting it back, with the mark that says whose doing it
//! was.

use crate::decide::CORDON_KEY;
use crate::model::{AppName, MachineId, Timestamp};
use crate::ports::{ApiError, ErrorClass, Lease, MachinesApi};

/// Marks the machine and cordons it. The mark comes first: a process that dies in between leaves a machine
/// that serves, not one that is out of rotation and nobody's.
pub(super) async fn on(
    api: &dyn MachinesApi,
    app: &AppName,
    machine: &MachineId,
    at: Timestamp,
    lease: Option<&Lease>,
) -> Result<(), ApiError> {
    api.set_metadata(app, machine, CORDON_KEY, Some(at.to_string()), lease).await?;
    api.cordon(app, machine, lease).await
}

/// Lifts the cordon, and then takes the mark away: if that fails, a later tick knows what is left to do.
pub(super) async fn off(
    api: &dyn MachinesApi,
    app: &AppName,
    machine: &MachineId,
    lease: Option<&Lease>,
) -> Result<(), ApiError> {
    api.uncordon(app, machine, lease).await?;
    match api.set_metadata(app, machine, CORDON_KEY, None, lease).await {
        // No such key: a cordon that we remember, and whose mark someone has taken away.
        Err(error) if error.class == ErrorClass::Gone => Ok(()),
        answer => answer,
    }
}
