"""The broker as a process: how it starts, stops, dies and comes back, and what it says when it cannot.

Needs the binary (HEADWATER_BROKER); kcat writes and reads. It starts brokers of its own, on ports
after the one that it is given, and leaves that one alone.
"""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from harness import Skip, bootstrap, case, contains, equal, eventually, main, run, topic

BINARY = os.environ.get("HEADWATER_BROKER")
FIRST_PORT = int(bootstrap().rsplit(":", 1)[1]) + 5


def clean_environment():
    return {key: value for key, value in os.environ.items() if not key.startswith("HEADWATER_")}


class Broker:
    """One process on a folder; its output is kept."""

    def __init__(self, folder, *words, port=FIRST_PORT):
        if not BINARY:
            raise Skip("HEADWATER_BROKER names no binary")
        self.port, self.at = port, f"127.0.0.1:{port}"
        self.output = open(Path(folder) / "output.txt", "a+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [BINARY, "--set", f"listeners=PLAINTEXT://{self.at}", "--set", f"log.dirs={folder}/data",
             "--set", "metrics.listener=", *words],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, cwd=folder,
            env=clean_environment())

    def listening(self):
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.01)
        raise AssertionError(f"it does not listen: {self.said()[-1000:]}")

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)

    def memory_mb(self, field="VmHWM"):
        """What the process has resident (VmRSS), or had at most (VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", status).group(1)) // 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()


class Folder:
    """A folder for one case."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="headwater-process-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def kcat(at, *words, **named):
    return run(["kcat", "-b", at, "-X", "broker.address.family=v4", *words], **named)


def write(at, name, count, *words):
    text = "".join(f"record {number}\n" for number in range(count))
    kcat(at, "-P", "-t", name, "-p", "0", "-X", "acks=-1", *words, text_in=text)


def read(at, name):
    return kcat(at, "-C", "-t", name, "-p", "0", "-e", "-q", "-o", "beginning").splitlines()


@case
def says_where_it_listens_and_stores():
    with Folder() as folder, Broker(folder).listening() as broker:
        eventually(lambda: contains(
            broker.said(), f"127.0.0.1:{broker.port}", f"{folder}/data", "headwater topic create"))
        equal(broker.stop(), 0)


@case
def a_second_start_finds_everything():
    for number in [signal.SIGTERM, signal.SIGINT]:
        with Folder() as folder:
            name = topic()
            with Broker(folder).listening() as broker:
                write(broker.at, name, 1000)
                equal(broker.stop(number), 0)
            with Broker(folder).listening() as broker:
                equal(len(read(broker.at, name)), 1000)
                write(broker.at, name, 10)
                equal(len(read(broker.at, name)), 1010)
                equal(broker.stop(), 0)


@case
def what_was_acknowledged_survives_a_kill():
    with Folder() as folder:
        name, wanted = topic(), 0
        for turn in range(3):
            with Broker(folder).listening() as broker:
                equal(len(read(broker.at, name)) if wanted else 0, wanted, f"turn {turn}")
                write(broker.at, name, 500, "-X", "enable.idempotence=true", "-z", "lz4")
                wanted += 500
                broker.stop(signal.SIGKILL)
        with Broker(folder).listening() as broker:
            equal(len(read(broker.at, name)), wanted)
            equal(broker.stop(), 0)


@case
def a_kill_in_the_middle_of_writing_loses_nothing_acknowledged():
    with Folder() as folder:
        name = topic()
        with Broker(folder).listening() as broker:
            write(broker.at, name, 1)
            producer = subprocess.Popen(
                ["kcat", "-b", broker.at, "-P", "-t", name, "-p", "0", "-X", "acks=-1", "-v", "-v", "-v",
                 "-X", "message.timeout.ms=3000", "-X", "linger.ms=0", "-X", "batch.num.messages=10"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for number in range(3000):
                producer.stdin.write(f"line {number}\n")
            producer.stdin.flush()
            time.sleep(0.05)
            broker.stop(signal.SIGKILL)
            said, _ = producer.communicate(timeout=60)
        acknowledged = [int(found) for found in re.findall(r"delivered to partition 0 \(offset (\d+)\)", said)]
        with Broker(folder).listening() as broker:
            kept = len(read(broker.at, name))
            assert kept > max(acknowledged, default=0), (kept, max(acknowledged, default=0))
            equal(broker.stop(), 0)


@case
def deleted_topics_stay_deleted():
    with Folder() as folder:
        name = topic()
        with Broker(folder).listening() as broker:
            write(broker.at, name, 10)
            from confluent_kafka.admin import AdminClient
            client = AdminClient({"bootstrap.servers": broker.at})
            client.delete_topics([name])[name].result(20)
            broker.stop(signal.SIGKILL)
        with Broker(folder, "--set", "auto.create.topics.enable=false").listening() as broker:
            assert name not in kcat(broker.at, "-L"), "it came back"
            equal(broker.stop(), 0)


@case
def a_folder_belongs_to_one_broker():
    with Folder() as folder, Broker(folder).listening():
        with Broker(folder, port=FIRST_PORT + 1) as second:
            assert second.process.wait(20) not in [0, 101], second.said()
            contains(second.said(), "in use by another")


@case
def a_port_in_use_is_named():
    with Folder() as folder, Folder() as other, Broker(folder).listening() as first:
        with Broker(other, port=first.port) as second:
            assert second.process.wait(20) not in [0, 101], second.said()
            contains(second.said(), str(first.port))


@case
def an_unknown_key_is_answered_with_the_nearest():
    with Folder() as folder:
        with Broker(folder, "--set", "log.retention.mss=1", "--check") as broker:
            assert broker.process.wait(20) not in [0, 101]
            contains(broker.said(), "log.retention.mss", "log.retention.ms")
        with Broker(folder, "--set", "log.retention.mss=1").listening() as broker:
            equal(broker.stop(), 0)
            contains(broker.said(), "log.retention.mss", "log.retention.ms")


@case
def a_good_configuration_is_checked_and_left_alone():
    with Folder() as folder, Broker(folder, "--check") as broker:
        equal(broker.process.wait(20), 0, broker.said())
        assert not (Path(folder) / "data").exists(), "--check made a folder"


@case
def kafkas_own_file_is_taken():
    with Folder() as folder:
        file = Path(folder) / "server.properties"
        file.write_text("process.roles=broker,controller\nnode.id=7\nnum.network.threads=3\nnum.partitions=2\n"
                        "controller.quorum.bootstrap.servers=localhost:9093\n"
                        "log.retention.hours=168\noffsets.topic.replication.factor=1\n")
        with Broker(folder, "--config", str(file)).listening() as broker:
            contains(kcat(broker.at, "-L"), "broker 7 at")
            write(broker.at, "two", 1)
            contains(kcat(broker.at, "-L", "-t", "two"), 'topic "two" with 2 partitions')
            equal(broker.stop(), 0)


@case
def garbage_costs_nothing():
    with Folder() as folder, Broker(folder).listening() as broker:
        for bytes_sent in [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\x7f\xff\xff\xff" + b"x" * 100,
                           b"\x00\x00\x00\x00", b"\x00\x00\x00\x08\x00\x12\x7f\xff\x00\x00\x00\x01",
                           b"\x00\x00\x00\x0a\x03\xe7\x00\x00\x00\x00\x00\x01\xff\xff"]:
            with socket.create_connection(("127.0.0.1", broker.port)) as connection:
                connection.settimeout(5)
                connection.sendall(bytes_sent)
                connection.shutdown(socket.SHUT_WR)
                try:
                    while connection.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        write(broker.at, "after", 3)
        equal(len(read(broker.at, "after")), 3)
        equal(broker.stop(), 0)
        assert "panicked" not in broker.said(), broker.said()


@case
def ten_thousand_connections_do_nothing():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 11_000:
        raise Skip(f"only {most} open files are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Folder() as folder, Broker(folder).listening() as broker:
        # From several loopback addresses, as one has not so many ports to give.
        connections = [socket.create_connection(("127.0.0.1", broker.port), source_address=(f"127.0.1.{n % 4 + 1}", 0))
                       for n in range(10_000)]
        write(broker.at, "among-many", 100)
        equal(len(read(broker.at, "among-many")), 100)
        assert broker.memory_mb() < 100, broker.memory_mb()
        for connection in connections:
            connection.close()
        write(broker.at, "among-many", 100)
        equal(broker.stop(), 0)


@case
def claimed_lengths_cost_nothing():
    with Folder() as folder, Broker(folder).listening() as broker:
        connections = []
        for _ in range(200):
            connections.append(socket.create_connection(("127.0.0.1", broker.port)))
            connections[-1].sendall((100_000_000).to_bytes(4, "big") + b"\x00\x00\x00\x03" + b"x" * 1000)
        write(broker.at, "beside-liars", 100)
        equal(len(read(broker.at, "beside-liars")), 100)
        assert broker.memory_mb() < 100, broker.memory_mb()
        for connection in connections:
            connection.close()
        equal(broker.stop(), 0)


@case
def a_batch_that_swells_costs_bounded_memory():
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic
    with Folder() as folder, Broker(folder).listening() as broker:
        base = {"bootstrap.servers": broker.at, "broker.address.family": "v4"}
        name, admin = topic(), AdminClient(base)
        # The broker must unpack what it stores in another codec.
        admin.create_topics([NewTopic(name, 1, 1, config={"compression.type": "gzip"})])[name].result(20)
        producer = Producer({**base, "compression.codec": "zstd", "message.max.bytes": 500_000_000,
                             "queue.buffering.max.kbytes": 1_000_000, "message.timeout.ms": 60_000})
        reports = []
        producer.produce(name, bytes(150_000_000), on_delivery=lambda error, _: reports.append(error))
        producer.flush(70)
        equal(len(reports), 1)
        assert broker.memory_mb() < 300, broker.memory_mb()
        write(broker.at, "after", 3)
        equal(len(read(broker.at, "after")), 3)
        equal(broker.stop(), 0)


@case
def a_full_disk_is_an_error_and_loses_nothing():
    with Folder() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(data)], capture_output=True)
        if mounted.returncode != 0:
            raise Skip("no file system can be mounted here")
        try:
            with Broker(folder).listening() as broker:
                write(broker.at, "kept", 1000)
                command = ["kcat", "-b", broker.at, "-P", "-t", "flood", "-p", "0", "-X", "acks=-1",
                           "-X", "message.timeout.ms=5000", "-z", "none"]
                flood = "".join(os.urandom(4000).hex() + "\n" for _ in range(3000))
                done = subprocess.run(command, input=flood, capture_output=True, text=True, timeout=90)
                assert "Delivery failed" in done.stderr or done.returncode != 0, done.stderr[-500:]
                assert broker.process.poll() is None, broker.said()[-1000:]
                broker.stop()
            subprocess.run(["mount", "-o", "remount,size=64m", str(data)], check=True)
            with Broker(folder).listening() as broker:
                equal(len(read(broker.at, "kept")), 1000)
                write(broker.at, "kept", 10)
                equal(broker.stop(), 0)
        finally:
            subprocess.run(["umount", "-l", str(data)], check=False)


if __name__ == "__main__":
    main()
