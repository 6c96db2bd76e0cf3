"""kcat: the command line of librdkafka."""
import json
import time

from harness import bootstrap, case, contains, equal, main, run, topic

BASE = ["kcat", "-b", bootstrap(), "-X", "broker.address.family=v4", "-X", "socket.timeout.ms=15000"]


def kcat(*words, text_in=None, fails=False):
    return run(BASE + list(words), text_in, fails)


def produce(name, text, *words, partition=0):
    kcat("-P", "-t", name, "-p", str(partition), *words, text_in=text)


def consume(name, *words, partition=0, offset="beginning"):
    return kcat("-C", "-t", name, "-p", str(partition), "-o", str(offset), "-e", "-q", *words)


def lines(count, prefix="record"):
    return "".join(f"{prefix} {number}\n" for number in range(count))


@case
def lists_metadata():
    name = topic()
    produce(name, "a\n")
    text = kcat("-L", "-J", "-t", name)
    found = json.loads(text)
    equal([one["topic"] for one in found["topics"]], [name])
    equal([part["partition"] for part in found["topics"][0]["partitions"]], list(range(4)))
    equal(len(found["brokers"]), 1)
    equal(found["brokers"][0]["name"], bootstrap())
    contains(kcat("-L"), f'topic "{name}" with 4 partitions:', "leader")


@case
def creates_a_topic_on_first_produce_and_reads_it_back():
    name = topic()
    produce(name, lines(1000))
    equal(consume(name), lines(1000))


@case
def every_codec():
    for codec in ["gzip", "snappy", "lz4", "zstd"]:
        name = topic(codec)
        produce(name, lines(2000), "-z", codec)
        equal(consume(name), lines(2000), codec)


@case
def every_acks():
    for acks in ["0", "1", "-1"]:
        name = topic("acks")
        kcat("-L", "-t", name)
        produce(name, lines(1), "-X", "acks=1")
        produce(name, lines(50, "more"), "-X", f"acks={acks}")
        if acks == "0":
            # Nothing was promised: an acknowledged record behind them says that they are in.
            produce(name, "last\n", "-X", "acks=-1")
            contains(consume(name), lines(50, "more"), "last")
        else:
            equal(consume(name), lines(1) + lines(50, "more"), acks)


@case
def idempotent_producer():
    name = topic()
    produce(name, lines(500), "-X", "enable.idempotence=true")
    produce(name, lines(500), "-X", "enable.idempotence=true")
    equal(consume(name), lines(500) * 2)


@case
def keys_headers_and_tombstones():
    name = topic()
    produce(name, "k1:v1\nk2:\n", "-K:", "-Z", "-H", "trace=7", "-H", "empty=")
    text = consume(name, "-f", "%o|%k|%S|%h|%p\\n")
    equal(text, "0|k1|2|trace=7,empty=|0\n1|k2|-1|trace=7,empty=|0\n")


@case
def partitions_keep_their_own():
    name = topic()
    for partition in range(4):
        produce(name, lines(10, f"p{partition}"), partition=partition)
    for partition in range(4):
        equal(consume(name, partition=partition), lines(10, f"p{partition}"))


@case
def offsets_absolute_and_relative():
    name = topic()
    produce(name, lines(100))
    equal(consume(name, offset=97), "record 97\nrecord 98\nrecord 99\n")
    equal(consume(name, offset=-2), "record 98\nrecord 99\n")
    equal(consume(name, "-c", "3"), lines(3))
    equal(consume(name, offset="end"), "")


@case
def offsets_by_timestamp():
    name = topic()
    before = int(time.time() * 1000)
    produce(name, lines(5))
    after = int(time.time() * 1000) + 60_000
    contains(kcat("-Q", "-t", f"{name}:0:{before}"), "offset 0")
    contains(kcat("-Q", "-t", f"{name}:0:{after}"), "offset -1")
    contains(kcat("-Q", "-t", f"{name}:0:-1"), "offset 5")
    contains(kcat("-Q", "-t", f"{name}:0:-2"), "offset 0")
    equal(consume(name, offset=f"s@{before}"), lines(5))


@case
def timestamps_are_the_producers():
    name = topic()
    before = int(time.time() * 1000)
    produce(name, "a\n")
    stamp = int(consume(name, "-f", "%T\\n"))
    assert before - 1 <= stamp <= int(time.time() * 1000) + 1, stamp


@case
def large_records():
    name = topic()
    produce(name, "x" * 900_000 + "\n")
    produce(name, "y" * 900_000 + "\n", "-z", "zstd")
    text = consume(name, "-f", "%S\\n")
    equal(text, "900000\n900000\n")


@case
def a_record_over_the_limit_is_refused():
    name = topic()
    produce(name, "small\n")
    text = kcat("-P", "-t", name, "-p", "0", "-X", "message.max.bytes=5000000",
                text_in="x" * 1_200_000 + "\n", fails=True)
    contains(text, "Message size too large")
    equal(consume(name), "small\n")


@case
def an_unknown_partition_is_an_error():
    name = topic()
    produce(name, "a\n")
    contains(kcat("-C", "-t", name, "-p", "77", "-e", fails=True), "partition 77 does not exist")


@case
def many_small_requests():
    name = topic()
    produce(name, lines(300), "-X", "batch.num.messages=1", "-X", "linger.ms=0")
    equal(consume(name, "-X", "fetch.message.max.bytes=200"), lines(300))


if __name__ == "__main__":
    main()
