//! What a partition's folder holds besides segments, by name.

use super::{Check, DAMAGED};
use crate::check::finding::{Finding, Meaning};
use crate::disk::{DiskError, read_whole};
use crate::folder::parse_partition_metadata;
use crate::log::parts::{METADATA, file_path};
use crate::log::{FileKind, FileName};

impl Check<'_> {
    pub(super) fn take_inventory(&mut self) -> Result<(), DiskError> {
        for entry in self.disk.list(&self.folder)?.into_iter().filter(|entry| !entry.is_folder) {
            let path = self.folder.join(&entry.name);
            match FileName::parse(&entry.name) {
                FileName::Live { base, kind: FileKind::Log } => {
                    self.inventory.logs.insert(base, entry.length);
                }
                FileName::Live { base, kind: FileKind::Snapshot } => {
                    self.inventory.snapshots.insert(base);
                }
                FileName::Live { base, kind } => {
                    self.inventory.indexes.insert((base, kind));
                }
                FileName::Leftover if entry.name.ends_with(".deleted") => {
                    // A broker that runs keeps them for a while.
                    if self.around.clean_stop {
                        self.find(Finding::of(path, Meaning::Leftover, "a removed file is left"));
                    }
                }
                FileName::Leftover => {
                    let problem = "a file that was being written is left";
                    self.find(Finding::of(path, Meaning::Leftover, problem));
                }
                FileName::Swap { .. } => {
                    let problem = "a rewritten file has not taken its place yet";
                    self.find(Finding::of(path, Meaning::Leftover, problem));
                }
                FileName::Other if entry.name.contains(DAMAGED) => {
                    let position =
                        entry.name.rsplit_once(DAMAGED).and_then(|(_, at)| at.parse().ok());
                    let problem = "damaged bytes that a repair took out";
                    let mut finding = Finding::of(path, Meaning::KeptAside, problem);
                    finding.bytes = Some(entry.length);
                    finding.position = position;
                    self.find(finding);
                }
                FileName::Other => {}
            }
        }
        let orphans: Vec<_> = self.inventory.indexes.iter().copied().collect();
        for (base, kind) in orphans {
            if !self.inventory.logs.contains_key(&base) {
                let path = file_path(&self.folder, base, kind);
                self.find(Finding::of(path, Meaning::Leftover, "there is no such segment"));
            }
        }
        Ok(())
    }

    pub(super) fn check_metadata(&mut self) -> Result<(), DiskError> {
        let path = self.folder.join(METADATA);
        match read_whole(self.disk, &path, 64 * 1024)?.as_deref().map(parse_partition_metadata) {
            Some(Ok(id)) => self.report.topic_id = Some(id),
            Some(Err(problem)) => self.find(Finding::of(path, Meaning::Damaged, problem)),
            // The first thing that is written into a folder.
            None if self.inventory.logs.is_empty() => {}
            None => self.find(Finding::of(path, Meaning::Rebuildable, "it is missing")),
        }
        Ok(())
    }
}
