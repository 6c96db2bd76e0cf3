//! What was on disk when the log was opened is served only after it was checked once.
//!
//! The unit is a chunk of 1 MiB of a segment: it is checked when every batch that *starts* in it
//! was. What this process appended was checked before it was written and counts as checked. A read
//! tests a bit a chunk; only where that is missing the chunk is read and checked, once.
//!
//! A batch is what was written if
//! * its CRC is right: that covers all of it but base offset, length, leader epoch and format;
//! * its length leads to the next batch (a wrong one spoils the CRC, too);
//! * its format is one (a wrong one moves the CRC);
//! * its offsets are behind those of the batch before, in front of those of the next one and inside
//!   its segment, which ends where the next one begins;
//! * its leader epoch is not below that of the batch before and is the one that the epoch cache has
//!   for its offset.
//!
//! Not covered: the base offset of a batch that has gaps on both sides, as compaction leaves them
//! (while it stays between its neighbours); the leader epoch of a batch whose offset the epoch cache
//! does not know, and after a crash that of a batch of the segment written last which lies between
//! its neighbours' (there the cache itself is made from the batches); and the files that have no checksum in Kafka's format, which are `.txnindex`,
//! `leader-epoch-checkpoint` and the two indexes. The indexes are hints: where an entry of the
//! offset index does not lead to a batch that fits it, the index is made anew.

use super::damage::Damage;
use super::names::FileKind;
use super::offset_index::{self, Entry, OffsetIndex};
use super::scan::{Scanner, Step, WINDOW_LOOKUP, WINDOW_WHOLE};
use super::segment::{Active, relative};
use super::{INDEX_BYTES_MAX, Log};
use crate::disk::{DiskError, read_whole, write_whole_unsynced};
use crate::error::ReadError;
use headwater_types::Offset;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes of a segment that are checked together.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;

/// What of a segment was checked since the log was opened.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    /// Batches that start here or later were checked before they were written.
    appended_from: u64,
    /// Batches that start before this were checked one after the other.
    prefix: AtomicU64,
    /// A bit for each chunk before `appended_from`.
    chunks: OnceLock<Box<[AtomicU64]>>,
    /// Set once the offset index was found to ascend.
    index_ascends: OnceLock<()>,
    /// Takes the place of an offset index in memory that was wrong.
    index_anew: OnceLock<OffsetIndex>,
}

impl Verified {
    /// For a segment of which nothing before a position was checked.
    pub fn from(appended_from: u64) -> Self {
        Self { appended_from, ..Self::default() }
    }

    /// What is left of it when the segment is cut.
    pub fn cut(mut self, size: u64) -> Self {
        self.appended_from = self.appended_from.min(size);
        Self { index_ascends: OnceLock::new(), index_anew: OnceLock::new(), ..self }
    }

    /// Whether the batches that start in a part of a chunk were checked.
    fn is_checked(&self, part: &Range<u64>) -> bool {
        part.start >= self.appended_from
            || part.end.min(self.appended_from) <= self.prefix.load(Ordering::Acquire)
            || self
                .bit(part.start / CHUNK_BYTES)
                .is_some_and(|(word, mask)| word.load(Ordering::Acquire) & mask != 0)
    }

    fn bit(&self, chunk: u64) -> Option<(&AtomicU64, u64)> {
        let words = self.chunks.get()?;
        let word = words.get(usize::try_from(chunk / 64).ok()?)?;
        Some((word, 1 << (chunk % 64)))
    }

    fn mark_chunk(&self, chunk: u64) {
        self.chunks.get_or_init(|| {
            let words = self.appended_from.div_ceil(CHUNK_BYTES).div_ceil(64);
            (0..words).map(|_| AtomicU64::new(0)).collect()
        });
        if let Some((word, mask)) = self.bit(chunk) {
            word.fetch_or(mask, Ordering::Release);
        }
    }

    /// Notes that everything from the segment's start to a position was checked.
    fn mark_prefix(&self, end: u64) {
        self.prefix.fetch_max(end, Ordering::AcqRel);
    }

    /// Notes that everything between two positions was checked.
    pub fn extend_prefix(&self, start: u64, end: u64) {
        if start <= self.prefix.load(Ordering::Acquire) {
            self.mark_prefix(end);
        }
    }
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub position: u64,
    /// The first offset that is not to be believed.
    pub offset: i64,
    pub problem: String,
    /// Only the epoch cache speaks against the batch.
    by_cache: bool,
}

impl Flaw {
    pub fn new(position: u64, offset: i64, problem: impl Into<String>) -> Self {
        Self { position, offset, problem: problem.into(), by_cache: false }
    }
}

/// How far batches were checked, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footing {
    /// Where the next one starts.
    pub position: u64,
    /// Where the offsets of the last one end.
    pub end: i64,
    /// The epoch of the last one, or -1.
    pub epoch: i32,
    /// A batch has fewer records than offsets: compaction takes them out.
    was_compacted: bool,
    /// Batches whose epoch is not what the cache says.
    against_cache: u32,
}

impl Footing {
    /// At the start of a segment.
    pub const fn start(segment: i64) -> Self {
        Self { position: 0, end: segment, epoch: -1, was_compacted: false, against_cache: 0 }
    }
}

/// How much is looked at together, which says what can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// A part of a segment. Only compaction leaves gaps: one in another log is to be looked into.
    Part,
    /// A whole segment.
    Whole,
    /// A whole segment; what speaks against the epoch cache is only counted.
    WholeWithoutCache,
}

impl Log {
    /// Has the batches that start in a range of a segment checked, unless they were.
    pub(super) fn ensure_checked(&self, segment: i64, range: Range<u64>) -> Result<(), ReadError> {
        let Some(verified) = self.verified(segment) else { return Ok(()) };
        let mut start = range.start;
        while start < range.end {
            let chunk_end = (start / CHUNK_BYTES + 1).saturating_mul(CHUNK_BYTES);
            let part = start..chunk_end.min(range.end);
            if !verified.is_checked(&part) {
                self.check_chunk(segment, verified, &part)?;
            }
            start = chunk_end;
        }
        Ok(())
    }

    pub(super) fn verified(&self, segment: i64) -> Option<&Verified> {
        match &self.active {
            Some(active) if active.base == segment => Some(&active.verified),
            _ => self.sealed.get(&segment).map(|segment| &segment.verified),
        }
    }

    #[cold]
    fn check_chunk(
        &self,
        segment: i64,
        verified: &Verified,
        part: &Range<u64>,
    ) -> Result<(), ReadError> {
        let chunk = part.start / CHUNK_BYTES;
        let start = chunk * CHUNK_BYTES;
        let end = (start + CHUNK_BYTES).min(verified.appended_from);
        let footing = self.footing_at(segment, start)?;
        let sound = match footing {
            Some(footing) => self.inspect(segment, footing, end, Extent::Part)?.is_ok(),
            None => false,
        };
        if sound && self.index_leads_to_batches(segment, footing, start..end)? {
            verified.mark_chunk(chunk);
            return Ok(());
        }
        // Which it is, and where it begins, only the whole segment can tell.
        match self.examine(segment)? {
            Some(damage) if damage.position < part.end => Err(ReadError::Damaged(damage)),
            Some(_) => Ok(()),
            None => Ok(self.make_index_anew(segment)?),
        }
    }

    /// Checks a whole segment. What is damaged quarantines the log.
    pub(super) fn examine(&self, segment: i64) -> Result<Option<Arc<Damage>>, DiskError> {
        let size = self.segment_size(segment);
        let start = Footing::start(segment);
        let mut outcome = self.inspect(segment, start, size, Extent::Whole)?;
        if outcome.as_ref().is_err_and(|flaw| flaw.by_cache) {
            // One batch against the cache is damaged; where many are, it is the cache that is wrong.
            let again = self.inspect(segment, start, size, Extent::WholeWithoutCache)?;
            if again.as_ref().is_ok_and(|end| end.against_cache > 1) {
                outcome = again;
            }
        }
        let flaw = match outcome {
            Ok(_) => {
                self.verified(segment).inspect(|verified| verified.mark_prefix(size));
                return Ok(None);
            }
            Err(flaw) => flaw,
        };
        self.verified(segment).inspect(|verified| verified.mark_prefix(flaw.position));
        Ok(Some(self.quarantine(segment, &flaw)))
    }

    /// Checks the batches that start from a place on and before `until`.
    pub(super) fn check_on(
        &self,
        segment: i64,
        from: Footing,
        until: u64,
    ) -> Result<Result<Footing, Flaw>, DiskError> {
        self.inspect(segment, from, until, Extent::Part)
    }

    fn inspect(
        &self,
        segment: i64,
        from: Footing,
        until: u64,
        extent: Extent,
    ) -> Result<Result<Footing, Flaw>, DiskError> {
        let file = self.log_file(segment)?;
        let size = self.segment_size(segment);
        let limit = self.offsets_limit(segment);
        let mut scanner = Scanner::new(&*file, from.position, size, WINDOW_WHOLE);
        let mut at = from;
        let mut first_gap: Option<Footing> = None;
        while at.position < until.min(size) {
            // What makes a gap where none belongs is what is wrong: what follows may fit it.
            let blamed = first_gap.unwrap_or(at);
            let flaw = |problem: &str| Ok(Err(Flaw::new(blamed.position, blamed.end, problem)));
            let batch = match scanner.step()? {
                Step::Batch(batch) => batch,
                Step::Broken { problem, .. } => return flaw(problem),
                Step::End => return flaw("the file ends too early"),
            };
            let head = &batch.head;
            if head.base < at.end {
                return flaw("its offsets are those of records before it");
            }
            if head.last >= limit {
                return flaw("its offsets are those of records behind it");
            }
            let has_epoch = head.magic == 2;
            if has_epoch && head.epoch < at.epoch.max(-1) {
                return flaw("its leader epoch is older than that of the batch before");
            }
            let known = self.epochs.epoch_of(Offset(head.base));
            let against_cache = has_epoch && known.is_some_and(|known| known.0 != head.epoch);
            if !scanner.checksum_is_right(&batch)? {
                return flaw("its checksum is wrong");
            }
            // What goes up alone is as wrong as what goes down.
            let gap = head.base > at.end;
            if gap && !self.config.cleanup_compact {
                if extent == Extent::Part {
                    return flaw("there are no records in front of it");
                }
                first_gap.get_or_insert(at);
            }
            let confirmed = known.is_some_and(|known| known.0 == head.epoch);
            let rises = has_epoch && head.epoch > at.epoch && (at.epoch >= 0 || !confirmed);
            let next = if gap || rises { scanner.peek()? } else { None };
            if gap && next.is_some_and(|next| next.base <= head.last) {
                return flaw("its offsets are those of the batch behind it");
            }
            if rises && next.is_some_and(|next| next.magic == 2 && next.epoch < head.epoch) {
                return flaw("its leader epoch is newer than that of the batch behind it");
            }
            if against_cache && extent != Extent::WholeWithoutCache {
                let problem = "its leader epoch is not the one of its offset";
                let flaw = Flaw::new(blamed.position, blamed.end, problem);
                return Ok(Err(Flaw { by_cache: true, ..flaw }));
            }
            let fewer = i64::from(head.count) < head.last - head.base + 1;
            at = Footing {
                position: batch.end(),
                end: head.last.saturating_add(1),
                epoch: if has_epoch { head.epoch } else { at.epoch },
                was_compacted: at.was_compacted || fewer,
                against_cache: at.against_cache + u32::from(against_cache),
            };
        }
        let may_end_early = self.config.cleanup_compact || at.was_compacted;
        if at.position >= size && at.end < limit && !may_end_early {
            // The offsets of two segments may lie further apart than an index can say.
            if relative(at.end, limit).is_some() {
                let problem = format!("records up to offset {limit} are missing");
                let blamed = first_gap.unwrap_or(at);
                return Ok(Err(Flaw::new(blamed.position, blamed.end, problem)));
            }
        }
        Ok(Ok(at))
    }

    /// Where the offsets of a segment end; `i64::MAX` where recovery has not come to what is behind.
    fn offsets_limit(&self, segment: i64) -> i64 {
        let is_active = self.active.as_ref().is_some_and(|active| active.base == segment);
        let log_end = if is_active { self.log_end.0 } else { i64::MAX };
        self.next_segment(segment).unwrap_or(log_end)
    }

    /// The first batch that starts at or behind a position, by the index and the headers from there
    /// on; `None` where they lead nowhere.
    fn footing_at(&self, segment: i64, position: u64) -> Result<Option<Footing>, ReadError> {
        let mut at = Footing::start(segment);
        let Some(before) = position.checked_sub(1) else { return Ok(Some(at)) };
        // At least one batch in front of it, to know where the offsets go on.
        let entry = self.entry_by_position(segment, before)?;
        let from = entry.map_or(0, |entry| u64::from(entry.position));
        let file = self.log_file(segment)?;
        let size = self.segment_size(segment);
        let mut scanner = Scanner::new(&*file, from, size, WINDOW_LOOKUP);
        at.position = from;
        while at.position < position {
            let Step::Batch(batch) = scanner.step()? else { return Ok(None) };
            let end = batch.head.last.saturating_add(1);
            at = Footing { position: batch.end(), end, epoch: batch.head.epoch, ..at };
        }
        Ok(Some(at))
    }

    /// Whether the entries of the offset index that lead into a range lead to batches that fit them.
    fn index_leads_to_batches(
        &self,
        segment: i64,
        from: Option<Footing>,
        range: Range<u64>,
    ) -> Result<bool, ReadError> {
        let Some(from) = from else { return Ok(false) };
        let entries = self.entries_within(segment, &range)?;
        if entries.is_empty() {
            return Ok(true);
        }
        let file = self.log_file(segment)?;
        let size = self.segment_size(segment);
        let mut scanner = Scanner::new(&*file, from.position, size, WINDOW_LOOKUP);
        for entry in entries {
            let position = u64::from(entry.position);
            let named = segment.saturating_add(i64::from(entry.relative));
            loop {
                match scanner.step()? {
                    Step::Batch(batch) if batch.position < position => {}
                    Step::Batch(batch)
                        if batch.position == position && batch.head.base <= named =>
                    {
                        break;
                    }
                    _ => return Ok(false),
                }
            }
        }
        Ok(true)
    }

    /// The last entry of a segment's offset index at or before a position.
    pub(super) fn entry_by_position(
        &self,
        segment: i64,
        position: u64,
    ) -> Result<Option<Entry>, ReadError> {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        match &self.active {
            Some(active) if active.base == segment => Ok(active.index().by_position(position)),
            _ => self.index_entry(segment, |entry| entry.position <= position),
        }
    }

    /// The last entry of a segment's offset index at or before an offset.
    pub(super) fn entry_by_offset(
        &self,
        segment: i64,
        relative: u32,
    ) -> Result<Option<Entry>, ReadError> {
        match &self.active {
            Some(active) if active.base == segment => Ok(active.index().by_offset(relative)),
            _ => self.index_entry(segment, |entry| entry.relative <= relative),
        }
    }

    /// An entry of a closed segment's index; `None` also when the index cannot be read.
    fn index_entry(
        &self,
        segment: i64,
        before: impl Fn(&Entry) -> bool,
    ) -> Result<Option<Entry>, ReadError> {
        self.ensure_index_ascends(segment)?;
        let path = self.path(segment, FileKind::OffsetIndex);
        let Ok(file) = self.disk.open_shared(&path) else { return Ok(None) };
        Ok(offset_index::last_before(&*file, before).ok().flatten())
    }

    /// The last entry of a closed segment's index, whatever it holds.
    pub(super) fn last_index_entry(&self, segment: i64) -> Option<Entry> {
        let path = self.path(segment, FileKind::OffsetIndex);
        let file = self.disk.open_shared(&path).ok()?;
        offset_index::last_before(&*file, |_| true).ok().flatten()
    }

    /// Entries that lead into a range of positions.
    fn entries_within(&self, segment: i64, range: &Range<u64>) -> Result<Vec<Entry>, ReadError> {
        if let Some(active) = self.active.as_ref().filter(|active| active.base == segment) {
            return Ok(active.index().within(range));
        }
        self.ensure_index_ascends(segment)?;
        let path = self.path(segment, FileKind::OffsetIndex);
        let Ok(file) = self.disk.open_shared(&path) else { return Ok(Vec::new()) };
        Ok(offset_index::within(&*file, range)?)
    }

    /// Has a closed segment's index made anew once where it cannot be halved.
    fn ensure_index_ascends(&self, segment: i64) -> Result<(), ReadError> {
        let Some(closed) = self.sealed.get(&segment) else { return Ok(()) };
        if closed.verified.index_ascends.get().is_some() {
            return Ok(());
        }
        let path = self.path(segment, FileKind::OffsetIndex);
        let bytes = read_whole(&*self.disk, &path, INDEX_BYTES_MAX).ok().flatten();
        let usable = bytes.is_some_and(|bytes| OffsetIndex::parse(&bytes, closed.size).is_some());
        if !usable {
            self.make_index_anew(segment)?;
        }
        let _ = closed.verified.index_ascends.set(());
        Ok(())
    }

    /// Makes a segment's offset index anew from its headers. It is not synced: it is a hint.
    fn make_index_anew(&self, segment: i64) -> Result<(), DiskError> {
        let mut model = Active::new(segment, 0, &self.tail_budget);
        let file = self.log_file(segment)?;
        let size = self.segment_size(segment);
        let mut scanner = Scanner::new(&*file, 0, size, WINDOW_WHOLE);
        while let Step::Batch(batch) = scanner.step()? {
            if model.relative(batch.head.last).is_none() {
                break;
            }
            model.note(&[batch.head], batch.head.size, &self.config);
        }
        if let Some(active) = self.active.as_ref().filter(|active| active.base == segment) {
            let _ = active.verified.index_anew.set(model.offsets);
            return Ok(());
        }
        let path = self.path(segment, FileKind::OffsetIndex);
        self.disk.forget_shared(&path);
        write_whole_unsynced(&*self.disk, &path, &model.offsets.to_bytes()).map(drop)
    }
}

impl Active {
    /// The offset index, as far as it is right.
    fn index(&self) -> &OffsetIndex {
        self.verified.index_anew.get().unwrap_or(&self.offsets)
    }
}
