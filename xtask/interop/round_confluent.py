"""confluent-kafka: librdkafka under Python, as most of the world uses it."""
import time

from harness import bootstrap, case, equal, eventually, main, raises, topic
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import TopicCollection, OFFSET_BEGINNING, OFFSET_END, TIMESTAMP_LOG_APPEND_TIME
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec,
    ResourceType)

BASE = {"bootstrap.servers": bootstrap(), "broker.address.family": "v4"}


_admin = AdminClient(BASE)


def admin():
    """One for all cases: results of a client that has been dropped are errors."""
    return _admin


def created(partitions=1, configs=None):
    name = topic()
    admin().create_topics([NewTopic(name, partitions, 1, config=configs or {})])[name].result(30)
    return name


def send(name, count, partition=0, messages=None, **options):
    """Sends and gives what the broker said of each, in order."""
    reports = []
    one = Producer({**BASE, **{key.replace("_", "."): value for key, value in options.items()}})
    for number in range(count):
        one.produce(name, f"value {number}".encode(), partition=partition,
                    on_delivery=lambda error, message: reports.append((error, message)))
    for message in messages or []:
        one.produce(name, partition=partition,
                    on_delivery=lambda error, message: reports.append((error, message)), **message)
    equal(one.flush(30), 0, "records left")
    errors = [error for error, _ in reports if error]
    if errors:
        raise KafkaException(errors[0])
    return [message for _, message in reports]


def read(name, count, partition=0, offset=OFFSET_BEGINNING, **options):
    consumer = Consumer({**BASE, "group.id": "unused", "enable.auto.commit": False, **options})
    consumer.assign([TopicPartition(name, partition, offset)])
    records, end = [], time.monotonic() + 20
    while len(records) < count and time.monotonic() < end:
        for message in consumer.consume(count - len(records), 0.5):
            if message.error():
                raise KafkaException(message.error())
            records.append(message)
    consumer.close()
    equal(len(records), count, "records read")
    return records


def code(error):
    return error.args[0].code()


@case
def produces_and_consumes():
    name = created()
    equal([message.offset() for message in send(name, 1000)], list(range(1000)))
    equal([message.value() for message in read(name, 1000)], [f"value {n}".encode() for n in range(1000)])


@case
def every_codec():
    for codec in ["gzip", "snappy", "lz4", "zstd"]:
        name = created()
        send(name, 1000, compression_type=codec, linger_ms=20)
        equal(read(name, 1000)[999].value(), b"value 999", codec)


@case
def every_acks():
    for acks in [0, 1, "all"]:
        name = created()
        send(name, 20, acks=acks)
        equal(len(read(name, 20)), 20)


@case
def idempotence():
    name = created()
    equal([m.offset() for m in send(name, 500, enable_idempotence=True)], list(range(500)))
    equal([m.offset() for m in send(name, 500, enable_idempotence=True)], list(range(500, 1000)))


@case
def keys_headers_and_timestamps():
    name = created()
    send(name, 0, messages=[
        {"value": b"v", "key": b"k", "headers": [("a", b"1"), ("b", None)], "timestamp": 1_700_000_000_000},
        {"value": None, "key": b"k"}])
    first, second = read(name, 2)
    equal((first.key(), first.value(), first.timestamp()[1]), (b"k", b"v", 1_700_000_000_000))
    equal(first.headers(), [("a", b"1"), ("b", None)])
    equal(second.value(), None)


@case
def log_append_time():
    name = created(configs={"message.timestamp.type": "LogAppendTime"})
    before = int(time.time() * 1000)
    send(name, 0, messages=[{"value": b"v", "timestamp": 1_000_000_000_000}])
    kind, stamp = read(name, 1)[0].timestamp()
    equal(kind, TIMESTAMP_LOG_APPEND_TIME)
    assert stamp >= before, stamp


@case
def the_topics_compression_wins():
    for codec in ["gzip", "snappy", "lz4", "zstd", "uncompressed"]:
        name = created(configs={"compression.type": codec})
        send(name, 100, compression_type="lz4" if codec != "lz4" else "gzip", linger_ms=20)
        equal(len(read(name, 100)), 100, codec)


@case
def watermarks_and_offsets_for_times():
    name = created()
    send(name, 0, messages=[{"value": b"v", "timestamp": 1_700_000_000_000 + n * 1000} for n in range(3)])
    consumer = Consumer({**BASE, "group.id": "unused"})
    equal(consumer.get_watermark_offsets(TopicPartition(name, 0), 20), (0, 3))
    found = consumer.offsets_for_times([TopicPartition(name, 0, 1_700_000_000_500)], 20)
    equal(found[0].offset, 1)
    consumer.close()


@case
def the_end_is_reported():
    name = created()
    send(name, 5)
    consumer = Consumer({**BASE, "group.id": "unused", "enable.partition.eof": True})
    consumer.assign([TopicPartition(name, 0, OFFSET_END)])
    message = consumer.poll(20)
    equal((message.error().code(), message.offset()), (KafkaError._PARTITION_EOF, 5))
    consumer.close()


@case
def an_offset_out_of_range_is_reported():
    name = created()
    send(name, 5)
    error = raises(KafkaException, read, name, 1, offset=1000, **{"auto.offset.reset": "error"})
    equal(code(error), KafkaError._AUTO_OFFSET_RESET)


@case
def read_committed_and_uncommitted():
    name = created()
    send(name, 10)
    for level in ["read_committed", "read_uncommitted"]:
        equal(len(read(name, 10, **{"isolation.level": level})), 10)


@case
def without_crc_trust():
    name = created()
    send(name, 100, compression_type="zstd")
    equal(len(read(name, 100, **{"check.crcs": True})), 100)


@case
def admin_creates_describes_and_deletes():
    name, one = created(3), admin()
    eventually(lambda: equal(len(one.list_topics(name, 20).topics[name].partitions), 3))
    described = one.describe_topics(TopicCollection([name]))[name].result(30)
    equal((described.name, len(described.partitions)), (name, 3))
    assert str(described.topic_id), described
    error = raises(KafkaException, one.create_topics([NewTopic(name, 1, 1)])[name].result, 30)
    equal(code(error), KafkaError.TOPIC_ALREADY_EXISTS)
    one.create_partitions([NewPartitions(name, 6)])[name].result(30)
    eventually(lambda: equal(len(one.list_topics(name, 20).topics[name].partitions), 6))
    error = raises(KafkaException, one.create_partitions([NewPartitions(name, 2)])[name].result, 30)
    equal(code(error), KafkaError.INVALID_PARTITIONS)
    one.delete_topics([name])[name].result(30)
    error = raises(KafkaException, one.delete_topics([name])[name].result, 30)
    equal(code(error), KafkaError.UNKNOWN_TOPIC_OR_PART)


@case
def admin_refuses_what_is_wrong():
    one = admin()
    def refused(wanted, topic_name, *words, **options):
        reply = one.create_topics([NewTopic(topic_name, *words, **options)], request_timeout=20)
        equal(code(raises(KafkaException, reply[topic_name].result, 30)), wanted)
    refused(KafkaError.TOPIC_EXCEPTION, "no spaces allowed", 1, 1)
    refused(KafkaError.INVALID_REPLICATION_FACTOR, topic(), 1, 5)
    refused(KafkaError.INVALID_PARTITIONS, topic(), 0, 1)
    refused(KafkaError.INVALID_CONFIG, topic(), 1, 1, config={"retention.ms": "soon"})
    refused(KafkaError.INVALID_CONFIG, topic(), 1, 1, config={"no.such.config": "1"})


@case
def admin_manual_assignment():
    one = admin()
    node = next(iter(one.list_topics(timeout=20).brokers))
    name = topic()
    one.create_topics([NewTopic(name, 2, replica_assignment=[[node], [node]])])[name].result(30)
    eventually(lambda: equal(len(one.list_topics(name, 20).topics[name].partitions), 2))
    bad = topic()
    reply = one.create_topics([NewTopic(bad, 1, replica_assignment=[[node + 77]])])
    equal(code(raises(KafkaException, reply[bad].result, 30)), KafkaError.INVALID_REPLICA_ASSIGNMENT)


@case
def admin_incremental_configs():
    name, one = created(), admin()
    def alter(operation, key, value):
        entry = ConfigEntry(key, value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
        return one.incremental_alter_configs([resource])[resource]
    def value(key):
        resource = ConfigResource(ResourceType.TOPIC, name)
        return one.describe_configs([resource])[resource].result(30)[key].value
    alter(AlterConfigOpType.SET, "retention.ms", "1000000").result(30)
    eventually(lambda: equal(value("retention.ms"), "1000000"))
    alter(AlterConfigOpType.APPEND, "cleanup.policy", "compact").result(30)
    eventually(lambda: equal(sorted(value("cleanup.policy").split(",")), ["compact", "delete"]))
    alter(AlterConfigOpType.SUBTRACT, "cleanup.policy", "compact").result(30)
    eventually(lambda: equal(value("cleanup.policy"), "delete"))
    alter(AlterConfigOpType.DELETE, "retention.ms", None).result(30)
    eventually(lambda: equal(value("retention.ms"), "604800000"))
    error = raises(KafkaException, alter(AlterConfigOpType.SET, "segment.bytes", "1").result, 30)
    equal(code(error), KafkaError.INVALID_CONFIG)


@case
def admin_broker_configs():
    one = admin()
    node = next(iter(one.list_topics(timeout=20).brokers))
    resource = ConfigResource(ResourceType.BROKER, str(node))
    entries = one.describe_configs([resource])[resource].result(30)
    assert entries["num.partitions"].value == "4" or entries["num.partitions"].value, entries
    assert entries["log.dirs"].is_read_only
    assert not entries["log.retention.ms"].is_sensitive


@case
def admin_offsets_and_records():
    name, one = created(), admin()
    send(name, 20)
    part = TopicPartition(name, 0)
    def offset(spec):
        return one.list_offsets({part: spec})[part].result(30).offset
    equal((offset(OffsetSpec.earliest()), offset(OffsetSpec.latest())), (0, 20))
    assert 0 <= offset(OffsetSpec.max_timestamp()) <= 19
    cut = TopicPartition(name, 0, 5)
    equal(one.delete_records([cut])[cut].result(30).low_watermark, 5)
    equal(offset(OffsetSpec.earliest()), 5)
    high = TopicPartition(name, 0, 500)
    error = raises(KafkaException, one.delete_records([high])[high].result, 30)
    equal(code(error), KafkaError.OFFSET_OUT_OF_RANGE)
    equal(read(name, 15, offset=5)[0].offset(), 5)


@case
def admin_cluster():
    found = admin().describe_cluster(request_timeout=20).result(30)
    equal(len(found.nodes), 1)
    assert found.cluster_id and found.controller is not None
    equal(admin().list_topics(timeout=20).cluster_id, found.cluster_id)


if __name__ == "__main__":
    main()
