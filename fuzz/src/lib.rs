//! What the fuzz targets share: messages that are read, written and read again, and an allocator
//! that counts what that costs.
//!
//! Start a target with `cargo fuzz run -s none TARGET`; no nightly compiler is needed. Every
//! panic is a finding, and so is every allocation beyond the bounds that the codec promises.

pub mod folder;
pub mod sign;

use bytes::Bytes;
use headwater_protocol::records::{Codec, compress, decompress};
use headwater_protocol::wire::{MEMORY_BASE_BYTES, MEMORY_FACTOR, Reader, Writer};
use headwater_protocol::{Message, for_each_api, messages};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::fmt::Debug;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Does the work and panics where it allocates more than `allowed_bytes`, freed or not.
pub fn within<T>(allowed_bytes: usize, work: impl FnOnce() -> T) -> T {
    let region = Region::new(ALLOCATOR);
    let result = work();
    let stats = region.change();
    let bytes = stats.bytes_allocated + usize::try_from(stats.bytes_reallocated).unwrap_or(0);
    assert!(bytes <= allowed_bytes, "{bytes} bytes allocated where {allowed_bytes} are allowed");
    result
}

/// What decoding a frame may allocate.
pub fn frame_bytes_max(frame: &Bytes) -> usize {
    MEMORY_FACTOR * frame.len() + MEMORY_BASE_BYTES
}

/// Reads a message from hostile bytes. What can be read must be written again and read the same.
pub fn message<T: Message + PartialEq + Debug>(frame: &Bytes, version: i16) {
    let decoded =
        within(frame_bytes_max(frame), || T::decode(&mut Reader::new(frame.clone()), version));
    if let Ok(message) = decoded {
        survives(&message, version);
    }
    // The same bytes as noise, of which a lenient reader always makes a message.
    if let Ok(message) = T::decode(&mut Reader::lenient(frame.clone()), version) {
        survives(&message, version);
    }
}

fn survives<T: Message + PartialEq + Debug>(message: &T, version: i16) {
    let mut writer = Writer::new();
    message.encode(&mut writer, version).expect("what was read can be written");
    let bytes = writer.into_bytes().expect("all in memory");
    let mut reader = Reader::with_memory_limit(bytes.clone(), usize::MAX);
    let again = T::decode(&mut reader, version).expect("what was written can be read");
    reader.finish().expect("nothing is left over");
    let mut writer = Writer::new();
    again.encode(&mut writer, version).expect("once more");
    // Bytes instead of values: a float may be NaN.
    assert_eq!(writer.into_bytes().expect("all in memory"), bytes);
}

macro_rules! all {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        type Check = fn(&Bytes, i16);

        /// Each request: its versions, and what to do with one.
        pub const REQUESTS: &[(i16, i16, Check)] = &[$((
            *<messages::$module::$request as Message>::VERSIONS.start(),
            *<messages::$module::$request as Message>::VERSIONS.end(),
            message::<messages::$module::$request>,
        ),)*];

        /// Each response.
        pub const RESPONSES: &[(i16, i16, Check)] = &[$((
            *<messages::$module::$response as Message>::VERSIONS.start(),
            *<messages::$module::$response as Message>::VERSIONS.end(),
            message::<messages::$module::$response>,
        ),)*];
    };
}

for_each_api!(all);

/// Lets the first two bytes choose message and version, and feeds it the rest.
pub fn choose(table: &[(i16, i16, Check)], data: &[u8]) {
    let [which, version, rest @ ..] = data else { return };
    let (first, last, check) = table[usize::from(*which) % table.len()];
    let version = first + i16::from(*version) % (last - first + 1);
    check(&Bytes::copy_from_slice(rest), version);
}

/// Decompresses hostile bytes, and compresses and decompresses them as they are.
pub fn codec(codec: Codec, data: &[u8]) {
    const LIMIT: usize = 1 << 20;
    // LZ4 keeps blocks of 4 MiB; everything may grow to its limit by doubling.
    let allowed = (13 << 20) + 4 * LIMIT + 8 * data.len();
    if let Ok(output) = within(allowed, || decompress(codec, data, LIMIT)) {
        assert!(output.len() <= LIMIT);
    }
    let packed = compress(codec.into(), data).expect("anything can be compressed");
    assert_eq!(decompress(codec, &packed, data.len()).expect("our own"), data);
}
