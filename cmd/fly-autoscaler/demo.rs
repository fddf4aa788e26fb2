//! `demo`: the real autoscaler against an embedded Fly.

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: Arguments) -> anyhow::Result<u8> {
    Ok(crate::DONE)
}
