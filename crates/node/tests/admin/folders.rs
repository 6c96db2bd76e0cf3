//! DescribeLogDirs and AlterReplicaLogDirs.

use crate::support::{Broker, Options, produce};
use crate::{code, create, text};
use headwater_protocol::messages::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use headwater_protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsTopic,
};
use headwater_protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use headwater_protocol::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResult,
};
use headwater_protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use headwater_types::ErrorCode;

fn described(
    broker: &mut Broker,
    version: i16,
    topics: Option<&[(&str, &[i32])]>,
) -> Vec<DescribeLogDirsResult> {
    let topics = topics.map(|topics| {
        topics
            .iter()
            .map(|(topic, partitions)| DescribableLogDirTopic {
                topic: text(topic),
                partitions: partitions.to_vec(),
                ..DescribableLogDirTopic::default()
            })
            .collect()
    });
    let request = DescribeLogDirsRequest { topics, ..DescribeLogDirsRequest::default() };
    let response = broker.ask(version, &request);
    assert_eq!(response.error_code, 0);
    response.results
}

/// Topic, partition and size of everything in a folder.
fn held(result: &DescribeLogDirsResult) -> Vec<(String, i32, i64)> {
    let topics = result.topics.iter();
    topics
        .flat_map(|topic| {
            topic.partitions.iter().map(|one| {
                assert!(!one.is_future_key && one.offset_lag == 0);
                (topic.name.to_string(), one.partition_index, one.partition_size)
            })
        })
        .collect()
}

#[test]
fn folders_tell_what_they_hold_and_how_full_they_are() {
    let mut broker = Broker::start();
    create(&mut broker, "b", 1, &[]);
    create(&mut broker, "a", 2, &[]);
    let bytes = produce(&mut broker, "b", 0, 3);
    let results = described(&mut broker, 5, None);
    let [folder] = results.as_slice() else { panic!("one folder: {results:?}") };
    assert_eq!((folder.error_code, &*folder.log_dir), (0, "/logs-0"));
    let bytes = i64::try_from(bytes).expect("few");
    let expected = [("a", 0, 0), ("a", 1, 0), ("b", 0, bytes)];
    assert_eq!(held(folder), expected.map(|(topic, index, size)| (topic.to_owned(), index, size)));
    assert!(folder.total_bytes >= folder.usable_bytes && folder.usable_bytes >= 0);
    assert!(!folder.is_cordoned);
}

#[test]
fn only_what_is_asked_for_and_held_is_listed() {
    let mut broker = Broker::start();
    create(&mut broker, "a", 3, &[]);
    let asked: &[(&str, &[i32])] = &[("a", &[2, 0, 2, 9]), ("nope", &[0])];
    let results = described(&mut broker, 1, Some(asked));
    let found: Vec<_> = held(&results[0]).into_iter().map(|(_, index, _)| index).collect();
    assert_eq!(found, [0, 2]);
    assert_eq!(held(&described(&mut broker, 2, Some(&[]))[0]), [], "none is not all");
}

#[test]
fn each_folder_is_told_by_itself() {
    let mut broker = Broker::start_with(Options { folders: 2, ..Options::default() });
    create(&mut broker, "a", 4, &[]);
    let results = described(&mut broker, 5, None);
    let paths: Vec<_> = results.iter().map(|result| result.log_dir.to_string()).collect();
    assert_eq!(paths, ["/logs-0", "/logs-1"]);
    let counts: Vec<_> = results.iter().map(|result| held(result).len()).collect();
    assert_eq!(counts, [2, 2], "spread evenly");
}

/// Topic, partition and code of each answer.
fn moved(broker: &mut Broker, wishes: &[(&str, &str, &[i32])]) -> Vec<(String, i32, ErrorCode)> {
    let dirs = wishes.iter().map(|(path, topic, partitions)| AlterReplicaLogDir {
        path: text(path),
        topics: vec![AlterReplicaLogDirTopic {
            name: text(topic),
            partitions: partitions.to_vec(),
            ..AlterReplicaLogDirTopic::default()
        }],
        ..AlterReplicaLogDir::default()
    });
    let request = AlterReplicaLogDirsRequest {
        dirs: dirs.collect(),
        ..AlterReplicaLogDirsRequest::default()
    };
    let response = broker.ask(2, &request);
    let results = response.results.iter();
    results
        .flat_map(|topic| {
            topic.partitions.iter().map(|one| {
                (topic.topic_name.to_string(), one.partition_index, code(one.error_code))
            })
        })
        .collect()
}

#[test]
fn too_many_wishes_are_refused_with_a_bounded_answer() {
    let mut broker = Broker::start();
    create(&mut broker, "a", 1, &[]);
    let many: Vec<i32> = (0..30_000).collect();
    let outcomes = moved(&mut broker, &[("/logs-0", "a", &many), ("/logs-0", "b", &[0])]);
    assert_eq!(outcomes.len(), 20_000);
    assert!(outcomes.iter().all(|(_, _, error)| *error == ErrorCode::PolicyViolation));
}

#[test]
fn a_replica_may_be_wanted_in_any_folder_of_the_broker() {
    let mut broker = Broker::start_with(Options { folders: 2, ..Options::default() });
    create(&mut broker, "a", 1, &[]);
    let results = described(&mut broker, 5, None);
    let (there, elsewhere) =
        if held(&results[0]).is_empty() { ("/logs-1", "/logs-0") } else { ("/logs-0", "/logs-1") };
    use ErrorCode::{LogDirNotFound, UnknownTopicOrPartition};
    let cases = [
        (there, "a", 0, ErrorCode::None),
        (there, "a", 9, UnknownTopicOrPartition),
        (there, "nope", 0, UnknownTopicOrPartition),
        ("/nosuch", "a", 0, LogDirNotFound),
        ("/nosuch", "nope", 0, LogDirNotFound),
        ("logs-0", "a", 0, LogDirNotFound),
        (elsewhere, "a", 9, UnknownTopicOrPartition),
        (elsewhere, "a", 0, ErrorCode::None),
    ];
    for (path, topic, index, expected) in cases {
        let outcome = moved(&mut broker, &[(path, topic, &[index])]);
        assert_eq!(outcome, [(topic.to_owned(), index, expected)], "{path}");
    }
}

/// Sets which folders are cordoned, and gives what that came to.
fn cordon(broker: &mut Broker, folders: &str) -> (ErrorCode, Option<String>) {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: 4,
            resource_name: text("1"),
            configs: vec![AlterableConfig {
                name: text("cordoned.log.dirs"),
                value: Some(text(folders)),
                ..AlterableConfig::default()
            }],
            ..AlterConfigsResource::default()
        }],
        ..IncrementalAlterConfigsRequest::default()
    };
    let response = broker.ask(1, &request);
    let one = &response.responses[0];
    (code(one.error_code), one.error_message.as_ref().map(ToString::to_string))
}

fn try_create(broker: &mut Broker, name: &str, replicas: i16) -> (ErrorCode, Option<String>) {
    let assignments = match replicas {
        -1 => Vec::new(),
        _ => vec![CreatableReplicaAssignment {
            partition_index: 0,
            broker_ids: vec![1],
            ..CreatableReplicaAssignment::default()
        }],
    };
    let topic = CreatableTopic {
        name: text(name),
        num_partitions: if replicas == -1 { 1 } else { -1 },
        replication_factor: -1,
        assignments,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: 1_000,
        ..CreateTopicsRequest::default()
    };
    let response = broker.ask(7, &request);
    let one = &response.topics[0];
    (code(one.error_code), one.error_message.as_ref().map(ToString::to_string))
}

#[test]
fn a_cordoned_folder_gets_no_new_replicas() {
    let mut broker = Broker::start_with(Options { folders: 2, ..Options::default() });
    create(&mut broker, "a", 2, &[]);
    assert_eq!(cordon(&mut broker, "/logs-1").0, ErrorCode::None);
    create(&mut broker, "b", 3, &[]);
    let results = described(&mut broker, 5, None);
    let counts: Vec<_> = results.iter().map(|result| held(result).len()).collect();
    assert_eq!(counts, [4, 1], "what it holds stays");
    assert_eq!(results.iter().map(|one| one.is_cordoned).collect::<Vec<_>>(), [false, true]);
    let outcome = moved(&mut broker, &[("/logs-1", "b", &[0])]);
    assert_eq!(outcome, [("b".to_owned(), 0, ErrorCode::InvalidReplicaAssignment)]);

    assert_eq!(cordon(&mut broker, "").0, ErrorCode::None);
    let outcome = moved(&mut broker, &[("/logs-1", "b", &[0])]);
    assert_eq!(outcome, [("b".to_owned(), 0, ErrorCode::None)]);
    assert!(described(&mut broker, 5, None).iter().all(|one| !one.is_cordoned));
}

#[test]
fn a_broker_whose_folders_are_all_cordoned_is_given_nothing() {
    for all in ["*", "/logs-0,/logs-1"] {
        let mut broker = Broker::start_with(Options { folders: 2, ..Options::default() });
        create(&mut broker, "a", 1, &[]);
        assert_eq!(cordon(&mut broker, all).0, ErrorCode::None);
        let words = "Unable to replicate the partition 1 time(s): All brokers are currently \
                     fenced, or have all their log directories cordoned.";
        let refused = (ErrorCode::InvalidReplicationFactor, Some(words.to_owned()));
        assert_eq!(try_create(&mut broker, "b", -1), refused);
        // Who names the broker gets it.
        assert_eq!(try_create(&mut broker, "c", 1).0, ErrorCode::None);
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: text("a"),
                count: 2,
                assignments: None,
                ..CreatePartitionsTopic::default()
            }],
            timeout_ms: 1_000,
            ..CreatePartitionsRequest::default()
        };
        let response = broker.ask(2, &request);
        let one = &response.results[0];
        assert_eq!(code(one.error_code), ErrorCode::InvalidReplicationFactor);
        let words = "All brokers are currently fenced, or have all their log directories cordoned.";
        assert_eq!(one.error_message.as_deref(), Some(words));
    }
}

#[test]
fn only_folders_of_the_broker_can_be_cordoned() {
    let mut broker = Broker::start();
    let words = "requirement failed: All entries in cordoned.log.dirs must be present in log.dirs \
                 or log.dir. Missing entries : /nope";
    let refused = (ErrorCode::InvalidRequest, Some(words.to_owned()));
    assert_eq!(cordon(&mut broker, "/logs-0,/nope"), refused);
    assert!(!described(&mut broker, 5, None)[0].is_cordoned);
}
