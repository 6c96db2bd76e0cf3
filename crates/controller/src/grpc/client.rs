//! The side that calls.

use super::{
    CommandRequest, CommandResponse, HeartbeatRequest, HeartbeatResponse, MESSAGE_BYTES_MAX,
    MetadataChunk, MetadataRequest, RaftMessage, STREAM_QUEUE_MAX, SnapshotChunk, SnapshotRequest,
};
use crate::generated::controller::cluster_client::ClusterClient;
use crate::generated::controller::quorum_client::QuorumClient;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::codegen::tokio_stream::Stream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a silent connection is asked whether it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Another controller of the cluster. It connects when it is first used, and again when it must.
#[derive(Clone, Debug)]
pub struct Peer {
    quorum: QuorumClient<Channel>,
    cluster: ClusterClient<Channel>,
}

/// The messages of one stream as they are handed in.
struct Messages(mpsc::Receiver<RaftMessage>);

impl Stream for Messages {
    type Item = RaftMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RaftMessage>> {
        self.0.poll_recv(context)
    }
}

impl Peer {
    /// The controller at an address like `http://host:9093`; must be called within a runtime.
    ///
    /// # Errors
    ///
    /// It is no address.
    pub fn new(address: String) -> Result<Self, tonic::transport::Error> {
        let channel = Endpoint::from_shared(address)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
            .connect_lazy();
        let quorum = QuorumClient::new(channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let cluster = ClusterClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { quorum, cluster })
    }

    /// Opens a stream of Raft messages. What does not fit into the sender may be dropped: Raft
    /// sends again. The future ends with the stream.
    pub fn messages(
        &self,
    ) -> (mpsc::Sender<RaftMessage>, impl Future<Output = Result<(), Status>> + Send + use<>) {
        let (sender, receiver) = mpsc::channel(STREAM_QUEUE_MAX);
        let mut quorum = self.quorum.clone();
        let stream = async move { quorum.messages(Messages(receiver)).await.map(|_| ()) };
        (sender, stream)
    }

    /// Asks for a snapshot.
    ///
    /// # Errors
    ///
    /// The peer cannot be reached or refuses.
    pub async fn snapshot(
        &self,
        request: SnapshotRequest,
    ) -> Result<Streaming<SnapshotChunk>, Status> {
        Ok(self.quorum.clone().snapshot(request).await?.into_inner())
    }

    /// Registers a broker.
    ///
    /// # Errors
    ///
    /// The peer cannot be reached.
    pub async fn register(&self, request: CommandRequest) -> Result<CommandResponse, Status> {
        Ok(self.cluster.clone().register(request).await?.into_inner())
    }

    /// Keeps a broker's session alive.
    ///
    /// # Errors
    ///
    /// The peer cannot be reached.
    pub async fn heartbeat(&self, request: HeartbeatRequest) -> Result<HeartbeatResponse, Status> {
        Ok(self.cluster.clone().heartbeat(request).await?.into_inner())
    }

    /// Passes a command on.
    ///
    /// # Errors
    ///
    /// The peer cannot be reached.
    pub async fn submit(&self, request: CommandRequest) -> Result<CommandResponse, Status> {
        Ok(self.cluster.clone().submit(request).await?.into_inner())
    }

    /// Follows the metadata.
    ///
    /// # Errors
    ///
    /// The peer cannot be reached or refuses.
    pub async fn metadata(
        &self,
        request: MetadataRequest,
    ) -> Result<Streaming<MetadataChunk>, Status> {
        Ok(self.cluster.clone().metadata(request).await?.into_inner())
    }
}
