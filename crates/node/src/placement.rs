//! Which of this broker's log folders holds a partition, or shall.

use crate::folder::Folder;
use crate::partition::Partition;
use headwater_metadata::config::BrokerConfig;
use headwater_types::{DirectoryId, TopicPartition};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Stands for all log folders where some are to be named.
const ALL_FOLDERS: &str = "*";

/// The log folders, and what they held when the broker started.
pub(crate) struct Folders {
    all: Vec<Arc<Folder>>,
    /// The same, as they were configured.
    configured: Vec<PathBuf>,
    /// Which of them held which partition: more than one only after a crash at the end of a move.
    found: BTreeMap<TopicPartition, Vec<usize>>,
}

/// How many partitions each folder holds, while new ones are placed.
pub(crate) struct Held(Vec<usize>);

impl Folders {
    pub fn new(all: Vec<Arc<Folder>>, configured: Vec<PathBuf>) -> Self {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (place, folder) in all.iter().enumerate() {
            for partition in folder.log_folder().found() {
                let Some(topic) = partition.topic_id else { continue };
                let key = TopicPartition { topic, partition: partition.partition };
                found.entry(key).or_default().push(place);
            }
        }
        Self { all, configured, found }
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<Folder>] {
        &self.all
    }

    /// Those that held a partition when the broker started.
    pub fn found(&self, key: TopicPartition) -> impl Iterator<Item = &Arc<Folder>> {
        let places = self.found.get(&key).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.all.get(*place))
    }

    /// Counts what they hold now.
    pub fn held<'p>(&self, partitions: impl Iterator<Item = &'p Arc<Partition>>) -> Held {
        let mut held = Held(vec![0; self.all.len()]);
        // With one folder nothing is chosen.
        if self.all.len() > 1 {
            for partition in partitions {
                held.add(self, &partition.folder());
            }
        }
        held
    }

    /// The folder for a partition: where it was found (of several the one it was assigned to), else
    /// the one it was assigned to, else the one that holds the fewest and is not cordoned.
    pub fn choose(
        &self,
        key: TopicPartition,
        assigned: DirectoryId,
        held: &Held,
        settings: &BrokerConfig,
    ) -> Option<&Arc<Folder>> {
        let is_assigned = |folder: &&Arc<Folder>| folder.id() == assigned;
        if let Some(folder) = self.found(key).find(is_assigned).or_else(|| self.found(key).next()) {
            return Some(folder);
        }
        if let Some(folder) = self.all.iter().find(is_assigned) {
            return Some(folder);
        }
        let counted = || self.all.iter().zip(held.0.iter().copied());
        let open = counted().filter(|(folder, _)| !self.is_cordoned(folder, settings));
        // Where all are cordoned the replica is here all the same, and must lie somewhere.
        let chosen = open
            .min_by_key(|(_, count)| *count)
            .or_else(|| counted().min_by_key(|(_, count)| *count));
        chosen.map(|(folder, _)| folder)
    }

    fn place_of(&self, folder: &Arc<Folder>) -> Option<usize> {
        self.all.iter().position(|one| Arc::ptr_eq(one, folder))
    }

    /// Whether a folder gets no new replicas (KIP-1066).
    pub fn is_cordoned(&self, folder: &Arc<Folder>, settings: &BrokerConfig) -> bool {
        settings
            .cordoned_log_dirs
            .iter()
            .any(|named| named == ALL_FOLDERS || self.is_name_of(named, folder))
    }

    /// Whether a path names a folder: as it was configured, or in full.
    fn is_name_of(&self, named: &str, folder: &Arc<Folder>) -> bool {
        let named = Path::new(named);
        let configured = self.place_of(folder).and_then(|place| self.configured.get(place));
        folder.path() == named || configured.is_some_and(|configured| configured == named)
    }

    /// What of a list of folders to cordon names none of these.
    pub fn unknown<'n>(&self, list: &'n str) -> Vec<&'n str> {
        let named = list.split(',').map(str::trim).filter(|named| !named.is_empty());
        let is_known = |named: &str| {
            named == ALL_FOLDERS || self.all.iter().any(|one| self.is_name_of(named, one))
        };
        named.filter(|named| !is_known(named)).collect()
    }
}

impl Held {
    /// One more lies in a folder.
    pub fn add(&mut self, folders: &Folders, folder: &Arc<Folder>) {
        let place = folders.place_of(folder);
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count += 1;
        }
    }
}
