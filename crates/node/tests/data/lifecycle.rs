//! What becomes of partitions apart from requests: deletion beside a sync, a name used again, a
//! folder that fails, a clean stop.

use super::{batch, broker_with_topic, create, outcomes, produce_request};
use crate::support::{Broker, produce};
use headwater_log::{Disk, OpenMode, OperationKind};
use headwater_node::Fact;
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use headwater_protocol::messages::produce::{ProduceRequest, ProduceResponse};
use headwater_types::{ErrorCode, LeaderEpoch};
use std::path::Path;

/// What proves a clean stop.
const CLEAN_STOP: &str = ".kafka_cleanshutdown";

/// The names in the first log folder that begin with this.
fn names(broker: &Broker, prefix: &str) -> Vec<String> {
    let entries = broker.disk.list(Path::new("/logs-0")).expect("the log folder");
    entries.into_iter().map(|entry| entry.name).filter(|name| name.starts_with(prefix)).collect()
}

fn produce_to(broker: &mut Broker, topic: &str) {
    let mut request = produce_request(-1, vec![(0, batch(broker, &["a"], None))]);
    request.topic_data[0].name = topic.into();
    broker.send(9, &request);
}

/// The error with which the next produce is answered.
fn produced(broker: &mut Broker) -> Option<ErrorCode> {
    let response: ProduceResponse = broker.answer::<ProduceRequest>(9)?;
    Some(outcomes(&response)[0].1)
}

#[test]
fn a_topic_deleted_during_a_sync_does_not_fail_its_folder() {
    let mut broker = broker_with_topic(&[]);
    create(&mut broker, "u", 1, &[]);
    broker.hold_disk(true);
    produce_to(&mut broker, "t");
    produce_to(&mut broker, "u");
    broker.delete_topic("t");
    assert_eq!(names(&broker, "t-0"), ["t-0"], "the sync still needs the folder");
    broker.hold_disk(false);
    assert_eq!(produced(&mut broker), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(produced(&mut broker), Some(ErrorCode::None));
    assert!(broker.node.folders()[0].failure().is_none());
    produce(&mut broker, "u", 0, 1);
    let left = names(&broker, "t-0");
    assert!(left.len() == 1 && left[0].ends_with("-delete"), "{left:?}");
}

#[test]
fn a_folder_that_a_sync_does_not_find_is_forgiven_if_its_topic_is_deleted() {
    let mut broker = broker_with_topic(&[]);
    create(&mut broker, "u", 1, &[]);
    broker.hold_disk(true);
    produce_to(&mut broker, "t");
    produce_to(&mut broker, "u");
    broker.delete_topic("t");
    broker.disk.rename(Path::new("/logs-0/t-0"), Path::new("/logs-0/gone")).expect("renamed");
    broker.hold_disk(false);
    assert_eq!(produced(&mut broker), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(produced(&mut broker), Some(ErrorCode::None));
    assert!(broker.node.folders()[0].failure().is_none());
}

#[test]
fn a_late_deletion_leaves_the_next_topic_of_that_name_alone() {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 0, 3);
    broker.hold_jobs(true);
    broker.delete_topic("t");
    create(&mut broker, "t", 1, &[]);
    produce(&mut broker, "t", 0, 1);
    broker.hold_jobs(false);
    let there = names(&broker, "t-0");
    assert_eq!(there.len(), 2, "{there:?}");
    assert!(there.contains(&String::from("t-0")), "the new topic's data: {there:?}");
    assert!(there.iter().any(|name| name.ends_with("-delete")), "the old one's: {there:?}");
}

#[test]
fn a_stray_of_that_name_is_moved_aside_and_kept() {
    let mut broker = broker_with_topic(&[]);
    let other = "version: 0\ntopic_id: L_hNNmmaS8ypLe2LBXZNOQ";
    broker.disk.create_folder(Path::new("/logs-0/t-0")).expect("created");
    let metadata = Path::new("/logs-0/t-0/partition.metadata");
    let file = broker.disk.open(metadata, OpenMode::Create).expect("created");
    file.write_at(&[other.as_bytes()], 0).expect("written");
    produce(&mut broker, "t", 0, 1);
    let there = names(&broker, "t-0");
    assert!(there.iter().any(|name| name.ends_with("-stray")), "{there:?}");
    assert!(there.contains(&String::from("t-0")), "{there:?}");
}

#[test]
fn whoever_is_dirty_when_a_sync_fails_is_told() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    produce_to(&mut broker, "t");
    // Behind the sync under way, in another partition.
    broker.send(9, &produce_request(-1, vec![(1, batch(&broker, &["b"], None))]));
    broker.fail_syncs(true);
    broker.hold_disk(false);
    assert_eq!(produced(&mut broker), Some(ErrorCode::KafkaStorageError));
    assert_eq!(produced(&mut broker), Some(ErrorCode::KafkaStorageError));
    assert!(broker.node.folders()[0].failure().is_some());
}

#[test]
fn a_clean_stop_leaves_a_proof() {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 0, 1);
    broker.node.close().expect("closed");
    assert_eq!(names(&broker, CLEAN_STOP), [CLEAN_STOP]);
}

#[test]
fn there_is_no_proof_of_a_clean_stop_after_a_failed_sync() {
    let mut broker = broker_with_topic(&[]);
    broker.fail_syncs(true);
    produce_to(&mut broker, "t");
    assert_eq!(produced(&mut broker), Some(ErrorCode::KafkaStorageError));
    // What the disk says now means nothing.
    broker.fail_syncs(false);
    broker.node.close().expect_err("not clean");
    assert!(names(&broker, CLEAN_STOP).is_empty());
}

#[test]
fn there_is_no_proof_of_a_clean_stop_beside_a_partition_that_could_not_be_opened() {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 1, 1);
    broker.disk.plan_failures(|plan| {
        plan.by_kind.insert(OperationKind::Open, std::io::ErrorKind::PermissionDenied);
    });
    produce_to(&mut broker, "t");
    broker.disk.plan_failures(|plan| plan.by_kind.clear());
    assert_eq!(produced(&mut broker), Some(ErrorCode::KafkaStorageError));
    broker.node.close().expect_err("not clean");
    assert!(names(&broker, CLEAN_STOP).is_empty());
}

#[test]
fn retention_leaves_what_was_never_written_unopened() {
    let mut broker = broker_with_topic(&[]);
    assert!(broker.apply_retention().is_empty());
    let view = broker.node.view();
    assert!(view.partitions.values().all(|partition| partition.status().ends.is_none()));
}

#[test]
fn the_largest_timestamp_is_not_named_before_it_is_committed() {
    let mut broker = broker_with_topic(&[]);
    let ask = |broker: &mut Broker| {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: "t".into(),
                partitions: vec![ListOffsetsPartition {
                    timestamp: -3,
                    current_leader_epoch: -1,
                    ..ListOffsetsPartition::default()
                }],
                ..ListOffsetsTopic::default()
            }],
            ..ListOffsetsRequest::default()
        };
        broker.send(7, &request);
        // Longer than anybody waits for a sync.
        broker.pass(10_000);
        broker.answer::<ListOffsetsRequest>(7).expect("an answer").topics[0].partitions[0].offset
    };
    broker.hold_disk(true);
    let mut request = produce_request(1, vec![(0, batch(&broker, &["a"], None))]);
    request.topic_data[0].name = "t".into();
    broker.send(9, &request);
    assert!(broker.answer::<ProduceRequest>(9).is_some());
    assert_eq!(ask(&mut broker), -1);
    broker.hold_disk(false);
    assert_eq!(ask(&mut broker), 0);
}

#[test]
fn a_deleted_topics_folder_stays_for_the_delay() {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 0, 1);
    broker.delete_topic("t");
    let round = |broker: &mut Broker, ms: u64| {
        broker.pass(ms);
        assert!(broker.apply_retention().is_empty());
        broker.node.remove_deleted().expect("removed");
        names(broker, "t-0").len()
    };
    assert_eq!(round(&mut broker, 0), 1);
    assert_eq!(round(&mut broker, 59_999), 1);
    assert_eq!(round(&mut broker, 1), 0);
}

#[test]
fn only_answers_to_readers_are_counted() {
    let broker = broker_with_topic(&[]);
    let view = broker.node.view();
    let partition = view.partitions.values().next().expect("a partition");
    partition.ends(LeaderEpoch::NONE, broker.now).expect("led here");
    partition.count_answered(7, false);
    partition.count_answered(0, true);
    let counters = partition.status().counters;
    assert_eq!((counters.fetch_requests, counters.bytes_out, counters.failed_fetch), (2, 7, 1));
}

#[test]
fn a_full_folder_is_told_of_once_and_so_is_room_in_it() {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 0, 1);
    let fill = |broker: &mut Broker, full: bool| {
        broker.disk.plan_failures(|plan| {
            plan.by_kind.clear();
            if full {
                plan.by_kind.insert(OperationKind::Write, std::io::ErrorKind::StorageFull);
            }
        });
    };
    fill(&mut broker, true);
    for _ in 0..3 {
        produce_to(&mut broker, "t");
        assert_eq!(produced(&mut broker), Some(ErrorCode::KafkaStorageError));
    }
    let facts = broker.node.take_facts();
    let [Fact::FolderFull { folder, problem }] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!(folder, Path::new("/logs-0"));
    assert!(problem.contains("t-0"), "{problem}");

    fill(&mut broker, false);
    // One append may find what is left of the room.
    produce(&mut broker, "t", 0, 1);
    assert!(broker.node.take_facts().is_empty());
    broker.pass(10_000);
    produce(&mut broker, "t", 0, 2);
    let room = Fact::FolderHasRoom { folder: "/logs-0".into() };
    assert_eq!(broker.node.take_facts(), [room]);
    produce(&mut broker, "t", 0, 1);
    assert!(broker.node.take_facts().is_empty());
}
