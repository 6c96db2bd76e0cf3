//! Epochs and producer snapshots against the batches.

use super::Check;
use crate::check::finding::{Finding, Meaning};
use crate::check::shadow::Shadow;
use crate::checkpoint::{FILE_BYTES_MAX, parse_epochs};
use crate::disk::{DiskError, read_whole};
use crate::log::parts::{EPOCHS, EpochCache, Head, file_path};
use crate::log::{FileKind, parse_snapshot};
use headwater_types::{Offset, ProducerId};

/// Largest producer snapshot that is read.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

impl Check<'_> {
    pub(super) fn note_producer(&mut self, producer: i64) {
        let producer = Some(ProducerId(producer)).filter(|_| producer >= 0);
        self.report.last_producer = self.report.last_producer.max(producer);
    }

    pub(super) fn load_epochs(&mut self) -> Result<(), DiskError> {
        let path = self.folder.join(EPOCHS);
        let bytes = read_whole(self.disk, &path, FILE_BYTES_MAX)?;
        match bytes.map(|bytes| parse_epochs(&String::from_utf8_lossy(&bytes))) {
            Some(Ok(entries)) => self.epochs = Some(EpochCache::new(entries)),
            Some(Err(problem)) => self.epochs_problem = Some(problem),
            None => {}
        }
        Ok(())
    }

    pub(super) fn compare_epoch(&mut self, head: &Head) {
        let Some(epochs) = self.epochs.as_ref().filter(|_| head.epoch >= 0) else { return };
        let known = epochs.epoch_of(Offset(head.base)).map(|epoch| epoch.0);
        // An epoch that has only just begun may not be in the file yet.
        let fresh = !self.around.clean_stop && !self.was_durable(head.base);
        if known != Some(head.epoch) && !(fresh && known.is_none_or(|known| known < head.epoch)) {
            let known = known.map_or("none".to_owned(), |known| known.to_string());
            self.epochs_problem.get_or_insert_with(|| {
                format!(
                    "at offset {} it says epoch {known}, the batch says {}",
                    head.base, head.epoch
                )
            });
        }
    }

    pub(super) fn finish_epochs(&mut self) {
        let path = self.folder.join(EPOCHS);
        if let Some(problem) = self.epochs_problem.take() {
            self.find(Finding::of(path, Meaning::Rebuildable, problem));
        } else if self.epochs.is_none() && self.around.clean_stop && self.report.epoch.is_some() {
            self.find(Finding::of(path, Meaning::Rebuildable, "it is missing"));
        }
    }

    pub(super) fn load_snapshots(&mut self) -> Result<(), DiskError> {
        for at in self.inventory.snapshots.clone() {
            let path = file_path(&self.folder, at, FileKind::Snapshot);
            let Some(bytes) = read_whole(self.disk, &path, SNAPSHOT_BYTES_MAX)? else { continue };
            match parse_snapshot(&bytes) {
                Ok(lines) => {
                    lines.iter().for_each(|line| self.note_producer(line.producer));
                    self.snapshots_left.insert(at, lines);
                }
                Err(problem) => self.find(Finding::of(path, Meaning::Rebuildable, problem)),
            }
        }
        let base = self.inventory.logs.keys().next().copied().unwrap_or(0);
        // What was before the log's first batch is told by a snapshot alone.
        let first = self.snapshots_left.range(..=base).next_back().map(|(at, _)| *at);
        if let Some(lines) = first.and_then(|at| self.snapshots_left.get(&at)) {
            self.shadow = Shadow::new(lines, 4096);
        }
        self.known_from = if first == Some(base) || base == 0 { 0 } else { base };
        let early: Vec<i64> = self.snapshots_left.range(..=base).map(|(at, _)| *at).collect();
        for at in early {
            self.snapshots_left.remove(&at);
            self.snapshots_right.insert(at);
        }
        Ok(())
    }

    /// Compares the snapshots up to an offset with the producers that were seen before it.
    pub(super) fn compare_snapshots(&mut self, up_to: i64) {
        while let Some(entry) = self.snapshots_left.first_entry().filter(|one| *one.key() <= up_to)
        {
            let (at, lines) = entry.remove_entry();
            let from = self.known_from;
            let wrong =
                lines.iter().find(|line| self.unbroken && !self.shadow.agrees_with(line, from, at));
            match wrong {
                Some(line) => {
                    let problem = format!(
                        "what it says of producer {} is not what the log holds before offset {at}",
                        line.producer
                    );
                    let path = file_path(&self.folder, at, FileKind::Snapshot);
                    self.find(Finding::of(path, Meaning::Rebuildable, problem));
                }
                None => {
                    self.snapshots_right.insert(at);
                }
            }
        }
    }

    pub(super) fn finish_snapshots(&mut self) {
        let end = self.report.end.0;
        self.compare_snapshots(end);
        for at in std::mem::take(&mut self.snapshots_left).into_keys() {
            // One that a broker has just written is newer than our look at the segment.
            if self.around.clean_stop || self.was_durable(end) {
                let path = file_path(&self.folder, at, FileKind::Snapshot);
                let problem = format!("it is of offset {at}, the log ends at {end}");
                self.find(Finding::of(path, Meaning::Rebuildable, problem));
            }
        }
    }
}
