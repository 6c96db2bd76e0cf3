//! What a batch must be like to be appended by a leader, and what the topic's configuration makes
//! of it.

use super::Log;
use super::head::{HEAD_BYTES, Head};
use super::types::{AppendOptions, Origin};
use crate::batch::ValidBatch;
use crate::config::{LogConfig, TimestampType};
use crate::error::AppendError;
use bytes::Bytes;

/// Attribute bit of batches whose timestamps are the broker's.
const LOG_APPEND_TIME: i16 = 0x08;
/// Where the checksum covers the header.
const CRC_AT: usize = 17;
const CHECKED_FROM: usize = 21;

/// A batch that was checked and has no place yet.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub head: Head,
    header: [u8; HEAD_BYTES],
    records: Bytes,
}

/// A batch as it is written: a patched header, and record bytes as they came.
#[derive(Clone, Debug)]
pub(crate) struct PlacedBatch {
    pub head: Head,
    pub header: [u8; HEAD_BYTES],
    pub records: Bytes,
}

impl Checked {
    pub fn new(batch: ValidBatch) -> Result<Self, AppendError> {
        let broken = || AppendError::Corrupt { problem: String::from("its header is broken") };
        let head = Head::parse(&batch.bytes).ok_or_else(broken)?;
        let header = *batch.bytes.first_chunk::<HEAD_BYTES>().ok_or_else(broken)?;
        if head.magic != 2 || head.size != batch.bytes.len() {
            return Err(broken());
        }
        Ok(Self { head, header, records: batch.bytes.slice(HEAD_BYTES..) })
    }

    /// Gives the batch its offsets and epoch, which the checksum does not cover.
    pub fn place(mut self, base: i64, epoch: i32) -> PlacedBatch {
        self.head.last = base.saturating_add(self.head.last - self.head.base);
        self.head.base = base;
        self.head.epoch = epoch;
        patch(&mut self.header, 0, &base.to_be_bytes());
        patch(&mut self.header, 12, &epoch.to_be_bytes());
        self.keep_place()
    }

    /// Leaves the batch where its leader put it.
    pub fn keep_place(self) -> PlacedBatch {
        PlacedBatch { head: self.head, header: self.header, records: self.records }
    }

    /// Stamps the batch with the broker's time: two header fields, and the checksum anew.
    fn stamp(&mut self, now_ms: i64) {
        self.head.attributes |= LOG_APPEND_TIME;
        self.head.max_timestamp = now_ms;
        patch(&mut self.header, 21, &self.head.attributes.to_be_bytes());
        patch(&mut self.header, 35, &now_ms.to_be_bytes());
        let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
        digest.update(self.header.get(CHECKED_FROM..).unwrap_or_default());
        digest.update(&self.records);
        self.head.crc = digest.finalize() as u32;
        patch(&mut self.header, CRC_AT, &self.head.crc.to_be_bytes());
    }
}

fn patch(header: &mut [u8; HEAD_BYTES], at: usize, bytes: &[u8]) {
    for (target, byte) in header.iter_mut().skip(at).zip(bytes) {
        *target = *byte;
    }
}

impl Log {
    /// Checks batches by the topic's rules, and changes them where the topic asks for it.
    pub(super) fn check_batches(
        &self,
        batches: Vec<ValidBatch>,
        now_ms: i64,
        options: AppendOptions,
    ) -> Result<Vec<Checked>, AppendError> {
        if options.origin == Origin::Client && batches.len() != 1 {
            return Err(invalid("Compressed outer record has more than one batch"));
        }
        let config = &self.config;
        batches.into_iter().map(|batch| check(batch, config, now_ms, options.origin)).collect()
    }
}

fn check(
    batch: ValidBatch,
    config: &LogConfig,
    now_ms: i64,
    origin: Origin,
) -> Result<Checked, AppendError> {
    let limit_bytes = config.max_message_bytes as usize;
    if batch.bytes.len() > limit_bytes {
        return Err(AppendError::BatchTooLarge { bytes: batch.bytes.len(), limit_bytes });
    }
    let mut checked = Checked::new(batch)?;
    if origin == Origin::Client {
        check_client_header(&checked.head)?;
    }
    match config.timestamp_type {
        TimestampType::CreateTime => check_timestamps(&checked.head, config, now_ms)?,
        TimestampType::LogAppendTime => {
            if checked.head.has_log_append_time() {
                return Err(append_time_set_by_producer());
            }
            checked.stamp(now_ms);
        }
    }
    Ok(checked)
}

fn check_client_header(head: &Head) -> Result<(), AppendError> {
    if head.base != 0 {
        return Err(invalid(format!(
            "The baseOffset of the record batch should be 0, but it is {}",
            head.base
        )));
    }
    if head.count <= 0 {
        return Err(invalid(format!("Invalid reported count for record batch: {}", head.count)));
    }
    if i64::from(head.count) != head.last - head.base + 1 {
        return Err(invalid(format!(
            "Inconsistent batch offset range [{}, {}] and count of records {}",
            head.base, head.last, head.count
        )));
    }
    if head.is_control() {
        return Err(invalid("Clients are not allowed to write control records"));
    }
    if head.producer >= 0 && head.base_sequence < 0 {
        return Err(invalid(format!(
            "Invalid sequence number {} in record batch with producerId {}",
            head.base_sequence, head.producer
        )));
    }
    Ok(())
}

fn check_timestamps(head: &Head, config: &LogConfig, now_ms: i64) -> Result<(), AppendError> {
    if head.has_log_append_time() {
        return Err(append_time_set_by_producer());
    }
    let too_old = |timestamp: i64| {
        timestamp >= 0 && now_ms.saturating_sub(timestamp) > config.timestamp_before_max_ms
    };
    let too_new = |timestamp: i64| {
        timestamp >= 0 && timestamp.saturating_sub(now_ms) > config.timestamp_after_max_ms
    };
    if too_new(head.max_timestamp) || too_old(head.base_timestamp) {
        let message = "One or more records have been rejected due to invalid timestamp";
        return Err(AppendError::InvalidTimestamp { message: message.into(), records: Vec::new() });
    }
    Ok(())
}

fn append_time_set_by_producer() -> AppendError {
    let message = "Producer should not set timestamp type to LogAppendTime";
    AppendError::InvalidTimestamp { message: message.into(), records: Vec::new() }
}

fn invalid(message: impl Into<String>) -> AppendError {
    AppendError::InvalidRecord { message: message.into(), records: Vec::new() }
}
