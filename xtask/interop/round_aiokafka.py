"""aiokafka: the asyncio client."""
import time
from contextlib import asynccontextmanager

from harness import bootstrap, case, equal, eventually_async, main, topic
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType


@asynccontextmanager
async def started(client):
    await client.start()
    try:
        yield client
    finally:
        await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())


def producer(**options):
    return started(AIOKafkaProducer(bootstrap_servers=bootstrap(), **options))


def admin():
    return started(AIOKafkaAdminClient(bootstrap_servers=bootstrap()))


async def read(name, count, partition=0, **options):
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap(), auto_offset_reset="earliest", enable_auto_commit=False, **options)
    async with started(consumer):
        consumer.assign([TopicPartition(name, partition)])
        records = [await consumer.getone() for _ in range(count)]
    return records


async def created(partitions=1, configs=None):
    name = topic()
    async with admin() as one:
        reply = await one.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=configs or {})])
        equal([error[1] for error in reply.topic_errors], [0])
    return name


async def send(name, count, **options):
    async with producer(**options) as one:
        sent = [await one.send(name, f"value {n}".encode(), partition=0) for n in range(count)]
        return [(await each).offset for each in sent]


@case
async def produces_and_consumes():
    name = await created()
    equal(await send(name, 500), list(range(500)))
    equal([one.value for one in await read(name, 500)], [f"value {n}".encode() for n in range(500)])


@case
async def every_codec():
    for codec in ["gzip", "snappy", "lz4", "zstd"]:
        name = await created()
        await send(name, 100, compression_type=codec, linger_ms=10)
        equal((await read(name, 100))[99].value, b"value 99", codec)


@case
async def every_acks():
    for acks in [0, 1, "all"]:
        name = await created()
        async with producer(acks=acks) as one:
            for _ in range(10):
                await one.send(name, b"v", partition=0)
        equal(len(await read(name, 10)), 10)


@case
async def idempotence():
    name = await created()
    equal(await send(name, 100, enable_idempotence=True), list(range(100)))
    equal(await send(name, 100, enable_idempotence=True), list(range(100, 200)))


@case
async def keys_headers_and_timestamps():
    name = await created()
    async with producer() as one:
        await one.send_and_wait(
            name, b"v", key=b"k", headers=[("a", b"1")], timestamp_ms=1_700_000_000_000)
        await one.send_and_wait(name, None, key=b"k")
    first, second = await read(name, 2)
    equal((first.key, first.value, first.timestamp), (b"k", b"v", 1_700_000_000_000))
    equal(list(first.headers), [("a", b"1")])
    equal(second.value, None)


@case
async def a_hand_made_batch():
    name = await created()
    async with producer() as one:
        batch = one.create_batch()
        for number in range(5):
            batch.append(key=None, value=f"value {number}".encode(), timestamp=None)
        batch.close()
        done = await (await one.send_batch(batch, name, partition=0))
        equal(done.offset, 0)
    equal(len(await read(name, 5)), 5)


@case
async def a_long_poll_wakes_on_new_data():
    name = await created()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(), fetch_max_wait_ms=30_000,
                                auto_offset_reset="earliest", request_timeout_ms=60_000)
    async with started(consumer), producer() as one:
        consumer.assign([TopicPartition(name, 0)])
        empty = await consumer.getmany(timeout_ms=200)
        equal(empty, {})
        began = time.monotonic()
        await one.send_and_wait(name, b"v")
        equal((await consumer.getone()).value, b"v")
        assert time.monotonic() - began < 20, "the fetch waited for its whole time"


@case
async def offsets_by_timestamp_beginning_and_end():
    name = await created()
    part = TopicPartition(name, 0)
    async with producer() as one:
        for number in range(3):
            await one.send_and_wait(name, b"v", timestamp_ms=1_700_000_000_000 + number * 1000)
    async with started(AIOKafkaConsumer(bootstrap_servers=bootstrap())) as consumer:
        consumer.assign([part])
        equal(await consumer.beginning_offsets([part]), {part: 0})
        equal(await consumer.end_offsets([part]), {part: 3})
        found = (await consumer.offsets_for_times({part: 1_700_000_000_500}))[part]
        equal((found.offset, found.timestamp), (1, 1_700_000_001_000))


@case
async def seeks():
    name = await created()
    await send(name, 10)
    part = TopicPartition(name, 0)
    async with started(AIOKafkaConsumer(bootstrap_servers=bootstrap())) as consumer:
        consumer.assign([part])
        consumer.seek(part, 7)
        equal((await consumer.getone()).value, b"value 7")
        await consumer.seek_to_beginning(part)
        equal((await consumer.getone()).value, b"value 0")
        await consumer.seek_to_end(part)
        equal(await consumer.position(part), 10)


@case
async def an_offset_out_of_range_is_reported():
    name = await created()
    await send(name, 5)
    part = TopicPartition(name, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(), auto_offset_reset="none")
    async with started(consumer):
        consumer.assign([part])
        consumer.seek(part, 1000)
        try:
            await consumer.getone()
        except errors.OffsetOutOfRangeError:
            return
    raise AssertionError("no error")


@case
async def read_committed_sees_plain_records():
    name = await created()
    await send(name, 10)
    equal(len(await read(name, 10, isolation_level="read_committed")), 10)


@case
async def admin_topics():
    name = await created(3)
    async with admin() as one:
        assert name in await one.list_topics()
        described = (await one.describe_topics([name]))[0]
        equal((described["error_code"], len(described["partitions"])), (0, 3))
        reply = await one.create_partitions({name: NewPartitions(5)})
        equal([error[1] for error in reply.topic_errors], [0])

        async def grown():
            equal(len((await one.describe_topics([name]))[0]["partitions"]), 5)
        await eventually_async(grown)
        await one.delete_topics([name])

        async def gone():
            assert name not in await one.list_topics()
        await eventually_async(gone)


@case
async def admin_configs():
    name = await created(configs={"retention.ms": "123456"})
    async with admin() as one:
        resource = ConfigResource(ConfigResourceType.TOPIC, name)

        async def given():
            assert "123456" in str(await one.describe_configs([resource]))
        await eventually_async(given)
        await one.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"segment.ms": "7654321"})])

        async def replaced():
            text = str(await one.describe_configs([resource], include_synonyms=True))
            assert "7654321" in text and "123456" not in text, "AlterConfigs replaces what was there"
        await eventually_async(replaced)


@case
async def admin_delete_records():
    name = await created()
    await send(name, 20)
    async with admin() as one:
        part = TopicPartition(name, 0)
        equal(await one.delete_records({part: RecordsToDelete(before_offset=15)}), {part: 15})
    equal((await read(name, 5))[0].offset, 15)


@case
async def admin_cluster():
    async with admin() as one:
        found = await one.describe_cluster()
        equal(len(found["brokers"]), 1)
        assert found["cluster_id"], found


if __name__ == "__main__":
    main()
