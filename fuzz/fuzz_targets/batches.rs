//! Record batches of format 2: as they come, and with length and CRC made right so that what
//! lies behind them is reached.

#![no_main]

use bytes::Bytes;
use headwater_protocol::records::{
    BatchLimits, Codec, FetchedBatches, HEADER_BYTES, ReceivedBatch, ReceivedBatches, crc32c,
};

const LIMIT: usize = 1 << 18;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(batches) = ReceivedBatches::parse(bytes.clone(), BatchLimits::NONE) {
        let sum: usize = batches.iter().map(ReceivedBatch::size_bytes).sum();
        assert_eq!(sum, data.len());
        batches.into_iter().for_each(walk);
    }
    if let Ok(FetchedBatches { batches, partial_bytes }) = ReceivedBatches::parse_fetched(bytes) {
        let sum: usize = batches.iter().map(ReceivedBatch::size_bytes).sum();
        assert_eq!(sum + partial_bytes, data.len());
    }
    if data.len() >= HEADER_BYTES {
        let mut mended = data.to_vec();
        let length = (mended.len() - 12) as i32;
        mended[8..12].copy_from_slice(&length.to_be_bytes());
        mended[16] = 2;
        let crc = crc32c(&mended[21..]);
        mended[17..21].copy_from_slice(&crc.to_be_bytes());
        walk(ReceivedBatch::from_bytes(mended.into()).expect("its length is right"));
    }
});

fn walk(batch: ReceivedBatch) {
    let Ok(batch) = batch.validate() else { return };
    let _ = batch.check_from_client();
    let summary = batch.summarize(LIMIT);
    if let Ok(records) = batch.records(LIMIT) {
        let kept: Vec<_> = records.clone().into_iter().collect();
        let views: Vec<_> = records.views().collect();
        assert_eq!(kept.len(), views.len());
        for (kept, view) in kept.iter().zip(&views) {
            match (kept, view) {
                (Ok(kept), Ok(view)) => {
                    assert_eq!(kept.key.as_deref(), view.key);
                    assert_eq!(kept.value.as_deref(), view.value);
                    assert!(kept.headers().eq(view.headers()));
                }
                (kept, view) => assert!(kept.is_err() && view.is_err()),
            }
        }
    }
    let again = batch.clone().recompressed(Codec::Snappy.into(), LIMIT);
    if let (Ok(summary), Ok(again)) = (summary, again) {
        assert_eq!(again.summarize(LIMIT), Ok(summary));
    }
    let stamped = batch.with_log_append_time(7).expect("its size stays");
    ReceivedBatch::from_bytes(stamped.into_bytes())
        .and_then(ReceivedBatch::validate)
        .expect("valid");
}
