//! A range of a file that is to be sent to somebody.

use super::{DiskError, DiskFile};
use bytes::Bytes;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// A range of an open file. The file stays open (and, when it is removed meanwhile, stays readable)
/// as long as the slice lives.
#[derive(Clone, Debug)]
pub struct FileSlice {
    /// The file.
    pub file: Arc<dyn DiskFile>,
    /// Where the range starts, in bytes.
    pub position: u64,
    /// How long it is, in bytes.
    pub length: u32,
}

impl FileSlice {
    /// The descriptor to give to sendfile, where there is one.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.fd()
    }

    /// Takes bytes away from the front, after they were sent.
    pub fn consume(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.length);
        self.length -= bytes;
        self.position += u64::from(bytes);
    }

    /// Reads at most `bytes_max` bytes from the front; fewer where the file ends.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, bytes_max: usize) -> Result<Bytes, DiskError> {
        let wanted = usize::try_from(self.length).unwrap_or(usize::MAX).min(bytes_max);
        let mut bytes = vec![0; wanted];
        let read = self.file.read_at(&mut bytes, self.position)?;
        bytes.truncate(read);
        Ok(Bytes::from(bytes))
    }
}
