// kafkajs: produce and admin. It reads only in groups, so what it wrote is checked by its own
// offsets; with READ_COMMAND (a program and its words, `TOPIC` replaced) also by another reader.
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";

const require = createRequire(process.env.KAFKAJS_FOLDER ? `${process.env.KAFKAJS_FOLDER}/x.js` : import.meta.url);
const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = require("kafkajs");

const words = process.argv.slice(2);
const bootstrap = words[words.indexOf("--bootstrap") + 1] ?? "127.0.0.1:9092";
const only = words.includes("--run") ? words[words.indexOf("--run") + 1] : "";
const kafka = new Kafka({ clientId: "interop", brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 2 } });
const topicName = () => `interop-${randomBytes(5).toString("hex")}`;
const admin = kafka.admin();

async function created(numPartitions = 1, configEntries = []) {
  const topic = topicName();
  assert.equal(await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions, configEntries }] }), true);
  return topic;
}

async function send(topic, messages, options = {}, producerOptions = {}) {
  const producer = kafka.producer(producerOptions);
  await producer.connect();
  try {
    return await producer.send({ topic, messages, ...options });
  } finally {
    await producer.disconnect();
  }
}

const end = async (topic, partition = 0) =>
  Number((await admin.fetchTopicOffsets(topic)).find((one) => one.partition === partition).high);

function read(topic) {
  const command = JSON.parse(process.env.READ_COMMAND ?? "null");
  if (!command) return null;
  const [program, ...rest] = command.map((word) => word.replaceAll("TOPIC", topic).replaceAll("BOOTSTRAP", bootstrap));
  return execFileSync(program, rest, { encoding: "utf8" }).trimEnd().split("\n");
}

// Apache Kafka answers an admin call before its brokers know.
async function eventually(check) {
  const end = Date.now() + 10_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }
}

const texts = (count) => Array.from({ length: count }, (_, number) => ({ value: `value ${number}`, partition: 0 }));

const cases = {
  async produces() {
    const topic = await created();
    const report = await send(topic, texts(100));
    assert.equal(report[0].errorCode, 0);
    assert.equal(report[0].baseOffset, "0");
    assert.equal(await end(topic), 100);
    const found = read(topic);
    if (found) assert.deepEqual(found, texts(100).map((message) => message.value));
  },
  async every_acks() {
    for (const acks of [1, -1]) {
      const topic = await created();
      await send(topic, texts(10), { acks });
      // What acks=1 acknowledged is seen once it is committed.
      await eventually(async () => assert.equal(await end(topic), 10));
    }
    const topic = await created();
    await send(topic, texts(10), { acks: 0 });
    await send(topic, texts(1), { acks: -1 });
    assert.ok((await end(topic)) >= 1);
  },
  async gzip() {
    const topic = await created();
    await send(topic, texts(500), { compression: CompressionTypes.GZIP });
    assert.equal(await end(topic), 500);
    const found = read(topic);
    if (found) assert.equal(found[499], "value 499");
  },
  async idempotent() {
    const topic = await created();
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (let round = 0; round < 5; round += 1) await producer.send({ topic, messages: texts(10) });
    await producer.disconnect();
    assert.equal(await end(topic), 50);
  },
  async keys_and_headers() {
    const topic = await created(3);
    await send(topic, [{ key: "k", value: "v", headers: { a: "1", many: ["2", "3"] } }, { key: "k", value: null }]);
    const offsets = await admin.fetchTopicOffsets(topic);
    assert.equal(offsets.reduce((sum, one) => sum + Number(one.high), 0), 2);
  },
  async batches_to_several_topics() {
    const first = await created();
    const second = await created();
    const producer = kafka.producer();
    await producer.connect();
    await producer.sendBatch({ topicMessages: [{ topic: first, messages: texts(3) }, { topic: second, messages: texts(4) }] });
    await producer.disconnect();
    assert.equal(await end(first), 3);
    assert.equal(await end(second), 4);
  },
  async admin_topics() {
    const topic = await created(2);
    assert.ok((await admin.listTopics()).includes(topic));
    assert.equal(await admin.createTopics({ topics: [{ topic }] }), false);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
    await eventually(async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      assert.equal(topics[0].partitions.length, 5);
    });
    await admin.deleteTopics({ topics: [topic] });
    await eventually(async () => assert.ok(!(await admin.listTopics()).includes(topic)));
  },
  async admin_refuses_what_is_wrong() {
    await assert.rejects(admin.createTopics({ topics: [{ topic: "no spaces allowed" }] }), /topic/i);
    await assert.rejects(
      admin.createTopics({ topics: [{ topic: topicName(), replicationFactor: 9 }] }),
      (error) => /replication/i.test(`${error} ${error.errors ?? ""}`),
    );
  },
  async admin_configs() {
    const topic = await created(1, [{ name: "retention.ms", value: "123456" }]);
    const describe = async () => {
      const found = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] });
      return Object.fromEntries(found.resources[0].configEntries.map((entry) => [entry.configName, entry.configValue]));
    };
    assert.equal((await describe())["retention.ms"], "123456");
    await admin.alterConfigs({
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: "segment.ms", value: "7654321" }] }],
    });
    await eventually(async () => {
      assert.equal((await describe())["segment.ms"], "7654321");
      assert.equal((await describe())["retention.ms"], "604800000");
    });
  },
  async admin_offsets_and_records() {
    const topic = await created();
    await send(topic, [1, 2, 3].map((n) => ({ value: "v", partition: 0, timestamp: String(1700000000000 + n * 1000) })));
    assert.deepEqual(
      (await admin.fetchTopicOffsetsByTimestamp(topic, 1700000001500)).map((one) => one.offset), ["1"]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "2" }] });
    assert.equal((await admin.fetchTopicOffsets(topic))[0].low, "2");
  },
  async admin_cluster() {
    const found = await admin.describeCluster();
    assert.equal(found.brokers.length, 1);
    assert.ok(found.clusterId);
    assert.notEqual(found.controller, null);
  },
};

const counts = { PASS: 0, FAIL: 0 };
await admin.connect();
for (const [name, run] of Object.entries(cases)) {
  if (!name.includes(only)) continue;
  const began = performance.now();
  let state = "PASS";
  let note = "";
  let timer;
  try {
    const limit = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("no end within 60 s")), 60_000); });
    await Promise.race([run(), limit]);
  } catch (error) {
    state = "FAIL";
    note = `${error} ${error.errors ?? ""}`.replaceAll(/\s+/g, " ").slice(0, 600);
  }
  clearTimeout(timer);
  counts[state] += 1;
  console.log(`${name.padEnd(48)} ${state.padEnd(7)} ${((performance.now() - began) / 1000).toFixed(2).padStart(7)}  ${note}`.trimEnd());
}
console.log(`${counts.PASS} passed, ${counts.FAIL} failed, 0 skipped`);
process.exit(counts.FAIL || !counts.PASS ? 1 : 0);
