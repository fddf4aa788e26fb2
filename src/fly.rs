//! Fly over HTTP: the Machines API, the release look-up, and what Fly says of the token.
//!
//! [`FlyClient`] is the [`MachinesApi`](crate::ports::MachinesApi) of `serve`. A call is made in this
//! order: wait for a place within Fly's limits (`limiter`), send, read a bounded answer (`client`),
//! give a failure its class (`classify`), try again where that is safe (`retry`), decode (`wire`).

mod calls;
mod classify;
mod client;
mod coverage;
mod limiter;
mod org;
mod regions;
mod releases;
mod retry;
mod rotation;
mod tokens;
mod volumes;
pub mod wire;

pub use client::{CallObserver, CallSeen, FlyClient, FlyClientError};
pub use coverage::{TokenApps, TokenInfo, TokenWarning, coverage};
pub use org::OrgClient;
