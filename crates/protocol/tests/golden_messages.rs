//! Frames of Apache Kafka 4.3.1: every request and response at every version, written by its own
//! generated classes, must be read whole and written again byte for byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use headwater_protocol::wire::{Reader, Writer};
use headwater_protocol::{ApiKey, Message, for_each_api, messages};
use std::collections::BTreeSet;

const FRAMES: &str = include_str!("golden/messages-kafka-4.3.1.txt");

fn survives<T: Message>(bytes: &Bytes, version: i16) {
    let mut reader = Reader::new(bytes.clone());
    let message = T::decode(&mut reader, version)
        .unwrap_or_else(|error| panic!("{} version {version}: {error}", T::NAME));
    reader.finish().unwrap();
    let mut writer = Writer::new();
    message.encode(&mut writer, version).unwrap();
    assert_eq!(writer.into_bytes().unwrap(), bytes, "{} version {version}", T::NAME);
}

macro_rules! dispatch {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        fn check(key: ApiKey, kind: &str, version: i16, bytes: &Bytes) {
            match (key, kind) {
                $(
                    (ApiKey::$key, "request") => {
                        survives::<messages::$module::$request>(bytes, version);
                    }
                    (ApiKey::$key, "response") => {
                        survives::<messages::$module::$response>(bytes, version);
                    }
                )*
                other => panic!("{other:?}"),
            }
        }
    };
}

for_each_api!(dispatch);

#[test]
fn frames_of_apache_kafka_survive() {
    let mut seen = BTreeSet::new();
    for line in FRAMES.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let key = ApiKey::from_code(word().parse().unwrap()).unwrap();
        let kind = word();
        let version = word().parse().unwrap();
        check(key, kind, version, &hex(word()));
        seen.insert((key, kind, version));
    }
    for &key in ApiKey::ALL {
        for version in key.versions() {
            for kind in ["request", "response"] {
                assert!(seen.contains(&(key, kind, version)), "no {key} {kind} {version}");
            }
        }
    }
}

fn hex(text: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
