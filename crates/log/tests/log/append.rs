//! Appending and reading back.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;

#[test]
fn offsets_are_given_and_bytes_come_back() {
    let (disk, mut log) = new_log(small());
    assert!(disk.list(&folder()).is_err(), "no files before the first append");
    let first = append(&mut log, &records(3, 10)).unwrap();
    assert_eq!((first.first, first.last, first.end), (Offset(0), Offset(2), EndOffset(3)));
    let second = append(&mut log, &records(1, 1500)).unwrap();
    assert_eq!((second.first, second.last, second.records), (Offset(3), Offset(3), 1));
    let third = append(&mut log, &records(2, 300)).unwrap();
    assert!(third.rolled, "1500 and 600 bytes are more than 2000");
    assert_eq!(log.segments_count(), 2);
    let expected =
        [records(3, 10).placed(0, 0), records(1, 1500).placed(3, 0), records(2, 300).placed(4, 0)];
    assert_eq!(read_all(&log, Offset(0)), expected.concat());
    assert_eq!(read_all(&log, Offset(2)), expected.concat(), "whole batches");
    assert_eq!(read_all(&log, Offset(5)), expected[2]);
}

#[test]
fn a_read_obeys_its_limits() {
    let (_disk, mut log) = new_log(LogConfig { segment_bytes: 1 << 20, ..small() });
    for _ in 0..100 {
        append(&mut log, &records(2, 40)).unwrap();
    }
    let size = records(2, 40).bytes().len();
    let read = |from, max_bytes, at_least_one, upper| {
        let limit = ReadLimit { max_bytes, at_least_one, upper: EndOffset(upper) };
        let read = log.read(Offset(from), limit).unwrap();
        assert_eq!(bytes_of(&read).len() % size, 0);
        (read.bytes / size, read.first.0, read.next.0)
    };
    assert_eq!(read(0, size, false, 200), (1, 0, 2));
    assert_eq!(read(0, size - 1, false, 200), (0, 0, 0));
    assert_eq!(read(0, 0, true, 200), (1, 0, 2));
    assert_eq!(read(1, size * 7 + 5, true, 200), (7, 0, 14));
    assert_eq!(read(10, 1 << 20, true, 31), (10, 10, 30), "the batch 30..=31 reaches the bound");
    assert_eq!(read(10, 1 << 20, true, 32), (11, 10, 32));
    assert_eq!(read(10, 1 << 20, true, 10), (0, 10, 10));
    assert_eq!(read(190, 1 << 20, true, 1000), (5, 190, 200));
    assert_eq!(read(200, 1 << 20, true, 1000), (0, 200, 200));
    let limit = ReadLimit { max_bytes: 10, at_least_one: true, upper: EndOffset(200) };
    assert!(matches!(log.read(Offset(201), limit), Err(ReadError::OutOfRange { .. })));
    assert!(matches!(log.read(Offset(-1), limit), Err(ReadError::OutOfRange { .. })));
}

#[test]
fn the_newest_small_batches_come_from_memory_and_large_ones_from_the_file() {
    let (_disk, mut log) = new_log(LogConfig { segment_bytes: 1 << 20, ..small() });
    append(&mut log, &records(1, 100)).unwrap();
    append(&mut log, &records(1, 20_000)).unwrap();
    let read = |from| {
        let limit = ReadLimit { max_bytes: 1000, at_least_one: true, upper: log.log_end() };
        log.read(Offset(from), limit).unwrap().slices
    };
    assert!(matches!(read(0)[..], [ReadSlice::Memory(_)]));
    assert!(matches!(read(1)[..], [ReadSlice::File(_)]));
}

#[test]
fn each_rule_has_its_error() {
    let config = LogConfig {
        max_message_bytes: 500,
        segment_bytes: 450,
        timestamp_before_max_ms: 1000,
        timestamp_after_max_ms: 1000,
        ..small()
    };
    let (_disk, mut log) = new_log(config);
    let mut code = |spec: &Spec| append(&mut log, spec).map(|_| ()).map_err(|error| error.code());
    let at = |timestamp| Spec { records: vec![(timestamp, 1)], ..Spec::default() };
    assert_eq!(code(&records(1, 500)), Err(ErrorCode::MessageTooLarge));
    assert_eq!(code(&records(1, 400)), Err(ErrorCode::RecordListTooLarge));
    assert_eq!(code(&at(T0 + 1001)), Err(ErrorCode::InvalidTimestamp));
    assert_eq!(code(&at(T0 - 1001)), Err(ErrorCode::InvalidTimestamp));
    assert_eq!(code(&at(T0 + 1000)), Ok(()));
    assert_eq!(code(&at(T0 - 1000)), Ok(()));
    assert_eq!(code(&at(-1)), Ok(()), "no timestamp is no wrong one");
    let stamped = Spec { attributes: 8, ..Spec::default() };
    assert_eq!(code(&stamped), Err(ErrorCode::InvalidTimestamp));
    let control = Spec { attributes: 0x20, ..Spec::default() };
    assert_eq!(code(&control), Err(ErrorCode::InvalidRecord));
    let placed = Spec { base: 5, ..Spec::default() };
    assert_eq!(code(&placed), Err(ErrorCode::InvalidRecord));
    let unsequenced = from_producer(1, 0, -1, 1);
    assert_eq!(code(&unsequenced), Err(ErrorCode::InvalidRecord));
    let two = vec![records(1, 1).valid(), records(1, 1).valid()];
    let refused = log.append_as_leader(two, LeaderEpoch(0), T0, AppendOptions::default());
    assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidRecord);
    assert_eq!(log.log_end(), EndOffset(3));
}

#[test]
fn append_time_is_stamped_with_a_right_checksum() {
    let config = LogConfig { timestamp_type: TimestampType::LogAppendTime, ..small() };
    let (_disk, mut log) = new_log(config);
    let spec = Spec { records: vec![(5, 10), (6, 20)], ..Spec::default() };
    let appended = append(&mut log, &spec).unwrap();
    assert_eq!(appended.log_append_time, Some(T0));
    let bytes = read_all(&log, Offset(0));
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[21..]) as u32;
    assert_eq!(bytes[17..21], crc.to_be_bytes());
    assert_eq!(bytes[22], 8);
    assert_eq!(bytes[35..43], T0.to_be_bytes());
    assert_eq!(log.max_timestamp().unwrap().unwrap().timestamp, T0);
}

#[test]
fn a_follower_keeps_offsets_and_epochs() {
    let (_disk, mut log) = new_log(small());
    let batch = |base, epoch| valid(records(2, 10).placed(base, epoch));
    let appended = log.append_as_follower(vec![batch(0, 1), batch(5, 1), batch(9, 4)], T0).unwrap();
    assert_eq!((appended.first, appended.last), (Offset(0), Offset(10)));
    assert_eq!(log.log_end(), EndOffset(11));
    let refused = log.append_as_follower(vec![batch(10, 4)], T0).unwrap_err();
    assert!(matches!(refused, AppendError::OffsetGap { .. }));
    let end = |epoch| log.epoch_end(LeaderEpoch(epoch)).map(|end| (end.epoch.0, end.end.0));
    assert_eq!(end(1), Some((1, 9)));
    assert_eq!(end(3), Some((1, 9)));
    assert_eq!(end(4), Some((4, 11)));
    assert_eq!(end(5), None);
    let limit = ReadLimit { max_bytes: 1, at_least_one: true, upper: EndOffset(11) };
    assert_eq!(log.read(Offset(3), limit).unwrap().first, Offset(5), "behind the gap");
}

#[test]
fn offsets_too_far_apart_for_one_segment_are_not_in_one() {
    let (disk, mut log) = new_log(small());
    let far = i64::from(i32::MAX) + 10;
    for base in [0, 5, far, far + 7, 3 * far] {
        log.append_as_follower(vec![valid(records(1, 10).placed(base, 0))], T0).unwrap();
    }
    assert_eq!(log.segments_count(), 3);
    sync(&mut log, &disk);
    let log = open_on(&disk, small(), OpenKind::UNKNOWN).unwrap();
    assert_eq!(log.log_end(), EndOffset(3 * far + 1));
    let limit = ReadLimit { max_bytes: 1, at_least_one: true, upper: log.log_end() };
    assert_eq!(log.read(Offset(far + 1), limit).unwrap().first, Offset(far + 7));
    assert_eq!(log.read(Offset(far + 8), limit).unwrap().first, Offset(3 * far));
}

#[test]
fn segments_roll_by_the_time_of_their_records() {
    let (_disk, mut log) = new_log(LogConfig { segment_ms: 1000, ..small() });
    let at = |timestamp| Spec { records: vec![(timestamp, 1)], ..Spec::default() };
    let rolled: Vec<bool> = [T0, T0 + 1000, T0 - 5, T0 + 1001, T0 + 2001, T0 + 2002]
        .into_iter()
        .map(|timestamp| append(&mut log, &at(timestamp)).unwrap().rolled)
        .collect();
    assert_eq!(rolled, [false, false, false, true, false, true]);
}

#[test]
fn records_are_found_by_their_timestamp() {
    let (disk, mut log) = new_log(small());
    for n in 0..60 {
        let records = vec![(T0 + n * 100, 30), (T0 + n * 100 + 50, 30), (T0 + n * 100 + 20, 30)];
        append(&mut log, &Spec { records, ..Spec::default() }).unwrap();
    }
    assert!(log.segments_count() > 3);
    sync(&mut log, &disk);
    let reopened = open_on(&disk, small(), OpenKind::UNKNOWN).unwrap();
    for log in [&log, &reopened] {
        let find = |timestamp| {
            let found = log.offset_for_timestamp(timestamp, log.log_end()).unwrap();
            found.map(|found| (found.offset.0, found.timestamp - T0))
        };
        for n in 0..60 {
            assert_eq!(find(T0 + n * 100), Some((n * 3, n * 100)));
            assert_eq!(find(T0 + n * 100 + 1), Some((n * 3 + 1, n * 100 + 50)));
        }
        assert_eq!(find(0), Some((0, 0)));
        assert_eq!(find(T0 + 5951), None);
        assert_eq!(log.offset_for_timestamp(T0 + 300, EndOffset(9)).unwrap(), None);
        let max = log.max_timestamp().unwrap().unwrap();
        assert_eq!((max.offset, max.timestamp), (Offset(178), T0 + 5950));
    }
}

#[test]
fn records_without_key_are_named_where_keys_are_needed() {
    let (_disk, mut log) = new_log(LogConfig { cleanup_compact: true, ..small() });
    append(&mut log, &records(2, 10)).unwrap();
    let error = append(&mut log, &Spec { keys: false, ..records(4, 10) }).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRecord);
    let problems = error.record_problems();
    assert_eq!(problems.iter().map(|problem| problem.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let first = "Compacted topic cannot accept message without key in topic partition orders-3";
    assert_eq!(problems[0].message, first);
    assert!(error.to_string().contains("due to 4 record errors in total"), "{error}");
    append(&mut log, &marker(1, 0, 1, 0)).unwrap();
}

#[test]
fn records_with_a_wrong_timestamp_are_named() {
    let config = LogConfig { timestamp_after_max_ms: 1000, ..small() };
    let (_disk, mut log) = new_log(config);
    let spec = Spec { records: vec![(T0, 1), (T0 + 5000, 1), (T0, 1)], ..Spec::default() };
    let error = append(&mut log, &spec).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTimestamp);
    assert_eq!(
        error.to_string(),
        "One or more records have been rejected due to invalid timestamp"
    );
    assert_eq!(error.record_problems().len(), 1);
    assert_eq!(error.record_problems()[0].index, 1);
}

#[test]
fn a_topic_with_a_codec_of_its_own_compresses_anew() {
    let choices = [
        CompressionChoice::Gzip(-1),
        CompressionChoice::Snappy,
        CompressionChoice::Lz4(9),
        CompressionChoice::Zstd(3),
        CompressionChoice::Uncompressed,
    ];
    let (disk, mut log) = new_log(small());
    for (number, choice) in (0i32..).zip(choices) {
        log.set_config(std::sync::Arc::new(LogConfig { compression: choice, ..small() }));
        let spec =
            Spec { records: vec![(T0, 300), (T0 + 7, 300)], ..from_producer(3, 0, number * 2, 2) };
        let appended = append(&mut log, &spec).unwrap();
        assert_eq!(appended.bytes < 400, choice != CompressionChoice::Uncompressed, "{choice:?}");
        let limit = ReadLimit { max_bytes: 1, at_least_one: true, upper: log.log_end() };
        let read = log.read(appended.first, limit).unwrap();
        let batch = valid(bytes_of(&read).into());
        let records = batch.records(10_000).unwrap();
        let values: Vec<_> = records.views().map(|r| r.unwrap().value.unwrap().len()).collect();
        assert_eq!(values, [300, 300]);
        assert_eq!(batch.header().base_sequence, number * 2);
        let duplicate = append(&mut log, &spec).unwrap();
        assert!(duplicate.duplicate);
    }
    append(&mut log, &marker(3, 1, 1, 0)).unwrap();
    sync(&mut log, &disk);
    let found = log.offset_for_timestamp(T0 + 1, log.log_end()).unwrap().unwrap();
    assert_eq!((found.offset, found.timestamp), (Offset(1), T0 + 7));
    assert_eq!(log.max_timestamp().unwrap().unwrap().offset, Offset(1));
}

#[test]
fn full_validation_looks_at_every_record() {
    let config = LogConfig { record_validation: RecordValidation::Full, ..small() };
    let (_disk, mut log) = new_log(config);
    append(&mut log, &records(3, 10)).unwrap();
    let mut bytes = records(3, 10).bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] = 2; // One header more than there is.
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[21..]) as u32;
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let lying = valid(bytes.into());
    let refused =
        log.append_as_leader(vec![lying.clone()], LeaderEpoch(0), T0, AppendOptions::default());
    assert_eq!(refused.unwrap_err().code(), ErrorCode::CorruptMessage);
    log.set_config(std::sync::Arc::new(small()));
    let accepted = log.append_as_leader(vec![lying], LeaderEpoch(0), T0, AppendOptions::default());
    assert!(accepted.is_ok());
    assert!(log.offset_for_timestamp(T0, log.log_end()).unwrap().is_some());
}

#[test]
fn a_full_index_rolls_the_segment() {
    let config = LogConfig {
        segment_bytes: 1 << 20,
        segment_index_bytes: 40,
        index_interval_bytes: 0,
        ..small()
    };
    let (_disk, mut log) = new_log(config);
    let rolled: Vec<bool> =
        (0..13).map(|_| append(&mut log, &records(1, 1)).unwrap().rolled).collect();
    // The first batch of a segment has no entry; five entries fill the index.
    let expected: Vec<bool> = (0..13).map(|n| n > 0 && n % 6 == 0).collect();
    assert_eq!(rolled, expected);
}

#[test]
fn a_log_may_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Log>();
    check::<LogFolder>();
    check::<SyncPlan>();
}

#[test]
fn an_idle_log_gives_its_memory_and_handle_back() {
    let (disk, mut log) = new_log(small());
    append(&mut log, &records(1, 100)).unwrap();
    let limit = ReadLimit { max_bytes: 1000, at_least_one: true, upper: EndOffset(9) };
    log.release_caches();
    assert!(matches!(log.read(Offset(0), limit).unwrap().slices[..], [ReadSlice::File(_)]));
    sync(&mut log, &disk);
    log.release_caches();
    assert_eq!(append(&mut log, &records(1, 100)).unwrap().first, Offset(1));
    assert!(matches!(log.read(Offset(1), limit).unwrap().slices[..], [ReadSlice::Memory(_)]));
    sync(&mut log, &disk);
    let all = [records(1, 100).placed(0, 0), records(1, 100).placed(1, 0)].concat();
    assert_eq!(read_all(&log, Offset(0)), all);
}

#[test]
fn a_sync_is_due_by_count_by_time_and_after_a_roll() {
    let config = LogConfig { flush_messages: 5, flush_ms: 1000, segment_bytes: 1000, ..small() };
    let (disk, mut log) = new_log(config);
    append(&mut log, &records(1, 10)).unwrap();
    assert!(log.sync_due(T0), "its folder is new");
    sync(&mut log, &disk);
    assert!(!log.sync_due(T0 + 5000), "nothing is dirty");
    append(&mut log, &records(4, 10)).unwrap();
    assert!(!log.sync_due(T0 + 999));
    assert!(log.sync_due(T0 + 1000));
    append(&mut log, &records(1, 10)).unwrap();
    assert!(log.sync_due(T0));
    sync(&mut log, &disk);
    assert!(append(&mut log, &records(1, 800)).unwrap().rolled);
    assert!(log.sync_due(T0));
    sync(&mut log, &disk);
    assert!(!log.sync_due(T0 + 5000));
}
