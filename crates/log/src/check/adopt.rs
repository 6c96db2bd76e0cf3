//! Finds partitions that another program wrote, or that were moved aside, and copies them.

use super::folder::{Surroundings, check_folder, parse_folder_name};
use super::repair::{copy, sync_all};
use crate::disk::{Disk, DiskError, OpenMode, read_whole};
use crate::folder::parse_partition_metadata;
use crate::folder::parts::METADATA_TOPIC;
use crate::log::FileName;
use crate::log::parts::METADATA;
use headwater_types::{PartitionIndex, TopicId};
use std::path::{Path, PathBuf};

/// A partition that may be adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePartition {
    /// Its folder.
    pub folder: PathBuf,
    /// The topic's name.
    pub topic: String,
    /// The partition.
    pub partition: PartitionIndex,
    /// The topic's id, where the folder says one.
    pub topic_id: Option<TopicId>,
    /// What the checkpoints beside it say.
    pub around: Surroundings,
}

/// What a path was found to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Partitions, in the order of names.
    pub partitions: Vec<SourcePartition>,
}

/// Finds the partitions that a path holds: itself, or those in it. The metadata's own log is none.
///
/// # Errors
/// When the path cannot be read.
pub fn find_sources(disk: &dyn Disk, path: &Path) -> Result<Source, DiskError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = name.as_deref().and_then(partition_name);
    let entries = disk.list(path)?;
    let holds_log = entries.iter().any(|entry| {
        !entry.is_folder
            && (entry.name == METADATA
                || matches!(FileName::parse(&entry.name), FileName::Live { .. }))
    });
    let mut source = Source::default();
    if let Some((topic, partition)) = own.filter(|_| holds_log) {
        let parent = path.parent().unwrap_or(Path::new("."));
        let parent = if parent == Path::new("") { Path::new(".") } else { parent };
        let around = check_folder(disk, parent)?.surroundings(&topic, partition);
        source.partitions.push(found(disk, path.to_owned(), topic, partition, around)?);
        return Ok(source);
    }
    let folder = check_folder(disk, path)?;
    for entry in entries.into_iter().filter(|entry| entry.is_folder) {
        // Strays are adopted one by one: several may be of one partition.
        let Some((topic, partition)) = parse_folder_name(&entry.name) else { continue };
        if topic == METADATA_TOPIC {
            continue;
        }
        let around = folder.surroundings(&topic, partition);
        source.partitions.push(found(disk, path.join(entry.name), topic, partition, around)?);
    }
    Ok(source)
}

fn found(
    disk: &dyn Disk,
    folder: PathBuf,
    topic: String,
    partition: PartitionIndex,
    around: Surroundings,
) -> Result<SourcePartition, DiskError> {
    let bytes = read_whole(disk, &folder.join(METADATA), 64 * 1024)?;
    let topic_id = bytes.and_then(|bytes| parse_partition_metadata(&bytes).ok());
    Ok(SourcePartition { folder, topic, partition, topic_id, around })
}

/// The partition that a folder's name stands for, also one that was moved aside:
/// `orders-3.0123…-stray`.
fn partition_name(name: &str) -> Option<(String, PartitionIndex)> {
    let aside = ["-stray", "-future", "-delete"];
    let plain = aside.iter().find_map(|why| name.strip_suffix(why)?.rsplit_once('.'));
    parse_folder_name(plain.map_or(name, |(plain, _)| plain))
}

/// Copies a partition's folder durably. What an earlier removal or rewriting left is not copied.
/// `progress` is given the bytes that were copied since the last call.
///
/// # Errors
/// When a file cannot be read or written, or the target is there already.
pub fn copy_partition(
    disk: &dyn Disk,
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(), DiskError> {
    if disk.list(to).is_ok_and(|entries| !entries.is_empty()) {
        let cause = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(DiskError::new("create", to, cause));
    }
    disk.create_folder(to)?;
    for entry in disk.list(from)?.into_iter().filter(|entry| !entry.is_folder) {
        if FileName::parse(&entry.name) == FileName::Leftover {
            continue;
        }
        let source = disk.open(&from.join(&entry.name), OpenMode::Read)?;
        let target = disk.open(&to.join(&entry.name), OpenMode::Truncate)?;
        copy(&*source, 0, source.length()?, &*target, &mut 0)?;
        progress(entry.length);
    }
    sync_all(disk, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_that_were_moved_aside() {
        let orders = Some(("orders.eu".to_owned(), PartitionIndex(3)));
        assert_eq!(partition_name("orders.eu-3"), orders);
        assert_eq!(partition_name("orders.eu-3.0123-stray"), orders);
        assert_eq!(partition_name("orders.eu-3.0123-future"), orders);
        assert_eq!(partition_name("data"), None);
    }
}
