//! InitProducerId: an id for an idempotent producer.
//!
//! Transactional ids need the transaction coordinator, which is not built yet; a request for one is
//! refused for good rather than left to try for ever.

use crate::authorizer::{Operation, Resource};
use crate::call::{Answer, Call};
use crate::node::Node;
use crate::outbox::Wake;
use crate::parked::{Parked, Progress};
use crate::producer_ids::Drawn;
use crate::ticket::Ticket;
use headwater_metadata::command::{AllocateProducerIds, Command, CommandReply};
use headwater_protocol::messages::init_producer_id::{
    InitProducerIdRequest, InitProducerIdResponse,
};
use headwater_types::{ErrorCode, ProducerEpoch, ProducerId};

/// How long the controller may take to set a block of ids aside, in ms.
const BLOCK_WAIT_MS: i64 = 15_000;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: InitProducerIdRequest,
) -> Answer<InitProducerIdResponse> {
    match request.transactional_id.as_deref() {
        None => {}
        Some("") => return Answer::Now(refused(ErrorCode::InvalidRequest)),
        Some(id) if !call.allows(Operation::Write, Resource::TransactionalId(id)) => {
            return Answer::Now(refused(ErrorCode::TransactionalIdAuthorizationFailed));
        }
        Some(_) => return Answer::Now(refused(ErrorCode::UnsupportedVersion)),
    }
    if !may_be_idempotent(call) {
        return Answer::Now(refused(ErrorCode::ClusterAuthorizationFailed));
    }
    if (request.producer_id == ProducerId::NONE.0)
        != (request.producer_epoch == ProducerEpoch::NONE.0)
    {
        return Answer::Now(refused(ErrorCode::InvalidRequest));
    }
    match draw(call) {
        Some(id) => Answer::Now(granted(id)),
        None => Answer::Later {
            parked: Box::new(AwaitBlock),
            deadline_ms: Some(call.now.deadline_after(BLOCK_WAIT_MS)),
        },
    }
}

/// Whoever may write to any topic may do so idempotently (KIP-679).
fn may_be_idempotent(call: &Call<'_>) -> bool {
    call.allows(Operation::IdempotentWrite, Resource::Cluster)
        || call
            .view
            .image
            .topics_by_name()
            .any(|topic| call.allows(Operation::Write, Resource::Topic(&topic.name)))
}

/// An id, or `None` after seeing to it that this request is woken when there are some.
fn draw(call: &mut Call<'_>) -> Option<ProducerId> {
    let ticket = call.ticket();
    match call.node.producer_ids.draw(|| ticket) {
        Drawn::Id(id) => Some(id),
        Drawn::Wait => None,
        Drawn::AskForBlock => {
            let command = AllocateProducerIds {
                broker: call.node.me(),
                broker_epoch: call.node.broker_epoch(),
            };
            call.command(Command::AllocateProducerIds(command));
            None
        }
    }
}

fn granted(id: ProducerId) -> InitProducerIdResponse {
    InitProducerIdResponse {
        producer_id: id.0,
        producer_epoch: 0,
        ..InitProducerIdResponse::default()
    }
}

fn refused(error: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: error.code(),
        producer_id: ProducerId::NONE.0,
        producer_epoch: ProducerEpoch::NONE.0,
        ..InitProducerIdResponse::default()
    }
}

/// Waits for a block of ids, asked for by this request or another.
struct AwaitBlock;

impl Parked for AwaitBlock {
    type Response = InitProducerIdResponse;

    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Progress<InitProducerIdResponse> {
        match wake {
            Wake::Command(Ok(CommandReply::ProducerIds { first, count })) => {
                let block = first.0..first.0.saturating_add(i64::from(count));
                for waiting in call.node.producer_ids.refill(block) {
                    call.out.wake(waiting);
                }
            }
            Wake::Command(_) => {
                for waiting in call.node.producer_ids.failed() {
                    call.out.wake(waiting);
                }
                return Progress::Done(refused(ErrorCode::CoordinatorLoadInProgress));
            }
            Wake::Deadline => return Progress::Done(refused(ErrorCode::RequestTimedOut)),
            Wake::Reached | Wake::Job(_) => {}
        }
        match draw(call) {
            Some(id) => Progress::Done(granted(id)),
            None => Progress::Waits,
        }
    }

    fn retire(&mut self, node: &Node, ticket: Ticket) {
        node.producer_ids.stop_waiting(ticket);
    }
}
