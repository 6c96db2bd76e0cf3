//! Reading whole batches.
//!
//! The end of the log is served from what [`Tail`](super::tail::Tail) remembers, without a system
//! call. Further back, the offset index gives a place near the one that is wanted, and headers are
//! read from there on; where a read ended is remembered, so that whoever reads on needs no search.
//! Neither batches nor index entries that were on disk when the log was opened are believed before
//! they were checked once: see [`verified`](super::verified).

use super::Log;
use super::names::FileKind;
use super::offset_index::Entry;
use super::scan::{Found, Scanner, Step, WINDOW_LOOKUP, WINDOW_WHOLE};
use super::segment::relative;
use super::tail::{COPIED_BYTES_MAX, TailBatch};
use super::types::{Read, ReadLimit, ReadSlice};
use crate::disk::{DiskError, DiskFile, FileSlice};
use crate::error::ReadError;
use headwater_types::{EndOffset, Offset};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Slices of memory given at once; more become a range of the file.
const MEMORY_SLICES_MAX: usize = 64;

/// Ends of reads that are remembered.
const CURSORS_MAX: usize = 8;

/// Where reads ended, so that the next one need not search.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    recent: Mutex<VecDeque<Cursor>>,
}

#[derive(Clone, Copy, Debug)]
struct Cursor {
    segment: i64,
    next: i64,
    position: u64,
}

impl Cursors {
    fn find(&self, segment: i64, next: i64) -> Option<u64> {
        let recent = self.recent.lock();
        let found = recent.iter().find(|known| known.segment == segment && known.next == next);
        found.map(|known| known.position)
    }

    fn remember(&self, cursor: Cursor) {
        let mut recent = self.recent.lock();
        recent.retain(|known| (known.segment, known.next) != (cursor.segment, cursor.next));
        if recent.len() == CURSORS_MAX {
            recent.pop_front();
        }
        recent.push_back(cursor);
    }

    pub fn clear(&self) {
        self.recent.lock().clear();
    }
}

impl Log {
    /// Reads whole batches from the one that holds `from` (or the next record behind it) on, from
    /// one segment: a batch that is given may start before `from`, and more may be there to read
    /// from [`Read::next`] on.
    ///
    /// # Errors
    /// When the offset is out of range or behind damage, or the files cannot be read.
    pub fn read(&self, from: Offset, limit: ReadLimit) -> Result<Read, ReadError> {
        if from < self.log_start || from.0 > self.log_end.0 {
            let (start, end) = (self.log_start, self.log_end);
            return Err(ReadError::OutOfRange { offset: from, start, end });
        }
        loop {
            self.check_readable(from)?;
            let sound_end = self.sound_end();
            let upper = limit.upper.min(sound_end);
            match self.read_below(from, upper, &limit) {
                // What is in front of damage that was found just now is given all the same, and no
                // more.
                Err(ReadError::Damaged(_)) if self.sound_end() < sound_end => {}
                Ok(read) if self.sound_end() < read.next.as_end() => {}
                outcome => return outcome,
            }
        }
    }

    fn read_below(
        &self,
        from: Offset,
        upper: EndOffset,
        limit: &ReadLimit,
    ) -> Result<Read, ReadError> {
        if !upper.covers(from) {
            return Ok(nothing(from));
        }
        if let Some(read) = self.read_tail(from, upper, limit)? {
            return Ok(read);
        }
        let holding = self.sealed.range(..=from.0).next_back().map(|(base, _)| *base);
        let active = self.active.as_ref().map(|active| active.base).filter(|base| *base <= from.0);
        // Retention may have left the start of the log before the first segment.
        let first = self.segments().map(|(base, _)| base).next();
        let Some(mut segment) = active.max(holding).or(first) else { return Ok(nothing(from)) };
        loop {
            if let Some(read) = self.read_segment(segment, from, upper, limit)? {
                return Ok(read);
            }
            // The segment holds nothing from the offset on (compaction leaves such gaps).
            match self.next_segment(segment) {
                Some(next) if upper.covers(Offset(next)) => segment = next,
                _ => return Ok(nothing(from)),
            }
        }
    }

    /// Reads from the remembered end of the log; `None` when the offset is before that.
    fn read_tail(
        &self,
        from: Offset,
        upper: EndOffset,
        limit: &ReadLimit,
    ) -> Result<Option<Read>, ReadError> {
        let Some(active) = &self.active else { return Ok(None) };
        let Some(batches) = active.tail.from(from.0) else { return Ok(None) };
        let mut bytes = 0;
        let mut taken: Vec<&TailBatch> = Vec::new();
        for batch in batches {
            let fits = bytes + batch.size <= limit.max_bytes;
            let first = limit.at_least_one && taken.is_empty();
            if !upper.covers(Offset(batch.last)) || !(fits || first) {
                break;
            }
            bytes += batch.size;
            taken.push(batch);
        }
        let (Some(first), Some(last)) = (taken.first(), taken.last()) else {
            return Ok(Some(nothing(from)));
        };
        let in_memory = bytes <= COPIED_BYTES_MAX && taken.len() <= MEMORY_SLICES_MAX;
        let copies = || taken.iter().map(|batch| batch.bytes.clone().map(ReadSlice::Memory));
        let slices = match in_memory.then(|| copies().collect::<Option<Vec<_>>>()).flatten() {
            Some(slices) => slices,
            None => {
                let file = self.log_file(active.base)?;
                vec![file_slice(file, first.position, bytes)]
            }
        };
        self.cursors.remember(Cursor {
            segment: active.base,
            next: last.last.saturating_add(1),
            position: last.end(),
        });
        let next = Offset(last.last.saturating_add(1));
        Ok(Some(Read { slices, bytes, first: Offset(first.base), next }))
    }

    /// Reads from one segment; `None` when it holds nothing from the offset on.
    fn read_segment(
        &self,
        segment: i64,
        from: Offset,
        upper: EndOffset,
        limit: &ReadLimit,
    ) -> Result<Option<Read>, ReadError> {
        let Some(first) = self.find(segment, from)? else { return Ok(None) };
        let too_much = first.head.size > limit.max_bytes && !limit.at_least_one;
        if !upper.covers(Offset(first.head.last)) || too_much {
            return Ok(Some(nothing(from)));
        }
        let (end, next) = self.find_end(segment, &first, upper, limit.max_bytes)?;
        let bytes = usize::try_from(end - first.position).unwrap_or(usize::MAX);
        self.ensure_checked(segment, first.position..end)?;
        self.cursors.remember(Cursor { segment, next: next.0, position: end });
        let slices = vec![file_slice(self.log_file(segment)?, first.position, bytes)];
        Ok(Some(Read { slices, bytes, first: Offset(first.head.base), next }))
    }

    /// The batch of a segment that holds an offset, or the next one behind it.
    pub(super) fn find(&self, segment: i64, offset: Offset) -> Result<Option<Found>, ReadError> {
        let file = self.log_file(segment)?;
        let size = self.sound_size(segment);
        let from = match self.cursors.find(segment, offset.0) {
            Some(position) => position,
            None => self.position_before(segment, offset)?,
        };
        let mut scanner = Scanner::new(&*file, from, size, WINDOW_LOOKUP);
        loop {
            match self.checked_step(segment, &mut scanner)? {
                Some(batch) if batch.head.last >= offset.0 => return Ok(Some(batch)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next batch of a walk over a segment, once it was checked.
    fn checked_step(
        &self,
        segment: i64,
        scanner: &mut Scanner<'_>,
    ) -> Result<Option<Found>, ReadError> {
        let position = scanner.position();
        if scanner.is_at_end() {
            return Ok(None);
        }
        self.ensure_checked(segment, position..position.saturating_add(1))?;
        match scanner.step()? {
            Step::Batch(batch) => Ok(Some(batch)),
            Step::End => Ok(None),
            Step::Broken { problem, .. } => Err(self.broken(segment, problem)),
        }
    }

    /// What was checked before is no batch now.
    fn broken(&self, segment: i64, problem: &str) -> ReadError {
        self.cursors.clear();
        match self.examine(segment) {
            Ok(Some(damage)) => ReadError::Damaged(damage),
            Ok(None) => {
                let path = self.path(segment, FileKind::Log);
                DiskError::new("read", &path, io::Error::other(problem.to_owned())).into()
            }
            Err(error) => error.into(),
        }
    }

    /// Where to stop reading that begins with a batch: behind it at the earliest, and before what
    /// exceeds the bytes or reaches the upper bound. Also the offset where to go on.
    fn find_end(
        &self,
        segment: i64,
        first: &Found,
        upper: EndOffset,
        bytes_max: usize,
    ) -> Result<(u64, Offset), ReadError> {
        let size = self.sound_size(segment);
        let end_max = first.position.saturating_add(bytes_max as u64);
        let segment_end = self.segment_end(segment);
        let is_whole = size == self.segment_size(segment);
        if is_whole && size <= end_max && segment_end <= upper {
            return Ok((size, segment_end.next()));
        }
        // The last place that the index knows within both bounds.
        let mut from = first.position;
        if end_max > first.end() {
            let by_bytes = self.boundary_before(segment, end_max)?;
            let by_offset = self.position_before(segment, Offset(upper.0.saturating_sub(1)))?;
            from = from.max(by_bytes.min(by_offset));
        }
        let file = self.log_file(segment)?;
        let mut end = (first.end(), Offset(first.head.last.saturating_add(1)));
        let mut scanner = Scanner::new(&*file, from, size, WINDOW_LOOKUP);
        while let Some(batch) = self.checked_step(segment, &mut scanner)? {
            let inside = batch.end() <= end_max && upper.covers(Offset(batch.head.last));
            if inside || batch.position == first.position {
                end = (batch.end(), Offset(batch.head.last.saturating_add(1)));
            } else if batch.position == from {
                // The index has led right to the first one that is too much.
                from = self.boundary_before(segment, from - 1)?.max(first.position);
                scanner = Scanner::new(&*file, from, size, WINDOW_LOOKUP);
            } else {
                break;
            }
        }
        Ok(end)
    }

    /// A position where a batch starts, at or before the one that holds an offset.
    fn position_before(&self, segment: i64, offset: Offset) -> Result<u64, ReadError> {
        let Some(relative) = relative(segment, offset.0) else { return Ok(0) };
        self.checked_entry(segment, || self.entry_by_offset(segment, relative))
    }

    /// A position where a batch starts, at or before another position.
    pub(super) fn boundary_before(&self, segment: i64, position: u64) -> Result<u64, ReadError> {
        self.checked_entry(segment, || self.entry_by_position(segment, position))
    }

    /// The position of an index entry, once it was checked that it leads to a batch.
    fn checked_entry(
        &self,
        segment: i64,
        entry: impl Fn() -> Result<Option<Entry>, ReadError>,
    ) -> Result<u64, ReadError> {
        let mut found = entry()?;
        // Where it does not, the index is made anew, once.
        for _ in 0..2 {
            let Some(Entry { position, .. }) = found else { return Ok(0) };
            let position = u64::from(position);
            if position >= self.sound_size(segment) {
                return Ok(0);
            }
            self.ensure_checked(segment, position..position.saturating_add(1))?;
            let again = entry()?;
            if again == found {
                return Ok(position);
            }
            found = again;
        }
        Ok(0)
    }

    pub(super) fn segment_size(&self, base: i64) -> u64 {
        match &self.active {
            Some(active) if active.base == base => active.size,
            _ => self.sealed.get(&base).map_or(0, |segment| segment.size),
        }
    }

    /// Walks the batches of a segment from a position where one starts on, up to damage at most.
    pub(super) fn walk(
        &self,
        segment: i64,
        from: u64,
        mut visit: impl FnMut(&Found, &Scanner<'_>) -> Result<Walk, ReadError>,
    ) -> Result<(), ReadError> {
        let file = self.log_file(segment)?;
        let size = self.sound_size(segment);
        let mut scanner = Scanner::new(&*file, from, size, WINDOW_WHOLE);
        while let Some(batch) = self.checked_step(segment, &mut scanner)? {
            if visit(&batch, &scanner)? == Walk::Stop {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    On,
    Stop,
}

fn nothing(from: Offset) -> Read {
    Read { slices: Vec::new(), bytes: 0, first: from, next: from }
}

fn file_slice(file: Arc<dyn DiskFile>, position: u64, bytes: usize) -> ReadSlice {
    let length = u32::try_from(bytes).unwrap_or(u32::MAX);
    ReadSlice::File(FileSlice { file, position, length })
}
