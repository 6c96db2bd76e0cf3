//! `headwater topic describe`.

use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{JsonError, Table, joined, print, printable};
use clap::Args;
use headwater_client::AdminClient;
use headwater_client::core::admin::{
    ConfigResource, ConfigSource, DescribeConfigs, ListOffsets, OffsetSpec, PartitionDescription,
    PartitionKey, TopicDescription,
};
use headwater_types::BrokerId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Describes topics.
#[derive(Debug, Args)]
pub struct Describe {
    /// The topics' names; by default every topic that is not internal
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,

    /// Only partitions with fewer replicas in sync than they have
    #[arg(long)]
    under_replicated: bool,

    /// Only partitions without a leader
    #[arg(long)]
    unavailable: bool,

    /// Also where each partition's log begins and ends
    #[arg(long)]
    offsets: bool,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    topics: Vec<Topic>,
}

#[derive(Debug, Default, Serialize)]
struct Topic {
    name: String,
    id: Option<String>,
    internal: bool,
    /// Configs that were set on the topic itself.
    configs: BTreeMap<String, Option<String>>,
    partitions: Vec<Partition>,
    error: Option<JsonError>,
}

#[derive(Debug, Serialize)]
struct Partition {
    partition: i32,
    leader: Option<i32>,
    leader_epoch: Option<i32>,
    replicas: Vec<i32>,
    isr: Vec<i32>,
    /// Eligible leader replicas; null where the broker does not say.
    elr: Option<Vec<i32>>,
    last_known_elr: Option<Vec<i32>>,
    offline_replicas: Vec<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offsets: Option<Offsets>,
}

#[derive(Debug, Default, Serialize)]
struct Offsets {
    earliest: Option<i64>,
    latest: Option<i64>,
}

impl Describe {
    pub async fn run(self, admin: &AdminClient, format: Format) -> Result<(), Failures> {
        let topics = if self.topics.is_empty() {
            let all = admin.list_topics().await?;
            all.into_iter().filter(|topic| !topic.internal).map(|topic| topic.name).collect()
        } else {
            self.topics.clone()
        };
        let mut failures = Vec::new();
        let mut report = Report::default();
        for (name, outcome) in admin.describe_topics(topics).await {
            match outcome {
                Ok(topic) => report.topics.push(self.described(&topic)),
                Err(error) => {
                    let error_row = Some(JsonError::from(&error));
                    report.topics.push(Topic { name, error: error_row, ..Default::default() });
                    failures.push(Failure::from(error));
                }
            }
        }
        let filtered = self.under_replicated || self.unavailable;
        if filtered {
            report.topics.retain(|topic| topic.error.is_some() || !topic.partitions.is_empty());
        }
        add_configs(admin, &mut report, &mut failures).await;
        if self.offsets {
            add_offsets(admin, &mut report, &mut failures).await;
        }
        print(format, &report, |report, out| {
            report.topics.iter().try_for_each(|topic| table(topic, self.offsets, out))
        })?;
        Failures::check(failures)
    }

    fn described(&self, topic: &TopicDescription) -> Topic {
        let wanted = |partition: &&PartitionDescription| {
            let under_replicated = partition.in_sync.len() < partition.replicas.len();
            (!self.under_replicated || under_replicated)
                && (!self.unavailable || partition.leader.is_none())
        };
        Topic {
            name: topic.name.clone(),
            id: (!topic.id.is_zero()).then(|| topic.id.to_string()),
            internal: topic.internal,
            partitions: topic.partitions.iter().filter(wanted).map(partition).collect(),
            ..Default::default()
        }
    }
}

fn partition(partition: &PartitionDescription) -> Partition {
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect();
    Partition {
        partition: partition.index,
        leader: partition.leader.map(|broker| broker.0),
        leader_epoch: partition.leader_epoch.map(|epoch| epoch.0),
        replicas: ids(&partition.replicas),
        isr: ids(&partition.in_sync),
        elr: partition.eligible.as_deref().map(ids),
        last_known_elr: partition.last_known_eligible.as_deref().map(ids),
        offline_replicas: ids(&partition.offline),
        offsets: None,
    }
}

async fn add_configs(admin: &AdminClient, report: &mut Report, failures: &mut Vec<Failure>) {
    let there = report.topics.iter().filter(|topic| topic.error.is_none());
    let resources: BTreeMap<_, _> =
        there.map(|topic| (ConfigResource::topic(topic.name.as_str()), None)).collect();
    if resources.is_empty() {
        return;
    }
    let call = DescribeConfigs { resources, ..Default::default() };
    for (resource, outcome) in admin.describe_configs(call).await {
        match outcome {
            Ok(entries) => {
                let topic = report.topics.iter_mut().find(|topic| topic.name == resource.name);
                let set = entries
                    .into_iter()
                    .filter(|entry| entry.source == ConfigSource::DynamicTopic)
                    .map(|entry| (entry.name, entry.value));
                if let Some(topic) = topic {
                    topic.configs = set.collect();
                }
            }
            Err(error) => failures.push(error.into()),
        }
    }
}

async fn add_offsets(admin: &AdminClient, report: &mut Report, failures: &mut Vec<Failure>) {
    for spec in [OffsetSpec::Earliest, OffsetSpec::Latest] {
        let with_leader = report.topics.iter().flat_map(|topic| {
            let led = topic.partitions.iter().filter(|partition| partition.leader.is_some());
            led.map(|partition| PartitionKey::new(topic.name.as_str(), partition.partition))
        });
        let partitions: BTreeMap<_, _> = with_leader.map(|key| (key, spec)).collect();
        let call = ListOffsets { partitions, ..Default::default() };
        for (key, outcome) in admin.list_offsets(call).await {
            let listed = match outcome {
                Ok(listed) => listed,
                Err(error) => {
                    failures.push(error.into());
                    continue;
                }
            };
            let topic = report.topics.iter_mut().find(|topic| topic.name == key.topic);
            let partition = topic.and_then(|topic| {
                topic.partitions.iter_mut().find(|each| each.partition == key.partition)
            });
            if let Some(partition) = partition {
                let offsets = partition.offsets.get_or_insert_default();
                match spec {
                    OffsetSpec::Earliest => offsets.earliest = listed.offset,
                    _ => offsets.latest = listed.offset,
                }
            }
        }
    }
}

fn table(topic: &Topic, offsets: bool, out: &mut dyn Write) -> io::Result<()> {
    // What went wrong stands on standard error.
    if topic.error.is_some() {
        return Ok(());
    }
    let internal = if topic.internal { "  (internal)" } else { "" };
    writeln!(out, "{}{internal}", topic.name)?;
    if let Some(id) = &topic.id {
        writeln!(out, "  id       {id}")?;
    }
    let configs = topic.configs.iter().map(|(name, value)| match value {
        Some(value) => format!("{name}={}", printable(value)),
        None => format!("{name} (hidden)"),
    });
    for (at, config) in configs.enumerate() {
        writeln!(out, "  {}{config}", if at == 0 { "configs  " } else { "         " })?;
    }
    let mut headings =
        vec![">PARTITION", ">LEADER", ">EPOCH", "REPLICAS", "ISR", "ELR", "LAST-ELR", "OFFLINE"];
    if offsets {
        headings.extend([">EARLIEST", ">LATEST"]);
    }
    let mut table = Table::new(headings).indented(2);
    for partition in &topic.partitions {
        table.row(row(partition, offsets));
    }
    table.write(out)?;
    writeln!(out)
}

fn row(partition: &Partition, offsets: bool) -> Vec<String> {
    let known = |list: &Option<Vec<i32>>| list.as_ref().map(joined_ids).unwrap_or_default();
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut cells = vec![
        partition.partition.to_string(),
        partition.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string()),
        number(partition.leader_epoch.map(i64::from)),
        joined_ids(&partition.replicas),
        joined_ids(&partition.isr),
        known(&partition.elr),
        known(&partition.last_known_elr),
        joined_ids(&partition.offline_replicas),
    ];
    if offsets {
        let offsets = partition.offsets.as_ref();
        cells.push(number(offsets.and_then(|offsets| offsets.earliest)));
        cells.push(number(offsets.and_then(|offsets| offsets.latest)));
    }
    cells
}

fn joined_ids(ids: &Vec<i32>) -> String {
    joined(ids)
}
