//! Making what several logs appended durable together.

use super::unsynced::{Extent, Journalable};
use super::{Entry, Fact, Journal, Sync, Vouch, key_of, sync_folders};
use crate::disk::{DiskError, DiskFile, DiskTask};
use crate::log::SyncPlan;
use bytes::Bytes;
use headwater_types::EndOffset;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where to make something durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// Where it takes fewer syncs.
    Cheapest,
    /// In the logs' own files.
    OwnFiles,
}

/// A group commit, to be run on any thread.
#[derive(Clone, Debug)]
pub struct Commit {
    journal: Arc<Journal>,
    plans: Vec<SyncPlan>,
    choice: Choice,
}

/// Syncing what a file of the journal vouches for that is not being written.
#[derive(Clone, Debug)]
pub struct Reclaim(Arc<Journal>);

impl Reclaim {
    pub(super) fn of(journal: &Arc<Journal>) -> Self {
        Self(Arc::clone(journal))
    }

    /// Does it, on this thread.
    ///
    /// # Errors
    /// When a sync fails; the journal takes nothing more then.
    pub(crate) fn run(&self) -> Result<(), DiskError> {
        self.0.reclaim()
    }
}

impl Commit {
    /// Makes plans durable where it takes the fewest syncs.
    pub(crate) fn cheapest(journal: &Arc<Journal>, plans: Vec<SyncPlan>) -> Self {
        Self { journal: Arc::clone(journal), plans, choice: Choice::Cheapest }
    }

    /// Makes a plan durable in its log's own files.
    pub(crate) fn in_own_files(journal: &Arc<Journal>, plan: SyncPlan) -> Self {
        Self { journal: Arc::clone(journal), plans: vec![plan], choice: Choice::OwnFiles }
    }

    /// Does it, on this thread.
    ///
    /// # Errors
    /// When anything could not be made durable: none of the plans has succeeded then.
    pub(crate) fn run(&self) -> Result<(), DiskError> {
        self.journal.check_not_failed()?;
        self.run_once().inspect_err(|error| self.journal.fail(error))
    }

    fn run_once(&self) -> Result<(), DiskError> {
        let (journaled, own) = self.divide();
        self.sync_own(&own)?;
        match self.write_journal(&journaled) {
            // There is no room for it: then in the logs' own files, where it has its room.
            Err(error) if error.is_full() && !error.is_of_sync() => self.sync_own(&journaled),
            other => other,
        }
    }

    /// Decides what is journaled and what is synced in its own files.
    fn divide(&self) -> (Vec<&SyncPlan>, Vec<&SyncPlan>) {
        let syncs: usize = self.plans.iter().map(SyncPlan::syncs_count).sum();
        let mut room = usize::try_from(self.journal.file_bytes / 2).unwrap_or(usize::MAX);
        self.plans.iter().partition(|plan| {
            let extents = plan.journalable.as_deref().and_then(|of| of.extents.as_ref());
            let Some(extents) = extents else { return false };
            let bytes: usize = extents.iter().map(|extent| extent.bytes).sum();
            let journal = self.choice == Choice::Cheapest && syncs > 1 && bytes <= room;
            if journal {
                room -= bytes;
            }
            journal
        })
    }

    /// Syncs logs in their own files, with whatever else of them the journal still vouches for.
    fn sync_own(&self, plans: &[&SyncPlan]) -> Result<(), DiskError> {
        if plans.is_empty() {
            return Ok(());
        }
        let mut files: Vec<Arc<dyn DiskFile>> = Vec::new();
        let mut folders: Vec<PathBuf> = Vec::new();
        let mut pending = Vec::new();
        for plan in plans {
            files.extend(plan.files.iter().cloned());
            folders.extend(plan.folders.iter().cloned());
            if let Some(of) = &plan.journalable {
                let within = self.journal.vouched_within(&of.folder);
                files.extend(within.files.iter().cloned());
                pending.push(within);
            }
        }
        files.sort_by(|a, b| a.path().cmp(b.path()));
        files.dedup_by(|a, b| Arc::ptr_eq(a, b));
        folders.sort();
        folders.dedup();
        let task = DiskTask::Sync { files, folders };
        self.journal.disk.run(&task)?;
        let DiskTask::Sync { folders: done, .. } = task else { return Ok(()) };
        let mut names: Vec<PathBuf> =
            pending.iter().flat_map(|within| within.folders.iter().cloned()).collect();
        names.sort();
        names.dedup();
        names.retain(|name| !done.contains(name));
        sync_folders(&*self.journal.disk, &names)?;
        for within in &pending {
            self.journal.note_synced(within);
        }
        self.note_known(plans)
    }

    /// Notes how far logs are durable now. It is not synced for it: whoever does not find it looks
    /// closer at more of the log.
    fn note_known(&self, plans: &[&SyncPlan]) -> Result<(), DiskError> {
        let mut writer = self.journal.writer.lock();
        let mut entries = Vec::new();
        for plan in plans {
            let Some(of) = plan.journalable.as_deref() else { continue };
            if !self.is_current(of, plan.truncations) {
                continue;
            }
            let recovery_point = if plan.moves_recovery_point { plan.end } else { EndOffset(0) };
            let fact = Fact::Known { end: plan.end, recovery_point };
            let entry = Entry { identity: &of.identity, fact, data: &[] };
            entries.push((entry, Vouch::default()));
        }
        if entries.is_empty() {
            return Ok(());
        }
        let written = self.journal.write(&mut writer, &entries, Sync::Later);
        drop(writer);
        match written {
            Err(error) if error.is_full() && !error.is_of_sync() => Ok(()),
            Err(error) => Err(error),
            Ok(began) => {
                self.journal.after_write(began);
                Ok(())
            }
        }
    }

    fn write_journal(&self, plans: &[&SyncPlan]) -> Result<(), DiskError> {
        if plans.is_empty() {
            return Ok(());
        }
        let mut writer = self.journal.writer.lock();
        let mut entries = Vec::new();
        for plan in plans {
            let Some(of) = plan.journalable.as_deref() else { continue };
            // What was cut off meanwhile must not come behind the note of that.
            if !self.is_current(of, plan.truncations) {
                continue;
            }
            let mut vouch = Vouch { files: &plan.files, folders: &plan.folders };
            for extent in of.extents.iter().flatten() {
                entries.push((entry_of(of, extent), vouch));
                vouch = Vouch::default();
            }
            if of.extents.as_ref().is_some_and(Vec::is_empty) {
                // Only names and small files: known to be durable so far, now here.
                let fact = Fact::Known { end: plan.end, recovery_point: EndOffset(0) };
                entries
                    .push((Entry { identity: &of.identity, fact, data: &[] as &[Bytes] }, vouch));
            }
        }
        let written = self.journal.write(&mut writer, &entries, Sync::Now);
        drop(writer);
        self.journal.after_write(written?);
        Ok(())
    }

    /// Whether a log is still what it was when its sync was begun.
    fn is_current(&self, of: &Journalable, truncations: u64) -> bool {
        let key = key_of(&of.identity);
        of.truncations.load(Ordering::SeqCst) == truncations
            && !self.journal.books.lock().forgotten.contains(&key)
    }
}

fn entry_of<'a>(of: &'a Journalable, extent: &'a Extent) -> Entry<'a> {
    Entry {
        identity: &of.identity,
        fact: Fact::Appended { base: extent.base, position: extent.position, end: extent.end },
        data: &extent.pieces,
    }
}
