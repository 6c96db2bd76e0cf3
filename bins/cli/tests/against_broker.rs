//! The program against a real broker in this process.

// A test that meets what it does not expect ends there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use headwater_broker::{Broker, BrokerOptions};
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

struct Cluster {
    broker: Broker,
}

impl Cluster {
    async fn start() -> Self {
        let broker = Broker::start(BrokerOptions::ephemeral().unwrap()).await.unwrap();
        Self { broker }
    }

    fn headwater(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_headwater"))
            .args(arguments.split(' '))
            .env("HEADWATER_BOOTSTRAP_SERVER", self.broker.bootstrap())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The document of a command that works.
    fn json(&self, arguments: &str) -> Value {
        let (code, document, errors) = self.failing(arguments);
        assert_eq!(code, 0, "{arguments}: {errors}");
        assert_eq!(errors, "", "{arguments}");
        document
    }

    /// Exit code, document and standard error of a command that may not work.
    fn failing(&self, arguments: &str) -> (i32, Value, String) {
        let output = self.headwater(&format!("{arguments} -o json"));
        let errors = String::from_utf8(output.stderr).unwrap();
        let document = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), document, errors)
    }

    fn topics(&self) -> Vec<String> {
        names(&self.json("topic list")["topics"])
    }
}

fn names(list: &Value) -> Vec<String> {
    let name = |each: &Value| each["name"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn topics_from_creation_to_deletion() {
    let cluster = Cluster::start().await;
    assert_eq!(cluster.topics(), [""; 0]);
    let made = cluster.json("topic create orders payments -p 3 --config retention.ms=60000");
    assert_eq!(names(&made["topics"]), ["orders", "payments"]);
    for topic in made["topics"].as_array().unwrap() {
        assert_eq!(topic["created"], true);
        assert_eq!(topic["partitions"], 3);
        assert_eq!(topic["replication_factor"], 1);
        assert_eq!(topic["id"].as_str().unwrap().len(), 22);
    }
    assert_eq!(cluster.topics(), ["orders", "payments"]);

    let described = cluster.json("topic describe orders --offsets");
    let topic = &described["topics"][0];
    assert_eq!(topic["id"], made["topics"][0]["id"]);
    assert_eq!(topic["configs"], json!({ "retention.ms": "60000" }));
    let partitions = topic["partitions"].as_array().unwrap();
    assert_eq!(partitions.len(), 3);
    for (index, partition) in partitions.iter().enumerate() {
        assert_eq!(partition["partition"], index);
        assert_eq!(partition["isr"], partition["replicas"]);
        assert_eq!(partition["leader"], partition["replicas"][0]);
        assert_eq!(partition["elr"], json!([]));
        assert_eq!(partition["offsets"], json!({ "earliest": 0, "latest": 0 }));
    }

    cluster.json("topic alter orders --partitions 5 --validate-only");
    assert_eq!(cluster.json("topic list")["topics"][0]["partitions"], 3);
    cluster.json("topic alter orders --partitions 5");
    assert_eq!(cluster.json("topic list")["topics"][0]["partitions"], 5);

    cluster.json("topic delete payments");
    let id = made["topics"][0]["id"].as_str().unwrap();
    let deleted = cluster.json(&format!("topic delete --id {id}"));
    assert_eq!(deleted["topics"][0]["id"], id);
    assert_eq!(cluster.topics(), [""; 0]);
    cluster.broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_the_broker_refuses_is_told_for_each_topic() {
    let cluster = Cluster::start().await;
    cluster.json("topic create taken");
    let (code, document, errors) = cluster.failing("topic create taken free");
    assert_eq!(code, 1);
    let by_name = |name: &str| {
        let topics = document["topics"].as_array().unwrap();
        topics.iter().find(|topic| topic["name"] == name).unwrap()
    };
    assert_eq!(by_name("free")["created"], true);
    assert_eq!(by_name("taken")["error"]["code"], "TOPIC_ALREADY_EXISTS");
    assert_eq!(by_name("taken")["error"]["retriable"], false);
    assert!(errors.contains("topic taken: ") && errors.contains("help: "), "{errors}");
    assert!(!errors.contains("topic free"), "{errors}");

    let again = cluster.json("topic create taken --if-not-exists");
    assert_eq!(again["topics"][0]["created"], false);
    for (arguments, error) in [
        ("topic create x --replication-factor 3", "INVALID_REPLICATION_FACTOR"),
        ("topic create bad/name", "INVALID_TOPIC_EXCEPTION"),
        ("topic create x --config retention.ms=soon", "INVALID_CONFIG"),
        ("topic create x --config no.such.config=1", "INVALID_CONFIG"),
        ("topic create x --assignment 77", "INVALID_REPLICA_ASSIGNMENT"),
        ("topic create x --assignment 77 --validate-only", "INVALID_REPLICA_ASSIGNMENT"),
        ("topic alter taken --partitions 1", "INVALID_PARTITIONS"),
        ("topic alter absent --partitions 1", "UNKNOWN_TOPIC_OR_PARTITION"),
        ("topic delete absent", "UNKNOWN_TOPIC_OR_PARTITION"),
        ("topic delete --id 8zxbTgHVSvyDmFSkvVTuAw", "UNKNOWN_TOPIC_ID"),
        ("topic describe absent", "UNKNOWN_TOPIC_OR_PARTITION"),
    ] {
        let (code, document, errors) = cluster.failing(arguments);
        assert_eq!(code, 1, "{arguments}: {errors}");
        assert_eq!(document["topics"][0]["error"]["code"], error, "{arguments}");
        assert!(errors.contains(error), "{arguments}: {errors}");
    }
    cluster.json("topic delete absent --if-exists");
    cluster.json("topic create x --validate-only");
    assert_eq!(cluster.topics(), ["free", "taken"]);
    cluster.broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn configs_of_topics_brokers_and_the_cluster() {
    let cluster = Cluster::start().await;
    cluster.json("topic create a");
    let brokers = cluster.json("cluster describe")["brokers"].clone();
    let id = brokers[0]["id"].as_i64().unwrap();

    let configs = |arguments: &str| {
        let document = cluster.json(&format!("config describe {arguments}"));
        let configs = document["resources"][0]["configs"].as_array().unwrap().clone();
        let pair = |config: Value| {
            let text = |field: &str| config[field].as_str().unwrap_or("null").to_owned();
            (text("name"), text("value"), text("source"))
        };
        configs.into_iter().map(pair).collect::<Vec<_>>()
    };
    let owned = |name: &str, value: &str, source: &str| {
        (name.to_owned(), value.to_owned(), source.to_owned())
    };

    cluster.json(
        "config alter --topic a --set max.message.bytes=2000 --append cleanup.policy=compact",
    );
    assert_eq!(
        configs("--topic a"),
        [
            owned("cleanup.policy", "delete,compact", "topic"),
            owned("max.message.bytes", "2000", "topic"),
        ]
    );
    cluster
        .json("config alter --topic a --subtract cleanup.policy=delete --delete max.message.bytes");
    assert_eq!(configs("--topic a"), [owned("cleanup.policy", "compact", "topic")]);
    cluster.json("config alter --topic a --set retention.ms=1 --validate-only");
    let default = owned("retention.ms", "604800000", "default");
    assert_eq!(configs("--topic a retention.ms"), [default]);
    let all = configs("--topic a --all");
    assert!(all.len() > 20, "{}", all.len());

    cluster.json("config alter --cluster --set log.retention.ms=77");
    assert_eq!(configs("--topic a retention.ms"), [owned("retention.ms", "77", "cluster")]);
    cluster.json(&format!("config alter --broker {id} --set log.retention.ms=78"));
    let described = cluster.json(&format!(
        "config describe --broker {id} log.retention.ms --synonyms --documentation"
    ));
    let config = &described["resources"][0]["configs"][0];
    assert_eq!((&config["value"], &config["source"]), (&json!("78"), &json!("broker")));
    assert_eq!(config["type"], "long");
    let sources: Vec<&Value> =
        config["synonyms"].as_array().unwrap().iter().map(|each| &each["source"]).collect();
    assert_eq!(sources.first(), Some(&&json!("broker")));
    assert!(sources.contains(&&json!("cluster")), "{sources:?}");
    assert!(!config["documentation"].as_str().unwrap().is_empty());

    let (code, document, errors) =
        cluster.failing("config alter --topic a --topic absent --set retention.ms=5");
    assert_eq!(code, 1, "{errors}");
    let altered: Vec<&Value> = document["resources"].as_array().unwrap().iter().collect();
    assert_eq!(altered[0]["altered"], true);
    assert_eq!(altered[1]["error"]["code"], "UNKNOWN_TOPIC_OR_PARTITION");
    let (code, _, errors) = cluster.failing("config describe --broker 4711");
    assert_eq!(code, 1);
    assert!(errors.contains("broker 4711 is not in the cluster"), "{errors}");
    let (code, _, errors) = cluster.failing("config describe --topic a no.such.config");
    assert_eq!(code, 1);
    assert!(errors.contains("no.such.config"), "{errors}");
    cluster.broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_cluster_and_its_log_folders() {
    let cluster = Cluster::start().await;
    cluster.json("topic create a -p 2");
    let described = cluster.json("cluster describe --fenced --log-dirs");
    assert_eq!(described["cluster_id"], cluster.broker.cluster_id());
    let broker = &described["brokers"][0];
    assert_eq!(described["controller"], broker["id"]);
    let address = format!("{}:{}", broker["host"].as_str().unwrap(), broker["port"]);
    assert_eq!(address, cluster.broker.bootstrap());
    assert_eq!(broker["fenced"], false);
    let folder = &broker["log_dirs"][0];
    assert_eq!(folder["path"], cluster.broker.log_dirs()[0].to_str().unwrap());
    assert!(folder["total_bytes"].as_i64().unwrap() >= folder["usable_bytes"].as_i64().unwrap());
    assert_eq!(folder["error"], Value::Null);
    let features = names(&described["features"]);
    assert!(features.contains(&"metadata.version".to_owned()), "{features:?}");
    cluster.broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn people_get_tables() {
    let cluster = Cluster::start().await;
    cluster.json("topic create a -p 2 --config retention.ms=5");
    let text = |arguments: &str| {
        let output = cluster.headwater(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}");
        String::from_utf8(output.stdout).unwrap()
    };
    let list = text("topic list");
    let words: Vec<Vec<&str>> =
        list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["TOPIC", "PARTITIONS", "REPLICAS", "ID"]);
    assert_eq!(words[1][..3], ["a", "2", "1"]);
    let described = text("topic describe");
    assert!(described.starts_with("a\n  id "), "{described}");
    assert!(described.contains("configs  retention.ms=5\n"), "{described}");
    assert_eq!(described.lines().count(), 7, "{described}");
    assert!(text("config describe --topic a").contains("retention.ms  5      topic"));
    assert!(text("cluster describe").starts_with("cluster     "));
    cluster.broker.shutdown().await.unwrap();
}
