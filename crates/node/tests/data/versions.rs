//! What the broker says of itself, and what it does with what it does not know.

use super::support::Broker;
use headwater_protocol::messages::api_versions::ApiVersionsRequest;
use headwater_protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use headwater_protocol::{ApiKey, Request};
use headwater_types::ErrorCode;

#[test]
fn only_what_works_is_offered() {
    let mut broker = Broker::start();
    let request = ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..ApiVersionsRequest::default()
    };
    let response = broker.ask(4, &request);
    let offered = |key: ApiKey| {
        let row = response.api_keys.iter().find(|row| row.api_key == key.code())?;
        Some((row.min_version, row.max_version))
    };
    assert_eq!(offered(ApiKey::Produce), Some((0, 13)), "from 0, for old clients' sake");
    assert_eq!(offered(ApiKey::Fetch), Some((4, 18)));
    assert_eq!(offered(ApiKey::JoinGroup), None);
    let transactions =
        response.finalized_features.iter().find(|f| &*f.name == "transaction.version");
    assert_eq!(transactions, None, "clients would stop adding partitions");
}

#[test]
fn a_version_of_the_future_is_answered_in_the_oldest_layout() {
    let mut broker = Broker::start();
    broker.send_raw(ApiKey::ApiVersions.code(), 77, &[1, 2, 3]);
    let response = broker.answer::<ApiVersionsRequest>(0).expect("an answer");
    assert_eq!(response.error_code, ErrorCode::UnsupportedVersion.code());
    assert_eq!(response.api_keys.len(), 1);
    let newest = *ApiVersionsRequest::VERSIONS.end();
    assert_eq!((response.api_keys[0].api_key, response.api_keys[0].max_version), (18, newest));
}

#[test]
fn other_unknowns_close_the_connection() {
    for (key, version) in
        [(ApiKey::Produce.code(), 2), (ApiKey::Metadata.code(), 99), (999, 0), (-1, 0)]
    {
        let mut broker = Broker::start();
        assert!(broker.try_send_raw(key, version, &[]).is_err(), "{key} v{version}");
    }
}

#[test]
fn a_body_that_ends_early_closes_the_connection() {
    let mut broker = Broker::start();
    assert!(broker.try_send_raw(ApiKey::Metadata.code(), 1, &[0, 0, 0, 1, 0, 9]).is_err());
}

#[test]
fn topics_come_into_being_by_being_asked_for() {
    let mut broker = Broker::start();
    let request = |allow: bool| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("wanted".into()),
            ..MetadataRequestTopic::default()
        }]),
        allow_auto_topic_creation: allow,
        ..MetadataRequest::default()
    };
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(broker.ask(9, &request(false)).topics[0].error_code, unknown);
    assert_eq!(broker.ask(9, &request(false)).topics[0].error_code, unknown, "not asked to");
    assert_eq!(broker.ask(9, &request(true)).topics[0].error_code, unknown, "as Kafka answers");
    let response = broker.ask(9, &request(true));
    assert_eq!(response.topics[0].error_code, 0);
    assert_eq!(response.topics[0].partitions[0].leader_id, 1);
}

#[test]
fn a_topic_named_very_often_is_described_once() {
    let mut broker = super::broker_with_topic(&[]);
    let topic = MetadataRequestTopic { name: Some("t".into()), ..MetadataRequestTopic::default() };
    let request =
        MetadataRequest { topics: Some(vec![topic; 1_500]), ..MetadataRequest::default() };
    assert_eq!(broker.ask(9, &request).topics.len(), 1);
}
