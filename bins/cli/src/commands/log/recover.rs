//! `headwater log recover`.

use super::offline::{self, Offline, Recovered, Target};
use super::progress::shown_bytes;
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{Table, print};
use clap::Args;
use headwater_controller::storage::{METADATA_TOPIC, METADATA_TOPIC_ID};
use headwater_log::check::{Severity, plan_repair};
use headwater_log::{Disk, FoundPartition, LogIdentity};
use headwater_types::PartitionIndex;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Does what an unclean start would do, without a broker.
///
/// Torn tails are cut, indexes, snapshots and epochs are made anew, and the folder is left as by a
/// clean stop: Apache Kafka's tools read it, and the next start has nothing to recover. The broker
/// must be stopped.
#[derive(Debug, Args)]
pub struct Recover {
    /// A broker's log folder
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Document {
    folders: Vec<FolderRow>,
}

#[derive(Debug, Serialize)]
struct FolderRow {
    path: String,
    was_clean: bool,
    partitions: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    partition: String,
    start_offset: i64,
    end_offset: i64,
    checked_bytes: u64,
    cut_bytes: u64,
}

impl Recover {
    pub fn run(self, format: Format) -> Result<(), Failures> {
        let disk = offline::disk()?;
        let mut document = Document { folders: Vec::new() };
        let mut failures = Vec::new();
        for path in &self.paths {
            let Target::Data(data) = offline::target(path)? else {
                let text = format!("{}: name the broker's log folder", path.display());
                failures.push(Failure::usage(text));
                continue;
            };
            let mut offline = Offline::open(&disk, &data)?;
            let mut partitions = Vec::new();
            for found in offline.folder().found().to_vec() {
                let name = format!("{}-{}", found.topic, found.partition);
                match recover(&disk, &mut offline, found) {
                    Ok(recovered) => partitions.push(Row::of(name, recovered)),
                    Err(failure) => failures.push(failure),
                }
            }
            match recover_metadata(&disk, &data) {
                Ok(Some(recovered)) => {
                    partitions.push(Row::of(format!("{METADATA_TOPIC}-0"), recovered));
                }
                Ok(None) => {}
                Err(failure) => failures.push(failure),
            }
            let was_clean = offline.was_clean();
            offline.close()?;
            let path = data.display().to_string();
            document.folders.push(FolderRow { path, was_clean, partitions });
        }
        print(format, &document, table)?;
        Failures::check(failures)
    }
}

fn recover(
    disk: &Arc<dyn Disk>,
    offline: &mut Offline,
    found: FoundPartition,
) -> Result<Recovered, Failure> {
    let FoundPartition { topic, topic_id, partition, folder } = found;
    let topic_id = topic_id.ok_or_else(|| {
        Failure::failed(format!("{}: it does not say which topic it is of", folder.display()))
    })?;
    let identity = LogIdentity { topic, topic_id, partition };
    let around = offline.surroundings(&identity.topic, identity.partition)?;
    // A start takes a gap between two segments beyond the recovery point for a loss and cuts there.
    // Here nobody is in a hurry: offsets that compaction left out are told from lost ones.
    if !around.clean_stop && has_several_segments(&**disk, &folder) {
        let plan = plan_repair(&**disk, &folder, &around, &mut |_| {}).map_err(Failure::failed)?;
        if plan.report().severity() < Some(Severity::Damage) && plan.report().gaps > 0 {
            let whole = plan.execute(&**disk, &mut |_| {}).map_err(Failure::failed)?;
            offline.note_whole(&identity, &whole)?;
        }
    }
    offline.recover(identity)
}

fn has_several_segments(disk: &dyn Disk, folder: &std::path::Path) -> bool {
    let entries = disk.list(folder).unwrap_or_default();
    entries.iter().filter(|entry| entry.name.ends_with(".log")).count() > 1
}

/// The controller's own log; `None` where there is none, or it is Apache Kafka's.
fn recover_metadata(
    disk: &Arc<dyn Disk>,
    data: &std::path::Path,
) -> Result<Option<Recovered>, Failure> {
    let folder = data.join(format!("{METADATA_TOPIC}-0"));
    let entries = disk.list(&folder).unwrap_or_default();
    let is_ours = !entries.iter().any(|entry| entry.name == "quorum-state");
    if !is_ours || !entries.iter().any(|entry| entry.name.ends_with(".log")) {
        return Ok(None);
    }
    let identity = LogIdentity {
        topic: METADATA_TOPIC.to_owned(),
        topic_id: METADATA_TOPIC_ID,
        partition: PartitionIndex(0),
    };
    offline::recover_alone(disk, &folder, identity).map(Some)
}

impl Row {
    fn of(partition: String, recovered: Recovered) -> Self {
        Self {
            partition,
            start_offset: recovered.start.0,
            end_offset: recovered.end.0,
            checked_bytes: recovered.walked_bytes,
            cut_bytes: recovered.cut_bytes,
        }
    }
}

fn table(document: &Document, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    for folder in &document.folders {
        let how = if folder.was_clean { "was stopped cleanly" } else { "was not stopped cleanly" };
        writeln!(out, "{}: {how}", crate::output::printable(&folder.path))?;
        let mut table = Table::new(["PARTITION", ">START", ">END", ">CHECKED", ">CUT"]).indented(2);
        for row in &folder.partitions {
            table.row([
                row.partition.clone(),
                row.start_offset.to_string(),
                row.end_offset.to_string(),
                shown_bytes(row.checked_bytes),
                shown_bytes(row.cut_bytes),
            ]);
        }
        table.write(out)?;
    }
    Ok(())
}
