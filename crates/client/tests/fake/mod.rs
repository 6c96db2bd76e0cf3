//! A broker made of a closure, reached through pipes in memory or through TCP.

// Each test file uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use headwater_client::{Address, ConnectFuture, Streams, Transport};
use headwater_protocol::header::{RequestHeader, ResponseHeader};
use headwater_protocol::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use headwater_protocol::messages::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};
use headwater_protocol::wire::{Reader, Segment, Str, Writer};
use headwater_protocol::{ApiKey, Message};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A request as the broker sees it.
pub struct Asked {
    pub api: ApiKey,
    pub version: i16,
    pub body: Bytes,
    /// How many connections were opened before this one.
    pub connection: usize,
}

impl Asked {
    pub fn decode<M: Message>(&self) -> M {
        M::decode(&mut Reader::new(self.body.clone()), self.version).unwrap()
    }

    /// An answer of this request's version.
    pub fn answer<M: Message>(&self, body: &M) -> Reply {
        let mut writer = Writer::new();
        body.encode(&mut writer, self.version).unwrap();
        Reply::Body(joined(writer.finish_frame().unwrap()).split_off(4))
    }
}

/// What the broker does.
pub enum Reply {
    /// Answers.
    Body(Vec<u8>),
    /// Writes these bytes as they are, instead of a frame.
    Raw(Vec<u8>),
    /// Closes the connection.
    Close,
    /// Says nothing.
    Silence,
}

pub type Handler = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

pub fn handler(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Handler {
    Arc::new(answer)
}

fn joined(segments: Vec<Segment>) -> Vec<u8> {
    let memory = |segment: Segment| match segment {
        Segment::Memory(bytes) => bytes,
        Segment::External { .. } => panic!("no files here"),
    };
    segments.into_iter().map(memory).collect::<Vec<_>>().concat()
}

/// Serves one connection. `piece` is how many bytes of an answer are written at a time.
pub async fn serve<S>(mut stream: S, handler: Handler, connection: usize, piece: usize)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Ok(length) = stream.read_i32().await {
        let mut frame = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        let frame = Bytes::from(frame);
        let short = |at: usize| i16::from_be_bytes(frame[at..at + 2].try_into().unwrap());
        let (key, version) = (short(0), short(2));
        let api = ApiKey::from_code(key).unwrap();
        let mut reader = Reader::new(frame.clone());
        let header = RequestHeader::decode(&mut reader).unwrap();
        let asked = Asked { api, version, body: reader.into_rest(), connection };
        let bytes = match handler(&asked) {
            Reply::Body(body) => {
                let mut writer = Writer::new();
                let response_header =
                    ResponseHeader { correlation_id: header.correlation_id, ..Default::default() };
                response_header.encode(&mut writer, api.response_header_version(version)).unwrap();
                let head = joined(writer.finish_frame().unwrap()).split_off(4);
                let length = i32::try_from(head.len() + body.len()).unwrap();
                [&length.to_be_bytes()[..], &head, &body].concat()
            }
            Reply::Raw(bytes) => bytes,
            Reply::Close => return,
            Reply::Silence => continue,
        };
        for part in bytes.chunks(piece) {
            if stream.write_all(part).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Brokers behind pipes in memory, by address.
#[derive(Clone, Default)]
pub struct Memory {
    brokers: Arc<Mutex<BTreeMap<String, Handler>>>,
    opened: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Memory {
    pub fn with(self, address: &str, handler: Handler) -> Self {
        self.brokers.lock().unwrap().insert(address.to_owned(), handler);
        self
    }

    /// How often a broker was connected to.
    pub fn opened(&self, address: &str) -> usize {
        self.opened.lock().unwrap().get(address).copied().unwrap_or(0)
    }
}

impl Transport for Memory {
    fn connect<'a>(&'a self, address: &'a Address, _timeout: Duration) -> ConnectFuture<'a> {
        let handler = self.brokers.lock().unwrap().get(&address.to_string()).cloned();
        Box::pin(async move {
            let handler = handler.ok_or(io::ErrorKind::ConnectionRefused)?;
            let connection = {
                let mut opened = self.opened.lock().unwrap();
                let count = opened.entry(address.to_string()).or_insert(0);
                *count += 1;
                *count - 1
            };
            let (ours, theirs) = tokio::io::duplex(4_096);
            tokio::spawn(serve(theirs, handler, connection, 1_024));
            let (reader, writer) = tokio::io::split(ours);
            Ok(Streams { reader: Box::new(reader), writer: Box::new(writer) })
        })
    }
}

/// An ApiVersions answer that offers each API in every version this crate knows.
pub fn api_versions(asked: &Asked, apis: &[ApiKey]) -> Reply {
    let api = |key: &ApiKey| ApiVersion {
        api_key: key.code(),
        min_version: 0,
        max_version: 20,
        ..Default::default()
    };
    let api_keys = apis.iter().chain(&[ApiKey::ApiVersions]).map(api).collect();
    asked.answer(&ApiVersionsResponse { api_keys, ..Default::default() })
}

/// A Metadata answer of two brokers, `one:1` and `two:2`, the second one being the controller,
/// where each topic asked for has the partitions 0 and 1, led by broker 1 and 2.
pub fn metadata(asked: &Asked) -> Reply {
    let broker = |id: i32, host: &'static str| MetadataResponseBroker {
        node_id: id,
        host: Str::from_static(host),
        port: id,
        ..Default::default()
    };
    let partition = |index: i32| MetadataResponsePartition {
        partition_index: index,
        leader_id: index + 1,
        leader_epoch: 0,
        replica_nodes: vec![index + 1],
        isr_nodes: vec![index + 1],
        ..Default::default()
    };
    let request: MetadataRequest = asked.decode();
    let topics =
        request.topics.unwrap_or_default().into_iter().map(|topic| MetadataResponseTopic {
            name: topic.name,
            partitions: vec![partition(0), partition(1)],
            ..Default::default()
        });
    asked.answer(&MetadataResponse {
        brokers: vec![broker(1, "one"), broker(2, "two")],
        controller_id: 2,
        topics: topics.collect(),
        ..Default::default()
    })
}
