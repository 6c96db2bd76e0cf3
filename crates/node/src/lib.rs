//! The Headwater broker without sockets, threads or clock: API table, handlers, partitions,
//! sessions.
//!
//! The node takes frames in and gives answers out; time, completed disk operations and committed
//! metadata are inputs like requests. What it asks of the world it puts into an [`Outbox`]. So the
//! same code serves behind real sockets and in a simulation.
//!
//! Start reading at `api/mod.rs`, the table of what is answered, then [`Worker::handle_frame`].
//!
//! ```
//! use headwater_node::{Outbox, Now, Worker, WorkerId};
//!
//! let worker = Worker::new(WorkerId(0));
//! assert_eq!(worker.next_deadline(), None, "nothing waits yet");
//! assert!(Outbox::new().is_empty());
//! assert_eq!(Now::default().deadline_after(5), 5);
//! ```

mod api;
pub mod authorizer;
mod auto_create;
mod call;
mod connection;
mod context;
mod error;
mod facts;
pub mod features;
mod fetch_session;
mod folder;
mod moves;
mod node;
mod outbox;
mod parked;
mod partition;
mod placement;
mod producer_ids;
pub mod quorum;
mod reply;
mod scrubbing;
mod settings;
mod ticket;
mod time;
pub mod topic_name;
mod worker;

pub use connection::{Connection, IN_FLIGHT_MAX, SlotNumber};
pub use context::{ConnectionId, RequestContext};
pub use facts::{Fact, Replica};
pub use folder::Folder;
pub use node::{HousekeepingError, Node, NodeStart, View};
pub use outbox::{Effect, Job, JobOutcome, Outbox, Pool, Task, Wake};
pub use partition::{
    Ends, FutureStatus, Isolation, Partition, PartitionCounters, PartitionError, PartitionRead,
    PartitionStatus, ReadRequest,
};
pub use reply::{Reply, ReplyPart};
pub use settings::NetworkSettings;
pub use ticket::{Ticket, WorkerId};
pub use time::Now;
pub use worker::{FrameError, Worker};
