//! `headwater log verify`, `repair`, `recover` and `adopt`, on the log folder of a broker in this
//! process.

// A test that meets what it does not expect ends there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use headwater_broker::{Broker, BrokerOptions};
use headwater_log::{
    AppendOptions, Disk, DiskOptions, Log, LogConfig, LogIdentity, OpenKind, RealDisk,
};
use headwater_protocol::records::{BatchBuilder, BatchOptions, NewRecord};
use headwater_types::{LeaderEpoch, PartitionIndex, TopicId};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

const NOW_MS: i64 = 1_700_000_000_000;

fn headwater(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headwater"))
        .arg("log")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Exit code, document and standard error.
fn run(arguments: &[&str]) -> (i32, Value, String) {
    let output = headwater(&[arguments, &["-o", "json"]].concat());
    let document = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), document, String::from_utf8(output.stderr).unwrap())
}

fn path(of: &TempDir) -> &str {
    of.path().to_str().unwrap()
}

async fn start(data: &Path) -> Broker {
    let mut options = BrokerOptions::ephemeral().unwrap();
    options.temporary = false;
    options.server.log_dirs = vec![data.to_owned()];
    options.server.metadata_log_dir = data.to_owned();
    Broker::start(options).await.unwrap()
}

/// A folder on which a broker has run.
async fn data() -> TempDir {
    let data = tempfile::tempdir().unwrap();
    start(data.path()).await.shutdown().await.unwrap();
    data
}

fn batch(records: usize) -> BatchBuilder {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..records {
        let record =
            NewRecord { timestamp: NOW_MS, value: Some(&[b'v'; 100]), ..Default::default() };
        builder.push(record).unwrap();
    }
    builder
}

/// Writes a partition of ten batches of two records each over several segments.
fn write_partition(into: &Path, topic: &str, partition: i32) -> PathBuf {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::start(DiskOptions::default()).unwrap());
    let identity = LogIdentity {
        topic: topic.to_owned(),
        topic_id: TopicId::from_random([5; 16]),
        partition: PartitionIndex(partition),
    };
    let folder = into.join(identity.folder_name());
    let config = LogConfig { segment_bytes: 1000, segment_ms: i64::MAX, ..LogConfig::default() };
    let kind = OpenKind::UNKNOWN;
    let mut log = Log::open(disk, &folder, identity, Arc::new(config), NOW_MS, kind).unwrap();
    for _ in 0..10 {
        let batches = vec![batch(2).finish().unwrap()];
        log.append_as_leader(batches, LeaderEpoch(3), NOW_MS, AppendOptions::default()).unwrap();
    }
    log.close_clean().unwrap();
    folder
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    logs.sort();
    logs
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn describe(broker: &Broker, topic: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_headwater"))
        .args(["topic", "describe", topic, "--offsets", "-o", "json"])
        .env("HEADWATER_BOOTSTRAP_SERVER", broker.bootstrap())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_was_found_is_the_exit_code() {
    let source = tempfile::tempdir().unwrap();
    let folder = write_partition(source.path(), "orders", 0);
    let (code, document, errors) = run(&["verify", "--deep", path(&source)]);
    assert_eq!((code, &*errors), (0, ""), "{document}");
    assert_eq!(document["summary"]["records"], 20);
    let partition = &document["partitions"][0];
    assert_eq!((&partition["topic"], &partition["end_offset"]), (&json!("orders"), &json!(20)));
    let output = headwater(&["verify", path(&source)]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with("nothing is wrong\n"), "{text}");

    let logs = segments(&folder);
    assert!(logs.len() > 2);
    change(&logs[0].with_extension("timeindex"), |bytes| bytes.truncate(5));
    let (code, document, _) = run(&["verify", folder.to_str().unwrap()]);
    assert_eq!(code, 1);
    let finding = &document["partitions"][0]["findings"][0];
    assert_eq!(
        (&finding["meaning"], &finding["severity"]),
        (&json!("rebuildable"), &json!("minor"))
    );

    change(&logs[1], |bytes| bytes[80] ^= 1);
    let (code, document, _) = run(&["verify", "--json", path(&source)]);
    assert_eq!(code, 2);
    assert_eq!(document["summary"]["damage"], 1);
    let findings = document["partitions"][0]["findings"].as_array().unwrap();
    let damage = findings.iter().find(|one| one["severity"] == "damage").unwrap();
    assert_eq!(damage["file"], logs[1].to_str().unwrap());
    assert_eq!(damage["position"], 0);
    let first = damage["first_offset"].as_i64().unwrap();
    assert_eq!(damage["end_offset"], first + 2);
    // One segment alone.
    assert_eq!(run(&["verify", logs[0].to_str().unwrap()]).0, 1);
    assert_eq!(run(&["verify", logs[1].to_str().unwrap()]).0, 2);

    let (code, _, errors) = run(&["verify", "/no/such/folder"]);
    assert_eq!(code, 3);
    assert!(errors.contains("/no/such/folder"), "{errors}");
}

#[test]
fn a_repair_says_first_what_it_would_do() {
    let source = tempfile::tempdir().unwrap();
    let folder = write_partition(source.path(), "orders", 0);
    let logs = segments(&folder);
    change(&logs[1], |bytes| bytes[80] ^= 1);
    let damaged = fs::read(&logs[1]).unwrap();
    let output = headwater(&["repair", path(&source)]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("are lost\n"), "{text}");
    assert!(text.ends_with("nothing was done; --execute does it\n"), "{text}");
    assert_eq!(fs::read(&logs[1]).unwrap(), damaged);

    let (code, document, errors) = run(&["repair", "--execute", path(&source)]);
    assert_eq!(code, 0, "{errors}");
    let row = &document["partitions"][0];
    assert_eq!(row["repaired"], true);
    let lost = row["lost"][0].clone();
    assert_eq!(lost[1].as_i64().unwrap() - lost[0].as_i64().unwrap(), 2);
    let kept = format!("{}.damaged-0", logs[1].display());
    assert!(damaged.starts_with(&fs::read(kept).unwrap()));
    let (code, document, _) = run(&["verify", "--deep", path(&source)]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["summary"]["records"], 18);
    let (_, document, _) = run(&["repair", path(&source)]);
    assert_eq!(document["partitions"][0]["steps"], json!([]));
}

#[tokio::test]
async fn a_topic_is_adopted_and_served() {
    let data = data().await;
    let source = tempfile::tempdir().unwrap();
    write_partition(source.path(), "orders", 0);
    let second = write_partition(source.path(), "orders", 1);
    // The other program crashed.
    let last = segments(&second).pop().unwrap();
    change(&last, |bytes| bytes.extend([0xff; 30]));
    fs::remove_file(last.with_extension("index")).unwrap();
    let adopt = ["adopt", path(&source), "--data", path(&data)];
    let (code, document, errors) = run(&adopt);
    assert_eq!(code, 0, "{errors}");
    let topic = &document["topics"][0];
    assert_eq!((&topic["name"], &topic["adopted"]), (&json!("orders"), &json!(false)));
    let steps = topic["partitions"][1]["steps"][0].as_str().unwrap();
    assert!(steps.contains("torn tail of 30 bytes"), "{steps}");
    assert!(!data.path().join("orders-0").exists(), "it was only asked");

    let config = ["--config", "retention.ms=-1", "--execute"];
    let (code, document, errors) = run(&[&adopt[..], &config[..]].concat());
    assert_eq!(code, 0, "{errors}");
    assert_eq!(document["topics"][0]["adopted"], true);
    let (code, document, _) = run(&["verify", "--deep", path(&data)]);
    assert_eq!(code, 0, "{document}");
    assert!(document["folders"][0]["clean_stop"].as_bool().unwrap(), "nothing is in doubt");

    let broker = start(data.path()).await;
    // While it runs nobody else takes the folder, and a look at it is allowed.
    for command in [&["repair", path(&data), "--execute"][..], &["recover", path(&data)], &adopt] {
        let (code, _, errors) = run(command);
        assert_eq!(code, 1, "{command:?}");
        assert!(errors.contains("stop the broker first"), "{errors}");
    }
    assert_eq!(run(&["verify", path(&data)]).0, 0);
    let described = describe(&broker, "orders");
    let topic = &described["topics"][0];
    assert_eq!(topic["id"], TopicId::from_random([5; 16]).to_string());
    assert_eq!(topic["configs"], json!({ "retention.ms": "-1" }));
    for partition in topic["partitions"].as_array().unwrap() {
        assert_eq!(partition["offsets"], json!({ "earliest": 0, "latest": 20 }));
        assert!(partition["leader_epoch"].as_i64().unwrap() > 3);
    }
    broker.shutdown().await.unwrap();

    // Its name is taken now, and so are its folders.
    let (code, document, errors) = run(&adopt);
    assert_eq!(code, 1, "{errors}");
    let refused = document["topics"][0]["refused"].to_string();
    assert!(refused.contains("is there already"), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_adopted_is_refused() {
    let source = tempfile::tempdir().unwrap();
    let third = write_partition(source.path(), "orders", 2);
    let fresh = tempfile::tempdir().unwrap();
    let (code, _, errors) = run(&["adopt", path(&source), "--data", path(&fresh)]);
    assert_eq!(code, 1);
    assert!(errors.contains("start the broker on it once"), "{errors}");

    let data = data().await;
    let adopt = ["adopt", path(&source), "--data", path(&data), "--execute"];
    let (code, document, errors) = run(&adopt);
    assert_eq!(code, 1, "{errors}");
    assert!(document["topics"][0]["refused"][0].as_str().unwrap().contains("0, 1 are missing"));
    assert!(!data.path().join("orders-2").exists());

    change(&segments(&third)[0], |bytes| bytes[80] ^= 1);
    let fill = [&adopt[..], &["--fill-missing"]].concat();
    let (code, document, _) = run(&fill);
    assert_eq!(code, 1);
    assert!(document["topics"][0]["refused"].to_string().contains("is damaged"));

    let (code, _, errors) = run(&["repair", third.to_str().unwrap(), "--execute"]);
    assert_eq!(code, 0, "{errors}");
    let (code, document, errors) = run(&fill);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(document["topics"][0]["empty"], json!([0, 1]));
    let broker = start(data.path()).await;
    let described = describe(&broker, "orders");
    let latest = |index: usize| &described["topics"][0]["partitions"][index]["offsets"]["latest"];
    assert_eq!((latest(0), latest(1), latest(2)), (&json!(0), &json!(0), &json!(20)));
    broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_stray_in_the_folder_itself_is_adopted_where_it_is() {
    let data = data().await;
    write_partition(data.path(), "orders", 0);
    let aside = data.path().join("events-0.0123456789abcdef0123456789abcdef-stray");
    fs::rename(write_partition(data.path(), "events", 0), &aside).unwrap();
    let orders = data.path().join("orders-0");
    let sources = [orders.to_str().unwrap(), aside.to_str().unwrap()];
    let arguments = ["adopt", sources[0], "--data", path(&data), "--execute"];
    let (code, document, errors) = run(&arguments);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(document["topics"][0]["partitions"][0]["how"], "in-place");
    // Both have one id here, as two topics never have.
    let (code, document, _) = run(&["adopt", sources[1], "--data", path(&data)]);
    assert_eq!(code, 1);
    assert!(document["topics"][0]["refused"].to_string().contains("is that of topic 'orders'"));
    let broker = start(data.path()).await;
    let described = describe(&broker, "orders");
    assert_eq!(described["topics"][0]["partitions"][0]["offsets"]["latest"], 20);
    broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_recovery_leaves_a_folder_as_a_clean_stop_does() {
    let data = data().await;
    let proof = data.path().join(".kafka_cleanshutdown");
    let folder = write_partition(data.path(), "orders", 0);
    fs::remove_file(&proof).unwrap();
    let last = segments(&folder).pop().unwrap();
    change(&last, |bytes| bytes.extend([0xff; 30]));
    for index in ["index", "timeindex"] {
        fs::remove_file(last.with_extension(index)).unwrap();
    }
    assert_eq!(run(&["verify", path(&data)]).0, 1);
    let (code, document, errors) = run(&["recover", path(&data)]);
    assert_eq!(code, 0, "{errors}");
    let folder = &document["folders"][0];
    assert_eq!(folder["was_clean"], false);
    let row = &folder["partitions"][0];
    assert_eq!((&row["partition"], &row["end_offset"]), (&json!("orders-0"), &json!(20)));
    assert_eq!(row["cut_bytes"], 30);
    assert_eq!(folder["partitions"][1]["partition"], "__cluster_metadata-0");
    assert!(proof.exists());
    let (code, document, _) = run(&["verify", "--deep", path(&data)]);
    assert_eq!(code, 0, "{document}");
    let (_, document, _) = run(&["recover", path(&data)]);
    assert_eq!(document["folders"][0]["was_clean"], true);
    start(data.path()).await.shutdown().await.unwrap();

    let (code, _, errors) =
        run(&["recover", segments(&data.path().join("orders-0"))[0].to_str().unwrap()]);
    assert_eq!(code, 2, "{errors}");
}
