//! An encoded answer: segments in memory with pieces of files between them.

use bytes::Bytes;
use headwater_log::FileSlice;
use headwater_protocol::wire::Segment;

/// One piece of an answer, in the order the pieces go to the socket.
#[derive(Debug)]
pub enum ReplyPart {
    /// Bytes in memory.
    Memory(Bytes),
    /// A range of a log file, for sendfile where the connection allows it.
    File(FileSlice),
}

/// An answer ready for the socket, length prefix included.
#[derive(Debug, Default)]
pub struct Reply {
    parts: Vec<ReplyPart>,
}

impl Reply {
    /// Puts the file ranges in the places that the encoder left for them. A place whose range is
    /// missing is left out, which the caller has made impossible.
    pub(crate) fn assemble(segments: Vec<Segment>, files: Vec<FileSlice>) -> Self {
        let mut files: Vec<Option<FileSlice>> = files.into_iter().map(Some).collect();
        let parts = segments
            .into_iter()
            .filter_map(|segment| match segment {
                Segment::Memory(bytes) => Some(ReplyPart::Memory(bytes)),
                Segment::External { token, .. } => {
                    let slice = files.get_mut(token as usize).and_then(Option::take);
                    debug_assert!(slice.is_some(), "each external part names a file slice once");
                    slice.map(ReplyPart::File)
                }
            })
            .collect();
        Self { parts }
    }

    /// The pieces in order.
    pub fn into_parts(self) -> Vec<ReplyPart> {
        self.parts
    }
}
