//! What is written is read back, whole and the same; what is cut short is refused.

use super::noise::{encoded, for_messages};
use crate::messages;
use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{ApiKey, Message, Request, for_each_api};
use proptest::prelude::*;
use std::fmt::Debug;

fn reads_back<T: Message + PartialEq + Debug>() {
    for_messages::<T>(24, |message, version| {
        let bytes = encoded(message, version);
        let mut reader = Reader::new(bytes.clone());
        let back = T::decode(&mut reader, version);
        prop_assert_eq!(back.as_ref(), Ok(message));
        prop_assert_eq!(reader.finish(), Ok(()));
        prop_assert_eq!(encoded(&back.unwrap(), version), bytes.clone());

        let cut = bytes.slice(..bytes.len().saturating_sub(1));
        if cut.len() < bytes.len() {
            prop_assert!(T::decode(&mut Reader::new(cut), version).is_err());
        }
        Ok(())
    });
}

fn knows_its_versions<T: Message + Debug + PartialEq>() {
    let default = T::default();
    for version in [i16::MIN, -1, *T::VERSIONS.start() - 1, *T::VERSIONS.end() + 1, i16::MAX] {
        assert_eq!(
            T::decode(&mut Reader::new(Default::default()), version),
            Err(DecodeError::Version { message: T::NAME, version })
        );
        assert_eq!(
            default.encode(&mut Writer::new(), version),
            Err(EncodeError::Version { message: T::NAME, version })
        );
    }
}

fn agrees_with_its_key<T: Request>(key: ApiKey) {
    assert_eq!(T::KEY, key);
    assert_eq!(<T as Request>::VERSIONS, key.versions());
    assert_eq!(<T as Request>::FLEXIBLE_FROM, key.flexible_from());
    assert_eq!(T::Response::VERSIONS, key.versions());
    assert_eq!(T::Response::FLEXIBLE_FROM, key.flexible_from());
    assert_eq!(ApiKey::from_code(key.code()), Some(key));
    assert_eq!(T::NAME, format!("{key}Request"));
}

macro_rules! test_each {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        $(
            #[test]
            fn $module() {
                use messages::$module::{$request, $response};
                agrees_with_its_key::<$request>(ApiKey::$key);
                knows_its_versions::<$request>();
                knows_its_versions::<$response>();
                reads_back::<$request>();
                reads_back::<$response>();
            }
        )*
    };
}

for_each_api!(test_each);

#[test]
fn consumer_protocol() {
    use messages::consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};
    reads_back::<ConsumerProtocolSubscription>();
    reads_back::<ConsumerProtocolAssignment>();
}
