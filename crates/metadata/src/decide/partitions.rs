//! Being written.
#![allow(unused)]
use super::*;
use crate::command::*;
use headwater_types::*;

pub(super) fn alter(
    out: &mut Emitter,
    command: &AlterPartition,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn assign_directories(
    out: &mut Emitter,
    command: &AssignReplicasToDirs,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}
