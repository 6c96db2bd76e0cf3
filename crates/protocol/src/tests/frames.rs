//! Headers, segments, and values that a version cannot carry.

use crate::header::{RequestHeader, decode_response, encode_request, encode_response};
use crate::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData, ReplicaState,
};
use crate::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use crate::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::wire::{
    EncodeError, Reader, Records, RecordsPart, SEGMENT_BYTES_MIN, Segment, TaggedFields, Writer,
};
use crate::{ApiKey, Message};
use bytes::Bytes;

fn read_header(frame: &[u8]) -> (RequestHeader, usize) {
    let mut reader = Reader::new(Bytes::copy_from_slice(frame));
    let header = RequestHeader::decode(&mut reader).unwrap();
    (header, reader.remaining())
}

#[test]
fn the_client_id_is_classic_in_every_header() {
    for version in ApiKey::Metadata.versions() {
        let mut writer = Writer::new();
        let request = MetadataRequest::default();
        encode_request(&mut writer, &request, version, 9, Some("me".into())).unwrap();
        let frame = writer.into_bytes().unwrap();
        assert_eq!(frame[8..12], [0, 2, b'm', b'e']);
        let (header, _) = read_header(&frame);
        assert_eq!(header.client_id.as_deref(), Some("me"));
    }
}

#[test]
fn unknown_apis_and_versions_have_a_readable_header() {
    // ApiVersions 99 with a body of the future, and an API that does not exist.
    let (header, left) = read_header(b"\0\x12\0\x63\0\0\0\x07\xff\xff\x99\x98\x97");
    assert_eq!((header.api_key, header.api_version, header.correlation_id), (18, 99, 7));
    assert_eq!((header.client_id, left), (None, 3));
    let (header, left) = read_header(b"\x7f\xff\0\x00\0\0\0\x08\0\x01x\x01");
    assert_eq!(ApiKey::from_code(header.api_key), None);
    assert_eq!((header.correlation_id, left), (8, 1));
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let answer = ApiVersionsResponse { error_code: 35, ..ApiVersionsResponse::default() };
    let mut writer = Writer::new();
    encode_response::<ApiVersionsRequest>(&mut writer, &answer, 0, 7).unwrap();
    assert_eq!(writer.into_bytes().unwrap(), &[0, 0, 0, 7, 0, 35, 0, 0, 0, 0][..]);
}

#[test]
fn responses_of_api_versions_have_no_tags_in_their_header() {
    for version in ApiKey::ApiVersions.versions() {
        let mut writer = Writer::new();
        let answer = ApiVersionsResponse::default();
        encode_response::<ApiVersionsRequest>(&mut writer, &answer, version, 7).unwrap();
        let frame = writer.into_bytes().unwrap();
        assert_eq!(frame[..6], [0, 0, 0, 7, 0, 0], "error code behind the correlation id");
        let read = decode_response::<ApiVersionsRequest>(&mut Reader::new(frame), version);
        assert_eq!(read, Ok((7, answer)));
    }
}

fn fetched(parts: Vec<RecordsPart>) -> FetchResponse {
    FetchResponse {
        responses: vec![FetchableTopicResponse {
            partitions: vec![PartitionData {
                records: Some(Records { parts }),
                ..PartitionData::default()
            }],
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    }
}

fn segments(response: &FetchResponse) -> Vec<Segment> {
    let mut writer = Writer::new();
    response.encode(&mut writer, 12).unwrap();
    let length = writer.length();
    let segments = writer.finish_frame().unwrap();
    let Some(Segment::Memory(first)) = segments.first() else { panic!("{segments:?}") };
    assert_eq!(first[..4], (length as u32).to_be_bytes());
    let sum: usize = segments.iter().map(Segment::length).sum();
    assert_eq!(sum, length + 4);
    segments
}

#[test]
fn large_parts_are_segments_and_small_ones_are_copied() {
    let large = Bytes::from(vec![7; SEGMENT_BYTES_MIN]);
    let small = Bytes::from(vec![8; SEGMENT_BYTES_MIN - 1]);
    let response = fetched(vec![
        RecordsPart::Memory(small.clone()),
        RecordsPart::Memory(large.clone()),
        RecordsPart::External { token: 3, length: 1000 },
        RecordsPart::Memory(small.clone()),
    ]);
    let segments = segments(&response);
    assert_eq!(segments.len(), 4, "{segments:?}");
    let Segment::Memory(own) = &segments[1] else { panic!() };
    assert_eq!(own.as_ptr(), large.as_ptr(), "not copied");
    assert_eq!(segments[2], Segment::External { token: 3, length: 1000 });

    let mut writer = Writer::new();
    response.encode(&mut writer, 12).unwrap();
    assert_eq!(writer.into_bytes(), Err(EncodeError::External));
}

#[test]
fn joined_segments_are_the_message() {
    let large = Bytes::from(vec![7; SEGMENT_BYTES_MIN]);
    let response = fetched(vec![RecordsPart::Memory(large.clone()), RecordsPart::Memory(large)]);
    let mut writer = Writer::new();
    response.encode(&mut writer, 12).unwrap();
    let bytes = writer.into_bytes().unwrap();
    let joined: Vec<u8> = segments(&response)
        .into_iter()
        .flat_map(|segment| match segment {
            Segment::Memory(bytes) => bytes,
            Segment::External { .. } => panic!(),
        })
        .collect();
    assert_eq!(joined[4..], bytes);
    let back = FetchResponse::decode(&mut Reader::new(bytes), 12).unwrap();
    let records = back.responses[0].partitions[0].records.clone().unwrap();
    assert_eq!(records.length(), 2 * SEGMENT_BYTES_MIN);
    assert_eq!(records.parts.len(), 1);
}

#[test]
fn records_are_slices_of_the_frame() {
    let request = ProduceRequest {
        topic_data: vec![TopicProduceData {
            partition_data: vec![PartitionProduceData {
                records: Some(Bytes::from_static(b"batch").into()),
                ..PartitionProduceData::default()
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    let frame = super::noise::encoded(&request, 9);
    let back = ProduceRequest::decode(&mut Reader::new(frame.clone()), 9).unwrap();
    let records = back.topic_data[0].partition_data[0].records.clone().unwrap();
    let memory = records.into_memory().unwrap();
    assert!(frame.as_ptr_range().contains(&memory.as_ptr()));
}

#[test]
fn what_a_version_cannot_carry_is_named() {
    let encode = |request: &FetchRequest, version| request.encode(&mut Writer::new(), version);
    let replica = FetchRequest {
        replica_state: ReplicaState { replica_id: 4, ..ReplicaState::default() },
        ..FetchRequest::default()
    };
    assert_eq!(
        encode(&replica, 14),
        Err(EncodeError::Absent { field: "ReplicaState", version: 14 })
    );
    assert_eq!(encode(&replica, 15), Ok(()));
    // Where Kafka calls a field ignorable, it is left out.
    let rack = FetchRequest { session_id: 5, ..FetchRequest::default() };
    assert_eq!(encode(&rack, 4), Ok(()));

    let unnamed = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { name: None, ..Default::default() }]),
        ..MetadataRequest::default()
    };
    assert_eq!(unnamed.encode(&mut Writer::new(), 9), Err(EncodeError::Null));
    assert_eq!(unnamed.encode(&mut Writer::new(), 10), Ok(()));

    let long = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("x".repeat(40_000).into()),
            ..Default::default()
        }]),
        ..MetadataRequest::default()
    };
    assert_eq!(long.encode(&mut Writer::new(), 8), Err(EncodeError::TooLong { length: 40_000 }));
    assert_eq!(long.encode(&mut Writer::new(), 9), Ok(()));
}

#[test]
fn unknown_tags_need_a_flexible_version_and_a_tag_of_their_own() {
    let with_tag = |tag| {
        let mut request = FetchRequest { cluster_id: Some("c".into()), ..FetchRequest::default() };
        request.unknown_tagged_fields.insert(tag, Bytes::from_static(b"!"));
        request
    };
    let encode = |tag, version| with_tag(tag).encode(&mut Writer::new(), version);
    assert_eq!(encode(9, 11), Err(EncodeError::Tag(9)));
    assert_eq!(encode(9, 12), Ok(()));
    assert_eq!(encode(0, 12), Err(EncodeError::Tag(0)));
}

#[test]
fn tagged_fields_are_kept_in_order() {
    let mut fields = TaggedFields::default();
    assert!(fields.is_empty());
    for (tag, value) in [(5, "five"), (1, "one"), (5, "again"), (3, "three")] {
        fields.insert(tag, Bytes::from_static(value.as_bytes()));
    }
    let tags: Vec<_> = fields.iter().map(|(tag, _)| *tag).collect();
    assert_eq!((tags, fields.len()), (vec![1, 3, 5], 3));
    assert_eq!(fields.get(5).map(|value| &value[..]), Some(&b"again"[..]));
    assert_eq!(fields.get(4), None);
}
