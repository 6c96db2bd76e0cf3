//! `headwater cluster describe`.

use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{JsonError, Table, print};
use clap::Args;
use headwater_client::AdminClient;
use headwater_client::core::BrokerVersions;
use headwater_client::core::admin::{
    BrokerDescription, ClusterDescription, DescribeCluster, DescribeLogDirs, LogDirDescription,
};
use headwater_types::BrokerId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Describes the cluster.
#[derive(Debug, Args)]
pub struct Describe {
    /// Also brokers that the controller keeps clients away from
    #[arg(long)]
    fenced: bool,

    /// Also the brokers' log folders with their space
    #[arg(long)]
    log_dirs: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    cluster_id: Option<String>,
    controller: Option<i32>,
    brokers: Vec<Broker>,
    features: Vec<Feature>,
}

#[derive(Debug, Serialize)]
struct Broker {
    id: i32,
    host: String,
    port: i32,
    rack: Option<String>,
    fenced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_dirs: Option<Vec<LogDir>>,
}

#[derive(Debug, Serialize)]
struct LogDir {
    path: String,
    total_bytes: Option<i64>,
    usable_bytes: Option<i64>,
    replicas: usize,
    replica_bytes: i64,
    error: Option<JsonError>,
}

#[derive(Debug, Serialize)]
struct Feature {
    name: String,
    /// The level in force; null where none is finalised.
    level: Option<i16>,
    min_supported: Option<i16>,
    max_supported: Option<i16>,
}

impl Describe {
    pub async fn run(self, admin: &AdminClient, format: Format) -> Result<(), Failures> {
        let call = DescribeCluster { include_fenced: self.fenced };
        let cluster = admin.describe_cluster(call).await?;
        let versions = admin.broker_versions().await?;
        let mut failures = Vec::new();
        let mut report = report(&cluster, &versions);
        if self.log_dirs {
            add_log_dirs(admin, &mut report, &mut failures).await;
        }
        print(format, &report, table)?;
        Failures::check(failures)
    }
}

fn report(cluster: &ClusterDescription, versions: &BrokerVersions) -> Report {
    Report {
        cluster_id: cluster.cluster_id.clone(),
        controller: cluster.controller.map(|broker| broker.0),
        brokers: cluster.brokers.iter().map(broker).collect(),
        features: features(versions),
    }
}

fn broker(broker: &BrokerDescription) -> Broker {
    Broker {
        id: broker.id.0,
        host: broker.host.clone(),
        port: broker.port,
        rack: broker.rack.clone(),
        fenced: broker.fenced,
        log_dirs: None,
    }
}

fn features(versions: &BrokerVersions) -> Vec<Feature> {
    let mut features: BTreeMap<&str, Feature> = BTreeMap::new();
    fn entry<'a, 'b>(
        features: &'a mut BTreeMap<&'b str, Feature>,
        name: &'b str,
    ) -> &'a mut Feature {
        features.entry(name).or_insert_with(|| Feature {
            name: name.to_owned(),
            level: None,
            min_supported: None,
            max_supported: None,
        })
    }
    for feature in versions.supported_features() {
        let entry = entry(&mut features, &feature.name);
        entry.min_supported = Some(feature.min);
        entry.max_supported = Some(feature.max);
    }
    for feature in versions.finalized_features().0 {
        entry(&mut features, &feature.name).level = Some(feature.max);
    }
    features.into_values().collect()
}

async fn add_log_dirs(admin: &AdminClient, report: &mut Report, failures: &mut Vec<Failure>) {
    // A fenced broker takes no requests of clients.
    let reachable = report.brokers.iter().filter(|broker| !broker.fenced);
    let call = DescribeLogDirs { brokers: reachable.map(|broker| BrokerId(broker.id)).collect() };
    for (id, outcome) in admin.describe_log_dirs(call).await {
        match outcome {
            Ok(folders) => {
                if let Some(broker) = report.brokers.iter_mut().find(|broker| broker.id == id.0) {
                    broker.log_dirs = Some(folders.iter().map(log_dir).collect());
                }
            }
            Err(error) => failures.push(error.into()),
        }
    }
}

fn log_dir(folder: &LogDirDescription) -> LogDir {
    let sizes = folder.replicas.values().map(|replica| replica.size_bytes);
    LogDir {
        path: folder.path.clone(),
        total_bytes: folder.total_bytes,
        usable_bytes: folder.usable_bytes,
        replicas: folder.replicas.len(),
        replica_bytes: sizes.sum(),
        error: folder.error.clone().map(|refusal| JsonError::from(&refusal.into())),
    }
}

fn table(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    writeln!(out, "cluster     {}", text(report.cluster_id.clone()))?;
    writeln!(out, "controller  {}\n", text(report.controller.map(|id| id.to_string())))?;
    let mut brokers = Table::new([">BROKER", "HOST", ">PORT", "RACK", "STATE"]);
    for broker in &report.brokers {
        brokers.row([
            broker.id.to_string(),
            broker.host.clone(),
            broker.port.to_string(),
            broker.rack.clone().unwrap_or_default(),
            if broker.fenced { "fenced" } else { "active" }.to_owned(),
        ]);
    }
    brokers.write(out)?;
    if report.brokers.iter().any(|broker| broker.log_dirs.is_some()) {
        writeln!(out)?;
        log_dirs(report).write(out)?;
    }
    if !report.features.is_empty() {
        writeln!(out)?;
        features_table(report).write(out)?;
    }
    Ok(())
}

fn log_dirs(report: &Report) -> Table {
    let number = |number: Option<i64>| number.map(|bytes| bytes.to_string()).unwrap_or_default();
    let mut table = Table::new([
        ">BROKER",
        "LOG-DIR",
        ">REPLICAS",
        ">REPLICA-BYTES",
        ">USABLE-BYTES",
        ">TOTAL-BYTES",
        "ERROR",
    ]);
    for broker in &report.brokers {
        for folder in broker.log_dirs.iter().flatten() {
            table.row([
                broker.id.to_string(),
                folder.path.clone(),
                folder.replicas.to_string(),
                folder.replica_bytes.to_string(),
                number(folder.usable_bytes),
                number(folder.total_bytes),
                folder.error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
            ]);
        }
    }
    table
}

fn features_table(report: &Report) -> Table {
    let number = |level: Option<i16>| level.map(|level| level.to_string()).unwrap_or_default();
    let mut table = Table::new(["FEATURE", ">LEVEL", ">MIN", ">MAX"]);
    for feature in &report.features {
        table.row([
            feature.name.clone(),
            number(feature.level),
            number(feature.min_supported),
            number(feature.max_supported),
        ]);
    }
    table
}
