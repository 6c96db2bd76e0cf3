//! The same bytes, read and written by the `kafka-protocol` crate: at every version that both
//! know it must take them whole and give them back unchanged.

use super::noise::{encoded, for_messages};
use crate::{Message, for_each_api, messages};
use kafka_protocol::messages as foreign;
use kafka_protocol::protocol::{Decodable, Encodable, Message as ForeignMessage};
use proptest::prelude::*;
use std::fmt::Debug;

fn agrees<Ours, Theirs>()
where
    Ours: Message + Debug,
    Theirs: ForeignMessage + Encodable + Decodable + Debug,
{
    for_messages::<Ours>(12, |message, version| {
        if !(Theirs::VERSIONS.min..=Theirs::VERSIONS.max).contains(&version) {
            return Ok(());
        }
        let bytes = encoded(message, version);
        let mut rest = bytes.clone();
        let theirs = Theirs::decode(&mut rest, version)
            .map_err(|error| TestCaseError::fail(format!("{error}: {message:?}")))?;
        prop_assert!(rest.is_empty(), "{} bytes left of {:?}", rest.len(), message);
        let mut again = bytes::BytesMut::new();
        theirs
            .encode(&mut again, version)
            .map_err(|error| TestCaseError::fail(format!("{error}: {message:?}")))?;
        prop_assert_eq!(again.freeze(), bytes, "{:?}", message);
        Ok(())
    });
}

/// Streams groups came later than the crate.
macro_rules! test_one {
    (streams_group_heartbeat $($rest:tt)*) => {};
    (streams_group_describe $($rest:tt)*) => {};
    ($module:ident $request:ident $response:ident) => {
        #[test]
        fn $module() {
            agrees::<messages::$module::$request, foreign::$request>();
            agrees::<messages::$module::$response, foreign::$response>();
        }
    };
}

macro_rules! test_each {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        $(test_one!($module $request $response);)*
    };
}

for_each_api!(test_each);
