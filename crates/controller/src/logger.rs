//! The crate `raft` speaks slog; this carries what it says to `tracing`.

use slog::{Drain, Level, Logger, Never, OwnedKVList, Record};

/// A logger whose messages become `tracing` events of the target `raft`.
pub(crate) fn raft_logger() -> Logger {
    Logger::root(Bridge, slog::o!())
}

struct Bridge;

impl Drain for Bridge {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
        let message = record.msg();
        // Raft's "info" is what it does at every election step; ours is for changes of role.
        match record.level() {
            Level::Critical | Level::Error => tracing::error!(target: "raft", "{message}"),
            Level::Warning => tracing::warn!(target: "raft", "{message}"),
            Level::Info | Level::Debug => tracing::debug!(target: "raft", "{message}"),
            Level::Trace => tracing::trace!(target: "raft", "{message}"),
        }
        Ok(())
    }
}
