//! The rounds: which foreign client, with which words, against which settings.
//!
//! Everything named here passes against Apache Kafka 4.3.1 whose APIs for groups, transactions
//! and access lists are hidden. What needs those is left out by name, and comes in with them.

use crate::brokers::Setting;

/// One foreign client's round, on a broker of its own.
pub struct Round {
    pub name: &'static str,
    /// Whether the gate runs it.
    pub bounded: bool,
    /// What the broker is started with.
    pub settings: &'static [Setting<'static>],
    pub program: Program,
    /// Whether it is always Apache Kafka that it runs against: our client is under test.
    pub on_kafka: bool,
    pub words: &'static [&'static str],
    /// The round is run once for each value of this variable.
    pub each: Option<(&'static str, &'static [&'static str])>,
    /// Tests that skip on Apache Kafka too. Any other skip is a failure at the gate.
    pub skips: &'static [&'static str],
    /// Seconds after which it is ended.
    pub limit_s: u64,
}

/// What runs a round.
#[derive(Debug, Clone, Copy)]
pub enum Program {
    /// A tool in the suites' folder.
    Suite(&'static str),
    /// A Python script of ours, and the module that it drives.
    Python { script: &'static str, module: &'static str },
    /// A Python script of ours that drives this program.
    PythonDriving { script: &'static str, program: &'static str },
    /// A Python script of ours that drives our own command line.
    CommandLine { script: &'static str },
    /// A Python script of ours that starts our broker itself, again and again.
    Process { script: &'static str },
    /// A Python script of ours that drives Apache Kafka's own tools.
    KafkaTools { script: &'static str },
    /// A script of ours for Node and kafkajs.
    Node { script: &'static str },
}

const FOUR: &[Setting<'static>] = &[("num.partitions", "4")];

const BASE: Round = Round {
    name: "",
    bounded: true,
    settings: FOUR,
    program: Program::Suite(""),
    on_kafka: false,
    words: &[],
    each: None,
    skips: &[],
    limit_s: 300,
};

/// librdkafka's core set without those that join a group (0020 0022 0040 0042 0060 0064 0083 0084
/// 0125 0127) or begin a transaction (0055).
const LIBRDKAFKA_CORE: &str = "0001-0003,0005,0007,0008,0011-0013,0015,0017,0021,0031,0034-0036,0038,\
0039,0041,0044,0048,0053,0054,0057,0059,0063,0065,0070,0073,0085,0086,0110,0112,0114,0123";

/// The same with every producer idempotent.
const LIBRDKAFKA_IDEMPOTENT: &str = "0001P,0002P,0003P,0005P,0008P,0011P,0012P,0013P,0017P,0036P,\
0038P,0039P,0044P,0048P,0070P,0073P,0086P,0112P,0114P";

/// franz-go's core set without TestIssue1034, TestConsumeRegex and TestIssue523, which use groups.
const KGO_CORE: &str = "TestPing|TestUnknownGroupOffsetFetchPinned|TestClient_Produce|TestIssue769|\
TestIssue831|TestClient_ProduceLargeMessages|TestIssueProduceBrokerTooOldFailsRecords|\
TestIssueProduceSyncManualPartitionNegativeDoesNotPanic|TestConsumeTopicRetrieval|\
TestConsumeTopicRetrieval_Many|TestIssue325|TestIssue337|TestIssue434|TestIssue648|TestIssue810|\
TestIssue865|TestIssueFetchLargerThanBrokerMaxReadBytes|TestConsumeMaxDecompressBatchBytes|\
TestDirectPartitionPurge|TestAddRemovePartitions|TestPauseIssue489|TestPauseIssueOct2023|\
TestPooling|TestHookPollStart";

/// rdkafka's tests without those that join or commit to a group, or begin a transaction;
/// test_base_producer_timeout wants a new topic to take longer than 100 ms.
const RDKAFKA: &str = "rdkafka::(test_admin::test_(configs|delete_records|event_errors|topics)|\
test_high_consumers::test_(consume_partition_order|invalid_max_poll_interval|\
produce_consume_base_(assign|incremental_assign_and_unassign|unassign))|test_high_producers::test_|\
test_low_consumers::test_(consume_partition_order|invalid_consumer_position|\
produce_consume_message_queue_nonempty_callback)|\
test_low_producers::test_(base_producer_(headers|opaque_arc|queue_full)|custom_partitioner|\
fatal_errors|register_custom|threaded_producer_send)|test_metadata::test_(client_config|metadata)|\
test_topic_partition_list::)";

/// rskafka's tests without those that read through rdkafka's groups, want SASL, or want a Java
/// client.
const RSKAFKA: &str = "rskafka::(client::test_(client_|consume_|delete_|get_|non_|partition_|plain|\
produce_|topic_)|consumer::|producer::|\
produce_consume::test_produce_(rdkafka|rskafka)_consume_rskafka_)";

/// All rounds, the quickest first.
pub const ROUNDS: &[Round] = &[
    Round { name: "process", program: Program::Process { script: "round_process.py" }, ..BASE },
    Round {
        name: "headwater-cli",
        program: Program::CommandLine { script: "round_cli.py" },
        ..BASE
    },
    Round {
        name: "headwater-cli-on-kafka",
        program: Program::CommandLine { script: "round_cli.py" },
        on_kafka: true,
        ..BASE
    },
    Round {
        name: "kcat",
        program: Program::PythonDriving { script: "round_kcat.py", program: "kcat" },
        ..BASE
    },
    Round {
        name: "kafka-python",
        program: Program::Python { script: "round_kafka_python.py", module: "kafka" },
        ..BASE
    },
    Round {
        name: "aiokafka",
        program: Program::Python { script: "round_aiokafka.py", module: "aiokafka" },
        ..BASE
    },
    Round {
        name: "confluent-kafka",
        program: Program::Python { script: "round_confluent.py", module: "confluent_kafka" },
        ..BASE
    },
    Round { name: "kafkajs", program: Program::Node { script: "round_kafkajs.mjs" }, ..BASE },
    Round {
        name: "kafka-tools",
        program: Program::KafkaTools { script: "round_java_tools.py" },
        ..BASE
    },
    Round {
        name: "franz-go",
        program: Program::Suite("kgo-suite"),
        words: &["run", "--bootstrap", "{bootstrap}", "--run", KGO_CORE, "--log", "{scratch}"],
        skips: &["TestIssueProduceBrokerTooOldFailsRecords"],
        ..BASE
    },
    Round {
        name: "librdkafka-core",
        program: Program::Suite("librdkafka-suite"),
        words: &[
            "run",
            "--bootstrap",
            "{bootstrap}",
            "--set",
            LIBRDKAFKA_CORE,
            "--parallel",
            "3",
            "--limit",
            "200",
            "--out",
            "{scratch}",
        ],
        limit_s: 600,
        ..BASE
    },
    Round {
        name: "librdkafka-idempotent",
        program: Program::Suite("librdkafka-suite"),
        words: &[
            "run",
            "--bootstrap",
            "{bootstrap}",
            "--set",
            LIBRDKAFKA_IDEMPOTENT,
            "--parallel",
            "3",
            "--limit",
            "200",
            "--out",
            "{scratch}",
        ],
        limit_s: 600,
        ..BASE
    },
    Round {
        name: "librdkafka-faults",
        program: Program::Suite("librdkafka-suite"),
        words: &[
            "run",
            "--bootstrap",
            "{bootstrap}",
            "--set",
            "0068,0075,0088",
            "--parallel",
            "3",
            "--limit",
            "200",
            "--out",
            "{scratch}",
        ],
        ..BASE
    },
    Round {
        name: "librdkafka-admin",
        program: Program::Suite("librdkafka-suite"),
        words: &[
            "run",
            "--bootstrap",
            "{bootstrap}",
            "--set",
            "0081",
            "--limit",
            "200",
            "--out",
            "{scratch}",
        ],
        each: Some((
            "SUBTESTS",
            &[
                "do_test_unclean_destroy",
                "do_test_CreateTopics",
                "do_test_DeleteTopics",
                "do_test_CreatePartitions",
                "do_test_AlterConfigs",
                "do_test_IncrementalAlterConfigs",
                "do_test_DescribeConfigs",
                "do_test_DeleteRecords",
                "do_test_DescribeTopics",
                "do_test_DescribeCluster",
                "do_test_ListOffsets",
            ],
        )),
        limit_s: 200,
        ..BASE
    },
    Round {
        name: "rust-rdkafka",
        settings: &[("num.partitions", "3"), ("node.id", "0")],
        program: Program::Suite("rust-clients-suite"),
        words: &[
            "run",
            "--which",
            "rdkafka",
            "--run",
            RDKAFKA,
            "--bootstrap",
            "{bootstrap}",
            "--log",
            "{scratch}",
        ],
        ..BASE
    },
    Round {
        name: "rskafka",
        settings: &[("num.partitions", "1"), ("auto.create.topics.enable", "false")],
        program: Program::Suite("rust-clients-suite"),
        words: &[
            "run",
            "--which",
            "rskafka",
            "--run",
            RSKAFKA,
            "--bootstrap",
            "{bootstrap}",
            "--log",
            "{scratch}",
        ],
        ..BASE
    },
];
