//! Random messages: noise that a lenient reader makes sense of.

use crate::Message;
use crate::wire::{Reader, Writer};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Calls `check` with random messages of a type at each of its versions.
pub(super) fn for_messages<T: Message + std::fmt::Debug>(
    cases: u32,
    check: impl Fn(&T, i16) -> Result<(), TestCaseError>,
) {
    for version in T::VERSIONS {
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let noise = proptest::collection::vec(any::<u8>(), 0..900);
        TestRunner::new_with_rng(config, fixed_rng())
            .run(&noise, |noise| {
                let message = T::decode(&mut Reader::lenient(Bytes::from(noise)), version);
                let message = message.map_err(|error| TestCaseError::fail(error.to_string()))?;
                check(&message, version)
            })
            .unwrap_or_else(|error| panic!("{} version {version}: {error}", T::NAME));
    }
}

fn fixed_rng() -> proptest::test_runner::TestRng {
    proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha)
}

pub(super) fn encoded<T: Message>(message: &T, version: i16) -> Bytes {
    let mut writer = Writer::new();
    message.encode(&mut writer, version).expect("a value that the version has");
    writer.into_bytes().expect("nothing external")
}
