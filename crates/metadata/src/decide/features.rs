//! Being written.
#![allow(unused)]
use super::*;
use crate::command::*;
use headwater_types::*;

pub(super) fn update(
    out: &mut Emitter,
    command: &UpdateFeatures,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    Err(ErrorCode::UnsupportedVersion.into())
}
