//! `headwater log adopt`.
//!
//! What is adopted is copied aside first, recovered there, takes its name, and is made known last: a
//! crash before that leaves folders that the broker keeps and lists as strays.

mod execute;
mod metadata;
mod plan;

use self::metadata::Metadata;
use self::plan::{How, TopicPlan};
use super::offline::{self, Offline};
use super::progress::{Progress, shown_bytes};
use crate::arguments::Format;
use crate::commands::config::parse_pair;
use crate::exit::{Failure, Failures};
use crate::output::{print, printable};
use clap::Args;
use headwater_controller::storage::METADATA_TOPIC;
use headwater_log::check::{FolderIdentity, RepairStep, folder_identity};
use headwater_log::{Disk, LockError, LockGuard};
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Takes partitions into a broker's log folder.
///
/// SOURCE is a partition's folder, several of one topic, or a whole log folder that Apache Kafka
/// wrote (also one that crashed), or a partition that was moved aside. The folders are copied; the
/// topic keeps its id. Without --execute it only says what it would do. The broker must be stopped.
#[derive(Debug, Args)]
pub struct Adopt {
    /// Folders of partitions, or log folders
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,

    /// The broker's log folder that they go into
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// The log folder that holds the metadata, where it is another one (metadata.log.dir)
    #[arg(long, value_name = "DIR")]
    metadata_dir: Option<PathBuf>,

    /// Only these topics; by default all but those of the brokers themselves
    #[arg(long, value_name = "NAME")]
    topic: Vec<String>,

    /// A config for the topics, which their folders do not hold; may be given several times
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = parse_pair)]
    config: Vec<(String, String)>,

    /// Make partitions that are missing in between, empty
    #[arg(long)]
    fill_missing: bool,

    /// Do it
    #[arg(long)]
    execute: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    executed: bool,
    topics: Vec<TopicRow>,
}

#[derive(Debug, Serialize)]
struct TopicRow {
    name: String,
    id: String,
    /// The folders do not say the id: it is a new one.
    new_id: bool,
    partitions: Vec<Row>,
    /// Partitions that are made empty.
    empty: Vec<i32>,
    refused: Vec<String>,
    adopted: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    partition: i32,
    source: String,
    how: &'static str,
    bytes: u64,
    start_offset: i64,
    end_offset: i64,
    steps: Vec<String>,
}

impl Row {
    fn offsets(&self) -> String {
        match self.end_offset - self.start_offset {
            0 => "no records".to_owned(),
            _ => format!("offsets {}..{}", self.start_offset, self.end_offset - 1),
        }
    }
}

/// Where the topics go.
struct Place {
    disk: Arc<dyn Disk>,
    data: PathBuf,
    metadata: PathBuf,
    identity: FolderIdentity,
}

impl Adopt {
    pub fn run(self, format: Format) -> Result<(), Failures> {
        let place = self.place()?;
        let mut topics = plan::find(&*place.disk, &self.sources, &self.topic)?;
        if topics.is_empty() {
            return Err(Failure::failed("there is no partition to adopt").into());
        }
        for topic in &mut topics {
            topic.config.clone_from(&self.config);
            topic.look(&place, self.fill_missing)?;
        }
        let mut offline = None;
        let mut _locks = Vec::new();
        if self.execute {
            offline = Some(Offline::open(&place.disk, &place.data)?);
        } else {
            _locks.push(lock(&*place.disk, &place.data)?);
        }
        if place.metadata != place.data {
            _locks.push(lock(&*place.disk, &place.metadata)?);
        }
        let mut outcome = check_metadata(&place, &mut topics);
        let refused = topics.iter().any(|topic| !topic.refused.is_empty());
        if let Some(mut offline) = offline {
            if !refused && outcome.is_ok() {
                outcome = execute::execute(&place, &mut offline, &mut topics);
            }
            // Also where nothing came of it, the folder is left as it was found.
            offline.close()?;
        }
        let topics = topics.iter().map(TopicRow::from).collect();
        let executed = self.execute && !refused && outcome.is_ok();
        print(format, &Document { executed, topics }, table)?;
        outcome?;
        match refused {
            true => Err(Failure::failed("nothing was adopted").into()),
            false => Ok(()),
        }
    }

    /// Sees that a broker has run where the topics shall go.
    fn place(&self) -> Result<Place, Failure> {
        let disk = offline::disk()?;
        let never = |what: String| {
            Failure::failed(what).with_remedy(
                "start the broker on it once and stop it; where metadata.log.dir is another \
                 folder, give --metadata-dir",
            )
        };
        let data = self.data.clone();
        let identity = folder_identity(&*disk, &data).map_err(Failure::failed)?;
        let identity = identity
            .ok_or_else(|| never(format!("{}: no broker has ever run on it", data.display())))?;
        let metadata = self.metadata_dir.clone().unwrap_or_else(|| data.clone());
        let folder = metadata.join(format!("{METADATA_TOPIC}-0"));
        let entries = disk.list(&folder).unwrap_or_default();
        if entries.iter().any(|entry| entry.name == "quorum-state") {
            let text = format!("{} is Apache Kafka's own controller's", folder.display());
            return Err(Failure::failed(text));
        }
        if !entries.iter().any(|entry| entry.name.ends_with(".log")) {
            return Err(never(format!("{} holds no metadata", metadata.display())));
        }
        Ok(Place { disk, data, metadata, identity })
    }
}

/// Keeps brokers out of a folder.
fn lock(disk: &dyn Disk, folder: &Path) -> Result<Box<dyn LockGuard>, Failure> {
    disk.lock(&folder.join(".lock")).map_err(|error| match error {
        LockError::Held { .. } => {
            let text = format!("the log folder {} is in use by a broker", folder.display());
            Failure::failed(text).with_remedy("stop the broker first")
        }
        error => Failure::failed(error),
    })
}

/// Asks the metadata, on a copy that is thrown away, whether it would take the topics.
fn check_metadata(place: &Place, topics: &mut [TopicPlan]) -> Result<(), Failure> {
    let copy = tempfile::tempdir()
        .map_err(|error| Failure::failed(format!("no temporary folder: {error}")))?;
    let name = format!("{METADATA_TOPIC}-0");
    let (from, to) = (place.metadata.join(&name), copy.path().join(&name));
    headwater_log::check::copy_partition(&*place.disk, &from, &to, &mut |_| {})
        .map_err(Failure::failed)?;
    let metadata = Metadata::start(&place.disk, copy.path(), &place.identity)?;
    for topic in topics.iter_mut().filter(|topic| topic.refused.is_empty()) {
        // One after the other: two of them may collide.
        if let Err(error) = metadata.adopt(topic, &place.identity) {
            topic.refused.push(error.to_string());
        }
    }
    metadata.stop()
}

impl From<&TopicPlan> for TopicRow {
    fn from(topic: &TopicPlan) -> Self {
        Self {
            name: topic.name.clone(),
            id: topic.id.to_string(),
            new_id: topic.new_id,
            partitions: topic
                .partitions
                .values()
                .map(|partition| Row {
                    partition: partition.source.partition.0,
                    source: partition.source.folder.display().to_string(),
                    how: match partition.how {
                        How::Copy => "copy",
                        How::Rename => "rename",
                        How::InPlace => "in-place",
                    },
                    bytes: partition.bytes,
                    start_offset: partition.start,
                    end_offset: partition.end,
                    steps: partition.steps.iter().map(RepairStep::to_string).collect(),
                })
                .collect(),
            empty: topic.missing.clone(),
            refused: topic.refused.clone(),
            adopted: topic.adopted,
        }
    }
}

fn table(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    for topic in &document.topics {
        let new = if topic.new_id { " (a new one: the folders say none)" } else { "" };
        writeln!(out, "topic {}, id {}{new}", printable(&topic.name), topic.id)?;
        for row in &topic.partitions {
            writeln!(
                out,
                "  partition {}: {} {}, {}, {}",
                row.partition,
                row.how,
                printable(&row.source),
                row.offsets(),
                shown_bytes(row.bytes)
            )?;
            for step in &row.steps {
                writeln!(out, "    {}", printable(step))?;
            }
        }
        for empty in &topic.empty {
            writeln!(out, "  partition {empty}: is missing, and made empty")?;
        }
        for refused in &topic.refused {
            writeln!(out, "  refused: {}", printable(refused))?;
        }
    }
    let refused = document.topics.iter().any(|topic| !topic.refused.is_empty());
    if document.executed {
        writeln!(out, "adopted; start the broker")
    } else if !refused {
        writeln!(
            out,
            "Configs are not in the folders: unless --config says otherwise the defaults hold, \
             retention.ms among them.\nnothing was done; --execute does it"
        )
    } else {
        Ok(())
    }
}

/// A bar for copying.
fn copying(topics: &[TopicPlan]) -> Progress {
    let partitions = topics.iter().flat_map(|topic| topic.partitions.values());
    Progress::new("adopting", partitions.map(|partition| partition.bytes * 3).sum())
}
