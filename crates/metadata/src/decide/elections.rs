//! Being written.
#![allow(unused)]
use super::*;
use crate::command::*;
use headwater_types::*;

pub(super) fn elect(
    out: &mut Emitter,
    command: &ElectLeaders,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}
