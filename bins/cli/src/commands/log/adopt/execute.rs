//! Doing what was planned, in the order that a crash may interrupt anywhere.

use super::super::offline::{self, Offline};
use super::metadata::Metadata;
use super::plan::{How, PartitionPlan, TopicPlan};
use super::{Place, copying};
use crate::exit::Failure;
use headwater_log::check::{copy_partition, plan_repair};
use headwater_log::{DiskTask, LogIdentity, PartitionCheckpoint};

/// Adopts the topics.
pub fn execute(
    place: &Place,
    offline: &mut Offline,
    topics: &mut [TopicPlan],
) -> Result<(), Failure> {
    let mut progress = copying(topics);
    let directory = Some(offline.folder().directory_id());
    let identity =
        headwater_log::check::FolderIdentity { directory_id: directory, ..place.identity.clone() };
    for topic in topics.iter() {
        for partition in topic.partitions.values() {
            take(place, offline, topic, partition, &mut |bytes| progress.add(bytes))?;
        }
    }
    drop(progress);
    // Everything is in its place and durable: now it is made known.
    let metadata = Metadata::start(&place.disk, &place.metadata, &identity)?;
    let mut outcome = Ok(());
    for topic in topics {
        match metadata.adopt(topic, &identity) {
            Ok(()) => topic.adopted = true,
            Err(error) => {
                let text = format!("topic {}: {error}", topic.name);
                outcome = outcome.and(Err(Failure::failed(text)));
            }
        }
    }
    metadata.stop()?;
    outcome
}

/// Brings a partition to its place.
fn take(
    place: &Place,
    offline: &mut Offline,
    topic: &TopicPlan,
    partition: &PartitionPlan,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let disk = &place.disk;
    let index = partition.source.partition;
    let identity = LogIdentity { topic: topic.name.clone(), topic_id: topic.id, partition: index };
    let target = place.data.join(identity.folder_name());
    let stage = match partition.how {
        // A name that a broker keeps and does not serve.
        How::Copy => {
            let unique = u128::from_be_bytes(offline::random_id()?.0);
            let stage = place.data.join(aside(&topic.name, index.0, unique));
            copy_partition(&**disk, &partition.source.folder, &stage, progress)
                .map_err(Failure::failed)?;
            stage
        }
        How::Rename | How::InPlace => partition.source.folder.clone(),
    };
    let plan = plan_repair(&**disk, &stage, &partition.source.around, progress)
        .map_err(Failure::failed)?;
    let whole = plan.execute(&**disk, progress).map_err(Failure::failed)?;
    let recovered = offline::settle(disk, &stage, identity.clone(), &whole)?;
    if stage != target && partition.how != How::InPlace {
        disk.rename(&stage, &target).map_err(Failure::failed)?;
    }
    disk.run(&DiskTask::SyncFolder(place.data.clone())).map_err(Failure::failed)?;
    let checkpoint = PartitionCheckpoint {
        recovery_point: recovered.end,
        log_start: recovered.start,
        high_watermark: recovered.end,
    };
    offline.note_closed(identity, checkpoint)
}

/// `orders-3.0123…-stray`, within the 255 bytes that a name may have.
fn aside(topic: &str, index: i32, unique: u128) -> String {
    let suffix = format!("-{index}.{unique:032x}-stray");
    let room = 255usize.saturating_sub(suffix.len());
    topic.chars().take(room).collect::<String>() + &suffix
}

#[cfg(test)]
mod tests {
    use super::aside;

    #[test]
    fn a_long_topic_still_has_a_name_aside() {
        assert_eq!(aside("orders", 3, 1), format!("orders-3.{:032x}-stray", 1));
        assert_eq!(aside(&"t".repeat(249), 12, 1).len(), 255);
    }
}
