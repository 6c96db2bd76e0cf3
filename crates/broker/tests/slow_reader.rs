//! A client that does not read its answer costs itself and nobody else: the other connections of
//! its worker are served all the while.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

use headwater_broker::{Broker, BrokerOptions};
use headwater_protocol::Request;
use headwater_protocol::header::encode_request;
use headwater_protocol::messages::api_versions::ApiVersionsRequest;
use headwater_protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use headwater_protocol::wire::Writer;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Long enough for a loaded machine; nothing here waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than the kernel keeps for a socket on either side.
const ANSWER_BYTES_MIN: usize = 16 << 20;

fn connect(bootstrap: &str) -> TcpStream {
    let stream = TcpStream::connect(bootstrap).expect("the broker listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

fn send<R: Request>(mut stream: &TcpStream, request: &R, version: i16) {
    let mut writer = Writer::new();
    encode_request(&mut writer, request, version, 1, None).expect("it can be said");
    let frame = writer.into_bytes().expect("no external parts");
    let length = u32::try_from(frame.len()).expect("a small frame").to_be_bytes();
    stream.write_all(&length).and_then(|()| stream.write_all(&frame)).expect("sent");
}

fn read_length(mut stream: &TcpStream) -> usize {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("an answer in time");
    u32::from_be_bytes(length) as usize
}

fn read_rest(mut stream: &TcpStream, length: usize) {
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).expect("all of it in time");
}

fn huge_request() -> DescribeConfigsRequest {
    let resource = DescribeConfigsResource {
        resource_type: 4,
        resource_name: "1".into(),
        configuration_keys: None,
        ..DescribeConfigsResource::default()
    };
    DescribeConfigsRequest {
        resources: vec![resource; 600],
        include_synonyms: true,
        include_documentation: true,
        ..DescribeConfigsRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn others_are_served_while_a_client_does_not_read() {
    let options = BrokerOptions::ephemeral().expect("the settings are fixed");
    let broker = Broker::start(options).await.expect("a broker starts");
    let bootstrap = broker.bootstrap();
    let talk = move || {
        let slow = connect(&bootstrap);
        send(&slow, &huge_request(), 4);
        let length = read_length(&slow);
        assert!(length >= ANSWER_BYTES_MIN, "{length} bytes do not block a socket");
        // One more request that has come already, and one that has not: neither may be waited for
        // while the answer is blocked.
        send(&slow, &ApiVersionsRequest::default(), 0);
        for _ in 0..3 {
            let other = connect(&bootstrap);
            send(&other, &ApiVersionsRequest::default(), 0);
            read_rest(&other, read_length(&other));
        }
        read_rest(&slow, length);
        read_rest(&slow, read_length(&slow));
        let gone = connect(&bootstrap);
        send(&gone, &huge_request(), 4);
        read_length(&gone);
        drop(gone);
        let other = connect(&bootstrap);
        send(&other, &ApiVersionsRequest::default(), 0);
        read_rest(&other, read_length(&other));
    };
    tokio::task::spawn_blocking(talk).await.expect("every answer came");
    broker.shutdown().await.expect("a clean stop");
}

/// Requests that are pipelined are handled as their answers are taken, each of them and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pipelined_requests_are_answered_in_order_as_their_answers_are_read() {
    let options = BrokerOptions::ephemeral().expect("the settings are fixed");
    let broker = Broker::start(options).await.expect("a broker starts");
    let bootstrap = broker.bootstrap();
    let talk = move || {
        let slow = connect(&bootstrap);
        let mut bytes = Vec::new();
        for correlation_id in 0..8 {
            let mut writer = Writer::new();
            encode_request(&mut writer, &huge_request(), 4, correlation_id, None).expect("said");
            let frame = writer.into_bytes().expect("no external parts");
            bytes.extend_from_slice(&u32::try_from(frame.len()).expect("small").to_be_bytes());
            bytes.extend_from_slice(&frame);
        }
        (&slow).write_all(&bytes).expect("sent");
        for correlation_id in 0..8u32 {
            let length = read_length(&slow);
            let mut answered = [0; 4];
            (&slow).read_exact(&mut answered).expect("an answer in time");
            assert_eq!(u32::from_be_bytes(answered), correlation_id);
            read_rest(&slow, length - answered.len());
        }
    };
    tokio::task::spawn_blocking(talk).await.expect("every answer came, in order");
    broker.shutdown().await.expect("a clean stop");
}
