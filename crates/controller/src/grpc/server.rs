//! The side that is called.

use super::{
    CommandRequest, CommandResponse, HeartbeatRequest, HeartbeatResponse, MESSAGE_BYTES_MAX,
    MetadataChunk, MetadataRequest, RaftMessage, STREAM_QUEUE_MAX, SnapshotChunk, SnapshotRequest,
};
use crate::generated::controller::RaftAck;
use crate::generated::controller::cluster_server::{Cluster, ClusterServer};
use crate::generated::controller::quorum_server::{Quorum, QuorumServer};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};
use tonic::codegen::tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

/// Where an answer goes; dropping it answers "unavailable".
pub type Reply<T> = oneshot::Sender<Result<T, Status>>;

/// What a controller offers to its peers. Every function hands its argument to the controller's
/// own thread and returns at once.
pub trait Service: Send + Sync + 'static {
    /// A Raft message came in. `false` where the queue is full: the stream ends, and the peer's
    /// Raft will send again.
    fn raft_message(&self, message: RaftMessage) -> bool;

    /// A peer wants a snapshot; its pieces go into `out`.
    fn snapshot(&self, request: SnapshotRequest, out: mpsc::Sender<Result<SnapshotChunk, Status>>);

    /// A broker registers.
    fn register(&self, request: CommandRequest, reply: Reply<CommandResponse>);

    /// A broker says that it lives.
    fn heartbeat(&self, request: HeartbeatRequest, reply: Reply<HeartbeatResponse>);

    /// A broker passes a command on.
    fn submit(&self, request: CommandRequest, reply: Reply<CommandResponse>);

    /// A broker follows the metadata; entries go into `out` for as long as it listens.
    fn metadata(&self, request: MetadataRequest, out: mpsc::Sender<Result<MetadataChunk, Status>>);
}

/// Both services, ready to be served on a listener.
pub fn router<S: Service>(service: Arc<S>) -> tonic::transport::server::Router {
    let shared = Shared(service);
    tonic::transport::Server::builder()
        .add_service(QuorumServer::new(shared.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .add_service(ClusterServer::new(shared).max_decoding_message_size(MESSAGE_BYTES_MAX))
}

struct Shared<S>(Arc<S>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The pieces of an answer as they come.
#[derive(Debug)]
pub struct Pieces<T>(mpsc::Receiver<Result<T, Status>>);

impl<T> Stream for Pieces<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

async fn answered<T>(answer: oneshot::Receiver<Result<T, Status>>) -> Result<Response<T>, Status> {
    let unavailable = |_| Status::unavailable("the controller has stopped");
    answer.await.map_err(unavailable)?.map(Response::new)
}

#[tonic::async_trait]
impl<S: Service> Quorum for Shared<S> {
    type SnapshotStream = Pieces<SnapshotChunk>;

    async fn messages(
        &self,
        request: Request<Streaming<RaftMessage>>,
    ) -> Result<Response<RaftAck>, Status> {
        let mut messages = request.into_inner();
        while let Some(message) = messages.message().await? {
            if !self.0.raft_message(message) {
                return Err(Status::resource_exhausted("too many messages wait"));
            }
        }
        Ok(Response::new(RaftAck {}))
    }

    async fn snapshot(
        &self,
        request: Request<SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        let (sender, receiver) = mpsc::channel(2);
        self.0.snapshot(request.into_inner(), sender);
        Ok(Response::new(Pieces(receiver)))
    }
}

#[tonic::async_trait]
impl<S: Service> Cluster for Shared<S> {
    type MetadataStream = Pieces<MetadataChunk>;

    async fn register(
        &self,
        request: Request<CommandRequest>,
    ) -> Result<Response<CommandResponse>, Status> {
        let (reply, answer) = oneshot::channel();
        self.0.register(request.into_inner(), reply);
        answered(answer).await
    }

    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        let (reply, answer) = oneshot::channel();
        self.0.heartbeat(request.into_inner(), reply);
        answered(answer).await
    }

    async fn submit(
        &self,
        request: Request<CommandRequest>,
    ) -> Result<Response<CommandResponse>, Status> {
        let (reply, answer) = oneshot::channel();
        self.0.submit(request.into_inner(), reply);
        answered(answer).await
    }

    async fn metadata(
        &self,
        request: Request<MetadataRequest>,
    ) -> Result<Response<Self::MetadataStream>, Status> {
        let (sender, receiver) = mpsc::channel(STREAM_QUEUE_MAX);
        self.0.metadata(request.into_inner(), sender);
        Ok(Response::new(Pieces(receiver)))
    }
}
