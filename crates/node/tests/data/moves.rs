//! Replicas that change their log folder (KIP-113).

use super::{batch, create, fetch_request, outcomes, partitions, produce_request, values};
use crate::support::{Broker, Options, produce};
use headwater_log::{Disk, Fate, OperationKind};
use headwater_node::{Fact, Partition};
use headwater_protocol::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterableConfig,
};
use headwater_protocol::messages::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use headwater_protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use headwater_protocol::messages::describe_log_dirs::DescribeLogDirsRequest;
use headwater_protocol::messages::fetch::FetchRequest;
use headwater_protocol::messages::produce::ProduceRequest;
use headwater_types::{BrokerId, ErrorCode};
use std::path::Path;
use std::sync::Arc;

/// Which of the folders.
type Number = usize;

/// A broker with three folders and topic `t` of one partition, in segments as small as may be.
fn broker() -> Broker {
    let mut broker = Broker::start_with(Options { folders: 3, ..Options::default() });
    create(&mut broker, "t", 1, &[("segment.bytes", "1048576")]);
    broker
}

fn partition(broker: &Broker) -> Arc<Partition> {
    Arc::clone(broker.node.view().partitions.values().next().expect("one"))
}

/// Where the replica lies.
fn place(broker: &Broker) -> Number {
    let path = partition(broker).folder().path().to_owned();
    let mut folders = broker.node.folders().iter();
    folders.position(|folder| folder.path() == path).expect("one of ours")
}

/// Wishes the replica into a folder.
fn wish(broker: &mut Broker, folder: Number) -> ErrorCode {
    wish_for(broker, &format!("/logs-{folder}"), "t", 0)
}

fn wish_for(broker: &mut Broker, path: &str, topic: &str, partition: i32) -> ErrorCode {
    let request = AlterReplicaLogDirsRequest {
        dirs: vec![AlterReplicaLogDir {
            path: path.into(),
            topics: vec![AlterReplicaLogDirTopic {
                name: topic.into(),
                partitions: vec![partition],
                ..AlterReplicaLogDirTopic::default()
            }],
            ..AlterReplicaLogDir::default()
        }],
        ..AlterReplicaLogDirsRequest::default()
    };
    let connection = broker.connect();
    let response = broker.ask_on(connection, 2, &request);
    ErrorCode::from_code(response.results[0].partitions[0].error_code).expect("a known code")
}

/// Folder, bytes, lag and whether it is a copy, of each replica that is told of.
fn described(broker: &mut Broker) -> Vec<(String, i64, i64, bool)> {
    let request = DescribeLogDirsRequest { topics: None, ..DescribeLogDirsRequest::default() };
    let connection = broker.connect();
    let response = broker.ask_on(connection, 4, &request);
    let told =
        response.results.into_iter().flat_map(|result| {
            let folder = result.log_dir.to_string();
            result.topics.into_iter().flat_map(|topic| topic.partitions).map(move |one| {
                (folder.clone(), one.partition_size, one.offset_lag, one.is_future_key)
            })
        });
    told.collect()
}

/// Names in a folder that belong to the topic.
fn names(disk: &dyn Disk, folder: Number) -> Vec<String> {
    let entries = disk.list(Path::new(&format!("/logs-{folder}"))).expect("a log folder");
    entries.into_iter().map(|entry| entry.name).filter(|name| name.starts_with("t-")).collect()
}

/// All values, by one fetch after the other.
fn all(broker: &mut Broker) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let request = fetch_request(&[(0, i64::try_from(all.len()).expect("few"))]);
        let connection = broker.connect();
        let response = broker.ask_on(connection, 12, &FetchRequest { max_wait_ms: 0, ..request });
        let data = partitions(&response)[0];
        assert_eq!(data.error_code, 0);
        let found = values(data);
        if found.is_empty() {
            return all;
        }
        all.extend(found.into_iter().map(|(_, value)| value));
    }
}

/// Appends one value with acks=all and expects it at an offset.
fn append(broker: &mut Broker, value: &str, offset: i64) {
    let request = produce_request(-1, vec![(0, batch(broker, &[value], None))]);
    let connection = broker.connect();
    let response = broker.ask_on(connection, 9, &request);
    assert_eq!(outcomes(&response), [(0, ErrorCode::None, offset)]);
}

fn numbers(range: std::ops::Range<i64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

/// A value of which a step of a move takes fewer than twelve.
fn big(number: i64) -> String {
    format!("{number} {}", "x".repeat(900_000))
}

fn append_numbers(broker: &mut Broker, range: std::ops::Range<i64>) {
    for number in range {
        append(broker, &number.to_string(), number);
    }
}

#[test]
fn a_replica_moves_with_all_it_holds() {
    let mut broker = broker();
    let (from, to) = (place(&broker), (place(&broker) + 1) % 3);
    append_numbers(&mut broker, 0..20);
    let producer = Some((7, 0, 0));
    let first = produce_request(-1, vec![(0, batch(&broker, &["20"], producer))]);
    assert_eq!(outcomes(&broker.ask(9, &first)), [(0, ErrorCode::None, 20)]);
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    assert_eq!(place(&broker), to);
    assert_eq!(names(&broker.disk, to), ["t-0"]);
    let left = names(&broker.disk, from);
    assert!(left.len() == 1 && left[0].ends_with("-delete"), "{left:?}");
    assert_eq!(all(&mut broker), numbers(0..21));
    assert_eq!(outcomes(&broker.ask(9, &first)), [(0, ErrorCode::None, 20)], "known as a repeat");
    append(&mut broker, "21", 21);
    let facts = broker.node.take_facts();
    assert!(matches!(&facts[..], [Fact::ReplicaMoved { .. }]), "{facts:?}");
    assert_eq!(described(&mut broker).len(), 1);

    // The metadata learns of it, and a start finds it there.
    broker.tick();
    let id = broker.node.folders()[to].id();
    let key = partition(&broker).id();
    let image = broker.image.topic(key.topic).and_then(|one| one.partition(key.partition));
    assert_eq!(image.and_then(|image| image.directory_of(BrokerId(1))), Some(id));
    broker.node.close().expect("closed");
    broker.kill_and_restart();
    assert_eq!(place(&broker), to);
    assert_eq!(all(&mut broker), numbers(0..22));
}

#[test]
fn what_is_not_there_yet_is_told_of_and_comes_along() {
    let mut broker = broker();
    let (from, to) = (place(&broker), (place(&broker) + 1) % 3);
    // More than one step takes.
    for number in 0..12 {
        append(&mut broker, &big(number), number);
    }
    broker.hold_tasks(true);
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    let before = described(&mut broker);
    assert_eq!(before.len(), 2, "{before:?}");
    broker.do_one_task();
    let told = described(&mut broker);
    let copy = told.iter().find(|one| one.3).expect("under way");
    assert_eq!(copy.0, format!("/logs-{to}"));
    assert!(copy.1 > 0 && copy.2 > 0, "{copy:?}");
    let names_there = names(&broker.disk, to);
    assert!(names_there[0].ends_with("-future"), "{names_there:?}");
    append(&mut broker, "more", 12);
    assert_eq!(place(&broker), from);
    broker.hold_tasks(false);
    assert_eq!(place(&broker), to);
    append(&mut broker, "after", 13);
    let all = all(&mut broker);
    assert_eq!(all.len(), 14);
    assert_eq!(all[12..], ["more", "after"]);
}

#[test]
fn a_sync_under_way_is_waited_for() {
    let mut broker = broker();
    let to = (place(&broker) + 1) % 3;
    append_numbers(&mut broker, 0..3);
    broker.hold_disk(true);
    let ask = |broker: &mut Broker, value: &str| {
        broker.send(9, &produce_request(-1, vec![(0, batch(broker, &[value], None))]));
    };
    ask(&mut broker, "3");
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    // While it waits, more comes.
    ask(&mut broker, "4");
    assert_ne!(place(&broker), to);
    broker.hold_disk(false);
    assert_eq!(place(&broker), to);
    for offset in [3, 4] {
        let response = broker.answer::<ProduceRequest>(9).expect("synced, here or there");
        assert_eq!(outcomes(&response), [(0, ErrorCode::None, offset)]);
    }
    assert_eq!(all(&mut broker), numbers(0..5));
}

#[test]
fn a_move_is_called_off_or_turned() {
    let mut broker = broker();
    let from = place(&broker);
    append_numbers(&mut broker, 0..3);
    broker.hold_tasks(true);
    assert_eq!(wish(&mut broker, (from + 1) % 3), ErrorCode::None);
    assert_eq!(wish(&mut broker, (from + 1) % 3), ErrorCode::None, "the same again");
    assert_eq!(broker.tasks_held(), 1);
    assert_eq!(wish(&mut broker, from), ErrorCode::None);
    assert_eq!(described(&mut broker).len(), 1);
    assert_eq!(wish(&mut broker, (from + 2) % 3), ErrorCode::None);
    broker.hold_tasks(false);
    assert_eq!(place(&broker), (from + 2) % 3);
    let left = names(&broker.disk, (from + 1) % 3);
    assert!(left.iter().all(|name| name.ends_with("-delete")), "{left:?}");
    assert_eq!(all(&mut broker), numbers(0..3));
}

#[test]
fn there_and_back_within_the_delay() {
    let mut broker = broker();
    let (from, to) = (place(&broker), (place(&broker) + 1) % 3);
    for round in 0..3 {
        append(&mut broker, &(2 * round).to_string(), 2 * round);
        assert_eq!(wish(&mut broker, to), ErrorCode::None);
        assert_eq!(place(&broker), to, "round {round}");
        append(&mut broker, &(2 * round + 1).to_string(), 2 * round + 1);
        assert_eq!(wish(&mut broker, from), ErrorCode::None);
        assert_eq!(place(&broker), from, "round {round}");
    }
    assert_eq!(all(&mut broker), numbers(0..6));
}

#[test]
fn one_without_a_record_moves_by_name_alone() {
    for touched in [false, true] {
        let mut broker = broker();
        let to = (place(&broker) + 1) % 3;
        if touched {
            assert_eq!(all(&mut broker), numbers(0..0));
        }
        assert_eq!(wish(&mut broker, to), ErrorCode::None);
        assert_eq!(place(&broker), to);
        append_numbers(&mut broker, 0..2);
        assert_eq!(names(&broker.disk, to), ["t-0"]);
        assert_eq!(all(&mut broker), numbers(0..2));
    }
}

fn delete_before(broker: &mut Broker, offset: i64) {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "t".into(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset,
                ..DeleteRecordsPartition::default()
            }],
            ..DeleteRecordsTopic::default()
        }],
        timeout_ms: 1_000,
        ..DeleteRecordsRequest::default()
    };
    let connection = broker.connect();
    let response = broker.ask_on(connection, 2, &request);
    assert_eq!(response.topics[0].partitions[0].error_code, 0);
}

#[test]
fn the_first_offset_moves_along() {
    // In the middle of a batch, between batches, everything.
    for offset in [1, 3, 6] {
        let mut broker = broker();
        let to = (place(&broker) + 1) % 3;
        produce(&mut broker, "t", 0, 3);
        produce(&mut broker, "t", 0, 3);
        delete_before(&mut broker, offset);
        assert_eq!(wish(&mut broker, to), ErrorCode::None);
        assert_eq!(place(&broker), to, "{offset}");
        let ends = partition(&broker).status().ends.expect("open");
        assert_eq!((ends.log_start.0, ends.log_end.0), (offset, 6));
        broker.kill_and_restart();
        assert_eq!(place(&broker), to, "{offset}");
        append(&mut broker, "next", 6);
        let ends = partition(&broker).status().ends.expect("open");
        assert_eq!((ends.log_start.0, ends.log_end.0), (offset, 7));
    }
}

#[test]
fn what_is_deleted_on_the_way_is_not_taken_along() {
    for rest in [0, 1] {
        let mut broker = broker();
        let to = (place(&broker) + 1) % 3;
        for number in 0..12 {
            append(&mut broker, &big(number), number);
        }
        broker.hold_tasks(true);
        assert_eq!(wish(&mut broker, to), ErrorCode::None);
        broker.do_one_task();
        // Also what the copy has not come to yet.
        delete_before(&mut broker, 12 - rest);
        broker.hold_tasks(false);
        assert_eq!(place(&broker), to);
        append(&mut broker, "12", 12);
        let ends = partition(&broker).status().ends.expect("open");
        assert_eq!((ends.log_start.0, ends.log_end.0), (12 - rest, 13));
        let size = partition(&broker).size_bytes().expect("open");
        assert!(size < 3_000_000, "{size} bytes of what is left");
        broker.kill_and_restart();
        append(&mut broker, "13", 13);
        let ends = partition(&broker).status().ends.expect("open");
        assert_eq!((ends.log_start.0, ends.log_end.0), (12 - rest, 14));
    }
}

#[test]
fn a_folder_that_fails_ends_moves_from_it() {
    let mut broker = broker();
    let (from, to) = (place(&broker), (place(&broker) + 1) % 3);
    for number in 0..12 {
        append(&mut broker, &big(number), number);
    }
    broker.hold_tasks(true);
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    broker.do_one_task();
    broker.fail_syncs(true);
    broker.send(9, &produce_request(-1, vec![(0, batch(&broker, &["x"], None))]));
    let response = broker.answer::<ProduceRequest>(9).expect("told");
    assert_eq!(outcomes(&response), [(0, ErrorCode::KafkaStorageError, -1)]);
    broker.fail_syncs(false);
    broker.hold_tasks(false);
    assert_eq!(place(&broker), from);
    assert!(described(&mut broker).is_empty(), "out of service, and no copy");
    let left = names(&broker.disk, to);
    assert!(left.iter().all(|name| name.ends_with("-delete")), "{left:?}");
    assert_eq!(wish(&mut broker, to), ErrorCode::KafkaStorageError);
}

#[test]
fn a_topic_deleted_on_its_way_leaves_nothing() {
    let mut broker = broker();
    let (from, to) = (place(&broker), (place(&broker) + 1) % 3);
    for number in 0..12 {
        append(&mut broker, &big(number), number);
    }
    broker.hold_tasks(true);
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    broker.do_one_task();
    broker.delete_topic("t");
    broker.hold_tasks(false);
    for folder in [from, to] {
        let left = names(&broker.disk, folder);
        assert!(left.len() == 1 && left[0].ends_with("-delete"), "{left:?}");
    }
}

#[test]
fn a_folder_that_takes_nothing_keeps_the_replica_where_it_is() {
    let mut broker = broker();
    let (from, to) = (place(&broker), (place(&broker) + 1) % 3);
    append_numbers(&mut broker, 0..3);
    broker.hold_tasks(true);
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    for kind in [OperationKind::Write, OperationKind::Rename] {
        broker.disk.plan_failures(|plan| {
            plan.by_kind.insert(kind, std::io::ErrorKind::PermissionDenied);
        });
        broker.hold_tasks(false);
        broker.disk.plan_failures(|plan| plan.by_kind.clear());
        let facts = broker.node.take_facts();
        assert!(matches!(&facts[..], [Fact::MoveFailed { .. }]), "{kind:?}: {facts:?}");
        assert_eq!(place(&broker), from);
        assert_eq!(described(&mut broker).len(), 1);
        assert_eq!(all(&mut broker), numbers(0..3));
        broker.hold_tasks(true);
        assert_eq!(wish(&mut broker, to), ErrorCode::None);
    }
    broker.hold_tasks(false);
    assert_eq!(place(&broker), to, "another try");
    append(&mut broker, "3", 3);
}

#[test]
fn moves_keep_to_the_rate_that_is_set() {
    let mut broker = broker();
    let to = (place(&broker) + 1) % 3;
    let rate = AlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: 4,
            resource_name: "1".into(),
            configs: vec![AlterableConfig {
                name: "replica.alter.log.dirs.io.max.bytes.per.second".into(),
                value: Some("1000000".into()),
                ..AlterableConfig::default()
            }],
            ..AlterConfigsResource::default()
        }],
        ..AlterConfigsRequest::default()
    };
    assert_eq!(broker.ask(2, &rate).responses[0].error_code, 0);
    for number in 0..5 {
        append(&mut broker, &number.to_string().repeat(400_000), number);
    }
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    let mut seconds = 0;
    while place(&broker) != to {
        broker.pass(1_000);
        broker.tick();
        seconds += 1;
        assert!(seconds < 10, "{:?}", described(&mut broker));
    }
    assert!(seconds >= 2, "2 MB at 1 MB a second: {seconds} s");
}

#[test]
fn a_stop_puts_an_unfinished_copy_away() {
    let mut broker = broker();
    let (from, to) = (place(&broker), (place(&broker) + 1) % 3);
    for number in 0..12 {
        append(&mut broker, &big(number), number);
    }
    broker.hold_tasks(true);
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    broker.do_one_task();
    broker.node.stop_moves();
    broker.hold_tasks(false);
    broker.node.close().expect("closed");
    broker.kill_and_restart();
    assert_eq!(place(&broker), from);
    let left = names(&broker.disk, to);
    assert!(left.iter().all(|name| name.ends_with("-delete")), "{left:?}");
    assert_eq!(all(&mut broker).len(), 12);
}

/// Fates to try where so many effects are pending.
fn choices(pending: usize) -> Vec<Vec<Fate>> {
    let mut choices = vec![vec![Fate::Kept; pending], vec![Fate::Lost; pending]];
    for one in 0..pending {
        let but = |fate, other| {
            (0..pending).map(|at| if at == one { fate } else { other }).collect::<Vec<_>>()
        };
        choices.push(but(Fate::Lost, Fate::Kept));
        choices.push(but(Fate::Kept, Fate::Lost));
        // All up to it.
        choices
            .push((0..pending).map(|at| if at <= one { Fate::Kept } else { Fate::Lost }).collect());
    }
    choices
}

#[test]
fn a_crash_at_any_moment_leaves_one_replica_that_holds_everything() {
    let mut broker = broker();
    let to = (place(&broker) + 1) % 3;
    append_numbers(&mut broker, 0..5);
    delete_before(&mut broker, 1);
    broker.disk.record();
    assert_eq!(wish(&mut broker, to), ErrorCode::None);
    assert_eq!(place(&broker), to);
    append(&mut broker, "5", 5);
    let trace = broker.disk.take_trace();
    let mut moment = trace.start();
    let mut states = 0;
    for step in trace.steps() {
        moment.advance(step);
        for fates in choices(moment.pending().len()) {
            broker.restart(moment.crash(&fates));
            let ends = {
                let connection = broker.connect();
                broker.ask_on(connection, 12, &fetch_request(&[(0, 1)]));
                partition(&broker).status().ends.expect("open")
            };
            assert_eq!(ends.log_start.0, 1);
            assert!(ends.log_end.0 >= 5, "{ends:?}");
            append(&mut broker, "later", ends.log_end.0);
            let replicas: usize = (0..3)
                .map(|folder| names(&broker.disk, folder))
                .map(|names| names.iter().filter(|name| *name == "t-0").count())
                .sum();
            assert_eq!(replicas, 1);
            states += 1;
        }
    }
    assert!(states > 100, "{states}");
}
