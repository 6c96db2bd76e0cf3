//! Whatever somebody writes, it is either refused or in force as it was written.

use super::{Broker, overrides};
use crate::config::{
    ConfigTable, Overrides, ServerConfig, TopicConfig, describe_topic, validate_topic_configs,
};
use proptest::prelude::*;

/// Text with much of what matters to our formats.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\\".to_owned()),
        Just("\\u00".to_owned()),
        Just("\n".to_owned()),
        Just("=".to_owned()),
        Just("://".to_owned()),
        Just("[".to_owned()),
        Just("listeners".to_owned()),
        Just("log.dirs".to_owned()),
        Just("PLAINTEXT".to_owned()),
        "[ -~\t]{0,6}",
        "\\PC{0,3}",
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// A value that some config may well take.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (-3i64..20).prop_map(|n| n.to_string()),
        (1_000_000i64..2_000_000_000).prop_map(|n| format!(" {n} ")),
        (0.0f64..1.5).prop_map(|n| n.to_string()),
        prop_oneof![
            Just("true"),
            Just("FALSE"),
            Just("zstd"),
            Just("delete, compact"),
            Just("*"),
            Just("LogAppendTime"),
            Just("1:2,3:4"),
            Just("full"),
            Just(""),
            Just("replicated"),
        ]
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn no_file_and_no_assignment_panics(text in text()) {
        for name in ["a.properties", "a.toml"] {
            if let Ok(builder) = ServerConfig::builder().file(name, &text) {
                let _ = builder.build();
            }
        }
        if let Ok(builder) = ServerConfig::builder().assignment(&text) {
            let _ = builder.build();
        }
    }

    #[test]
    fn a_listener_is_read_as_it_is_shown(text in text()) {
        let map = "PLAINTEXT:PLAINTEXT,A:PLAINTEXT";
        let build = |listeners: &str| {
            ServerConfig::builder()
                .set("listener.security.protocol.map", map)
                .set("listeners", listeners)
                .build()
        };
        for listeners in [format!("PLAINTEXT://{text}"), format!("PLAINTEXT://h:1,{text}"), text] {
            if let Ok(config) = build(&listeners) {
                let shown: Vec<String> =
                    config.listeners.iter().map(ToString::to_string).collect();
                let again = build(&shown.join(",")).expect("what was shown is good");
                prop_assert_eq!(again.listeners, config.listeners);
            }
        }
    }

    #[test]
    fn what_a_topic_may_have_is_in_force(place in any::<prop::sample::Index>(), value in value()) {
        let specs: Vec<_> = ConfigTable::get().topics().collect();
        let spec = place.get(&specs);
        let own = overrides(&[(spec.name, &value)]);
        if validate_topic_configs(&own).is_err() {
            return Ok(());
        }
        let broker = Broker::new(&[]);
        let parsed = spec.parse(&value).expect("it was found good").to_text();
        let described = describe_topic(broker.layers(), &own);
        let shown = described.iter().find(|config| config.name == spec.name);
        prop_assert_eq!(shown.and_then(|config| config.value.clone()), Some(parsed.clone()));
        let changed = TopicConfig::resolve(broker.layers(), &own);
        let default = TopicConfig::resolve(broker.layers(), &Overrides::new());
        if Some(parsed.as_str()) == spec.default_text() {
            prop_assert_eq!(changed, default);
        } else {
            prop_assert_ne!(changed, default, "{} is not looked at", spec.name);
        }
    }
}
