//! Making sense of a log that was not stopped cleanly.
//!
//! Below the recovery point everything was synced in its own files: it is taken as it is (see
//! [`resume`](super::resume)). From there on each batch must have its checksum and its place in the
//! order. Up to what is known to be durable, one that has not is damage, which quarantines the
//! log ([`damage`](super::damage)) and is never cut, with all that follows.
//! Behind that it is a torn tail, and is cut with all that follows. Indexes, producers and epochs
//! of what is walked are made anew.

use super::Log;
use super::epoch_cache::EpochCache;
use super::head::Head;
use super::marker::Marker;
use super::names::FileKind;
use super::open::Inventory;
use super::producer_state::{Line as SnapshotLine, Producers, parse_snapshot};
use super::read::Walk;
use super::roll::IndexEnd;
use super::scan::{Found, Scanner, Step, WINDOW_WHOLE};
use super::segment::{Active, relative};
use super::types::{AbortedTransaction, Checkpointed, OpenKind};
use super::verified::{Flaw, Verified};
use crate::disk::{DiskError, DiskFile, OpenMode, read_whole, write_whole_unsynced};
use crate::error::{OpenError, ReadError};
use headwater_types::{EndOffset, LeaderEpoch, Offset};
use std::path::Path;
use std::sync::Arc;

/// Largest producer snapshot that is read: twenty million producers.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

/// Offsets that matter to a recovery.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Everything before it is in the log's own files.
    recovery_point: EndOffset,
    /// Everything before it was durable: what is broken there is damage.
    known_end: EndOffset,
    /// The producers are known up to here.
    replay_from: i64,
}

impl Log {
    /// Takes the segments of a folder, checking those that may not be synced.
    pub(super) fn recover(
        &mut self,
        inventory: &Inventory,
        checkpointed: Checkpointed,
        now_ms: i64,
    ) -> Result<(), OpenError> {
        let Checkpointed { recovery_point, known_end, log_start } = checkpointed;
        let known_end = known_end.max(recovery_point);
        let epochs = self.epochs.clone();
        let mut bases = inventory.logs.keys().copied().peekable();
        // From where on the batches say what became of their producers.
        let mut replay_from = None;
        let mut cut = false;
        while let Some(base) = bases.next() {
            // Indexes are synced with the first record of the next segment.
            let synced = bases.peek().is_some_and(|next| *next < recovery_point.0);
            if synced {
                self.adopt_sealed(base, inventory)?;
                continue;
            }
            // What was deleted and is not gone yet may hold anything: nobody is to look there.
            if bases.peek().is_some_and(|next| *next <= log_start.0) {
                for before in self.sealed.keys().copied().collect::<Vec<_>>() {
                    self.drop_segment(before);
                }
                self.remove_segment_files(base);
                continue;
            }
            let mut begun = None;
            let replay_from = match replay_from {
                Some(offset) => offset,
                None => {
                    let resumed = self.resume(base, inventory, recovery_point, now_ms)?;
                    let (start, begun_there) = match resumed {
                        Some(resumed) => (resumed.start, Some(resumed.active)),
                        None => (base, None),
                    };
                    begun = begun_there;
                    self.log_end = EndOffset(start);
                    // What begins here or later comes from the batches.
                    self.epochs_dirty |= self.epochs.truncate_from_end(self.log_end);
                    // Without a checkpoint the whole segment is to say what became of them.
                    let usable = if begun.is_some() { recovery_point.0 } else { base };
                    let offset = self.load_producers(start, usable, &inventory.snapshots())?;
                    *replay_from.insert(offset)
                }
            };
            if self.active.is_some() {
                // We leave no gap between segments but one too wide for an index, and never an
                // overlap: here the end of the one before was lost, or is not what it was.
                let gap = self.log_end.0 < base && relative(self.log_end.0, base).is_some();
                let overlap = base < self.log_end.0;
                if gap && self.log_end < known_end && !self.config.cleanup_compact {
                    let rest = std::iter::once(base).chain(bases);
                    self.stop_at_damage(inventory, rest, epochs, known_end, None);
                    return Ok(());
                }
                // Compaction leaves gaps.
                let lost = gap && known_end <= self.log_end && !self.config.cleanup_compact;
                if overlap || lost {
                    self.note_cut(inventory, base);
                    self.remove_segment_files(base);
                    continue;
                }
                self.seal_recovered()?;
            }
            let mut active = begun.unwrap_or_else(|| Active::new(base, now_ms, &self.tail_budget));
            // What is behind comes from the batches.
            active.aborted.retain(|entry| entry.last.0 < replay_from);
            active.written.aborted = active.aborted.len();
            let limits = Limits { recovery_point, known_end, replay_from };
            match self.recover_segment(active, inventory, limits)? {
                Recovery::Whole => {}
                Recovery::Cut => {
                    cut = true;
                    for torn in bases.by_ref() {
                        self.note_cut(inventory, torn);
                        self.remove_segment_files(torn);
                    }
                }
                Recovery::Damaged(problem) => {
                    let problem = Some(problem);
                    self.stop_at_damage(inventory, bases, epochs, known_end, problem);
                    return Ok(());
                }
            }
        }
        if self.log_end < known_end {
            self.stop_at_damage(inventory, bases, epochs, known_end, None);
            return Ok(());
        }
        // Up to the recovery point everything was synced, with names and epochs; but the name of a
        // segment without records may be behind it, and a cut must last.
        let behind = |active: &Active| self.log_end != known_end || active.size == 0;
        if cut || self.active.as_ref().is_some_and(behind) {
            self.sync_recovered()?;
        }
        Ok(())
    }

    /// Leaves everything from a flaw in what was durable on as it is. Without a problem records
    /// are missing behind the segment walked last.
    fn stop_at_damage(
        &mut self,
        inventory: &Inventory,
        rest: impl Iterator<Item = i64>,
        epochs: EpochCache,
        known_end: EndOffset,
        problem: Option<&'static str>,
    ) {
        let problem = problem
            .map_or_else(|| format!("records up to offset {known_end} are missing"), String::from);
        let (base, position) = match &self.active {
            Some(active) => (active.base, active.size),
            None => (self.log_end.0, 0),
        };
        self.quarantine(base, &Flaw::new(position, self.log_end.0, problem));
        self.quarantine.met_at_open = true;
        let behind = |base: i64| inventory.logs.get(&base).map_or(0, |(size, _)| *size);
        let unread = behind(base).saturating_sub(position);
        self.quarantine.unopened_bytes = rest.map(behind).fold(unread, u64::saturating_add);
        self.log_end = self.log_end.max(known_end);
        self.epochs = epochs;
    }

    /// Looks whether closed segments end where the next ones begin: by their last few headers after a
    /// crash, by their sizes alone after a clean stop.
    pub(super) fn check_ends(&mut self, kind: OpenKind) -> Result<(), OpenError> {
        let closed: Vec<(i64, u64)> =
            self.sealed.iter().map(|(base, segment)| (*base, segment.size)).collect();
        let all = matches!(kind, OpenKind::AfterCrash(_));
        for (base, size) in closed {
            let end = self.segment_end(base);
            let is_needed = self.log_start < end.next();
            if is_needed && (all || size == 0) && !self.ends_at(base, size, end)? {
                // A flaw, an index that leads astray, or a gap that compaction left.
                self.examine(base)?;
            }
        }
        Ok(())
    }

    fn ends_at(&self, base: i64, size: u64, end: EndOffset) -> Result<bool, DiskError> {
        let from = self.last_index_entry(base).map_or(0, |entry| u64::from(entry.position));
        let found = self.find_clean_end(base, from, size)?;
        Ok(found
            .is_some_and(|found| found == end || found < end && relative(found.0, end.0).is_none()))
    }

    /// Counts a segment that is removed whole.
    fn note_cut(&mut self, inventory: &Inventory, base: i64) {
        let (size, _) = inventory.logs.get(&base).copied().unwrap_or_default();
        self.recovered.get_or_insert_default().cut_bytes += size;
    }

    /// Has everything synced once more: what a killed process wrote is in the page cache, names too,
    /// or is not even known to be there.
    fn sync_recovered(&mut self) -> Result<(), OpenError> {
        self.write_metadata()?;
        self.epochs_dirty = true;
        self.write_epochs()?;
        self.sync.files.extend(self.active.as_ref().and_then(|active| active.file.clone()));
        self.sync.folders.insert(self.folder.clone());
        self.sync.folders.extend(self.folder.parent().map(Path::to_owned));
        Ok(())
    }

    /// Walks a segment, makes it the active one, and cuts what is torn.
    fn recover_segment(
        &mut self,
        mut active: Active,
        inventory: &Inventory,
        limits: Limits,
    ) -> Result<Recovery, OpenError> {
        let base = active.base;
        let path = self.path(base, FileKind::Log);
        let (size, modified_ms) = inventory.logs.get(&base).copied().unwrap_or_default();
        self.disk.forget_shared(&path);
        let file = self.disk.open(&path, OpenMode::ReadWrite)?;
        active.modified_ms = modified_ms;
        self.log_end = self.log_end.max(EndOffset(base));
        let walked_from = active.size;
        let mut scanner = Scanner::new(&*file, walked_from, size, WINDOW_WHOLE);
        let mut checked_from = None;
        let mut unknown_from = None;
        let mut epoch = self.epochs.latest().unwrap_or(LeaderEpoch::NONE).0;
        let problem = loop {
            let batch = match scanner.step()? {
                Step::Batch(batch) => batch,
                Step::End => break None,
                Step::Broken { problem, .. } => break Some(problem),
            };
            if batch.head.base < self.log_end.0 || active.relative(batch.head.last).is_none() {
                break Some("its offsets do not continue the log");
            }
            if batch.head.magic == 2 && batch.head.epoch < epoch {
                break Some("its leader epoch is older than that of the batch before");
            }
            // What goes up alone is wrong, too.
            let gap = batch.head.base > self.log_end.0;
            let rises = batch.head.epoch > epoch;
            let next = if gap || rises { scanner.peek()? } else { None };
            let is_older = |next: Head| next.magic == 2 && next.epoch < batch.head.epoch;
            if rises && next.is_some_and(is_older) {
                break Some("its leader epoch is newer than that of the batch behind it");
            }
            if gap && next.is_some_and(|next| next.base <= batch.head.last) {
                break Some("its offsets are those of the batch behind it");
            }
            // A log is never known to be durable up to somewhere in a gap.
            let known_within = self.log_end < limits.known_end
                && limits.known_end <= Offset(batch.head.base).as_end();
            if gap && known_within && !self.config.cleanup_compact {
                break Some("there are records missing in front of it");
            }
            epoch = epoch.max(batch.head.epoch);
            let may_be_torn = batch.head.last >= limits.recovery_point.0;
            // The offset is not covered by the checksum. What is known to be there comes before.
            if self.log_end < limits.known_end && batch.head.base >= limits.known_end.0 {
                break Some("records are missing before it");
            }
            if may_be_torn && !scanner.checksum_is_right(&batch)? {
                break Some("its checksum is wrong");
            }
            if may_be_torn {
                checked_from.get_or_insert(batch.position);
            }
            if batch.head.base >= limits.known_end.0 {
                unknown_from.get_or_insert(batch.position);
            }
            self.note_recovered(&mut active, &batch, &scanner, limits.replay_from)?;
        };
        let position = active.size;
        let cut = position < size;
        active.verified = Verified::from(checked_from.unwrap_or(position));
        if let Some(problem) = problem.filter(|_| self.log_end < limits.known_end) {
            self.active = Some(active);
            return Ok(Recovery::Damaged(problem));
        }
        let recovered = self.recovered.get_or_insert_default();
        recovered.walked_bytes += size.saturating_sub(walked_from);
        recovered.cut_bytes += size.saturating_sub(position);
        if cut {
            file.set_length(position)?;
        }
        if let Some(from) = unknown_from {
            rewrite(&*file, from, position)?;
        }
        active.file = Some(file);
        self.active = Some(active);
        Ok(if cut { Recovery::Cut } else { Recovery::Whole })
    }

    fn note_recovered(
        &mut self,
        active: &mut Active,
        batch: &Found,
        scanner: &Scanner<'_>,
        replay_from: i64,
    ) -> Result<(), OpenError> {
        let head = &batch.head;
        if head.base >= replay_from {
            active.aborted.extend(replay(&mut self.producers, batch, scanner)?);
        }
        self.epochs_dirty |= self.epochs.assign(head.epoch, head.base);
        active.note(&[*head], head.size, &self.config);
        self.log_end = EndOffset::after(Offset(head.last));
        Ok(())
    }

    /// Closes the segment that was just recovered, since another one follows.
    fn seal_recovered(&mut self) -> Result<(), OpenError> {
        self.write_indexes(IndexEnd::Closed)?;
        self.write_snapshot(self.log_end.0)?;
        self.seal_active();
        Ok(())
    }

    /// The producers as they were at `end`: from the newest snapshot up to `usable`, and the batches
    /// from there on. Returns where they are known to: `end`, or the snapshot behind it.
    pub(super) fn load_producers(
        &mut self,
        end: i64,
        usable: i64,
        snapshots: &[i64],
    ) -> Result<i64, OpenError> {
        let mut usable: Vec<i64> = snapshots.iter().copied().filter(|at| *at <= usable).collect();
        usable.sort_unstable();
        let mut from = i64::MIN;
        self.producers = Producers::default();
        while let Some(at) = usable.pop() {
            // One that is damaged is as good as none.
            if let Some(lines) = self.read_snapshot(at)? {
                self.producers = Producers::from_lines(&lines);
                from = at;
                break;
            }
        }
        self.replay_producers(from, end)?;
        Ok(from.max(end))
    }

    /// What a snapshot holds; `None` when it is damaged.
    pub(super) fn read_snapshot(&self, at: i64) -> Result<Option<Vec<SnapshotLine>>, OpenError> {
        let path = self.path(at, FileKind::Snapshot);
        let bytes = read_whole(&*self.disk, &path, SNAPSHOT_BYTES_MAX)?.unwrap_or_default();
        Ok(parse_snapshot(&bytes).ok())
    }

    fn replay_producers(&mut self, from: i64, end: i64) -> Result<(), OpenError> {
        let bases: Vec<i64> = self.segments().map(|(base, _)| base).collect();
        for base in bases {
            if self.segment_end(base).0 <= from || base >= end || from >= end {
                continue;
            }
            let position = match self.find(base, Offset(from.max(base))) {
                Ok(Some(batch)) => batch.position,
                Ok(None) => continue,
                Err(ReadError::Damaged(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let mut producers = std::mem::take(&mut self.producers);
            let walked = self.walk(base, position, |batch, scanner| {
                if batch.head.base >= end {
                    return Ok(Walk::Stop);
                }
                if batch.head.base >= from {
                    replay(&mut producers, batch, scanner)?;
                }
                Ok(Walk::On)
            });
            self.producers = producers;
            match walked {
                // What is behind it is not read either.
                Err(ReadError::Damaged(_)) => return Ok(()),
                walked => walked?,
            }
        }
        Ok(())
    }

    /// Makes the indexes of a closed segment anew.
    pub(super) fn rebuild_indexes(&mut self, base: i64) -> Result<(), OpenError> {
        let mut active = Active::new(base, 0, &self.tail_budget);
        let config = Arc::clone(&self.config);
        let path = self.path(base, FileKind::Log);
        let size = self.segment_size(base);
        let file = self.disk.open_shared(&path)?;
        let mut scanner = Scanner::new(&*file, 0, size, WINDOW_WHOLE);
        // Damage is reported when somebody reads there.
        while let Step::Batch(batch) = scanner.step()? {
            if active.relative(batch.head.last).is_none() {
                break;
            }
            active.note(&[batch.head], batch.head.size, &config);
        }
        active.note_largest_timestamp();
        let kinds = [
            (FileKind::OffsetIndex, active.offsets.to_bytes()),
            (FileKind::TimeIndex, active.times.to_bytes()),
        ];
        for (kind, bytes) in kinds {
            let path = self.path(base, kind);
            self.disk.forget_shared(&path);
            let file = write_whole_unsynced(&*self.disk, &path, &bytes)?;
            self.note_to_sync(file);
        }
        Ok(())
    }
}

/// What became of a segment.
enum Recovery {
    Whole,
    Cut,
    /// Below the recovery point.
    Damaged(&'static str),
}

/// Rewritten at most: more than what is ever on its way to the disk together.
const REWRITTEN_BYTES_MAX: u64 = 64 << 20;

/// Writes a range over itself. After a sync that failed the system may hold it in memory, and call
/// it written, without having written it; the sync to come is to make it durable all the same.
fn rewrite(file: &dyn DiskFile, from: u64, to: u64) -> Result<(), DiskError> {
    let mut at = from.max(to.saturating_sub(REWRITTEN_BYTES_MAX));
    let mut piece = vec![0; WINDOW_WHOLE];
    while at < to {
        let wanted = usize::try_from(to - at).unwrap_or(usize::MAX).min(piece.len());
        let Some(piece) = piece.get_mut(..wanted) else { break };
        let read = file.read_at(piece, at)?;
        let Some(found) = piece.get(..read).filter(|found| !found.is_empty()) else { break };
        file.write_at(&[found], at)?;
        at = at.saturating_add(read as u64);
    }
    Ok(())
}

/// Takes over what a batch found in the log did to its producer.
fn replay(
    producers: &mut Producers,
    batch: &Found,
    scanner: &Scanner<'_>,
) -> Result<Option<AbortedTransaction>, ReadError> {
    let head = &batch.head;
    let marker = match head.is_control() && head.producer >= 0 {
        true => Marker::parse(&scanner.read(batch)?),
        false => None,
    };
    Ok(producers.replay(head, marker.as_ref()))
}
