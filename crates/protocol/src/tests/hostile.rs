//! Bytes that no honest peer sends.

use crate::messages::fetch::FetchRequest;
use crate::messages::metadata::MetadataRequest;
use crate::wire::{DecodeError, Reader};
use crate::{Message, for_each_api, messages};
use bytes::Bytes;
use proptest::prelude::*;

fn survives<T: Message>(noise: &Bytes) {
    for version in T::VERSIONS {
        let mut reader = Reader::new(noise.clone());
        let _ = T::decode(&mut reader, version);
        assert!(reader.memory_used() <= 32 * noise.len() + 64 * 1024);
    }
}

macro_rules! all_survive {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        fn every_message_survives(noise: &Bytes) {
            $(
                survives::<messages::$module::$request>(noise);
                survives::<messages::$module::$response>(noise);
            )*
        }
    };
}

for_each_api!(all_survive);

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_refused_or_read(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        every_message_survives(&Bytes::from(noise));
    }

    #[test]
    fn small_numbers_are_refused_or_read(noise in proptest::collection::vec(0u8..6, 0..300)) {
        every_message_survives(&Bytes::from(noise));
    }
}

#[test]
fn a_count_beyond_the_bytes_is_refused_before_memory_is_claimed() {
    let mut reader = Reader::new(Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff, 0, 0]));
    assert_eq!(
        MetadataRequest::decode(&mut reader, 1),
        Err(DecodeError::Count { claimed: 0x7fff_ffff, remaining: 2 })
    );
    assert_eq!(reader.memory_used(), 0);
}

#[test]
fn a_million_topics_cost_no_more_than_the_caller_allows() {
    // 1,000,000 topics without a name and with an empty set of tags.
    let mut frame = vec![0xc1, 0x84, 0x3d];
    frame.resize(frame.len() + 18_000_000, 0);
    frame.extend([0, 0, 0]);
    let frame = Bytes::from(frame);
    let decode =
        |limit| MetadataRequest::decode(&mut Reader::with_memory_limit(frame.clone(), limit), 12);
    assert_eq!(decode(1 << 20), Err(DecodeError::Memory { limit_bytes: 1 << 20 }));
    assert_eq!(decode(1 << 30).unwrap().topics.unwrap().len(), 1_000_000);
}

#[test]
fn null_negative_and_trailing_are_named() {
    let fetch =
        |bytes: &'static [u8]| FetchRequest::decode(&mut Reader::new(Bytes::from_static(bytes)), 4);
    // Topics of -1, then of -2.
    let head = *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff";
    assert_eq!(fetch(Box::leak(Box::new(head))), Err(DecodeError::Null));
    let mut below = head;
    below[20] = 0xfe;
    assert_eq!(fetch(Box::leak(Box::new(below))), Err(DecodeError::NegativeLength(-2)));

    let mut reader = Reader::new(Bytes::from_static(b"\0\0\0\0!"));
    assert!(MetadataRequest::decode(&mut reader, 0).is_ok());
    assert_eq!(reader.finish(), Err(DecodeError::Trailing(1)));
}

#[test]
fn tags_must_ascend() {
    // No topics, two flags, then tags.
    let decode = |tags: &[u8]| {
        let frame = [&[1, 0, 0][..], tags].concat();
        MetadataRequest::decode(&mut Reader::new(Bytes::from(frame)), 12)
    };
    let kept = decode(&[2, 5, 1, 0xaa, 9, 0]).unwrap().unknown_tagged_fields;
    assert_eq!(kept.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), [5, 9]);
    assert_eq!(decode(&[2, 5, 0, 5, 0]).unwrap_err(), DecodeError::TagOrder(5));
    assert_eq!(decode(&[2, 5, 0, 4, 0]).unwrap_err(), DecodeError::TagOrder(4));
    assert_eq!(decode(&[0x7f, 5]).unwrap_err(), DecodeError::Count { claimed: 127, remaining: 1 });
}

#[test]
fn a_known_tag_must_fill_its_size() {
    // An empty Fetch of version 12, and its tag 0: the cluster id in three bytes, of which it
    // takes two.
    let mut frame = vec![0; 25];
    frame.extend([1, 1, 1]);
    let frame_with = |tags: &[u8]| Bytes::from([&frame, tags].concat());
    let decode = |tags: &[u8]| FetchRequest::decode(&mut Reader::new(frame_with(tags)), 12);
    assert_eq!(decode(&[1, 0, 2, 2, b'x']).unwrap().cluster_id.as_deref(), Some("x"));
    assert_eq!(decode(&[1, 0, 3, 2, b'x', 0]).unwrap_err(), DecodeError::TagSize(0));
}

#[test]
fn a_tag_of_later_versions_is_kept() {
    // Tag 1 of Fetch is known from version 15 on.
    let mut frame = vec![0; 25];
    frame.extend([1, 1, 1, 1, 1, 2, b'x', b'y']);
    let decoded = FetchRequest::decode(&mut Reader::new(Bytes::from(frame.clone())), 12).unwrap();
    assert_eq!(decoded.unknown_tagged_fields.get(1).map(|kept| &kept[..]), Some(&b"xy"[..]));
    assert_eq!(super::noise::encoded(&decoded, 12), frame);
}
