//! What a Headwater cluster is, and how it may change.
//!
//! The [`Image`](image::Image) is the whole of a cluster's metadata, immutable and cheap to copy.
//! A [`Command`](command::Command) asks for a change; [`decide`](decide::decide) answers it with
//! [records](record::MetadataRecord), and only [`apply`](image::apply) of a record makes a new
//! image. Leading, following and loading after a restart run the same `apply`.
//!
//! Nothing here does I/O, reads a clock or draws a random number: time and ids are inputs.
//! Start reading at [`decide::decide`].
//!
//! ```
//! use headwater_metadata::command::{Command, CreateTopics, NewTopic};
//! use headwater_metadata::decide::{DecideContext, Policy, decide};
//! use headwater_metadata::image::Image;
//!
//! let mut next = 0u8;
//! let mut ids = || { next += 1; [next; 16] };
//! let policy = Policy::free();
//! let mut context = DecideContext::new(0, &mut ids, &policy);
//! let topic = NewTopic { name: "orders".into(), partitions: 3, ..NewTopic::default() };
//! let command = Command::CreateTopics(CreateTopics { topics: vec![topic], validate_only: false });
//!
//! let decision = decide(&Image::default(), &command, &mut context).unwrap();
//! assert!(decision.records.is_empty(), "there is no broker to hold it yet");
//! ```

pub mod command;
pub mod config;
pub mod decide;
pub mod image;
pub mod limits;
pub mod record;

mod generated {
    //! Committed output of `cargo xtask codegen`.
    #![allow(missing_docs, clippy::all)]
    pub mod metadata;
}
