//! What a broker is started with: precedence, warnings, strictness, Kafka's own files.

use crate::config::{Role, ServerConfig, ServerConfigBuilder, ServerConfigError, Warning};
use headwater_types::BrokerId;

fn warnings(config: &ServerConfig) -> Vec<String> {
    config.warnings.iter().map(ToString::to_string).collect()
}

fn refused(builder: ServerConfigBuilder) -> String {
    builder.build().expect_err("must be refused").to_string()
}

fn file(text: &str) -> ServerConfigBuilder {
    ServerConfig::builder().file("server.properties", text).unwrap()
}

#[test]
fn nothing_given_is_a_working_broker() {
    let config = ServerConfig::builder().strict(true).build().unwrap();
    assert_eq!(config, ServerConfig::default());
    assert_eq!(config.listeners[0].to_string(), "PLAINTEXT://127.0.0.1:9092");
    assert_eq!(config.log_dirs[0].to_str(), Some("./headwater-data"));
    assert_eq!(config.metadata_log_dir, config.log_dirs[0]);
    assert_eq!(config.node_id, BrokerId(1));
    assert_eq!(config.metrics_listener.unwrap().port, 9404);
    let embedded = ServerConfig::embedded().build().unwrap();
    assert_eq!(embedded.listeners[0].port, 0);
    assert_eq!(embedded.metrics_listener, None);
}

#[test]
fn the_command_line_wins_over_environment_over_file_over_program() {
    let names = ["num.partitions", "log.dirs", "broker.rack", "worker.threads"];
    let program = names.iter().fold(ServerConfig::builder(), |b, name| b.preset(name, "1"));
    let config = program
        .assignment("num.partitions=4")
        .unwrap()
        .environment([
            ("HEADWATER_NUM_PARTITIONS".to_owned(), "3".to_owned()),
            ("HEADWATER_LOG_DIRS".to_owned(), "3".to_owned()),
        ])
        .file("x.properties", "num.partitions=2\nlog.dirs=2\nbroker.rack=2")
        .unwrap()
        .build()
        .unwrap();
    let given: Vec<&str> = names.iter().map(|name| config.given()[*name].as_ref()).collect();
    assert_eq!(given, ["4", "3", "2", "1"]);
    assert_eq!(config.log_dirs[0].to_str(), Some("3"));
    assert_eq!(config.rack.as_deref(), Some("2"));
    assert_eq!(config.worker_threads, Some(1));
}

#[test]
fn the_last_of_several_wins_within_a_source() {
    let config = file("num.partitions=1\nnum.partitions=2")
        .assignment("broker.rack=a")
        .unwrap()
        .assignment("broker.rack=b")
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(config.given()["num.partitions"].as_ref(), "2");
    assert_eq!(config.rack.as_deref(), Some("b"));
}

#[test]
fn toml_files_are_told_by_their_name() {
    let text = "log.dirs = ['/a', '/b']\n[num]\npartitions = 4\n";
    let config = ServerConfig::builder().file("headwater.toml", text).unwrap().build().unwrap();
    assert_eq!(config.log_dirs.len(), 2);
    assert_eq!(config.given()["num.partitions"].as_ref(), "4");
}

#[test]
fn unknown_names_get_the_nearest_and_are_errors_under_strict() {
    let text = "num.partition=4\nentirely.unheard.of=1\n";
    let config = file(text).build().unwrap();
    let expected = [
        "server.properties:2: unknown configuration key entirely.unheard.of",
        "server.properties:1: unknown configuration key num.partition; did you mean \
         num.partitions?",
    ];
    assert_eq!(warnings(&config), expected);
    assert_eq!(refused(file(text).strict(true)), expected.join("\n"));
    let from_environment = ServerConfig::builder()
        .environment([("HEADWATER_LOG_DRIS".to_owned(), "x".to_owned())])
        .build()
        .unwrap();
    assert_eq!(
        warnings(&from_environment),
        ["environment variable HEADWATER_LOG_DRIS: unknown configuration key log.dris; did you \
          mean log.dirs?"]
    );
}

#[test]
fn what_has_no_effect_is_said_but_passes_under_strict() {
    let text = "num.io.threads=8\nzookeeper.connect=z\nsuper.users=User:a\n\
                listener.name.plaintext.ssl.key.password=x\nreplica.fetch.max.bytes=5\n";
    let config = file(text).strict(true).build().unwrap();
    let said = warnings(&config);
    assert_eq!(said.len(), 5, "{said:?}");
    assert!(
        said.contains(&"server.properties:1: num.io.threads has no effect in Headwater".into())
    );
    assert!(said.iter().any(|w| w.contains("zookeeper.connect is no longer part of Kafka")));
    let later = config.warnings.iter().filter(|w| matches!(w, Warning::NotYet { .. })).count();
    assert_eq!(later, 3, "{said:?}");
}

#[test]
fn bad_values_say_where_and_why() {
    for (text, expected) in [
        (
            "\nnum.partitions=abc",
            "server.properties:2: Invalid value abc for configuration num.partitions: Not a number of type INT",
        ),
        ("num.partitions=0", "Value must be at least 1"),
        (
            "log.retention.hours=0",
            "log.retention.hours must be unlimited (-1) or, greater than or equal to 1",
        ),
        ("log.roll.ms=0", "log.roll.ms must be greater than or equal to 1"),
        ("max.connections.per.ip=0", "can be set to zero only if"),
        ("max.connections.per.ip.overrides=foo", "expected host:count"),
        ("max.connections.per.ip.overrides=a:1,b:x", "expected host:count"),
        ("log.dirs=", "Configuration 'log.dirs' must not be empty."),
        ("log.dirs=/a, ,/b", "Configuration 'log.dirs' values must not be empty."),
        ("metrics.listener=9404", "expected host:port"),
        ("metrics.listener=h:99999", "expected host:port"),
        ("process.roles=foo", "String must be one of: broker, controller"),
        ("process.roles=", "Configuration 'process.roles' must not be empty."),
        ("process.roles=broker", "not yet supported"),
        ("node.id=-1", "Value must be at least 0"),
        ("broker.id=-1", "Value must be at least 0"),
        ("node.id=1\nbroker.id=2", "You must set `node.id` to the same value as `broker.id`."),
        ("controller.quorum.voters=2@h:1", "the node id 1 must be included in the set of voters"),
        ("controller.quorum.voters=x", "expected id@host:port"),
        ("controller.quorum.voters=1@a:1,2@b:1", "clusters are not yet supported"),
        ("durability=maybe", "String must be one of: fsync, replicated"),
        ("worker.threads=1025", "Value must be no more than 1024"),
    ] {
        let error = refused(file(text));
        assert!(error.contains(expected), "{text:?} gave {error:?}");
        assert!(!error.contains('\n'), "{error:?} is one line");
    }
}

#[test]
fn the_file_that_comes_with_kafka_is_taken() {
    let text = "\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\\
    SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
";
    let config = file(text).strict(true).build().unwrap();
    assert_eq!(config.roles.len(), 2);
    assert!(config.roles.contains(&Role::Controller));
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.advertised_listeners[0].host, "localhost");
    assert_eq!(config.log_dirs[0].to_str(), Some("/tmp/kraft-combined-logs"));
}

#[test]
fn older_names_stand_in() {
    let config = file("broker.id=7\nlog.dir=/one\nmetadata.log.dir=/meta").build().unwrap();
    assert_eq!(config.node_id, BrokerId(7));
    assert_eq!(config.given()["node.id"].as_ref(), "7", "shown under both names");
    assert_eq!(config.log_dirs[0].to_str(), Some("/one"));
    assert_eq!(config.metadata_log_dir.to_str(), Some("/meta"));
    let config = file("log.dir=/one\nlog.dirs=/two,/three").build().unwrap();
    assert_eq!(config.log_dirs.len(), 2, "log.dirs wins");
}

#[test]
fn sources_that_cannot_be_read_are_refused() {
    let escape = ServerConfig::builder().file("a.properties", "x=1\ny=\\u12").unwrap_err();
    assert_eq!(
        escape.to_string(),
        "a.properties:2: malformed \\uxxxx encoding (write \\\\ for a backslash)"
    );
    let toml = ServerConfig::builder().file("a.toml", "x =").unwrap_err();
    assert!(toml.to_string().starts_with("a.toml: line 1: "), "{toml}");
    let set = ServerConfig::builder().assignment("novalue").unwrap_err();
    assert!(matches!(set, ServerConfigError::Source(_)), "{set}");
}
