//! Kafka's wire protocol without I/O: frames, every API at every version, record batches and
//! compression.
//!
//! Start with [`messages`]: one module for each API, generated from `proto/kafka`, with plain
//! structs for request and response. [`wire`] holds the primitives under them, [`header`] and
//! [`frame`] what stands around them, and [`records`] what Produce and Fetch carry.
//!
//! The crate must never panic on bytes from a peer, never allocate more than a stated multiple of
//! them ([`wire::MEMORY_FACTOR`]), and never copy record bytes that it can hand on as a slice.
//!
//! ```
//! use headwater_protocol::header::{RequestHeader, encode_request};
//! use headwater_protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
//! use headwater_protocol::wire::{Reader, Writer};
//! use headwater_protocol::{ApiKey, Message};
//!
//! let request = MetadataRequest {
//!     topics: Some(vec![MetadataRequestTopic {
//!         name: Some("orders".into()),
//!         ..MetadataRequestTopic::default()
//!     }]),
//!     ..MetadataRequest::default()
//! };
//! let mut writer = Writer::new();
//! encode_request(&mut writer, &request, 12, 7, Some("example".into()))?;
//! let frame = writer.into_bytes()?;
//!
//! let mut reader = Reader::new(frame);
//! let header = RequestHeader::decode(&mut reader)?;
//! assert_eq!(ApiKey::from_code(header.api_key), Some(ApiKey::Metadata));
//! assert_eq!(header.correlation_id, 7);
//! assert_eq!(MetadataRequest::decode(&mut reader, header.api_version)?, request);
//! reader.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api_key;
pub mod frame;
pub mod header;
mod message;
pub mod messages;
pub mod records;
pub mod wire;

#[cfg(test)]
mod tests;

pub use message::{Message, Request};
pub use messages::ApiKey;
