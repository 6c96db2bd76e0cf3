//! Being written.
#![allow(unused)]
use super::*;
use crate::command::*;
use headwater_types::*;

pub(super) fn register(
    out: &mut Emitter,
    command: &RegisterBroker,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn unregister(
    out: &mut Emitter,
    command: BrokerId,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn fence(out: &mut Emitter, command: BrokerId) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn unfence(out: &mut Emitter, command: BrokerId) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn controlled_shutdown(
    out: &mut Emitter,
    command: BrokerId,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn allocate_producer_ids(
    out: &mut Emitter,
    command: AllocateProducerIds,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}
