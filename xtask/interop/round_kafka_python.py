"""kafka-python: the pure Python client, with its admin client's whole view of a broker."""
import time

from harness import bootstrap, case, contains, equal, eventually, main, raises, topic
from kafka import IsolationLevel, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetSpec, TopicPartition
from kafka import errors
from kafka.admin import ConfigResource, ConfigResourceType


def producer(**options):
    return KafkaProducer(bootstrap_servers=bootstrap(), **options)


def admin():
    return KafkaAdminClient(bootstrap_servers=bootstrap())


def read(name, count, partition=0, **options):
    """The first records of a partition, by assignment."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap(), auto_offset_reset="earliest", group_id=None,
        enable_auto_commit=False, **options)
    consumer.assign([TopicPartition(name, partition)])
    records, end = [], time.monotonic() + 20
    while len(records) < count and time.monotonic() < end:
        for batch in consumer.poll(timeout_ms=500).values():
            records += batch
    consumer.close()
    equal(len(records), count, "records read")
    return records


def send(name, count, **options):
    with_producer = producer(**options)
    sent = [with_producer.send(name, f"value {n}".encode(), partition=0) for n in range(count)]
    with_producer.flush()
    offsets = [one.get(timeout=20).offset for one in sent]
    with_producer.close()
    return offsets


def created(partitions=1, configs=None):
    name = topic()
    with_admin = admin()
    with_admin.create_topics(
        {name: {"num_partitions": partitions, "replication_factor": 1, "configs": configs or {}}})
    with_admin.wait_for_topics([name])
    with_admin.close()
    return name


@case
def produces_and_consumes():
    name = created()
    equal(send(name, 200), list(range(200)))
    records = read(name, 200)
    equal([one.value for one in records], [f"value {n}".encode() for n in range(200)])
    equal([one.offset for one in records], list(range(200)))


@case
def every_codec():
    for codec in ["gzip", "snappy", "lz4", "zstd"]:
        name = created()
        send(name, 100, compression_type=codec, linger_ms=20)
        equal(read(name, 100)[99].value, b"value 99", codec)


@case
def every_acks():
    for acks in [0, 1, "all"]:
        name = created()
        send(name, 20, acks=acks, enable_idempotence=False)
        equal(len(read(name, 20)), 20)


@case
def idempotence():
    name = created()
    equal(send(name, 50, enable_idempotence=True), list(range(50)))
    equal(send(name, 50, enable_idempotence=True), list(range(50, 100)))


@case
def keys_headers_and_timestamps():
    name = created()
    one = producer()
    one.send(name, b"v", key=b"k", headers=[("a", b"1"), ("b", b"")], timestamp_ms=1_700_000_000_000)
    one.send(name, None, key=b"k")
    one.close()
    first, second = read(name, 2)
    equal((first.key, first.value, first.timestamp), (b"k", b"v", 1_700_000_000_000))
    equal([(key, value) for key, value in first.headers], [("a", b"1"), ("b", b"")])
    equal(second.value, None)


@case
def log_append_time():
    name = created(configs={"message.timestamp.type": "LogAppendTime"})
    before = int(time.time() * 1000)
    one = producer()
    sent = one.send(name, b"v", timestamp_ms=1_000_000_000_000).get(timeout=20)
    one.close()
    assert sent.timestamp >= before, sent
    record = read(name, 1)[0]
    equal((record.timestamp, record.timestamp_type), (sent.timestamp, 1))


@case
def a_record_over_the_topics_limit_is_refused():
    name = created(configs={"max.message.bytes": "1000"})
    one = producer(retries=0)
    raises(errors.MessageSizeTooLargeError, one.send(name, b"x" * 5000).get, timeout=20)
    one.close()


@case
def offsets_by_timestamp_beginning_and_end():
    name = created()
    one = producer()
    for number in range(3):
        one.send(name, b"v", timestamp_ms=1_700_000_000_000 + number * 1000)
    one.close()
    part = TopicPartition(name, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap(), group_id=None)
    equal(consumer.beginning_offsets([part]), {part: 0})
    equal(consumer.end_offsets([part]), {part: 3})
    found = consumer.offsets_for_times({part: 1_700_000_000_500})[part]
    equal((found.offset, found.timestamp), (1, 1_700_000_001_000))
    equal(consumer.offsets_for_times({part: 1_800_000_000_000})[part], None)
    consumer.close()


@case
def seeks_pauses_and_positions():
    name = created()
    send(name, 10)
    part = TopicPartition(name, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap(), group_id=None)
    consumer.assign([part])
    consumer.seek(part, 7)
    equal(next(consumer).value, b"value 7")
    equal(consumer.position(part), 8)
    consumer.seek_to_end(part)
    equal(consumer.position(part), 10)
    consumer.seek_to_beginning(part)
    equal(next(consumer).value, b"value 0")
    consumer.close()


@case
def an_offset_out_of_range_is_reset_or_reported():
    name = created()
    send(name, 5)
    part = TopicPartition(name, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap(), group_id=None, auto_offset_reset="earliest")
    consumer.assign([part])
    consumer.seek(part, 1000)
    equal(next(consumer).offset, 0)
    consumer.close()


@case
def read_committed_sees_plain_records():
    name = created()
    send(name, 10)
    equal(len(read(name, 10, isolation_level="read_committed")), 10)


@case
def admin_topics():
    name, one = topic(), admin()
    one.create_topics({name: {"num_partitions": 3, "replication_factor": 1}})
    raises(errors.TopicAlreadyExistsError, one.create_topics, {name: {"num_partitions": 3}})
    eventually(lambda: equal(name in one.list_topics(), True))
    described = one.describe_topics([name])[0]
    equal(len(described["partitions"]), 3)
    equal(described["error_code"], 0)
    one.create_partitions({name: 5})
    eventually(lambda: equal(len(one.describe_topics([name])[0]["partitions"]), 5))
    raises(errors.InvalidPartitionsError, one.create_partitions, {name: 2})
    one.delete_topics([name])
    eventually(lambda: equal(name in one.list_topics(), False))
    raises(errors.UnknownTopicOrPartitionError, one.delete_topics, [name])
    one.close()


@case
def admin_validate_only():
    name, one = topic(), admin()
    one.create_topics({name: {"num_partitions": 3}}, validate_only=True)
    assert name not in one.list_topics()
    raises(errors.InvalidTopicError, one.create_topics, {"no spaces allowed": {"num_partitions": 1}})
    raises(errors.InvalidReplicationFactorError, one.create_topics,
           {name: {"num_partitions": 1, "replication_factor": 7}})
    one.close()


@case
def admin_configs():
    name, one = created(), admin()
    resource = ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "123456"})
    one.alter_configs([resource])
    def every():
        return str(one.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all"))
    eventually(lambda: contains(every(), "123456", "cleanup.policy"))
    one.reset_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": None})])
    eventually(lambda: equal("123456" in every(), False))
    bad = ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "soon"})
    contains(str(one.alter_configs([bad])), "InvalidConfiguration", "soon", "retention.ms")
    one.close()


@case
def admin_broker_configs():
    one = admin()
    node = one.describe_cluster()["brokers"][0]["broker_id"]
    resource = ConfigResource(ConfigResourceType.BROKER, str(node))
    found = str(one.describe_configs([resource], config_filter="all"))
    for wanted in ["log.retention.ms", "num.partitions", "listeners", "message.max.bytes"]:
        assert wanted in found, wanted
    one.close()


@case
def admin_delete_records():
    name, one = created(), admin()
    send(name, 20)
    one.delete_records({TopicPartition(name, 0): 12})
    equal(read(name, 8)[0].offset, 12)
    one.close()


@case
def admin_partition_offsets():
    name, one = created(), admin()
    send(name, 20)
    part = TopicPartition(name, 0)
    for spec, wanted in [(OffsetSpec.EARLIEST, 0), (OffsetSpec.LATEST, 20), (OffsetSpec.MAX_TIMESTAMP, None)]:
        found = one.list_partition_offsets({part: spec})[part]
        assert wanted is None or found.offset == wanted, (spec, found)
        assert 0 <= found.offset <= 20, found
    one.list_partition_offsets({part: OffsetSpec.LATEST}, isolation_level=IsolationLevel.READ_COMMITTED)
    one.close()


@case
def admin_describes_everything_else():
    name, one = created(2), admin()
    send(name, 5)
    cluster = one.describe_cluster()
    equal(len(cluster["brokers"]), 1)
    assert cluster["cluster_id"], cluster
    assert name in str(one.describe_log_dirs())
    assert "current_voters" in str(one.describe_metadata_quorum())
    assert name in str(one.describe_topic_partitions([name]))
    one.describe_producers([TopicPartition(name, 0)])
    assert "metadata.version" in str(one.describe_features())
    assert one.get_broker_version_data(cluster["brokers"][0]["broker_id"])
    one.list_config_resources()
    one.close()


if __name__ == "__main__":
    main()
