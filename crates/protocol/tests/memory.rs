//! What decoding may cost, counted by the allocator: every allocation counts, freed or not.
//!
//! One test, so that no other thread allocates meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(all(feature = "gzip", feature = "snappy", feature = "lz4", feature = "zstd"))]

use bytes::Bytes;
use headwater_protocol::records::{
    BatchBuilder, BatchOptions, Codec, CompressionError, NewRecord, compress, decompress,
};
use headwater_protocol::wire::{MEMORY_BASE_BYTES, MEMORY_FACTOR, Reader};
use headwater_protocol::{Message, for_each_api, messages};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Buffers of fixed size that a decoder may have besides its output: LZ4 has blocks of 4 MiB.
const DECODER_BYTES: usize = 13 << 20;

/// Bytes allocated while `work` runs, growth included; and what it gave.
fn allocated<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let region = Region::new(ALLOCATOR);
    let result = work();
    let stats = region.change();
    let grown = usize::try_from(stats.bytes_reallocated).unwrap_or(0);
    (stats.bytes_allocated + grown, result)
}

fn costs_little<T: Message>(frame: &Bytes) {
    for version in T::VERSIONS {
        let (bytes, _) = allocated(|| T::decode(&mut Reader::new(frame.clone()), version));
        let allowed = MEMORY_FACTOR * frame.len() + MEMORY_BASE_BYTES;
        assert!(bytes <= allowed, "{} version {version}: {bytes} of {allowed}", T::NAME);
    }
}

macro_rules! every_message {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        fn every_message_costs_little(frame: &Bytes) {
            $(
                costs_little::<messages::$module::$request>(frame);
                costs_little::<messages::$module::$response>(frame);
            )*
        }
    };
}

for_each_api!(every_message);

#[test]
fn memory_is_bounded() {
    hostile_frames();
    bombs();
    records_are_slices();
}

fn hostile_frames() {
    // Every frame claims as much as it can: all ones, all twos (a single element or letter each),
    // huge classic counts, and noise.
    let mut state = 1u64;
    let mut noise = |limit: u64| {
        let mut byte = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % limit) as u8
        };
        (0..20_000).map(|_| byte()).collect::<Bytes>()
    };
    let mut frames = vec![
        Bytes::from_static(&[0x7f; 12]),
        Bytes::from(vec![0; 100_000]),
        Bytes::from(vec![1; 100_000]),
        Bytes::from(vec![2; 100_000]),
        Bytes::from([0u8, 0, 0, 1].repeat(20_000)),
        Bytes::from([0u8, 0, 0xff, 0xff].repeat(20_000)),
        Bytes::from([0xff, 0xff, 3, 1].repeat(20_000)),
    ];
    frames.extend([2, 3, 4, 16, 256].map(&mut noise));
    // An array that fills the frame, in its length and in twice its length.
    for claimed in [99_990u32, 199_980] {
        let mut frame = vec![0; 100_000];
        frame[..4].copy_from_slice(&claimed.to_be_bytes());
        frames.push(Bytes::from(frame));
        let mut frame = vec![0; 100_000];
        frame[..3].copy_from_slice(&[
            0x80 | (claimed as u8 & 0x7f),
            0x80 | ((claimed >> 7) as u8 & 0x7f),
            (claimed >> 14) as u8,
        ]);
        frames.push(Bytes::from(frame));
    }
    for frame in &frames {
        every_message_costs_little(frame);
    }
}

fn bombs() {
    let zeros = vec![0; 16 << 20];
    let limit_bytes = 1 << 20;
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bomb = compress(codec.into(), &zeros).unwrap();
        let (bytes, result) = allocated(|| decompress(codec, &bomb, limit_bytes));
        assert_eq!(result, Err(CompressionError::TooLarge { limit_bytes }), "{codec}");
        let allowed = DECODER_BYTES + 3 * bomb.len() + 4 * limit_bytes;
        assert!(bytes <= allowed, "{codec}: {bytes} of {allowed}");
        assert_eq!(decompress(codec, &bomb, zeros.len()).unwrap().len(), zeros.len());
    }
}

/// Reading a Produce request and walking through its records allocates per batch, not per record.
fn records_are_slices() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..10_000 {
        builder
            .push(NewRecord { key: Some(b"key"), value: Some(b"value"), ..NewRecord::default() })
            .unwrap();
    }
    let batch = builder.finish().unwrap();
    let records = batch.records(1 << 30).unwrap();
    let region = Region::new(ALLOCATOR);
    let summary = records.summarize().unwrap();
    let mut key_bytes = 0;
    for record in records {
        key_bytes += record.unwrap().key.unwrap().len();
    }
    assert!(region.change().allocations <= 4, "{:?}", region.change());
    assert_eq!((summary.records, key_bytes), (10_000, 30_000));
}
