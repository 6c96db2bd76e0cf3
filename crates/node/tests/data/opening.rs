//! Logs that have files are opened by a job, and requests for them wait meanwhile.

use super::{
    batch, broker_with_topic, create, fetch_request, outcomes, partitions, produce_request, values,
};
use crate::support::{Broker, produce};
use headwater_log::{Disk, OpenMode, OperationKind};
use headwater_node::Fact;
use headwater_protocol::messages::fetch::FetchRequest;
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use headwater_protocol::messages::produce::ProduceRequest;
use headwater_types::ErrorCode;
use std::path::Path;

/// Longer than anybody waits for a log to be opened.
const TOO_LONG_MS: u64 = 15_000;

/// A broker that was killed, with three records in each of the two partitions of `t`; no log is open
/// and tasks are held.
fn killed() -> Broker {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 0, 3);
    produce(&mut broker, "t", 1, 3);
    broker.kill_and_restart();
    broker.hold_tasks(true);
    broker
}

fn latest(partition_index: i32) -> ListOffsetsRequest {
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                partition_index,
                timestamp: -1,
                current_leader_epoch: -1,
                ..ListOffsetsPartition::default()
            }],
            ..ListOffsetsTopic::default()
        }],
        ..ListOffsetsRequest::default()
    }
}

fn end(broker: &mut Broker) -> Option<(i16, i64)> {
    let response = broker.answer::<ListOffsetsRequest>(7)?;
    let one = &response.topics[0].partitions[0];
    Some((one.error_code, one.offset))
}

#[test]
fn requests_for_a_log_that_is_being_opened_wait_for_one_opening() {
    let mut broker = killed();
    broker.send(12, &fetch_request(&[(0, 0)]));
    broker.send(7, &latest(0));
    broker.send(7, &latest(0));
    assert_eq!(broker.tasks_held(), 1);
    assert!(broker.answer::<FetchRequest>(12).is_none());
    broker.do_one_task();
    let fetched = broker.answer::<FetchRequest>(12).expect("opened");
    assert_eq!(values(partitions(&fetched)[0]).len(), 3);
    assert_eq!(end(&mut broker), Some((0, 3)));
    assert_eq!(end(&mut broker), Some((0, 3)));
}

#[test]
fn requests_for_other_partitions_go_on() {
    let mut broker = killed();
    create(&mut broker, "new", 1, &[]);
    broker.send(7, &latest(0));
    let other = broker.connect();
    broker.send_on(other, 7, &latest(1));
    assert_eq!(broker.tasks_held(), 2);
    let third = broker.connect();
    let mut request = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    request.topic_data[0].name = "new".into();
    let response = broker.ask_on(third, 9, &request);
    assert_eq!(outcomes(&response), [(0, ErrorCode::None, 0)], "a new topic has no files to open");
    broker.do_one_task();
    assert_eq!(end(&mut broker), Some((0, 3)), "though the other one is not open yet");
    broker.hold_tasks(false);
}

#[test]
fn pipelined_produces_are_not_overtaken() {
    let mut broker = killed();
    // The second partition is open already.
    let other = broker.connect();
    broker.send_on(other, 7, &latest(1));
    broker.do_one_task();
    let batches = vec![(0, batch(&broker, &["a"], None)), (1, batch(&broker, &["a"], None))];
    broker.send(9, &produce_request(-1, batches));
    assert!(!broker.accepts_more(), "the next one might overtake it");
    broker.hold_tasks(false);
    assert!(broker.accepts_more());
    let second = produce_request(-1, vec![(1, batch(&broker, &["b"], None))]);
    broker.send(9, &second);
    let response = broker.answer::<ProduceRequest>(9).expect("opened and synced");
    assert_eq!(outcomes(&response), [(0, ErrorCode::None, 3), (1, ErrorCode::None, 3)]);
    let response = broker.answer::<ProduceRequest>(9).expect("synced");
    assert_eq!(outcomes(&response), [(1, ErrorCode::None, 4)]);
}

#[test]
fn a_produce_that_nobody_is_told_of_waits_as_well() {
    let mut broker = killed();
    broker.send(9, &produce_request(0, vec![(0, batch(&broker, &["a"], None))]));
    assert!(!broker.accepts_more());
    broker.hold_tasks(false);
    assert!(broker.accepts_more());
    broker.send(7, &latest(0));
    assert_eq!(end(&mut broker), Some((0, 4)));
}

#[test]
fn who_has_waited_long_enough_is_told_to_come_again() {
    let mut broker = killed();
    broker.send(9, &produce_request(-1, vec![(0, batch(&broker, &["a"], None))]));
    broker.pass(TOO_LONG_MS - 1);
    assert!(broker.answer::<ProduceRequest>(9).is_none());
    broker.pass(1);
    let response = broker.answer::<ProduceRequest>(9).expect("told");
    assert_eq!(outcomes(&response), [(0, ErrorCode::NotLeaderOrFollower, -1)]);
    assert!(broker.accepts_more());
    broker.send(12, &fetch_request(&[(0, 0)]));
    broker.pass(TOO_LONG_MS);
    let fetched = broker.answer::<FetchRequest>(12).expect("told");
    assert_eq!(partitions(&fetched)[0].error_code, ErrorCode::NotLeaderOrFollower.code());
    broker.hold_tasks(false);
    broker.send(7, &latest(0));
    assert_eq!(end(&mut broker), Some((0, 3)), "nothing was appended");
    assert_eq!(broker.worker.parked_count(), 0);
}

#[test]
fn a_topic_deleted_while_its_log_is_opened_is_taken_away_afterwards() {
    let mut broker = killed();
    broker.send(7, &latest(0));
    broker.delete_topic("t");
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(end(&mut broker), Some((unknown, -1)));
    let folders = |broker: &Broker| {
        let entries = broker.disk.list(Path::new("/logs-0")).expect("the log folder");
        entries.into_iter().filter(|entry| entry.name == "t-0").count()
    };
    assert_eq!(folders(&broker), 1, "the job still needs it");
    broker.hold_tasks(false);
    assert_eq!(folders(&broker), 0);
}

#[test]
fn a_client_that_goes_while_it_waits_leaves_nothing() {
    let mut broker = killed();
    let other = broker.connect();
    broker.send_on(other, 7, &latest(0));
    broker.disconnect(other);
    assert_eq!(broker.worker.parked_count(), 0);
    broker.hold_tasks(false);
}

#[test]
fn a_recovery_is_told_of() {
    let mut broker = killed();
    assert!(broker.node.take_facts().is_empty());
    broker.hold_tasks(false);
    broker.send(7, &latest(0));
    let facts = broker.node.take_facts();
    let [Fact::LogRecovered { replica, recovered }] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!((&*replica.topic, replica.partition.0), ("t", 0));
    assert!(recovered.walked_bytes > 0);
    assert_eq!(recovered.cut_bytes, 0);
}

#[test]
fn a_clean_stop_makes_no_recovery() {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 0, 3);
    broker.node.close().expect("closed");
    broker.kill_and_restart();
    broker.send(7, &latest(0));
    assert_eq!(end(&mut broker), Some((0, 3)));
    assert!(broker.node.take_facts().is_empty());
}

#[test]
fn a_log_that_cannot_be_opened_is_told_of() {
    let mut broker = killed();
    broker.disk.plan_failures(|plan| {
        plan.by_kind.insert(OperationKind::Open, std::io::ErrorKind::PermissionDenied);
    });
    broker.hold_tasks(false);
    broker.send(7, &latest(0));
    assert_eq!(end(&mut broker), Some((ErrorCode::KafkaStorageError.code(), -1)));
    let facts = broker.node.take_facts();
    assert!(matches!(&facts[..], [Fact::LogUnusable { .. }]), "{facts:?}");
}

#[test]
fn damage_is_told_of() {
    let mut broker = broker_with_topic(&[]);
    produce(&mut broker, "t", 0, 3);
    broker.node.close().expect("closed");
    let log = Path::new("/logs-0/t-0/00000000000000000000.log");
    let file = broker.disk.open(log, OpenMode::ReadWrite).expect("there");
    // The version of the format.
    file.write_at(&[&[9]], 16).expect("written");
    broker.kill_and_restart();
    broker.send(12, &fetch_request(&[(0, 0)]));
    let fetched = broker.answer::<FetchRequest>(12).expect("told at once");
    assert_eq!(partitions(&fetched)[0].error_code, ErrorCode::KafkaStorageError.code());
    broker.send(12, &fetch_request(&[(0, 0)]));
    let facts = broker.node.take_facts();
    let told = facts.iter().filter_map(|fact| match fact {
        Fact::LogDamaged { replica, damage } => Some((&*replica.topic, damage.offset.0)),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [("t", 0)], "{facts:?}");
}

#[test]
fn retention_opens_what_nobody_has_touched() {
    let mut broker = killed();
    broker.send(7, &latest(0));
    assert!(broker.apply_retention().is_empty());
    let view = broker.node.view();
    let open = view.partitions.values().filter(|one| one.status().ends.is_some()).count();
    assert_eq!(open, 1, "the other one is being opened by somebody else");
    broker.hold_tasks(false);
}

#[test]
fn a_log_that_finds_no_room_to_be_opened_is_tried_again() {
    let mut broker = killed();
    // What a crash left torn is cut, and that it was is made durable.
    let log = Path::new("/logs-0/t-0/00000000000000000000.log");
    let file = broker.disk.open(log, OpenMode::ReadWrite).expect("there");
    file.write_at(&[&[9; 10]], file.length().expect("known")).expect("written");
    broker.disk.plan_failures(|plan| {
        plan.by_kind.insert(OperationKind::Write, std::io::ErrorKind::StorageFull);
    });
    broker.hold_tasks(false);
    broker.send(7, &latest(0));
    assert_eq!(end(&mut broker), Some((ErrorCode::NotLeaderOrFollower.code(), -1)));
    let facts = broker.node.take_facts();
    assert!(matches!(&facts[..], [Fact::FolderFull { .. }]), "{facts:?}");
    broker.disk.plan_failures(|plan| plan.by_kind.clear());
    broker.send(7, &latest(0));
    assert_eq!(end(&mut broker), Some((0, 3)));
}
