//! A copy of a log takes the place of the log: what is not in its records is handed over.

use super::Log;
use crate::error::OpenError;

impl Log {
    /// Makes this log, into which all records of `from` were copied, remember what that one does
    /// beside them: its first offset, its epochs, and its producers, also those whose records are
    /// gone. Nothing of it is durable before [`close_clean`](Self::close_clean).
    ///
    /// # Errors
    /// When it does not end where `from` does, or a file cannot be written.
    pub(crate) fn take_over(&mut self, from: &Log, now_ms: i64) -> Result<(), OpenError> {
        if self.log_end < from.log_end && from.log_end.0 <= from.log_start.0 {
            // There was nothing to copy, and nothing that was copied is left.
            self.restart_at(from.log_end.next(), now_ms)?;
        }
        if self.log_end != from.log_end {
            let problem = format!("the copy ends at {}, not at {}", self.log_end, from.log_end);
            return Err(OpenError::Damaged { file: self.folder.clone(), problem });
        }
        if self.active.is_none() {
            // Without a segment nothing would say where the log goes on.
            self.begin_segment(self.log_end.0, now_ms)?;
        }
        self.log_start = self.log_start.max(from.log_start);
        self.producers = from.producers.copy();
        self.epochs = from.epochs.clone();
        self.epochs_dirty = true;
        Ok(())
    }
}
