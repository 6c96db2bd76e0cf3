//! One request on its way: what a handler may look at and ask for.

use crate::authorizer::{Operation, Resource, Verdict};
use crate::context::RequestContext;
use crate::node::{Node, View};
use crate::outbox::{Effect, Job, Outbox, Wake};
use crate::parked::{Parked, ParkedReply, ParkedTable, Progress, Resumed};
use crate::partition::Partition;
use crate::reply::Reply;
use crate::ticket::Ticket;
use crate::time::Now;
use headwater_log::FileSlice;
use headwater_metadata::command::Command;
use headwater_protocol::Request;
use headwater_protocol::header::encode_response;
use headwater_protocol::wire::{DecodeError, Reader, Writer};
use headwater_protocol::wire::{RecordsPart, Str};
use headwater_types::{ErrorCode, PartitionIndex};
use std::marker::PhantomData;
use std::sync::Arc;

/// What a handler says.
pub enum Answer<T> {
    /// Here is the response.
    Now(T),
    /// Nothing is to be sent (acks=0).
    Silent,
    /// The connection must be closed, as Kafka does where no answer can be given.
    Close,
    /// The response comes later.
    Later {
        /// What waits; its ticket is that of [`Call::ticket`].
        parked: Box<dyn Parked<Response = T>>,
        /// When it is resumed with [`Wake::Deadline`], on the monotonic clock.
        deadline_ms: Option<u64>,
    },
}

/// A handler's surroundings.
pub struct Call<'a> {
    /// The broker.
    pub node: &'a Node,
    /// The cluster as it stood when the request was taken up.
    pub view: Arc<View>,
    /// The time when the request was taken up.
    pub now: Now,
    /// Who sent it.
    pub context: &'a RequestContext,
    /// In which version.
    pub api_version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) out: &'a mut Outbox,
    pub(crate) tickets: &'a mut ParkedTable,
    pub(crate) ticket: Option<Ticket>,
    /// Whether the requests behind this one on its connection are left until it was handled.
    pub(crate) holds: bool,
    /// Name and version of the client software, when this request tells them.
    pub(crate) software: Option<(Str, Str)>,
    files: Vec<FileSlice>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        node: &'a Node,
        now: Now,
        context: &'a RequestContext,
        (api_version, correlation_id): (i16, i32),
        out: &'a mut Outbox,
        tickets: &'a mut ParkedTable,
        ticket: Option<Ticket>,
    ) -> Self {
        Self {
            node,
            view: node.view(),
            now,
            context,
            api_version,
            correlation_id,
            out,
            tickets,
            ticket,
            holds: false,
            software: None,
            files: Vec::new(),
        }
    }

    /// The ticket under which this request parks; `None` when too many wait already.
    pub fn ticket(&mut self) -> Option<Ticket> {
        if self.ticket.is_none() {
            self.ticket = self.tickets.reserve();
        }
        self.ticket
    }

    /// Has the requests behind this one on its connection left until it was handled, if it parks
    /// before that: for those whose order must stay.
    pub fn hold_those_behind(&mut self) {
        self.holds = true;
    }

    /// Whether the sender may do `operation` to `resource`.
    pub fn allows(&self, operation: Operation, resource: Resource<'_>) -> bool {
        self.node.authorizer().authorize(self.context, operation, resource) == Verdict::Allowed
    }

    /// The partition of a topic by name, if it is held here.
    ///
    /// # Errors
    /// Kafka's code for one that is unknown, or held by another broker.
    pub fn held_partition(&self, topic: &str, partition: i32) -> Result<Arc<Partition>, ErrorCode> {
        let topic = self.view.image.topic_named(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        match self.view.partition(topic.id, partition) {
            Some(held) => Ok(Arc::clone(held)),
            None if topic.partition(PartitionIndex(partition)).is_some() => {
                Err(ErrorCode::NotLeaderOrFollower)
            }
            None => Err(ErrorCode::UnknownTopicOrPartition),
        }
    }

    /// Hands a command to the controller; this request is resumed with the answer.
    pub fn command(&mut self, command: Command) {
        let reply_to = self.ticket();
        self.out.push(Effect::Command { reply_to, command });
    }

    /// Hands a command to the controller whose answer nobody waits for.
    pub fn command_and_forget(&mut self, command: Command) {
        self.out.push(Effect::Command { reply_to: None, command });
    }

    /// Runs a job on an I/O thread; this request is resumed with its outcome.
    pub fn job(&mut self, job: Job) {
        let reply_to = self.ticket();
        self.out.push(Effect::Job { reply_to, job });
    }

    /// Puts a range of a file into the response: the part to place among the records.
    pub fn file_part(&mut self, slice: FileSlice) -> RecordsPart {
        let length = slice.length;
        let token = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(slice);
        RecordsPart::External { token, length }
    }

    /// Encodes a response to this request; `None` if it cannot be said in the request's version,
    /// which closes the connection.
    pub(crate) fn encode<R: Request>(&mut self, response: &R::Response) -> Option<Reply> {
        let mut writer = Writer::new();
        let encoded =
            encode_response::<R>(&mut writer, response, self.api_version, self.correlation_id);
        let files = std::mem::take(&mut self.files);
        debug_assert!(encoded.is_ok(), "{:?} v{}: {encoded:?}", R::KEY, self.api_version);
        encoded.ok()?;
        Some(Reply::assemble(writer.finish_frame().ok()?, files))
    }
}

/// What became of a request, whichever API it was of.
pub(crate) enum Step {
    Ready(Reply),
    Silent,
    Close,
    Park { request: Box<dyn ParkedReply>, deadline_ms: Option<u64> },
}

/// Decodes a request, runs its handler and encodes what it says.
pub(crate) fn run<R: Request + 'static>(
    call: &mut Call<'_>,
    reader: &mut Reader,
    handler: fn(&mut Call<'_>, R) -> Answer<R::Response>,
) -> Result<Step, DecodeError> {
    let request = R::decode(reader, call.api_version)?;
    Ok(match handler(call, request) {
        Answer::Now(response) => call.encode::<R>(&response).map_or(Step::Close, Step::Ready),
        Answer::Silent => Step::Silent,
        Answer::Close => Step::Close,
        Answer::Later { parked, deadline_ms } => {
            Step::Park { request: Box::new(Typed::<R> { parked, api: PhantomData }), deadline_ms }
        }
    })
}

/// A parked request that knows its API.
struct Typed<R: Request> {
    parked: Box<dyn Parked<Response = R::Response>>,
    api: PhantomData<fn() -> R>,
}

impl<R: Request> ParkedReply for Typed<R> {
    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Resumed {
        let answer = match self.parked.resume(call, wake) {
            Progress::Done(response) => Answer::Now(response),
            Progress::Handled(answer) => answer,
            Progress::Waits => {
                // What was read for an answer that is not given yet goes back.
                call.files.clear();
                return Resumed::Waits;
            }
        };
        match answer {
            Answer::Now(response) => {
                call.encode::<R>(&response).map_or(Resumed::Close, Resumed::Ready)
            }
            Answer::Silent => Resumed::Silent,
            Answer::Close => Resumed::Close,
            Answer::Later { parked, deadline_ms } => {
                call.files.clear();
                let mut before = std::mem::replace(&mut self.parked, parked);
                if let Some(ticket) = call.ticket {
                    before.retire(call.node, ticket);
                }
                Resumed::WaitsAnew { deadline_ms }
            }
        }
    }

    fn retire(&mut self, node: &Node, ticket: Ticket) {
        self.parked.retire(node, ticket);
    }
}

/// Waits for the controller's answer to one command and turns it into a response.
pub(crate) struct AwaitCommand<T, F> {
    finish: F,
    response: PhantomData<fn() -> T>,
}

impl<T: 'static, F> AwaitCommand<T, F>
where
    F: FnMut(&mut Call<'_>, Wake) -> T + Send + 'static,
{
    /// Parks a request until its command is decided. `finish` is called once, with
    /// [`Wake::Command`] or, should the controller be silent past the deadline, with
    /// [`Wake::Deadline`].
    pub fn park(deadline_ms: Option<u64>, finish: F) -> Answer<T> {
        Answer::Later { parked: Box::new(Self { finish, response: PhantomData }), deadline_ms }
    }
}

impl<T, F> Parked for AwaitCommand<T, F>
where
    F: FnMut(&mut Call<'_>, Wake) -> T + Send,
{
    type Response = T;

    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Progress<T> {
        match wake {
            Wake::Reached => Progress::Waits,
            Wake::Deadline | Wake::Command(_) | Wake::Job(_) => {
                Progress::Done((self.finish)(call, wake))
            }
        }
    }
}
