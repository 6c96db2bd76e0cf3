"""Apache Kafka's own tools, from the folder that KAFKA_HOME names.

With HEADWATER_DATA, the folder where the broker under test keeps its log, `kafka-dump-log` reads
what the broker wrote.
"""
import json
import os
import re
from pathlib import Path

from harness import Skip, bootstrap, case, contains, equal, eventually, main, run, topic

HOME = Path(os.environ["KAFKA_HOME"])


def tool(name, *words, text_in=None, fails=False):
    return run([str(HOME / "bin" / f"{name}.sh"), *words], text_in, fails, timeout=120)


def at(name, *words, **named):
    return tool(name, "--bootstrap-server", bootstrap(), *words, **named)


def created(partitions=1, **configs):
    name = topic()
    words = [word for key, value in configs.items()
             for word in ["--config", f"{key.replace('_', '.')}={value}"]]
    contains(at("kafka-topics", "--create", "--topic", name, "--partitions", str(partitions), *words),
             f"Created topic {name}")
    return name


def write(name, text, *words):
    at("kafka-console-producer", "--topic", name, *words, text_in=text)


def read(name, count, *words, partition=0, offset="earliest"):
    return at("kafka-console-consumer", "--topic", name, "--partition", str(partition), "--offset",
              str(offset), "--max-messages", str(count), "--timeout-ms", "20000", *words)


@case
def topics():
    name = created(3, retention_ms=123456)
    contains(at("kafka-topics", "--list"), name)
    described = at("kafka-topics", "--describe", "--topic", name)
    contains(described, "PartitionCount: 3", "ReplicationFactor: 1", "retention.ms=123456", "TopicId: ",
             "Partition: 2", "Elr:", "LastKnownElr:")
    at("kafka-topics", "--alter", "--topic", name, "--partitions", "5")
    eventually(lambda: contains(at("kafka-topics", "--describe", "--topic", name), "PartitionCount: 5"))
    contains(at("kafka-topics", "--create", "--topic", name, fails=True), "already exists")
    at("kafka-topics", "--create", "--topic", name, "--if-not-exists")
    equal(at("kafka-topics", "--describe", "--under-replicated-partitions").strip(), "")
    at("kafka-topics", "--delete", "--topic", name)
    contains(at("kafka-topics", "--describe", "--topic", name, fails=True), "does not exist")


@case
def configs_of_a_topic():
    name = created()
    def alter(*words, **named):
        return at("kafka-configs", "--entity-type", "topics", "--entity-name", name, "--alter", *words, **named)
    def describe(*words):
        return at("kafka-configs", "--entity-type", "topics", "--entity-name", name, "--describe", *words)
    contains(alter("--add-config", "retention.ms=7200000,cleanup.policy=[compact,delete]"), "Completed")
    contains(describe(), "retention.ms=7200000", "cleanup.policy=compact,delete", "DYNAMIC_TOPIC_CONFIG")
    contains(alter("--delete-config", "retention.ms"), "Completed")
    assert "retention.ms=7200000" not in describe()
    every = describe("--all")
    contains(every, "min.insync.replicas=", "segment.bytes=1073741824", "DEFAULT_CONFIG:log.segment.bytes")
    contains(alter("--add-config", "retention.ms=soon", fails=True), "Not a number of type LONG")


@case
def configs_of_the_broker():
    node = re.search(r"\(id: (-?\d+) ", at("kafka-broker-api-versions")).group(1)
    def configs(*words):
        return at("kafka-configs", "--entity-type", "brokers", *words)
    contains(configs("--entity-name", node, "--describe", "--all"), "log.retention.ms=", "listeners=",
             "STATIC_BROKER_CONFIG", "DEFAULT_CONFIG:")
    contains(configs("--entity-default", "--alter", "--add-config", "log.retention.ms=8640000"), "Completed")
    contains(configs("--entity-default", "--describe"), "log.retention.ms=8640000",
             "DYNAMIC_DEFAULT_BROKER_CONFIG")
    contains(configs("--entity-name", node, "--alter", "--add-config", "message.max.bytes=2000000"), "Completed")
    contains(configs("--entity-name", node, "--describe"), "message.max.bytes=2000000", "DYNAMIC_BROKER_CONFIG")
    name = created()
    contains(at("kafka-configs", "--entity-type", "topics", "--entity-name", name, "--describe", "--all"),
             "max.message.bytes=2000000", "retention.ms=8640000")
    contains(configs("--entity-default", "--alter", "--delete-config", "log.retention.ms"), "Completed")
    contains(configs("--entity-name", node, "--alter", "--delete-config", "message.max.bytes"), "Completed")


@case
def console_by_partition():
    name = created(2)
    text = "".join(f"k{number}:value {number}\n" for number in range(50))
    write(name, text, "--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
    counts = []
    for partition in [0, 1]:
        found = at("kafka-get-offsets", "--topic-partitions", f"{name}:{partition}")
        counts.append(int(found.strip().rsplit(":", 1)[1]))
    equal(sum(counts), 50)
    for partition in [0, 1]:
        found = read(name, counts[partition], "--formatter-property", "print.key=true",
                     "--formatter-property", "print.offset=true", partition=partition)
        contains(found, "value", f"Processed a total of {counts[partition]} messages")


@case
def get_offsets():
    name = created(2)
    write(name, "a\nb\nc\n")
    found = at("kafka-get-offsets", "--topic", name)
    equal(sum(int(line.rsplit(":", 1)[1]) for line in found.split()), 3)
    for time, total in [("earliest", 0), ("latest", 3), ("-1", 3), ("-2", 0)]:
        found = at("kafka-get-offsets", "--topic", name, "--time", time)
        equal(sum(int(line.rsplit(":", 1)[1]) for line in found.split()), total, time)
    found = at("kafka-get-offsets", "--topic", name, "--time", "max-timestamp")
    contains(found, f"{name}:")
    for line in at("kafka-get-offsets", "--topic", name, "--time", "1000").split():
        assert line.rsplit(":", 1)[1] in ["0", "-1", ""], line


@case
def delete_records():
    name = created()
    write(name, "".join(f"{number}\n" for number in range(30)))
    plan = Path(run(["mktemp"]).strip())
    plan.write_text(json.dumps({"version": 1, "partitions": [{"topic": name, "partition": 0, "offset": 20}]}))
    found = at("kafka-delete-records", "--offset-json-file", str(plan))
    plan.unlink()
    contains(found, f"partition: {name}-0", "low_watermark: 20")
    equal(at("kafka-get-offsets", "--topic", name, "--time", "earliest").strip(), f"{name}:0:20")
    contains(read(name, 10), "29")


@case
def log_dirs():
    name = created(2)
    write(name, "abc\n")
    found = at("kafka-log-dirs", "--describe", "--topic-list", name)
    report = json.loads(found.strip().splitlines()[-1])
    folders = report["brokers"][0]["logDirs"]
    parts = [part for folder in folders for part in folder["partitions"]]
    equal(sorted(part["partition"] for part in parts), [f"{name}-0", f"{name}-1"])
    assert sum(part["size"] for part in parts) > 60, parts
    assert all(folder["error"] is None for folder in folders), folders


@case
def dump_log():
    data = os.environ.get("HEADWATER_DATA")
    if not data:
        raise Skip("HEADWATER_DATA names no folder")
    name = created()
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        write(name, f"in {codec}\n", "--compression-codec", codec)
    files = sorted(Path(data).glob(f"{name}-0/*.log"))
    equal(len(files), 1)
    found = tool("kafka-dump-log", "--deep-iteration", "--print-data-log", "--files", str(files[0]))
    contains(found, "baseOffset: 0 lastOffset: 0 count: 1", "isvalid: true", "producerId: ", "crc: ",
             *(f"payload: in {codec}" for codec in ["none", "gzip", "snappy", "lz4", "zstd"]))
    assert "isvalid: false" not in found, found
    for kind in ["index", "timeindex"]:
        for file in Path(data).glob(f"{name}-0/*.{kind}"):
            found = tool("kafka-dump-log", "--index-sanity-check", "--files", str(file))
            contains(found, "passed sanity check")


@case
def producer_performance():
    name = created(2)
    for properties in [["acks=1"], ["acks=all", "compression.type=lz4"]]:
        found = tool("kafka-producer-perf-test", "--topic", name, "--num-records", "20000", "--record-size",
                     "200", "--throughput", "-1", "--command-property", f"bootstrap.servers={bootstrap()}",
                     *properties)
        contains(found, "20000 records sent")
    found = at("kafka-get-offsets", "--topic", name)
    equal(sum(int(line.rsplit(":", 1)[1]) for line in found.split()), 40000)


@case
def verifiable_producer():
    name = created()
    found = at("kafka-verifiable-producer", "--topic", name, "--max-messages", "200", "--acks", "-1")
    events = [json.loads(line) for line in found.splitlines() if line.startswith("{")]
    equal(sum(event["name"] == "producer_send_success" for event in events), 200)
    summary = next(event for event in events if event["name"] == "tool_data")
    equal((summary["sent"], summary["acked"]), (200, 200))
    contains(read(name, 200), "Processed a total of 200 messages")


@case
def broker_api_versions():
    found = at("kafka-broker-api-versions")
    for name in ["Produce(0): ", "Fetch(1): ", "ListOffsets(2): ", "Metadata(3): ", "ApiVersions(18): ",
                 "CreateTopics(19): ", "InitProducerId(22): ", "DescribeCluster(60): "]:
        line = next((line for line in found.splitlines() if name in line), None)
        assert line and "usable: " in line, (name, line)
    assert "Produce(0): UNSUPPORTED" not in found


@case
def features():
    found = at("kafka-features", "describe")
    contains(found, "Feature: metadata.version", "FinalizedVersionLevel: ", "Epoch: ")


@case
def cluster():
    contains(tool("kafka-cluster", "cluster-id", "--bootstrap-server", bootstrap()), "Cluster ID: ")
    contains(tool("kafka-cluster", "list-endpoints", "--bootstrap-server", bootstrap()), "127.0.0.1")


@case
def metadata_quorum():
    found = at("kafka-metadata-quorum", "describe", "--status")
    contains(found, "ClusterId: ", "LeaderId: ", "LeaderEpoch: ", "HighWatermark: ", "CurrentVoters: ")
    found = at("kafka-metadata-quorum", "describe", "--replication")
    contains(found, "NodeId", "LogEndOffset", "Leader")


if __name__ == "__main__":
    main()
