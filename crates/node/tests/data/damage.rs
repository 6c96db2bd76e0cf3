//! A damaged partition: what is in front of the damage is read, the rest is refused by name, and the
//! others serve.

use super::{
    batch, broker_with_topic, fetch_request, outcomes, partitions, produce_request, values,
};
use crate::support::{Broker, produce};
use headwater_log::{Disk, OpenMode};
use headwater_node::Fact;
use headwater_protocol::messages::fetch::FetchRequest;
use headwater_types::{ErrorCode, Offset};
use std::path::Path;

const LOG: &str = "/logs-0/t-0/00000000000000000000.log";

/// Flips a bit of a record in the second batch of partition 0.
fn damage(broker: &Broker, batch_bytes: usize) {
    let file = broker.disk.open(Path::new(LOG), OpenMode::ReadWrite).expect("it was written");
    let at = batch_bytes as u64 + 70;
    let mut byte = [0];
    file.read_at(&mut byte, at).expect("it is that long");
    file.write_at(&[&[byte[0] ^ 4]], at).expect("written");
}

/// Error, values and high watermark of a fetch, which must be answered at once.
fn fetched(broker: &mut Broker, partition: i32, offset: i64) -> (i16, usize, i64) {
    broker.send(12, &fetch_request(&[(partition, offset)]));
    let response = broker.answer::<FetchRequest>(12).expect("it neither waits nor turns");
    let data = partitions(&response)[0];
    (data.error_code, values(data).len(), data.high_watermark)
}

fn told(broker: &mut Broker) -> Vec<(i32, Offset, String)> {
    broker.pass(500);
    broker.tick();
    let facts = broker.node.take_facts().into_iter();
    facts
        .filter_map(|fact| match fact {
            Fact::LogDamaged { replica, damage } => {
                let file = damage.file.display().to_string();
                Some((replica.partition.0, damage.offset, file))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn what_is_in_front_of_damage_is_served_and_so_are_the_others() {
    let mut broker = broker_with_topic(&[]);
    let batch_bytes = produce(&mut broker, "t", 0, 3);
    produce(&mut broker, "t", 0, 3);
    produce(&mut broker, "t", 0, 3);
    produce(&mut broker, "t", 1, 3);
    broker.node.write_checkpoints().expect("written");
    damage(&broker, batch_bytes);
    broker.kill_and_restart();
    let storage_error = ErrorCode::KafkaStorageError;
    assert_eq!(fetched(&mut broker, 0, 0), (0, 3, 9));
    for offset in [3, 4, 8, 9] {
        assert_eq!(fetched(&mut broker, 0, offset), (storage_error.code(), 0, -1), "{offset}");
    }
    assert_eq!(fetched(&mut broker, 0, 0), (0, 3, 9));
    assert_eq!(fetched(&mut broker, 1, 0), (0, 3, 3));
    let batches = vec![(0, batch(&broker, &["a"], None)), (1, batch(&broker, &["a"], None))];
    let response = broker.ask(9, &produce_request(-1, batches));
    assert_eq!(outcomes(&response), [(0, storage_error, -1), (1, ErrorCode::None, 3)]);
    assert_eq!(told(&mut broker), [(0, Offset(3), LOG.to_owned())]);
    assert!(told(&mut broker).is_empty(), "it is told once");
    let view = broker.node.view();
    let damaged = view.partitions.values().filter(|one| one.status().is_damaged);
    assert_eq!(damaged.map(|one| one.id().partition.0).collect::<Vec<_>>(), [0]);
    assert!(broker.apply_retention().is_empty());
}

#[test]
fn a_clean_stop_does_not_hide_damage() {
    let mut broker = broker_with_topic(&[]);
    let batch_bytes = produce(&mut broker, "t", 0, 3);
    produce(&mut broker, "t", 0, 3);
    broker.node.write_checkpoints().expect("written");
    damage(&broker, batch_bytes);
    broker.kill_and_restart();
    for _ in 0..2 {
        assert_eq!(fetched(&mut broker, 0, 0), (0, 3, 6));
        assert_eq!(fetched(&mut broker, 0, 3).0, ErrorCode::KafkaStorageError.code());
        broker.node.close().expect("what is sound is closed");
        broker.kill_and_restart();
    }
}

#[test]
fn the_scrubber_finds_what_nobody_reads() {
    let mut broker = broker_with_topic(&[("segment.ms", "100")]);
    let batch_bytes = produce(&mut broker, "t", 0, 3);
    produce(&mut broker, "t", 0, 3);
    broker.pass(1_000);
    produce(&mut broker, "t", 0, 3);
    damage(&broker, batch_bytes);
    assert_eq!(broker.node.scrubbed_bytes(), 0);
    // The first tick only looks at the clock.
    broker.tick();
    broker.pass(500);
    broker.tick();
    assert!(broker.node.scrubbed_bytes() >= batch_bytes as u64);
    assert_eq!(told(&mut broker), [(0, Offset(3), LOG.to_owned())]);
    assert_eq!(fetched(&mut broker, 0, 3).0, ErrorCode::KafkaStorageError.code());
    let after = broker.node.scrubbed_bytes();
    broker.pass(60_000);
    broker.tick();
    assert_eq!(broker.node.scrubbed_bytes(), after, "a round is over and rests");
}
