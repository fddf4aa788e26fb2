//! Leases, as Fly enforces them: who does not hold the lease of a machine may not change it.

use std::time::Duration;

use serde_json::json;

use crate::model::{MachineId, Timestamp};

use super::answer::{Answer, Outcome};
use super::app::App;
use super::call::Call;
use super::machine::{HeldLease, SimMachine};

/// Of a lease that is asked for without a ttl. Fly does not document its own.
const DEFAULT_TTL: Duration = Duration::from_secs(13);

impl App {
    /// Refuses whoever does not hold the lease of a machine that has one.
    pub(crate) fn check_lease(
        &self,
        id: &MachineId,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Outcome<()> {
        let machine = self.machine(id)?;
        match machine.lease_at(now) {
            Some(lease) if Some(lease.nonce.as_str()) != nonce => Err(held(id, lease)),
            _ => Ok(()),
        }
    }

    /// Takes the lease of a machine, or prolongs it for who shows its nonce.
    pub(crate) fn acquire_lease(
        &mut self,
        id: &MachineId,
        call: &Call,
        now: Timestamp,
    ) -> Outcome<Answer> {
        self.check_lease(id, call.nonce.as_deref(), now)?;
        // flyctl sends the ttl in the query, the documentation has it in the body.
        let asked =
            call.param("ttl").and_then(|ttl| ttl.parse().ok()).or(call.body["ttl"].as_u64());
        let ttl = asked.map_or(DEFAULT_TTL, Duration::from_secs);
        let description = call.body["description"].as_str().unwrap_or_default();
        self.lease(id, ttl, description, now)?;
        Ok(envelope(201, self.machine(id)?, now))
    }

    pub(crate) fn read_lease(&self, id: &MachineId, now: Timestamp) -> Outcome<Answer> {
        let machine = self.machine(id)?;
        match machine.lease_at(now) {
            Some(_) => Ok(envelope(200, machine, now)),
            None => Err(Answer::not_found("lease")),
        }
    }

    pub(crate) fn release_lease(
        &mut self,
        id: &MachineId,
        call: &Call,
        now: Timestamp,
    ) -> Outcome<Answer> {
        if self.machine(id)?.lease_at(now).is_none() {
            return Err(Answer::not_found("lease"));
        }
        self.check_lease(id, call.nonce.as_deref(), now)?;
        self.machine_mut(id)?.lease = None;
        Ok(Answer::ok())
    }

    /// Gives someone the lease of a machine, and tells the nonce. A lease that runs keeps its nonce.
    pub(crate) fn lease(
        &mut self,
        id: &MachineId,
        ttl: Duration,
        description: &str,
        now: Timestamp,
    ) -> Outcome<String> {
        let running = self.machine(id)?.lease_at(now).map(|lease| lease.nonce.clone());
        let nonce = running.unwrap_or_else(|| self.random.hex(32));
        let digits = self.random.hex(32);
        let owner = format!(
            "{}-{}-{}-{}-{}@tokens.fly.io",
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..]
        );
        self.machine_mut(id)?.lease = Some(HeldLease {
            nonce: nonce.clone(),
            owner,
            description: description.to_owned(),
            expires_at: now.plus(ttl),
        });
        Ok(nonce)
    }
}

fn held(id: &MachineId, lease: &HeldLease) -> Answer {
    let HeldLease { owner, expires_at, .. } = lease;
    let text = format!("machine ID {id} lease currently held by {owner}, expires at {expires_at}");
    Answer::refuse(409, text)
}

/// What the service really wraps a lease in, other than its API description says.
fn envelope(status: u16, machine: &SimMachine, now: Timestamp) -> Answer {
    let data = machine.lease_at(now).map(|lease| {
        json!({
            "nonce": lease.nonce,
            "expires_at": lease.expires_at.as_millis().div_euclid(1000),
            "owner": lease.owner,
            "description": lease.description,
            "version": machine.instance_id,
        })
    });
    Answer::json(status, &json!({ "status": "success", "data": data }))
}
