//! Being written.
#![allow(unused)]
use super::*;
use crate::command::*;
use headwater_types::*;

pub(super) fn create(
    out: &mut Emitter,
    command: &CreateTopics,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn delete(
    out: &mut Emitter,
    command: &DeleteTopics,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn create_partitions(
    out: &mut Emitter,
    command: &CreatePartitions,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}
