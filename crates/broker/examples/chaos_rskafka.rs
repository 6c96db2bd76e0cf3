//! rskafka, a client in Rust with a codec of its own, as `cargo xtask chaos` uses it: writers that
//! are not idempotent, each waiting for its last batch, and a reader. What it prints is told in
//! `chaos_common`.

#![allow(clippy::print_stderr, reason = "a program for a chore")]

mod chaos_common;

use chaos_common::{Load, Pace, name, say, stop_signal, value};
use rskafka::BackoffConfig;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writers at most, each with partitions of its own.
const WRITERS_MAX: i32 = 8;

/// Records of a batch: another number each time.
const BATCH_RECORDS: [u64; 5] = [1, 7, 2, 20, 5];

const USAGE: &str = "\
chaos_rskafka load BOOTSTRAP TOPIC PARTITIONS PRODUCER VALUE_BYTES PER_SECOND
chaos_rskafka read BOOTSTRAP TOPIC PARTITIONS";

type Outcome = Result<(), String>;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((word, rest)) => match (word.as_str(), rest) {
            ("load", rest) => match Load::parse(rest) {
                Some(words) => load(words).await,
                None => Err(USAGE.to_owned()),
            },
            ("read", [bootstrap, topic, partitions]) => read(bootstrap, topic, partitions).await,
            _ => Err(USAGE.to_owned()),
        },
        None => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn client(bootstrap: &str) -> Result<Client, String> {
    // It tries for ever, and soon: how long the broker takes to come back is measured.
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(40),
        base: 2.0,
        deadline: None,
    };
    let builder = ClientBuilder::new(vec![bootstrap.to_owned()]).backoff_config(backoff);
    builder.build().await.map_err(|error| error.to_string())
}

async fn partition_client(
    client: &Client,
    topic: &str,
    partition: i32,
) -> Result<PartitionClient, String> {
    let made = client.partition_client(topic, partition, UnknownTopicHandling::Retry).await;
    made.map_err(|error| format!("{topic}-{partition}: {error}"))
}

async fn load(load: Load) -> Outcome {
    let stop = stop_signal();
    let load = Arc::new(load);
    let writers = load.partitions.min(WRITERS_MAX);
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (load, stop) = (Arc::clone(&load), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move { write(&load, writer, writers, &stop).await }));
    }
    for task in tasks {
        task.await.map_err(|error| error.to_string())??;
    }
    say(format_args!("done"));
    Ok(())
}

/// Writes to every partition whose number leaves `writer` when divided by `writers`.
async fn write(load: &Load, writer: i32, writers: i32, stop: &AtomicBool) -> Outcome {
    let client = client(&load.bootstrap).await?;
    let mut partitions = Vec::new();
    for partition in (writer..load.partitions).step_by(writers.unsigned_abs() as usize) {
        partitions.push((partition_client(&client, &load.topic, partition).await?, 0_u64));
    }
    let producer = load.producer + writer.unsigned_abs();
    let mut pace = Pace::new(load.per_second / writers.unsigned_abs());
    let mut sizes = BATCH_RECORDS.iter().cycle();
    loop {
        for (partition, sequence) in &mut partitions {
            if stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            let count = sizes.next().copied().unwrap_or(1);
            tokio::time::sleep(pace.wait(count as u32)).await;
            let numbers = *sequence..*sequence + count;
            let timestamp = now().ok_or("a clock before 1970")?;
            let index = partition.partition();
            let records = numbers.clone().map(|number| Record {
                key: None,
                value: Some(value(producer, index, number, load.value_bytes)),
                headers: Default::default(),
                timestamp,
            });
            // It repeats what got no answer by itself, so an error is one that it gave up on: that
            // the values are there or not is unknown, and they are not sent again.
            match partition.produce(records.collect(), Compression::NoCompression).await {
                Ok(offsets) => {
                    for (number, offset) in numbers.clone().zip(offsets) {
                        say(format_args!("ack {index} {offset} {producer}.{index}.{number}"));
                    }
                }
                Err(error) => say(format_args!("failed {producer}.{index}.{numbers:?}: {error}")),
            }
            *sequence += count;
        }
    }
}

fn now() -> Option<chrono::DateTime<chrono::Utc>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    chrono::DateTime::from_timestamp_millis(since.as_millis().try_into().ok()?)
}

async fn read(bootstrap: &str, topic: &str, partitions: &str) -> Outcome {
    let partitions: i32 = partitions.parse().map_err(|_| USAGE.to_owned())?;
    let client = client(bootstrap).await?;
    for index in 0..partitions {
        let partition = partition_client(&client, topic, index).await?;
        let offset_at = async |at| {
            partition.get_offset(at).await.map_err(|error| format!("{topic}-{index}: {error}"))
        };
        let (mut next, end) =
            (offset_at(OffsetAt::Earliest).await?, offset_at(OffsetAt::Latest).await?);
        say(format_args!("range {index} {next} {end}"));
        while next < end {
            let fetched = partition.fetch_records(next, 1..4_000_000, 1_000).await;
            let records = match fetched {
                Ok((records, _)) => records,
                Err(error) => {
                    // Retention may have been quicker.
                    let start = offset_at(OffsetAt::Earliest).await?;
                    if start <= next {
                        return Err(format!("{topic}-{index} at {next}: {error}"));
                    }
                    next = start;
                    continue;
                }
            };
            for found in records.iter().filter(|found| found.offset >= next) {
                let value = name(found.record.value.as_deref().unwrap_or_default());
                say(format_args!("record {index} {} {value}", found.offset));
            }
            next = records.last().map_or(next, |last| next.max(last.offset + 1));
        }
    }
    say(format_args!("done"));
    Ok(())
}
