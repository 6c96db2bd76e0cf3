//! Appending.
//!
//! The order is: check every batch, find its place, stage what it does to its producer, begin a new
//! segment if one is needed, write, and only then change the state in memory. A set is appended as
//! a whole or not at all. Record bytes are not touched: a batch is written as its patched header
//! followed by what came from the network.

use super::Log;
use super::append_rules::{Checked, PlacedBatch};
use super::head::{HEAD_BYTES, Head};
use super::marker::Marker;
use super::names::FileKind;
use super::producer_state::{KnownBatch, Staged, Verdict};
use super::segment::{Incoming, relative};
use super::tail::COPIED_BYTES_MAX;
use super::types::{AppendOptions, Appended, Origin};
use crate::batch::ValidBatch;
use crate::config::TimestampType;
use crate::disk::{DiskError, DiskFile, OpenMode};
use crate::error::AppendError;
use bytes::Bytes;
use headwater_types::{EndOffset, LeaderEpoch, Offset};

/// What became of a set's producers.
enum SetVerdict {
    New(Staged),
    Duplicate(KnownBatch),
}

impl Log {
    /// Appends batches at the end of the log, as its leader in `epoch`: either all of them or none.
    ///
    /// # Errors
    /// When a batch breaks a rule, or the file cannot be written.
    pub fn append_as_leader(
        &mut self,
        batches: Vec<ValidBatch>,
        epoch: LeaderEpoch,
        now_ms: i64,
        options: AppendOptions,
    ) -> Result<Appended, AppendError> {
        self.check_online()?;
        let checked = self.check_batches(batches, now_ms, options)?;
        let mut next = self.log_end.0;
        let mut placed = Vec::with_capacity(checked.len());
        for batch in checked {
            let batch = batch.place(next, epoch.0);
            next = batch.head.last.saturating_add(1);
            placed.push(batch);
        }
        let log_append_time =
            (self.config.timestamp_type == TimestampType::LogAppendTime).then_some(now_ms);
        self.append_placed(&placed, now_ms, Some(options.origin), log_append_time)
    }

    /// Appends batches that a leader has placed, keeping their offsets and epochs.
    ///
    /// # Errors
    /// When they do not continue the log, or the file cannot be written.
    pub fn append_as_follower(
        &mut self,
        batches: Vec<ValidBatch>,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        self.check_online()?;
        let mut placed = Vec::with_capacity(batches.len());
        let mut expected = self.log_end;
        for batch in batches {
            let batch = Checked::new(batch)?.keep_place();
            if batch.head.base < expected.0 {
                let found = Offset(batch.head.base);
                return Err(AppendError::OffsetGap { expected, found });
            }
            expected = EndOffset::after(Offset(batch.head.last));
            placed.push(batch);
        }
        self.append_placed(&placed, now_ms, None, None)
    }

    fn check_online(&self) -> Result<(), AppendError> {
        match &self.failure {
            Some(failure) => Err(AppendError::Offline(failure.clone())),
            None => self.check_sound().map_err(AppendError::Damaged),
        }
    }

    fn append_placed(
        &mut self,
        batches: &[PlacedBatch],
        now_ms: i64,
        origin: Option<Origin>,
        log_append_time: Option<i64>,
    ) -> Result<Appended, AppendError> {
        let (Some(first), Some(last)) = (batches.first(), batches.last()) else {
            return Ok(self.nothing_appended());
        };
        let bytes: usize = batches.iter().map(|batch| batch.head.size).sum();
        let limit_bytes = self.config.segment_bytes as usize;
        if bytes > limit_bytes {
            return Err(AppendError::SetTooLarge { bytes, limit_bytes });
        }
        let staged = match self.stage_producers(batches, origin)? {
            SetVerdict::New(staged) => staged,
            SetVerdict::Duplicate(known) => return Ok(self.duplicate(known, log_append_time)),
        };
        let incoming = Incoming {
            bytes,
            last: last.head.last,
            largest_timestamp: batches
                .iter()
                .map(|batch| batch.head.max_timestamp)
                .max()
                .unwrap_or(-1),
        };
        let rolled = self.prepare_segment(&incoming, first.head.base, now_ms)?;
        self.write(batches, bytes)?;
        let records = self.note_appended(batches, bytes, staged, now_ms);
        Ok(Appended {
            first: Offset(first.head.base),
            last: Offset(last.head.last),
            log_append_time,
            log_start: self.log_start,
            end: self.log_end,
            duplicate: false,
            bytes,
            records,
            rolled,
        })
    }

    fn stage_producers(
        &mut self,
        batches: &[PlacedBatch],
        origin: Option<Origin>,
    ) -> Result<SetVerdict, AppendError> {
        let mut staged = Staged::default();
        for batch in batches {
            let head = &batch.head;
            let marker = if head.is_control() { Marker::parse(&batch.joined()) } else { None };
            let mut verdict = self.producers.stage(&mut staged, head, marker.as_ref(), origin);
            if let Err(AppendError::OutOfOrderSequence { .. }) = verdict {
                // It may be a repeat of a batch that the snapshot at the last start did not hold.
                if self.learn_history(head.producer) {
                    verdict = self.producers.stage(&mut staged, head, marker.as_ref(), origin);
                }
            }
            if let Verdict::Duplicate(known) = verdict? {
                return Ok(SetVerdict::Duplicate(known));
            }
        }
        Ok(SetVerdict::New(staged))
    }

    fn nothing_appended(&self) -> Appended {
        Appended {
            first: self.log_end.next(),
            last: Offset(self.log_end.0.saturating_sub(1)),
            log_append_time: None,
            log_start: self.log_start,
            end: self.log_end,
            duplicate: false,
            bytes: 0,
            records: 0,
            rolled: false,
        }
    }

    fn duplicate(&self, known: KnownBatch, log_append_time: Option<i64>) -> Appended {
        Appended {
            first: known.first,
            last: known.last,
            log_append_time: log_append_time.map(|_| known.timestamp),
            duplicate: true,
            ..self.nothing_appended()
        }
    }

    /// Makes sure that there is a segment to write to. Returns whether a new one was begun after
    /// another.
    fn prepare_segment(
        &mut self,
        incoming: &Incoming,
        base: i64,
        now_ms: i64,
    ) -> Result<bool, AppendError> {
        let rolls = match &self.active {
            None => false,
            Some(active) if active.must_roll(incoming, &self.config, now_ms) => active.size > 0,
            Some(_) => return self.open_active().map(|()| false),
        };
        if rolls || self.active.is_none() {
            // A segment begins where the log ends, even where a follower's batch is somewhat behind
            // that: recovery takes a gap between segments for a loss.
            let end = self.log_end.0;
            let base = if relative(end, incoming.last).is_some() { end } else { base };
            self.begin_segment(base, now_ms).map_err(|error| self.write_failed(error, None))?;
        } else if let Some(active) = &mut self.active {
            // An empty segment whose base is too far away: it begins anew where it must.
            if active.relative(incoming.last).is_none() {
                let old = active.base;
                self.active = None;
                self.remove_segment_files(old);
                self.begin_segment(base, now_ms).map_err(|error| self.write_failed(error, None))?;
            } else {
                self.open_active()?;
            }
        }
        Ok(rolls)
    }

    fn open_active(&mut self) -> Result<(), AppendError> {
        let Some(active) = &self.active else { return Ok(()) };
        if active.file.is_none() {
            let path = self.path(active.base, FileKind::Log);
            let file = self
                .disk
                .open(&path, OpenMode::ReadWrite)
                .map_err(|error| self.write_failed(error, None))?;
            if let Some(active) = &mut self.active {
                active.file = Some(file);
            }
        }
        Ok(())
    }

    fn write(&mut self, batches: &[PlacedBatch], bytes: usize) -> Result<(), AppendError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let Some(file) = active.file.clone() else { return Ok(()) };
        let mut position = active.size;
        let before = position;
        let pieces = batches.iter().flat_map(PlacedBatch::pieces);
        let written = if bytes < COPIED_BYTES_MAX {
            let copied = active.tail.copy(pieces, bytes);
            file.write_at(&[&copied], position).map(|()| Some(copied))
        } else {
            let pieces: Vec<&[u8]> = pieces.collect();
            file.write_at(&pieces, position).map(|()| None)
        };
        let mut copied: Option<Bytes> =
            written.map_err(|error| self.write_failed(error, Some((&*file, before))))?;
        self.keep_for_journal(batches, copied.as_ref(), before, bytes);
        if let Some(active) = &mut self.active {
            for batch in batches {
                let own = copied.as_mut().map(|copied| copied.split_to(batch.head.size));
                active.tail.push(&batch.head, position, own);
                position = position.saturating_add(batch.head.size as u64);
            }
        }
        Ok(())
    }

    /// Keeps what was written until it is synced, where the folder's journal may take it then.
    fn keep_for_journal(
        &mut self,
        batches: &[PlacedBatch],
        copied: Option<&Bytes>,
        position: u64,
        bytes: usize,
    ) {
        let (Some(journal), Some(active)) = (&self.journal, &self.active) else { return };
        if !self.config.journaled {
            // It may be wanted later: then what was not kept is missing.
            return self.sync.unsynced.give_up();
        }
        let Some(last) = batches.last() else { return };
        let end = EndOffset::after(Offset(last.head.last));
        let (base, budget) = (active.base, journal.retained_bytes());
        let unsynced = &mut self.sync.unsynced;
        match copied {
            Some(copied) => {
                let pieces = std::iter::once(copied.clone());
                unsynced.push(base, position, end, pieces, bytes, budget);
            }
            None => {
                let pieces = batches.iter().flat_map(|batch| {
                    [Bytes::copy_from_slice(&batch.header), batch.records.clone()]
                });
                unsynced.push(base, position, end, pieces, bytes, budget);
            }
        }
    }

    /// Decides what a failed write means: where only space is missing, the log goes on as it was.
    fn write_failed(
        &mut self,
        error: DiskError,
        file: Option<(&dyn DiskFile, u64)>,
    ) -> AppendError {
        if !error.is_full() {
            return AppendError::Offline(self.fail(error));
        }
        // Whatever part was written lies behind the end, and the next write overwrites it. Cutting
        // it keeps a crash from finding a torn batch.
        let cut = file.map_or(Ok(()), |(file, length)| file.set_length(length));
        match cut {
            Ok(()) => AppendError::Full(error),
            Err(error) => AppendError::Offline(self.fail(error)),
        }
    }

    /// Takes over what is in the file now. Returns the number of records.
    fn note_appended(
        &mut self,
        batches: &[PlacedBatch],
        bytes: usize,
        staged: Staged,
        now_ms: i64,
    ) -> u64 {
        let heads: Vec<Head> = batches.iter().map(|batch| batch.head).collect();
        let aborted = self.producers.commit(staged);
        if let Some(active) = &mut self.active {
            active.note(&heads, bytes, &self.config);
            active.aborted.extend(aborted);
            active.modified_ms = now_ms;
        }
        for head in &heads {
            self.epochs_dirty |= self.epochs.assign(head.epoch, head.base);
            self.log_end = self.log_end.max(EndOffset::after(Offset(head.last)));
        }
        let records = heads.iter().map(|head| u64::try_from(head.count).unwrap_or(0)).sum();
        self.sync.note_written(records, bytes, now_ms);
        records
    }
}

impl PlacedBatch {
    fn pieces(&self) -> [&[u8]; 2] {
        [&self.header, &self.records]
    }

    /// The whole batch in one piece: for control batches, which are small.
    fn joined(&self) -> Vec<u8> {
        debug_assert_eq!(self.header.len(), HEAD_BYTES);
        self.pieces().concat()
    }
}
