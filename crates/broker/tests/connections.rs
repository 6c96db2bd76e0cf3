//! Connections that misbehave or do nothing cost themselves and nobody else.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

use headwater_broker::{Broker, BrokerOptions};
use headwater_protocol::header::encode_request;
use headwater_protocol::messages::api_versions::ApiVersionsRequest;
use headwater_protocol::wire::Writer;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Long enough for a loaded machine; nothing here waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

async fn broker() -> Broker {
    let options = BrokerOptions::ephemeral().expect("the settings are fixed");
    Broker::start(options).await.expect("a broker starts")
}

fn connect(broker: &Broker) -> TcpStream {
    let stream = TcpStream::connect(broker.bootstrap()).expect("the broker listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// A request that any client begins with, length prefix included.
fn good_frame() -> Vec<u8> {
    let mut writer = Writer::new();
    encode_request(&mut writer, &ApiVersionsRequest::default(), 0, 7, None)
        .expect("it can be said");
    let frame = writer.into_bytes().expect("no external parts");
    let length = u32::try_from(frame.len()).expect("a small frame");
    [&length.to_be_bytes()[..], &frame[..]].concat()
}

/// Asks and reads the answer to its end.
fn is_served(mut stream: &TcpStream) -> bool {
    stream.write_all(&good_frame()).expect("sent");
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("an answer in time");
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).expect("all of it");
    answer[..4] == 7i32.to_be_bytes()
}

/// Whether the peer has closed it without saying anything more.
fn is_closed(mut stream: &TcpStream) -> bool {
    let mut rest = Vec::new();
    // A reset is a way to close as well.
    let _ = stream.read_to_end(&mut rest);
    rest.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_frame_costs_its_connection_alone() {
    let broker = broker().await;
    let other = connect(&broker);
    assert!(is_served(&other));
    let produce_v3_of_rubbish = [&[0, 0, 0, 3, 0, 0, 0, 1, 255, 255][..], &[0xff; 40]].concat();
    let length = u32::try_from(produce_v3_of_rubbish.len()).expect("short").to_be_bytes();
    let frames: [(&str, Vec<u8>); 7] = [
        ("a negative length", vec![0x80, 0, 0, 1, 0, 18, 0, 0]),
        ("a length beyond the limit", vec![0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 0]),
        ("an empty frame", vec![0, 0, 0, 0]),
        ("a frame shorter than a header", vec![0, 0, 0, 2, 0, 18]),
        ("an unknown API", vec![0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
        ("a version of which nothing is known", vec![0, 0, 0, 10, 0, 1, 0x7f, 0, 0, 0, 0, 1, 0, 0]),
        ("a body that is none", [&length[..], &produce_v3_of_rubbish].concat()),
    ];
    for (what, frame) in frames {
        let mut stream = connect(&broker);
        assert!(is_served(&stream), "{what}: the connection is fine before it");
        stream.write_all(&frame).expect("sent");
        assert!(is_closed(&stream), "{what}");
        assert!(is_served(&other), "{what}: the others are served");
    }
    // One that ends within a frame.
    let mut stream = connect(&broker);
    stream.write_all(&good_frame()[..6]).expect("sent");
    stream.shutdown(Shutdown::Write).expect("closed");
    assert!(is_closed(&stream));
    assert!(is_served(&other));
    broker.shutdown().await.expect("stopped cleanly");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_malformed_frame_is_answered() {
    let broker = broker().await;
    let mut stream = connect(&broker);
    let both = [&good_frame()[..], &[0x80, 0, 0, 1]].concat();
    stream.write_all(&both).expect("sent");
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    assert_eq!(answers.get(4..8), Some(&7i32.to_be_bytes()[..]));
    broker.shutdown().await.expect("stopped cleanly");
}

/// Both ends of all connections are in this process; many systems allow 1,024 files unless asked.
fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let enough = Some(limit.maximum.unwrap_or(8_192).min(8_192)).max(limit.current);
    setrlimit(Resource::Nofile, Rlimit { current: enough, ..limit }).expect("allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_are_in_nobodys_way() {
    raise_open_files_limit();
    let broker = broker().await;
    let idle: Vec<_> = (0..1_000).map(|_| connect(&broker)).collect();
    let active = connect(&broker);
    assert!(is_served(&active));
    // The first, the last and one between of them wake up.
    for index in [0, 500, 999] {
        assert!(is_served(&idle[index]), "{index}");
    }
    drop(idle);
    assert!(is_served(&active));
    broker.shutdown().await.expect("stopped cleanly");
}
