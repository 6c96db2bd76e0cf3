//! Being written.
#![allow(unused)]
use super::*;
use crate::command::*;
use headwater_types::*;

pub(super) fn alter(
    out: &mut Emitter,
    command: &AlterConfigs,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}

pub(super) fn incremental_alter(
    out: &mut Emitter,
    command: &IncrementalAlterConfigs,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}
