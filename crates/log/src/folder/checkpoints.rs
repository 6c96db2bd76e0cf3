//! The three checkpoint files of a folder, as one table.

use super::{FoundPartition, METADATA_TOPIC, PartitionCheckpoint};
use crate::checkpoint::{FILE_BYTES_MAX, Offsets, offsets_to_text, parse_offsets};
use crate::disk::{Disk, DiskError, read_whole, write_whole_durably};
use headwater_types::{EndOffset, Offset, PartitionIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(crate) const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
pub(crate) const LOG_STARTS: &str = "log-start-offset-checkpoint";
pub(crate) const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";

type Key = (String, i32);

/// What is known of all partitions.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    by_partition: BTreeMap<Key, PartitionCheckpoint>,
    /// Forgotten, but still in the files.
    forgotten: BTreeSet<Key>,
}

impl Checkpoints {
    /// Reads the files. One that makes no sense counts as missing: everything is then checked anew
    /// from the start.
    pub fn load(disk: &dyn Disk, folder: &Path) -> Result<Self, DiskError> {
        let read = |name| -> Result<Offsets, DiskError> {
            let bytes = read_whole(disk, &folder.join(name), FILE_BYTES_MAX)?.unwrap_or_default();
            Ok(parse_offsets(&String::from_utf8_lossy(&bytes)).unwrap_or_default())
        };
        let mut loaded = Self::default();
        for (key, offset) in read(RECOVERY_POINTS)? {
            loaded.by_partition.entry(key).or_default().recovery_point = EndOffset(offset);
        }
        for (key, offset) in read(LOG_STARTS)? {
            loaded.by_partition.entry(key).or_default().log_start = Offset(offset);
        }
        for (key, offset) in read(HIGH_WATERMARKS)? {
            loaded.by_partition.entry(key).or_default().high_watermark = EndOffset(offset);
        }
        Ok(loaded)
    }

    /// Forgets partitions that are not there. Returns whether there were any.
    pub fn retain(&mut self, found: &[FoundPartition]) -> bool {
        let there: BTreeSet<(&str, i32)> =
            found.iter().map(|found| (found.topic.as_str(), found.partition.0)).collect();
        let before = self.by_partition.len();
        self.by_partition.retain(|(topic, partition), _| {
            there.contains(&(topic.as_str(), *partition)) || topic == METADATA_TOPIC
        });
        self.by_partition.len() != before
    }

    pub fn get(&self, topic: &str, partition: PartitionIndex) -> PartitionCheckpoint {
        self.by_partition.get(&(topic.to_owned(), partition.0)).copied().unwrap_or_default()
    }

    pub fn set(&mut self, topic: &str, partition: PartitionIndex, checkpoint: PartitionCheckpoint) {
        self.by_partition.insert((topic.to_owned(), partition.0), checkpoint);
    }

    pub fn forget(&mut self, topic: &str, partition: PartitionIndex) {
        let key = (topic.to_owned(), partition.0);
        if self.by_partition.remove(&key).is_some() {
            self.forgotten.insert(key);
        }
    }

    /// Whether the files still say something about a partition that was forgotten.
    pub fn file_has_forgotten(&self, topic: &str, partition: PartitionIndex) -> bool {
        self.forgotten.contains(&(topic.to_owned(), partition.0))
    }

    /// Durably writes the files.
    pub fn write(&mut self, disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
        // A log's start goes first: a recovery point before it means nothing.
        self.write_one(disk, folder, LOG_STARTS, |known| {
            Some(known.log_start.0).filter(|start| *start > 0)
        })?;
        self.write_one(disk, folder, RECOVERY_POINTS, |known| Some(known.recovery_point.0))?;
        self.write_one(disk, folder, HIGH_WATERMARKS, |known| Some(known.high_watermark.0))?;
        self.forgotten.clear();
        Ok(())
    }

    fn write_one(
        &self,
        disk: &dyn Disk,
        folder: &Path,
        name: &str,
        value: impl Fn(&PartitionCheckpoint) -> Option<i64>,
    ) -> Result<(), DiskError> {
        let offsets: Offsets = self
            .by_partition
            .iter()
            .filter_map(|(key, known)| Some((key.clone(), value(known)?)))
            .collect();
        write_whole_durably(disk, &folder.join(name), offsets_to_text(&offsets).as_bytes())
    }
}
