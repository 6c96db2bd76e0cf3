//! What a batch must be like to be appended by a leader, and what the topic's configuration makes
//! of it.

use super::Log;
use super::head::{HEAD_BYTES, Head};
use super::types::{AppendOptions, LogIdentity, Origin};
use crate::batch::{
    BatchError, CompressionError, DECOMPRESSED_BYTES_MAX, RecordView, RecordsSummary, ValidBatch,
    wanted_compression,
};
use crate::config::{LogConfig, RecordValidation, TimestampType};
use crate::error::{AppendError, RecordProblem};
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
        let mut bytes = batch.into_bytes();
        let head = Head::parse(&bytes).ok_or_else(broken)?;
        let header = *bytes.first_chunk::<HEAD_BYTES>().ok_or_else(broken)?;
        if head.magic != 2 || head.size != bytes.len() {
            return Err(broken());
        }
        Ok(Self { head, header, records: bytes.split_off(HEAD_BYTES) })
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
        let rules = Rules { config: &self.config, now_ms, partition: &self.identity };
        batches.into_iter().map(|batch| rules.check(batch, options.origin)).collect()
    }
}

/// What a batch is checked against.
struct Rules<'a> {
    config: &'a LogConfig,
    now_ms: i64,
    partition: &'a LogIdentity,
}

impl Rules<'_> {
    fn check(&self, mut batch: ValidBatch, origin: Origin) -> Result<Checked, AppendError> {
        self.check_size(&batch)?;
        let head = Checked::new(batch.clone())?.head;
        if origin == Origin::Client {
            self.check_client_header(&head)?;
        }
        if head.has_log_append_time() {
            return Err(append_time_set_by_producer());
        }
        if self.config.timestamp_type == TimestampType::CreateTime {
            self.check_timestamps(&head, &batch)?;
        }
        batch = self.check_records(&head, batch)?;
        if let Some(compression) = wanted_compression(self.config.compression)
            && compression.codec != batch.codec()
            && !head.is_control()
        {
            batch = batch.recompressed(compression, DECOMPRESSED_BYTES_MAX).map_err(corrupt)?;
            self.check_size(&batch)?;
        }
        let mut checked = Checked::new(batch)?;
        if self.config.timestamp_type == TimestampType::LogAppendTime {
            checked.stamp(self.now_ms);
        }
        Ok(checked)
    }

    fn check_client_header(&self, head: &Head) -> Result<(), AppendError> {
        let well_formed = head.base == 0
            && head.count > 0
            && i64::from(head.count) == head.last + 1
            && !head.is_control()
            && (head.producer < 0 || head.base_sequence >= 0);
        if well_formed {
            return Ok(());
        }
        let name = self.partition.folder_name();
        if head.base != 0 {
            return Err(invalid(format!(
                "The baseOffset of the record batch in the append to {name} should be 0, but it is \
                 {}",
                head.base
            )));
        }
        if head.count <= 0 {
            return Err(invalid(format!(
                "Invalid reported count for record batch: {} in topic partition {name}",
                head.count
            )));
        }
        if i64::from(head.count) != head.last - head.base + 1 {
            return Err(invalid(format!(
                "Inconsistent batch offset range [{}, {}] and count of records {} in topic \
                 partition {name}",
                head.base, head.last, head.count
            )));
        }
        if head.is_control() {
            return Err(invalid(format!(
                "Clients are not allowed to write control records in topic partition {name}"
            )));
        }
        if head.producer >= 0 && head.base_sequence < 0 {
            return Err(invalid(format!(
                "Invalid sequence number {} in record batch with producerId {} in topic partition \
                 {name}",
                head.base_sequence, head.producer
            )));
        }
        Ok(())
    }

    fn check_size(&self, batch: &ValidBatch) -> Result<(), AppendError> {
        let limit_bytes = self.config.max_message_bytes as usize;
        match batch.size_bytes() {
            bytes if bytes > limit_bytes => Err(AppendError::BatchTooLarge { bytes, limit_bytes }),
            _ => Ok(()),
        }
    }

    /// Walks the records where the topic's rules ask for it.
    fn check_records(&self, head: &Head, batch: ValidBatch) -> Result<ValidBatch, AppendError> {
        let full = self.config.record_validation == RecordValidation::Full;
        if !full && !self.config.cleanup_compact {
            return Ok(batch);
        }
        let RecordsSummary { max_timestamp, has_null_key, .. } =
            batch.summarize(DECOMPRESSED_BYTES_MAX).map_err(corrupt)?;
        if self.config.cleanup_compact && has_null_key && !head.is_control() {
            return Err(self.keys_missing(&batch));
        }
        if full && max_timestamp != head.max_timestamp {
            return batch.with_max_timestamp(max_timestamp).map_err(corrupt);
        }
        Ok(batch)
    }

    fn keys_missing(&self, batch: &ValidBatch) -> AppendError {
        let message = format!(
            "Compacted topic cannot accept message without key in topic partition {}",
            self.partition.folder_name()
        );
        let records = problems(batch, |record| record.key.is_none().then(|| message.clone()));
        AppendError::InvalidRecord { message: summary_of(&records), records }
    }

    /// By the header alone; only when that breaks a rule the records are asked which of them does.
    fn check_timestamps(&self, head: &Head, batch: &ValidBatch) -> Result<(), AppendError> {
        let (config, now_ms) = (self.config, self.now_ms);
        let wrong = |timestamp: i64| {
            let age_ms = now_ms.saturating_sub(timestamp);
            timestamp != -1
                && (age_ms > config.timestamp_before_max_ms
                    || age_ms.saturating_neg() > config.timestamp_after_max_ms)
        };
        let full = config.record_validation == RecordValidation::Full;
        if !full && !wrong(head.max_timestamp) && !wrong(head.base_timestamp) {
            return Ok(());
        }
        let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
        let latest = now_ms.saturating_add(config.timestamp_after_max_ms);
        let records = problems(batch, |record| {
            wrong(record.timestamp).then(|| {
                format!(
                    "Timestamp {} of message with offset {} is out of range. The timestamp should \
                     be within [{earliest}, {latest}]",
                    record.timestamp, record.offset
                )
            })
        });
        if full && records.is_empty() {
            return Ok(());
        }
        let message = "One or more records have been rejected due to invalid timestamp";
        Err(AppendError::InvalidTimestamp { message: message.into(), records })
    }
}

/// The records with which something is wrong, as far as they can be read.
fn problems(
    batch: &ValidBatch,
    problem: impl Fn(&RecordView<'_>) -> Option<String>,
) -> Vec<RecordProblem> {
    let Ok(records) = batch.records(DECOMPRESSED_BYTES_MAX) else { return Vec::new() };
    let numbered = (0i32..).zip(records.views().map_while(Result::ok));
    numbered
        .filter_map(|(index, record)| Some(RecordProblem { index, message: problem(&record)? }))
        .collect()
}

/// In Kafka's words.
fn summary_of(records: &[RecordProblem]) -> String {
    let shown: Vec<String> = records
        .iter()
        .take(3)
        .map(|record| {
            let RecordProblem { index, message } = record;
            format!("RecordError(batchIndex={index}, message='{message}')")
        })
        .collect();
    format!(
        "One or more records have been rejected due to {} record errors in total, and only showing \
         the first three errors at most: [{}]",
        records.len(),
        shown.join(", ")
    )
}

/// Which error a batch that cannot be read ends in.
fn corrupt(error: BatchError) -> AppendError {
    match error {
        BatchError::RecordsCount { .. } | BatchError::RecordOffset { .. } => {
            invalid(error.to_string())
        }
        BatchError::Compression { source: CompressionError::NotBuilt(_), .. } => {
            AppendError::UnsupportedCompression { problem: error.to_string() }
        }
        other => AppendError::Corrupt { problem: other.to_string() },
    }
}

fn append_time_set_by_producer() -> AppendError {
    let message = "Producer should not set timestamp type to LogAppendTime";
    AppendError::InvalidTimestamp { message: message.into(), records: Vec::new() }
}

fn invalid(message: impl Into<String>) -> AppendError {
    AppendError::InvalidRecord { message: message.into(), records: Vec::new() }
}
