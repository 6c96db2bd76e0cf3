//! Listeners, good and bad; what is refused, Apache Kafka 4.3.1 refuses too (but for TLS and SASL,
//! which are still to come, and ports out of range).

use crate::config::{ServerConfig, ServerConfigError};

const MAP: &str =
    "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,A:PLAINTEXT,B:PLAINTEXT,C:PLAINTEXT";

fn build(pairs: &[(&str, &str)]) -> Result<ServerConfig, ServerConfigError> {
    let builder = ServerConfig::builder().set("listener.security.protocol.map", MAP);
    pairs.iter().fold(builder, |b, (name, value)| b.set(name, value)).build()
}

fn shown(listeners: &[crate::config::Listener]) -> String {
    listeners.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[test]
fn good_listeners() {
    for (given, expected) in [
        ("PLAINTEXT://localhost:9092", "PLAINTEXT://localhost:9092"),
        ("plaintext://localhost:9092", "PLAINTEXT://localhost:9092"),
        ("PLAINTEXT://:9092", "PLAINTEXT://:9092"),
        ("PLAINTEXT://127.0.0.1:0", "PLAINTEXT://127.0.0.1:0"),
        ("PLAINTEXT://[::1]:9092", "PLAINTEXT://[::1]:9092"),
        ("PLAINTEXT://::1:9092", "PLAINTEXT://[::1]:9092"),
        ("PLAINTEXT://[fe80::1%eth0]:9092", "PLAINTEXT://[fe80::1%eth0]:9092"),
        ("PLAINTEXT://under_score:65535", "PLAINTEXT://under_score:65535"),
        ("A://h:1 , B://h:2", "A://h:1,B://h:2"),
        ("A://h:0,B://h:0", "A://h:0,B://h:0"),
        ("A://127.0.0.1:9092,B://[::1]:9092", "A://127.0.0.1:9092,B://[::1]:9092"),
    ] {
        let config = build(&[("listeners", given)]).unwrap_or_else(|e| panic!("{given}: {e}"));
        assert_eq!(shown(&config.listeners), expected, "{given}");
        assert_eq!(shown(&config.advertised_listeners), expected, "{given}");
    }
}

#[test]
fn bad_listeners() {
    for (given, expected) in [
        ("", "Configuration 'listeners' must not be empty"),
        ("PLAINTEXT://localhost", "Unable to parse PLAINTEXT://localhost to a broker endpoint"),
        ("localhost:9092", "Unable to parse localhost:9092 to a broker endpoint"),
        ("PLAINTEXT://local host:9092", "Unable to parse"),
        ("PLAINTEXT://localhost:9092/", "Unable to parse"),
        ("PLAINTEXT://localhost:", "Unable to parse"),
        ("PLAINTEXT://[::1:9092", "Unable to parse"),
        ("PLAINTEXT://ho\u{e9}:9092", "Unable to parse"),
        ("PLAINTEXT://localhost:65536", "not between 0 and 65535"),
        ("PLAINTEXT://localhost:-1", "not between 0 and 65535"),
        ("://localhost:9092", "listener name is null or empty"),
        ("FOO://localhost:9092", "No security protocol defined for listener FOO"),
        ("PLAINTEXT://localhost:9092, ", "Configuration 'listeners' values must not be empty."),
        ("A://h:1,A://h:2", "Each listener must have a different name"),
        ("A://h:1,B://h:1", "Each listener must have a different port"),
        ("A://127.0.0.1:1,B://127.0.0.2:1", "Each listener must have a different port"),
        ("A://127.0.0.1:1,B://[::1]:1,C://h:1", "Each listener must have a different port"),
        ("SSL://h:1", "listener SSL uses SSL, which is not yet supported"),
        ("PLAINTEXT://0.0.0.0:9092", "cannot use the nonroutable meta-address 0.0.0.0"),
    ] {
        let error = build(&[("listeners", given)]).expect_err(given).to_string();
        assert!(error.contains(expected), "{given:?} gave {error:?}");
    }
}

#[test]
fn advertised_listeners() {
    let two = ("listeners", "A://:1,B://:2");
    let config = build(&[two, ("advertised.listeners", "B://b:2,A://a:2")]).unwrap();
    assert_eq!(shown(&config.advertised_listeners), "B://b:2,A://a:2", "ports may repeat");
    assert_eq!(config.inter_broker_listener, "B");
    let config = build(&[two, ("inter.broker.listener.name", "b")]).unwrap();
    assert_eq!(config.inter_broker_listener, "B");
    for (settings, expected) in [
        ([two, ("advertised.listeners", "A://0.0.0.0:1")], "nonroutable meta-address"),
        (
            [two, ("advertised.listeners", "C://h:1")],
            "The valid options based on the current configuration are A,B",
        ),
        ([two, ("advertised.listeners", "A://h:1,A://h:2")], "different name"),
        (
            [two, ("inter.broker.listener.name", "C")],
            "The valid options based on currently configured listeners are A,B",
        ),
        ([two, ("listener.security.protocol.map", "A:FOO")], "Invalid security protocol `FOO`"),
        ([two, ("listener.security.protocol.map", "A")], "not of the form NAME:PROTOCOL"),
        ([two, ("controller.listener.names", "A,B")], "at least one broker listener"),
    ] {
        let error = build(&settings).expect_err(expected).to_string();
        assert!(error.contains(expected), "{settings:?} gave {error:?}");
    }
    let both =
        [two, ("inter.broker.listener.name", "A"), ("security.inter.broker.protocol", "PLAINTEXT")];
    assert!(build(&both).unwrap_err().to_string().starts_with("Only one of"));
}

#[test]
fn a_controllers_listener_is_set_aside_with_a_warning() {
    let config = ServerConfig::builder()
        .set("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093")
        .set("advertised.listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093")
        .set("controller.listener.names", "CONTROLLER")
        .build()
        .unwrap();
    assert_eq!(shown(&config.listeners), "PLAINTEXT://:9092");
    assert_eq!(shown(&config.controller_listeners), "CONTROLLER://:9093", "plaintext, unmapped");
    assert_eq!(shown(&config.advertised_listeners), "PLAINTEXT://localhost:9092");
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("nothing listens on CONTROLLER://:9093"), "{warnings:?}");
}
