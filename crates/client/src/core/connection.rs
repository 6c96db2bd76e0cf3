//! One connection's protocol: requests in, segments out; bytes in, answers out.
//!
//! The shell opens the socket, writes what [`Connection::take_output`] gives, reads into
//! [`Connection::space`], calls [`Connection::received`], and acts on the events. A connection
//! first asks for the broker's versions; requests are taken once [`Event::Ready`] came. Answers
//! come in the order of the requests, so one wrong or late answer makes the connection useless:
//! then every waiting request fails and [`Event::Closed`] says why.
//!
//! `T` is whatever the shell needs to find its caller again: a channel, or a number in simulation.

use super::codec::{body_of, correlation_id, encode_request};
use super::error::{ConnectionError, SendError};
use super::inbox::Inbox;
use super::limits;
use super::negotiation::{Negotiation, Step};
use super::versions::{BrokerVersions, Unsupported, VersionRange};
use bytes::{Bytes, BytesMut};
use headwater_protocol::messages::api_versions::ApiVersionsRequest;
use headwater_protocol::wire::{Segment, Str};
use headwater_protocol::{ApiKey, Request};
use std::collections::VecDeque;
use std::sync::Arc;

/// How a connection presents and limits itself.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// Kafka's `client.id`, which quotas and the broker's logs use.
    pub client_id: Option<Str>,
    /// The name of the client software, for the broker's metrics (KIP-511): letters, digits,
    /// dots and hyphens.
    pub software_name: Str,
    /// Its version, of the same letters.
    pub software_version: Str,
    /// Bytes of the longest answer that is taken.
    pub response_bytes_max: usize,
    /// Requests that may wait for answers.
    pub in_flight_max: usize,
    /// How long the broker may take to say which versions it knows.
    pub negotiation_timeout_ms: u64,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            client_id: Some(Str::from_static("headwater")),
            software_name: Str::from_static("headwater"),
            software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
            response_bytes_max: limits::RESPONSE_BYTES_MAX,
            in_flight_max: limits::IN_FLIGHT_MAX,
            negotiation_timeout_ms: 10_000,
        }
    }
}

/// How one request is sent.
#[derive(Clone, Copy, Debug)]
pub struct SendOptions {
    /// The version: what [`Connection::version`] said, or a lower one that both sides know.
    pub version: i16,
    /// How long its answer may take, in milliseconds from now.
    pub timeout_ms: u64,
}

/// An answer without its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The API.
    pub api: ApiKey,
    /// The version of the exchange.
    pub version: i16,
    /// The body, a slice of the frame it came in.
    pub body: Bytes,
}

/// What the connection tells its shell.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<T> {
    /// The versions are known: requests are taken from now on.
    Ready(Arc<BrokerVersions>),
    /// A request was answered.
    Answered {
        /// The caller.
        token: T,
        /// The answer.
        answer: Answer,
    },
    /// A request that was taken will never be answered; the broker may have acted on it.
    Failed {
        /// The caller.
        token: T,
        /// Its API.
        api: ApiKey,
        /// Why.
        error: ConnectionError,
    },
    /// The connection is over; nothing follows.
    Closed(ConnectionError),
}

#[derive(Debug)]
enum Phase {
    Negotiating { negotiation: Negotiation, started_ms: u64 },
    Ready(Arc<BrokerVersions>),
    Closed(ConnectionError),
}

#[derive(Debug)]
struct InFlight<T> {
    correlation_id: i32,
    api: ApiKey,
    version: i16,
    sent_ms: u64,
    deadline_ms: u64,
    /// `None` for the connection's own requests.
    token: Option<T>,
}

/// One connection to one broker.
#[derive(Debug)]
pub struct Connection<T> {
    config: ConnectionConfig,
    phase: Phase,
    inbox: Inbox,
    /// Oldest first; `<= config.in_flight_max`.
    in_flight: VecDeque<InFlight<T>>,
    next_correlation_id: i32,
    outbox: Vec<Segment>,
    outbox_bytes: usize,
    events: VecDeque<Event<T>>,
    quiet_until_ms: u64,
}

impl<T> Connection<T> {
    /// A connection over a socket that was just opened. Its first request waits in the output.
    pub fn new(config: ConnectionConfig, now_ms: u64) -> Self {
        let mut connection = Self {
            inbox: Inbox::new(config.response_bytes_max),
            phase: Phase::Negotiating { negotiation: Negotiation::new(), started_ms: now_ms },
            in_flight: VecDeque::new(),
            next_correlation_id: 0,
            outbox: Vec::new(),
            outbox_bytes: 0,
            events: VecDeque::new(),
            quiet_until_ms: 0,
            config,
        };
        connection.ask_versions(now_ms);
        connection
    }

    /// The highest version of a request that both sides know.
    ///
    /// # Errors
    /// [`SendError::NotReady`] before [`Event::Ready`], [`SendError::Unsupported`] when there is
    /// no common version.
    pub fn version<R: Request>(&self) -> Result<i16, SendError> {
        match &self.phase {
            Phase::Negotiating { .. } => Err(SendError::NotReady),
            Phase::Ready(versions) => versions.best::<R>().map_err(SendError::Unsupported),
            Phase::Closed(error) => Err(SendError::Closed(error.clone())),
        }
    }

    /// Takes a request. Its answer, or its failure, comes as an event with `token`.
    ///
    /// # Errors
    /// When the connection cannot take it; nothing was sent then.
    pub fn send<R: Request>(
        &mut self,
        now_ms: u64,
        request: &R,
        options: SendOptions,
        token: T,
    ) -> Result<(), SendError> {
        self.check_version::<R>(options.version)?;
        if self.in_flight.len() >= self.config.in_flight_max {
            return Err(SendError::Full { in_flight: self.in_flight.len() });
        }
        self.push_request(now_ms, request, options, Some(token))
    }

    /// Takes a request that the broker never answers: Produce with acks=0.
    ///
    /// # Errors
    /// When the connection cannot take it; nothing was sent then.
    pub fn send_unanswered<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<(), SendError> {
        self.check_version::<R>(version)?;
        let correlation_id = self.next_correlation_id;
        self.push_frame(request, version, correlation_id)
    }

    /// Where the shell reads into, before it calls [`Connection::received`].
    pub fn space(&mut self) -> &mut BytesMut {
        self.inbox.space()
    }

    /// Bytes were read into [`Connection::space`].
    pub fn received(&mut self, now_ms: u64) {
        while !self.is_closed() {
            match self.inbox.next_frame() {
                Ok(Some(frame)) => {
                    if let Err(error) = self.frame(now_ms, frame) {
                        self.close(error);
                    }
                }
                Ok(None) => break,
                Err(error) => self.close(error.into()),
            }
        }
    }

    /// Bytes were read elsewhere: [`Connection::received`] with a copy.
    pub fn received_bytes(&mut self, now_ms: u64, bytes: &[u8]) {
        if !self.is_closed() {
            self.inbox.push(bytes);
            self.received(now_ms);
        }
    }

    /// What is to be written to the socket, in order; empty when nothing is.
    pub fn take_output(&mut self) -> Vec<Segment> {
        self.outbox_bytes = 0;
        std::mem::take(&mut self.outbox)
    }

    /// Bytes that wait for [`Connection::take_output`].
    pub fn output_bytes(&self) -> usize {
        self.outbox_bytes
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    /// When [`Connection::tick`] must be called at the latest; `None` while nothing waits.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.in_flight.iter().map(|waiting| waiting.deadline_ms).min()
    }

    /// Time has passed: an overdue answer closes the connection.
    pub fn tick(&mut self, now_ms: u64) {
        let overdue = self.in_flight.iter().find(|waiting| waiting.deadline_ms <= now_ms);
        if let Some(waiting) = overdue {
            let waited_ms = now_ms.saturating_sub(waiting.sent_ms);
            let error = ConnectionError::TimedOut { api: waiting.api, waited_ms };
            self.close(error);
        }
    }

    /// The broker asked for silence: `throttle_time_ms` of an answer (KIP-219).
    pub fn throttled(&mut self, now_ms: u64, throttle_ms: u64) {
        self.quiet_until_ms = self.quiet_until_ms.max(now_ms.saturating_add(throttle_ms));
    }

    /// Until when the broker wants no further request.
    pub fn quiet_until_ms(&self) -> u64 {
        self.quiet_until_ms
    }

    /// Ends the connection: everything that waits fails with `error`. A second call does nothing.
    pub fn close(&mut self, error: ConnectionError) {
        if self.is_closed() {
            return;
        }
        self.phase = Phase::Closed(error.clone());
        self.outbox = Vec::new();
        self.outbox_bytes = 0;
        self.inbox = Inbox::new(0);
        for waiting in std::mem::take(&mut self.in_flight) {
            if let Some(token) = waiting.token {
                let api = waiting.api;
                self.events.push_back(Event::Failed { token, api, error: error.clone() });
            }
        }
        self.events.push_back(Event::Closed(error));
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// What the broker can do, once it has said so.
    pub fn versions(&self) -> Option<&Arc<BrokerVersions>> {
        match &self.phase {
            Phase::Ready(versions) => Some(versions),
            Phase::Negotiating { .. } | Phase::Closed(_) => None,
        }
    }

    /// Requests that wait for their answers.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    fn check_version<R: Request>(&self, version: i16) -> Result<(), SendError> {
        let best = self.version::<R>()?;
        let ours = VersionRange {
            min: *<R as Request>::VERSIONS.start(),
            max: *<R as Request>::VERSIONS.end(),
        };
        let theirs = self.versions().and_then(|versions| versions.range(R::KEY));
        let lowest = ours.min.max(theirs.map_or(i16::MIN, |range| range.min));
        if version < lowest || version > best {
            return Err(SendError::Unsupported(Unsupported {
                api: R::KEY,
                ours: VersionRange { min: version, max: version },
                theirs,
            }));
        }
        Ok(())
    }

    fn ask_versions(&mut self, now_ms: u64) {
        let Phase::Negotiating { negotiation, started_ms } = &self.phase else { return };
        let version = negotiation.version();
        let deadline_ms = started_ms.saturating_add(self.config.negotiation_timeout_ms);
        let timeout_ms = deadline_ms.saturating_sub(now_ms);
        let request =
            Negotiation::request(&self.config.software_name, &self.config.software_version);
        let options = SendOptions { version, timeout_ms };
        if let Err(error) = self.push_request::<ApiVersionsRequest>(now_ms, &request, options, None)
        {
            self.close(ConnectionError::MalformedApiVersions {
                version,
                reason: error.to_string(),
            });
        }
    }

    fn push_request<R: Request>(
        &mut self,
        now_ms: u64,
        request: &R,
        options: SendOptions,
        token: Option<T>,
    ) -> Result<(), SendError> {
        let correlation_id = self.next_correlation_id;
        self.push_frame(request, options.version, correlation_id)?;
        self.in_flight.push_back(InFlight {
            correlation_id,
            api: R::KEY,
            version: options.version,
            sent_ms: now_ms,
            deadline_ms: now_ms.saturating_add(options.timeout_ms),
            token,
        });
        Ok(())
    }

    fn push_frame<R: Request>(
        &mut self,
        request: &R,
        version: i16,
        correlation_id: i32,
    ) -> Result<(), SendError> {
        let client_id = self.config.client_id.clone();
        let segments = encode_request(request, version, correlation_id, client_id)?;
        self.next_correlation_id = if correlation_id == i32::MAX { 0 } else { correlation_id + 1 };
        self.outbox_bytes += segments.iter().map(Segment::length).sum::<usize>();
        self.outbox.extend(segments);
        Ok(())
    }

    fn frame(&mut self, now_ms: u64, frame: Bytes) -> Result<(), ConnectionError> {
        let got = correlation_id(&frame)?;
        let Some(waiting) = self.in_flight.front() else {
            return Err(ConnectionError::Unasked { got });
        };
        if waiting.correlation_id != got {
            let expected = waiting.correlation_id;
            return Err(ConnectionError::WrongCorrelation { expected, got });
        }
        let (api, version) = (waiting.api, waiting.version);
        let body = body_of(frame, api, version)?;
        let token = self.in_flight.pop_front().and_then(|waiting| waiting.token);
        match token {
            Some(token) => {
                let answer = Answer { api, version, body };
                self.events.push_back(Event::Answered { token, answer });
                Ok(())
            }
            None => self.negotiated(now_ms, body),
        }
    }

    fn negotiated(&mut self, now_ms: u64, body: Bytes) -> Result<(), ConnectionError> {
        let Phase::Negotiating { negotiation, .. } = &mut self.phase else { return Ok(()) };
        match negotiation.answered(body)? {
            Step::AskAgain(_) => self.ask_versions(now_ms),
            Step::Agreed(versions) => {
                let versions = Arc::new(versions);
                self.phase = Phase::Ready(Arc::clone(&versions));
                self.events.push_back(Event::Ready(versions));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
