//! Says in the log what the node has noted for whoever runs the broker.

use headwater_log::Recovered;
use headwater_node::Fact;

/// A recovery that read less and cut nothing is told at debug level only: after a crash each of ten
/// thousand partitions has one.
const WALKED_BYTES_TOLD: u64 = 1 << 20;

fn is_small(recovered: Recovered) -> bool {
    recovered.cut_bytes == 0 && recovered.walked_bytes < WALKED_BYTES_TOLD
}

/// One line a fact.
pub(crate) fn tell(facts: Vec<Fact>) {
    for fact in facts {
        match fact {
            Fact::LogRecovered { replica, recovered } if is_small(recovered) => tracing::debug!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                walked_bytes = recovered.walked_bytes,
                "a log was recovered after a crash, little was read"
            ),
            Fact::LogRecovered { replica, recovered } => tracing::info!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                folder = %replica.folder.display(),
                walked_bytes = recovered.walked_bytes,
                cut_bytes = recovered.cut_bytes,
                "a log was recovered after a crash"
            ),
            Fact::LogDamaged { replica, damage } => tracing::error!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                folder = %replica.folder.display(),
                %damage,
                "a log is damaged: what is in front of the damage is served, the rest needs a \
                 repair (headwater log repair)"
            ),
            Fact::LogUnusable { replica, problem } => tracing::error!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                folder = %replica.folder.display(),
                problem,
                "a log cannot be opened, its partition is out of service"
            ),
            Fact::ReplicaMoved { replica, from } => tracing::info!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                from = %from.display(),
                to = %replica.folder.display(),
                "a replica has changed its log folder"
            ),
            Fact::MoveFailed { replica, to, problem } => tracing::warn!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                from = %replica.folder.display(),
                to = %to.display(),
                problem,
                "a replica was to change its log folder and stays where it is"
            ),
            Fact::FolderFull { folder, problem } => tracing::warn!(
                folder = %folder.display(),
                problem,
                "a log folder is full: producers are told to try again"
            ),
            Fact::FolderHasRoom { folder } => tracing::info!(
                folder = %folder.display(),
                "a log folder has room again"
            ),
            Fact::Lost { count } => {
                tracing::warn!(count, "more happened than could be told one by one");
            }
        }
    }
}
