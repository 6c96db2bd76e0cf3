//! Metrics in Prometheus' text format, under the names that dashboards for Kafka use: those of the
//! JMX beans in the spelling of the usual exporter.

use crate::shared::Shared;
use headwater_node::PartitionStatus;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// Partitions whose own figures are listed; a broker with more lists topics only.
const LISTED_PARTITIONS_MAX: usize = 20_000;

/// What has been counted for one topic since the broker started.
#[derive(Clone, Copy, Default)]
struct TopicSums {
    messages_in: u64,
    bytes_in: u64,
    bytes_out: u64,
    produce_requests: u64,
    fetch_requests: u64,
    failed_produce: u64,
    failed_fetch: u64,
}

impl TopicSums {
    fn add(&mut self, status: &PartitionStatus) {
        let counters = &status.counters;
        self.messages_in += counters.messages_in;
        self.bytes_in += counters.bytes_in;
        self.bytes_out += counters.bytes_out;
        self.produce_requests += counters.produce_requests;
        self.fetch_requests += counters.fetch_requests;
        self.failed_produce += counters.failed_produce;
        self.failed_fetch += counters.failed_fetch;
    }

    fn figures(&self) -> [(&'static str, u64); 7] {
        [
            ("kafka_server_brokertopicmetrics_messagesin_total", self.messages_in),
            ("kafka_server_brokertopicmetrics_bytesin_total", self.bytes_in),
            ("kafka_server_brokertopicmetrics_bytesout_total", self.bytes_out),
            ("kafka_server_brokertopicmetrics_totalproducerequests_total", self.produce_requests),
            ("kafka_server_brokertopicmetrics_totalfetchrequests_total", self.fetch_requests),
            ("kafka_server_brokertopicmetrics_failedproducerequests_total", self.failed_produce),
            ("kafka_server_brokertopicmetrics_failedfetchrequests_total", self.failed_fetch),
        ]
    }
}

/// All metrics as they stand.
pub(crate) fn render(shared: &Shared) -> String {
    let view = shared.node.view();
    let statuses: Vec<_> = view
        .partitions
        .values()
        .map(|partition| (partition.name().clone(), partition.id().partition, partition.status()))
        .collect();
    let mut page = Page::default();
    topics(&mut page, &statuses);
    partitions(&mut page, &statuses);
    cluster(&mut page, shared, &statuses);
    requests(&mut page, shared);
    process(&mut page, shared);
    page.text
}

type Statuses = [(std::sync::Arc<str>, headwater_types::PartitionIndex, PartitionStatus)];

fn topics(page: &mut Page, statuses: &Statuses) {
    let mut all = TopicSums::default();
    let mut by_topic: BTreeMap<&str, TopicSums> = BTreeMap::new();
    for (topic, _, status) in statuses {
        all.add(status);
        by_topic.entry(topic).or_default().add(status);
    }
    for (index, (name, total)) in all.figures().into_iter().enumerate() {
        page.head(name, "counter");
        page.line(name, &[], total);
        for (topic, sums) in &by_topic {
            if let Some((_, value)) = sums.figures().get(index) {
                page.line(name, &[("topic", topic)], *value);
            }
        }
    }
}

/// One figure of a partition, where it is known.
type Figure = fn(&PartitionStatus) -> Option<i64>;

fn partitions(page: &mut Page, statuses: &Statuses) {
    if statuses.len() > LISTED_PARTITIONS_MAX {
        return;
    }
    let figures: [(&str, Figure); 4] = [
        ("kafka_log_log_size", |status| i64::try_from(status.size_bytes?).ok()),
        ("kafka_log_log_numlogsegments", |status| i64::try_from(status.segments?).ok()),
        ("kafka_log_log_logstartoffset", |status| Some(status.ends?.log_start.0)),
        ("kafka_log_log_logendoffset", |status| Some(status.ends?.log_end.0)),
    ];
    for (name, figure) in figures {
        page.head(name, "gauge");
        for (topic, partition, status) in statuses {
            if let Some(value) = figure(status) {
                let partition = partition.to_string();
                page.line(name, &[("topic", topic), ("partition", &partition)], value);
            }
        }
    }
}

fn cluster(page: &mut Page, shared: &Shared, statuses: &Statuses) {
    let view = shared.node.view();
    let leaders = statuses.iter().filter(|(_, _, status)| status.is_leader).count();
    let damaged = statuses.iter().filter(|(_, _, status)| status.is_damaged).count();
    let offline = statuses.iter().filter(|(_, _, status)| status.is_offline).count();
    let under_replicated = view
        .image
        .topics()
        .flat_map(|topic| topic.partitions().map(|(_, partition)| partition.clone()))
        .filter(|partition| partition.isr.len() < partition.replicas.len())
        .count();
    let leaderless = view
        .image
        .topics()
        .flat_map(|topic| topic.partitions().map(|(_, partition)| partition.leader))
        .filter(Option::is_none)
        .count();
    let quorum = shared.node.quorum();
    let is_controller = quorum.leader == Some(shared.node.me());
    let (sessions, session_partitions) = shared.node.fetch_sessions();
    for (name, value) in [
        ("kafka_server_replicamanager_partitioncount", statuses.len()),
        ("kafka_server_replicamanager_leadercount", leaders),
        ("kafka_server_replicamanager_offlinereplicacount", offline),
        ("headwater_log_damaged_partitions", damaged),
        ("kafka_server_replicamanager_underreplicatedpartitions", under_replicated),
        ("kafka_controller_kafkacontroller_activecontrollercount", usize::from(is_controller)),
        ("kafka_controller_kafkacontroller_offlinepartitionscount", leaderless),
        ("kafka_controller_kafkacontroller_globaltopiccount", view.image.topic_count()),
        ("kafka_controller_kafkacontroller_globalpartitioncount", view.image.partition_count()),
        ("kafka_controller_kafkacontroller_activebrokercount", view.image.broker_count()),
        ("kafka_server_fetchsessioncache_numincrementalfetchsessions", sessions),
        ("kafka_server_fetchsessioncache_numincrementalfetchpartitionscached", session_partitions),
    ] {
        page.head(name, "gauge");
        page.line(name, &[], value);
    }
    let name = "headwater_log_scrubbed_bytes_total";
    page.head(name, "counter");
    page.line(name, &[], shared.node.scrubbed_bytes());
    let name = "kafka_log_logmanager_offlinelogdirectorycount";
    let failed = shared.node.folders().iter().filter(|folder| folder.has_failed()).count();
    page.head(name, "gauge");
    page.line(name, &[], failed);
}

fn requests(page: &mut Page, shared: &Shared) {
    let name = "kafka_network_requestmetrics_requests_total";
    page.head(name, "counter");
    for (api, count) in shared.node.request_counts() {
        page.line(name, &[("request", api)], count);
    }
    let name = "kafka_server_socketservermetrics_connection_count";
    page.head(name, "gauge");
    for (worker, load) in shared.loads.iter().enumerate() {
        let worker = worker.to_string();
        page.line(name, &[("networkprocessor", &worker)], load.load(Ordering::Relaxed));
    }
}

fn process(page: &mut Page, shared: &Shared) {
    let name = "kafka_server_kafkaserver_brokerstate";
    page.head(name, "gauge");
    // Kafka's number of a broker that serves.
    page.line(name, &[], 3);
    let name = "process_uptime_seconds";
    page.head(name, "gauge");
    page.line(name, &[], shared.clock.monotonic_ms() / 1000);
    let name = "headwater_build_info";
    page.head(name, "gauge");
    page.line(name, &[("version", env!("CARGO_PKG_VERSION"))], 1);
}

/// A page of the text format in the making.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.text.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_of_the_text_format() {
        let mut page = Page::default();
        page.head("a", "gauge");
        page.line("a", &[], 1);
        page.line("a", &[("topic", "x\"y"), ("partition", "0")], 2.5);
        assert_eq!(page.text, "# TYPE a gauge\na 1\na{topic=\"x\\\"y\",partition=\"0\"} 2.5\n");
    }
}
