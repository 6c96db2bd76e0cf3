"""Our own command line, `headwater` (HEADWATER_CLI names the binary), which works with any Kafka."""
import json
import os
import subprocess
from pathlib import Path

from harness import bootstrap, case, contains, equal, eventually, main, run, topic

CLI = os.environ["HEADWATER_CLI"]


def plain(*words, **named):
    return run([CLI, *words], **named)


def at(*words, **named):
    return plain(*words, "--bootstrap-server", bootstrap(), **named)


def document(*words, **named):
    """What the command says as JSON: errors beside it are on another stream."""
    done = subprocess.run([CLI, *words, "-o", "json", "--bootstrap-server", bootstrap()],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    wanted = named.get("status", 0)
    if done.returncode != wanted:
        raise AssertionError(f"exit status {done.returncode}, wanted {wanted}: {done.stderr} {done.stdout}")
    return json.loads(done.stdout)


def described(name):
    return document("topic", "describe", name)["topics"][0]


@case
def topics():
    name = topic()
    made = document("topic", "create", name, "--partitions", "3", "--config", "retention.ms=123456")["topics"][0]
    equal((made["name"], made["created"], made["partitions"], made["error"]), (name, True, 3, None))
    eventually(lambda: equal(len(described(name)["partitions"]), 3))
    equal(described(name)["configs"]["retention.ms"], "123456")
    eventually(lambda: equal(name in [one["name"] for one in document("topic", "list")["topics"]], True))
    again = document("topic", "create", name, status=1)["topics"][0]
    equal(again["error"]["code"], "TOPIC_ALREADY_EXISTS")
    document("topic", "create", name, "--if-not-exists")
    document("topic", "alter", name, "--partitions", "5")
    eventually(lambda: equal(len(described(name)["partitions"]), 5))
    document("topic", "delete", name)
    eventually(lambda: equal(name in [one["name"] for one in document("topic", "list")["topics"]], False))
    equal(document("topic", "delete", name, status=1)["topics"][0]["error"]["code"], "UNKNOWN_TOPIC_OR_PARTITION")
    document("topic", "delete", name, "--if-exists")


@case
def nothing_is_created_when_only_validated():
    name = topic()
    document("topic", "create", name, "--validate-only")
    equal(name in [one["name"] for one in document("topic", "list")["topics"]], False)
    document("topic", "create", "no spaces allowed", status=1)


@case
def configs_of_a_topic():
    name = topic()
    document("topic", "create", name)
    document("config", "alter", "--topic", name, "--set", "retention.ms=3600000", "--append", "cleanup.policy=compact")

    def value(key):
        found = document("config", "describe", "--topic", name, key)["resources"][0]["configs"]
        return next(one for one in found if one["name"] == key)
    eventually(lambda: equal((value("retention.ms")["value"], value("retention.ms")["source"]), ("3600000", "topic")))
    equal(sorted(value("cleanup.policy")["value"].split(",")), ["compact", "delete"])
    document("config", "alter", "--topic", name, "--delete", "retention.ms")
    eventually(lambda: equal((value("retention.ms")["value"], value("retention.ms")["source"]), ("604800000", "default")))
    bad = document("config", "alter", "--topic", name, "--set", "retention.ms=soon", status=1)["resources"][0]
    equal((bad["altered"], bad["error"]["code"]), (False, "INVALID_CONFIG"))


@case
def configs_of_brokers():
    node = document("cluster", "describe")["brokers"][0]["id"]
    every = document("config", "describe", "--broker", str(node), "--all", "--synonyms")["resources"][0]
    names = {one["name"] for one in every["configs"]}
    assert {"listeners", "num.partitions", "log.retention.ms", "message.max.bytes"} <= names, names
    document("config", "alter", "--cluster", "--set", "log.retention.ms=8640000")

    def cluster():
        found = document("config", "describe", "--cluster")["resources"][0]["configs"]
        return {one["name"]: one["value"] for one in found}
    eventually(lambda: equal(cluster().get("log.retention.ms"), "8640000"))
    document("config", "alter", "--cluster", "--delete", "log.retention.ms")
    eventually(lambda: equal("log.retention.ms" in cluster(), False))


@case
def the_cluster():
    found = document("cluster", "describe", "--log-dirs")
    equal(len(found["brokers"]), 1)
    assert found["cluster_id"] and found["features"], found
    equal(f"{found['brokers'][0]['host']}:{found['brokers'][0]['port']}", bootstrap())
    assert found["brokers"][0]["log_dirs"], found


@case
def dumps_what_the_broker_wrote():
    data, name = os.environ.get("HEADWATER_DATA"), topic()
    if not data:
        return
    document("topic", "create", name, "--partitions", "1")
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        run(["kcat", "-b", bootstrap(), "-X", "broker.address.family=v4", "-P", "-t", name, "-p", "0", "-z", codec],
            text_in=f"in {codec}\n")
    found = json.loads(plain("log", "dump", str(Path(data) / f"{name}-0"), "--records", "-o", "json"))
    records = [record["value"] for file in found["files"] if file["kind"] == "batches"
               for batch in file["entries"] for record in batch["records"]]
    equal(records, [f"in {codec}" for codec in ["none", "gzip", "snappy", "lz4", "zstd"]])
    equal([file["problem"] for file in found["files"]], [None] * len(found["files"]))


@case
def exit_codes():
    contains(plain("--version"), "headwater ")
    for words, status in [(["topic", "create"], 2), (["no-such"], 2),
                          (["topic", "list", "-b", "127.0.0.1:1", "--timeout", "3s"], 3)]:
        done = subprocess.run([CLI, *words], capture_output=True, text=True, timeout=60)
        equal(done.returncode, status, " ".join(words))
        assert done.stderr.strip(), words
    contains(at("topic", "describe", topic(), fails=True), "does not exist", "UNKNOWN_TOPIC_OR_PARTITION")


if __name__ == "__main__":
    main()
