//! One worker's part of the node: its connections and the requests of theirs that wait.
//!
//! A worker belongs to one thread. What another thread has for one of its requests comes in by
//! [`Worker::resume`], through the shell.

use crate::api;
use crate::call::{Call, Step};
use crate::connection::Connection;
use crate::context::{ConnectionId, RequestContext, kept};
use crate::node::Node;
use crate::outbox::{Outbox, Wake};
use crate::parked::{ParkedTable, Resumed};
use crate::ticket::{Ticket, WorkerId};
use crate::time::Now;
use bytes::Bytes;
use headwater_protocol::header::RequestHeader;
use headwater_protocol::wire::Reader;
use std::collections::BTreeMap;
use thiserror::Error;

/// What one request may cost in memory while it is decoded, its record bytes apart, which stay
/// slices of the frame. A fetch of 100,000 partitions takes a tenth of it.
pub const REQUEST_MEMORY_BYTES_MAX: usize = 64 << 20;

/// Why a connection has to be closed: what it sent cannot be answered.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum FrameError {
    #[error("the frame is no request: {0}")]
    Malformed(#[from] headwater_protocol::wire::DecodeError),
    #[error("API {api_key} version {api_version} is not offered")]
    UnsupportedApi { api_key: i16, api_version: i16 },
    #[error("too many requests wait on this worker")]
    TooManyWaiting,
    #[error("the handler asked for the connection to be closed")]
    Refused,
    #[error("there is no such connection")]
    UnknownConnection,
}

/// The connections of one worker thread.
pub struct Worker {
    connections: BTreeMap<ConnectionId, Connection>,
    next_connection: u64,
    parked: ParkedTable,
}

impl Worker {
    /// A worker without connections.
    pub fn new(id: WorkerId) -> Self {
        Self { connections: BTreeMap::new(), next_connection: 0, parked: ParkedTable::new(id) }
    }

    /// Takes in a new connection.
    pub fn connect(
        &mut self,
        make_context: impl FnOnce(ConnectionId) -> RequestContext,
    ) -> ConnectionId {
        let id = ConnectionId(self.next_connection);
        self.next_connection += 1;
        self.connections.insert(id, Connection::new(make_context(id)));
        id
    }

    /// The connection, to take its answers from.
    pub fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(&id)
    }

    /// How many connections there are.
    pub fn connections_count(&self) -> usize {
        self.connections.len()
    }

    /// How many requests wait.
    pub fn parked_count(&self) -> usize {
        self.parked.in_use()
    }

    /// Handles one request: the bytes of a frame without its length prefix. The caller has asked
    /// [`Connection::accepts_more`] before.
    ///
    /// # Errors
    /// When the connection has to be closed; answers that were due before are still to be sent.
    pub fn handle_frame(
        &mut self,
        node: &Node,
        id: ConnectionId,
        frame: Bytes,
        now: Now,
        out: &mut Outbox,
    ) -> Result<(), FrameError> {
        let connection = self.connections.get_mut(&id).ok_or(FrameError::UnknownConnection)?;
        let mut reader = Reader::with_memory_limit(frame, REQUEST_MEMORY_BYTES_MAX);
        let header = RequestHeader::decode(&mut reader)?;
        let RequestHeader { api_key, api_version, correlation_id, client_id, .. } = header;
        let (row, api) = api::find(api_key, api_version)
            .ok_or(FrameError::UnsupportedApi { api_key, api_version })?;
        node.count_request(row);
        connection.context.note_client(client_id.as_deref());
        let mut call = Call::new(
            node,
            now,
            &connection.context,
            (api_version, correlation_id),
            out,
            &mut self.parked,
            None,
        );
        let step = (api.handler)(&mut call, &mut reader);
        let (ticket, software, holds) = (call.ticket, call.software.take(), call.holds);
        if let Some((name, version)) = software {
            connection.context.software = Some((kept(&name), kept(&version)));
        }
        match step {
            Ok(Step::Park { request, deadline_ms }) => {
                let slot = connection.next_slot();
                let ticket = match ticket {
                    Some(ticket) => ticket,
                    None => self.parked.reserve().ok_or(FrameError::TooManyWaiting)?,
                };
                self.parked.park(
                    ticket,
                    id,
                    slot,
                    (api_version, correlation_id),
                    request,
                    deadline_ms,
                );
                connection.push_waiting(ticket);
                if holds {
                    connection.hold(ticket);
                }
                return Ok(());
            }
            Ok(Step::Ready(reply)) => connection.push_ready(reply),
            Ok(Step::Silent) => connection.push_silent(),
            Ok(Step::Close) => {
                connection.close_after_answers();
                self.release(ticket);
                return Err(FrameError::Refused);
            }
            Err(error) => {
                connection.close_after_answers();
                self.release(ticket);
                return Err(error.into());
            }
        }
        self.release(ticket);
        Ok(())
    }

    /// Resumes a parked request; gives the connection that may now have an answer to send, or accept
    /// another request.
    pub fn resume(
        &mut self,
        node: &Node,
        ticket: Ticket,
        wake: Wake,
        now: Now,
        out: &mut Outbox,
    ) -> Option<ConnectionId> {
        let mut entry = self.parked.take(ticket)?;
        let id = entry.connection;
        let Some(connection) = self.connections.get_mut(&id) else {
            entry.request.retire(node, ticket);
            self.parked.finish(ticket, &entry);
            return None;
        };
        let mut call = Call::new(
            node,
            now,
            &connection.context,
            (entry.api_version, entry.correlation_id),
            out,
            &mut self.parked,
            Some(ticket),
        );
        let reply = match entry.request.resume(&mut call, wake) {
            Resumed::Waits => {
                self.parked.put_back(ticket, entry);
                return None;
            }
            Resumed::WaitsAnew { deadline_ms } => {
                self.parked.put_back_until(ticket, entry, deadline_ms);
                return connection.let_go(ticket).then_some(id);
            }
            Resumed::Ready(reply) => Some(reply),
            Resumed::Silent => None,
            Resumed::Close => {
                connection.close_after_answers();
                None
            }
        };
        entry.request.retire(node, ticket);
        self.parked.finish(ticket, &entry);
        connection.let_go(ticket);
        connection.fill(entry.slot, reply);
        Some(id)
    }

    /// A request whose deadline has passed: it is to be resumed with [`Wake::Deadline`].
    pub fn pop_expired(&mut self, now: Now) -> Option<Ticket> {
        self.parked.pop_expired(now.monotonic_ms)
    }

    /// Whose request waits under a ticket, if one does.
    pub fn connection_of(&self, ticket: Ticket) -> Option<ConnectionId> {
        self.parked.connection_of(ticket)
    }

    /// A request of this connection panicked while it was resumed: it is given up, and the connection
    /// has to be closed, since its answers come in order.
    pub fn abandon(&mut self, id: ConnectionId, ticket: Ticket) {
        self.parked.release(ticket);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.close_after_answers();
        }
    }

    /// When [`Worker::pop_expired`] has something to give next, on the monotonic clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.parked.next_deadline()
    }

    /// Forgets a connection and what of its requests still waits.
    pub fn disconnect(&mut self, node: &Node, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else { return };
        for ticket in connection.waiting() {
            if let Some(mut entry) = self.parked.take(ticket) {
                entry.request.retire(node, ticket);
                self.parked.finish(ticket, &entry);
            }
        }
    }

    fn release(&mut self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.parked.release(ticket);
        }
    }
}
