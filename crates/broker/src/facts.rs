//! Says in the log what the node has noted for whoever runs the broker.

use headwater_node::Fact;

/// One line a fact.
pub(crate) fn tell(facts: Vec<Fact>) {
    for fact in facts {
        match fact {
            Fact::LogRecovered { replica, recovered } => tracing::info!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                folder = %replica.folder.display(),
                walked_bytes = recovered.walked_bytes,
                cut_bytes = recovered.cut_bytes,
                "a log was recovered after a crash"
            ),
            Fact::LogUnusable { replica, problem } => tracing::error!(
                topic = &*replica.topic,
                partition = replica.partition.0,
                folder = %replica.folder.display(),
                problem,
                "a log cannot be opened, its partition is out of service"
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
