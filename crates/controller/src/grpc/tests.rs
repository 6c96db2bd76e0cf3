//! Both sides over a real socket.

use super::*;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tonic::Status;
use tonic::transport::server::TcpIncoming;

#[derive(Default)]
struct Fake {
    messages: Mutex<Vec<u64>>,
}

impl Service for Fake {
    fn raft_message(&self, message: RaftMessage) -> bool {
        let mut messages = self.messages.lock().unwrap();
        messages.push(message.index);
        messages.len() < 3
    }

    fn snapshot(&self, request: SnapshotRequest, out: mpsc::Sender<Result<SnapshotChunk, Status>>) {
        let chunk = SnapshotChunk { position: request.position, ..SnapshotChunk::default() };
        let _ = out.try_send(Ok(chunk));
    }

    fn register(&self, request: CommandRequest, reply: Reply<CommandResponse>) {
        let response = CommandResponse { reply: request.command, ..CommandResponse::default() };
        let _ = reply.send(Ok(response));
    }

    fn heartbeat(&self, _: HeartbeatRequest, reply: Reply<HeartbeatResponse>) {
        drop(reply);
    }

    fn submit(&self, _: CommandRequest, reply: Reply<CommandResponse>) {
        let _ = reply.send(Err(Status::aborted("no")));
    }

    fn metadata(&self, request: MetadataRequest, out: mpsc::Sender<Result<MetadataChunk, Status>>) {
        for offset in request.from_offset..request.from_offset + 3 {
            let _ = out.try_send(Ok(MetadataChunk { offset, ..MetadataChunk::default() }));
        }
    }
}

#[test]
fn every_call_gets_through() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = incoming.local_addr().unwrap();
        let service = Arc::new(Fake::default());
        let server = tokio::spawn(router(Arc::clone(&service)).serve_with_incoming(incoming));
        let peer = Peer::new(format!("http://{address}")).unwrap();

        let command = CommandRequest { command: vec![1, 2].into(), ..CommandRequest::default() };
        assert_eq!(peer.register(command.clone()).await.unwrap().reply, [1u8, 2][..]);
        assert_eq!(peer.submit(command).await.unwrap_err().code(), tonic::Code::Aborted);
        let dropped = peer.heartbeat(HeartbeatRequest::default()).await.unwrap_err();
        assert_eq!(dropped.code(), tonic::Code::Unavailable);

        let request = MetadataRequest { from_offset: 5, ..MetadataRequest::default() };
        let mut chunks = peer.metadata(request).await.unwrap();
        let mut offsets = Vec::new();
        while let Some(chunk) = chunks.message().await.unwrap() {
            offsets.push(chunk.offset);
        }
        assert_eq!(offsets, [5, 6, 7]);
        let request = SnapshotRequest { position: 9, ..SnapshotRequest::default() };
        let mut chunks = peer.snapshot(request).await.unwrap();
        assert_eq!(chunks.message().await.unwrap().unwrap().position, 9);

        let (sender, stream) = peer.messages();
        for index in 1..=3 {
            sender.send(RaftMessage { index, ..RaftMessage::default() }).await.unwrap();
        }
        let refused = stream.await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        assert_eq!(*service.messages.lock().unwrap(), [1, 2, 3]);
        server.abort();
    });
}
