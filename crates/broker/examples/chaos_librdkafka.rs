//! librdkafka as `cargo xtask chaos` uses it: an idempotent writer, a reader, and the words that
//! create and delete topics. What it prints is told in `chaos_common`.

#![allow(clippy::print_stderr, reason = "a program for a chore")]
#![allow(clippy::disallowed_methods, reason = "it writes at a pace")]

mod chaos_common;

use chaos_common::{Load, Pace, name, say, stop_signal, value};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Records between two looks at the clock.
const AT_ONCE: u32 = 20;

const USAGE: &str = "\
chaos_librdkafka load BOOTSTRAP TOPIC PARTITIONS PRODUCER VALUE_BYTES PER_SECOND
chaos_librdkafka read BOOTSTRAP TOPIC PARTITIONS
chaos_librdkafka create BOOTSTRAP TOPIC PARTITIONS [KEY=VALUE]...
chaos_librdkafka delete BOOTSTRAP TOPIC
chaos_librdkafka topics BOOTSTRAP";

type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((word, rest)) => match (word.as_str(), rest) {
            ("load", rest) => Load::parse(rest).ok_or_else(|| USAGE.to_owned()).and_then(load),
            ("read", [bootstrap, topic, partitions]) => read(bootstrap, topic, partitions),
            ("create", [bootstrap, topic, partitions, configs @ ..]) => {
                create(bootstrap, topic, partitions, configs)
            }
            ("delete", [bootstrap, topic]) => delete(bootstrap, topic),
            ("topics", [bootstrap]) => topics(bootstrap),
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

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("broker.address.family", "v4")
        // The broker is back in no time; how long it takes is measured.
        .set("reconnect.backoff.ms", "5")
        .set("reconnect.backoff.max.ms", "40");
    config
}

struct Acknowledgements;

impl ClientContext for Acknowledgements {}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => {
                let value = name(message.payload().unwrap_or_default());
                say(format_args!("ack {} {} {value}", message.partition(), message.offset()));
            }
            Err((error, message)) => {
                let value = name(message.payload().unwrap_or_default());
                say(format_args!("failed {value}: {error}"));
            }
        }
    }
}

fn load(load: Load) -> Outcome {
    let stop = stop_signal();
    let producer: ThreadedProducer<Acknowledgements> = config(&load.bootstrap)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "300000")
        .set("retry.backoff.ms", "10")
        .set("retry.backoff.max.ms", "50")
        .set("queue.buffering.max.messages", "3000")
        .create_with_context(Acknowledgements)
        .map_err(|error| error.to_string())?;
    let mut pace = Pace::new(load.per_second);
    let mut sequences: BTreeMap<i32, u64> = BTreeMap::new();
    let (mut partition, mut sent) = (0, 0_u32);
    while !stop.load(Ordering::SeqCst) {
        sent += 1;
        if sent.is_multiple_of(AT_ONCE) {
            std::thread::sleep(pace.wait(AT_ONCE));
        }
        let sequence = sequences.entry(partition).or_default();
        let value = value(load.producer, partition, *sequence, load.value_bytes);
        let record: BaseRecord<'_, (), _> =
            BaseRecord::to(&load.topic).partition(partition).payload(&value);
        match producer.send(record) {
            Ok(()) => {
                *sequence += 1;
                partition = (partition + 1) % load.partitions;
            }
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err((error, _)) => return Err(error.to_string()),
        }
        if let Some((code, why)) = producer.client().fatal_error() {
            say(format_args!("failed for good: {code}: {why}"));
            return Err(why);
        }
    }
    producer.flush(PATIENCE).map_err(|error| error.to_string())?;
    say(format_args!("done"));
    Ok(())
}

fn read(bootstrap: &str, topic: &str, partitions: &str) -> Outcome {
    let partitions: i32 = partitions.parse().map_err(|_| USAGE.to_owned())?;
    let consumer: BaseConsumer = config(bootstrap)
        .set("group.id", "none")
        .set("enable.auto.commit", "false")
        .set("check.crcs", "true")
        .set("auto.offset.reset", "earliest")
        .create()
        .map_err(|error| error.to_string())?;
    let mut assigned = TopicPartitionList::new();
    let mut missing = BTreeMap::new();
    for partition in 0..partitions {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition, PATIENCE)
            .map_err(|error| format!("the ends of {topic}-{partition}: {error}"))?;
        say(format_args!("range {partition} {low} {high}"));
        if low < high {
            missing.insert(partition, high);
            assigned
                .add_partition_offset(topic, partition, Offset::Beginning)
                .map_err(|error| error.to_string())?;
        }
    }
    consumer.assign(&assigned).map_err(|error| error.to_string())?;
    while !missing.is_empty() {
        let message = consumer
            .poll(PATIENCE)
            .ok_or_else(|| format!("nothing comes; to be read yet: {missing:?}"))?;
        let message = match message {
            Ok(message) => message,
            // What it retries by itself.
            Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
            )) => continue,
            Err(error) => return Err(error.to_string()),
        };
        let value = name(message.payload().unwrap_or_default());
        let (partition, offset) = (message.partition(), message.offset());
        say(format_args!("record {partition} {offset} {value}"));
        if missing.get(&partition).is_some_and(|end| offset + 1 >= *end) {
            missing.remove(&partition);
        }
    }
    say(format_args!("done"));
    Ok(())
}

fn create(bootstrap: &str, topic: &str, partitions: &str, configs: &[String]) -> Outcome {
    let partitions: i32 = partitions.parse().map_err(|_| USAGE.to_owned())?;
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    for config in configs {
        let (key, value) = config.split_once('=').ok_or_else(|| USAGE.to_owned())?;
        new = new.set(key, value);
    }
    administer(bootstrap, async |client, options| client.create_topics(&[new], options).await)
}

fn delete(bootstrap: &str, topic: &str) -> Outcome {
    administer(bootstrap, async |client, options| client.delete_topics(&[topic], options).await)
}

type Answers = Result<Vec<Result<String, (String, RDKafkaErrorCode)>>, KafkaError>;

fn administer(
    bootstrap: &str,
    work: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> Answers,
) -> Outcome {
    let client: AdminClient<DefaultClientContext> =
        config(bootstrap).create().map_err(|error| error.to_string())?;
    let options = AdminOptions::new()
        .operation_timeout(Some(Duration::from_secs(20)))
        .request_timeout(Some(Duration::from_secs(20)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let answers = runtime.block_on(work(&client, &options)).map_err(|error| error.to_string())?;
    for answer in answers {
        answer.map_err(|(topic, code)| format!("{topic}: {code:?}"))?;
    }
    say(format_args!("done"));
    Ok(())
}

fn topics(bootstrap: &str) -> Outcome {
    let consumer: BaseConsumer = config(bootstrap).create().map_err(|error| error.to_string())?;
    let metadata = consumer.fetch_metadata(None, PATIENCE).map_err(|error| error.to_string())?;
    for topic in metadata.topics() {
        say(format_args!("topic {} {}", topic.name(), topic.partitions().len()));
    }
    say(format_args!("done"));
    Ok(())
}
