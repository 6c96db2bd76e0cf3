//! `headwater log repair`.

use super::offline::{self, Offline, Target};
use super::progress::Progress;
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{print, printable};
use clap::Args;
use headwater_log::Disk;
use headwater_log::check::{
    PartitionReport, RepairPlan, RepairStep, Severity, Surroundings, check_folder, folder_identity,
    plan_repair,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Takes damage out of logs and makes anew what can be told from them.
///
/// Without --execute it only says what it would do. Damaged bytes are kept beside their segment as
/// SEGMENT.log.damaged-POSITION; a batch that is whole is never lost. The broker must be stopped.
#[derive(Debug, Args)]
pub struct Repair {
    /// Log folders, or folders of partitions
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Do it
    #[arg(long)]
    execute: bool,
}

#[derive(Debug, Default, Serialize)]
struct Document {
    executed: bool,
    partitions: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    folder: String,
    steps: Vec<String>,
    /// `[first, end)`, `end` being `null` where nobody knows it.
    lost: Vec<(i64, Option<i64>)>,
    /// What cannot be mended here.
    left: Vec<String>,
    /// Whether it was done.
    repaired: bool,
}

/// Partitions by the log folder that they are in; `None` where that is no broker's.
type ByFolder = BTreeMap<Option<PathBuf>, Vec<PathBuf>>;

impl Repair {
    pub fn run(self, format: Format) -> Result<(), Failures> {
        let disk = offline::disk()?;
        let mut by_folder = ByFolder::new();
        for path in &self.paths {
            collect(&*disk, path, &mut by_folder)?;
        }
        let sizes = by_folder.values().flatten().map(|folder| offline::size_bytes(&*disk, folder));
        let mut progress = Progress::new("checking", sizes.sum());
        let mut document = Document { executed: self.execute, ..Document::default() };
        let mut failures = Vec::new();
        for (data, folders) in by_folder {
            let done = match (data, self.execute) {
                (Some(data), true) => within(&disk, &data, &folders, &mut document, &mut progress),
                (data, execute) => folders.iter().try_for_each(|folder| {
                    let data = data.clone().unwrap_or_else(|| offline::parent(folder));
                    alone(&disk, &data, folder, execute, &mut document, &mut progress)
                }),
            };
            failures.extend(done.err());
        }
        drop(progress);
        let left = document.partitions.iter().map(|row| row.left.len()).sum::<usize>();
        if !document.partitions.is_empty() || failures.is_empty() {
            print(format, &document, table)?;
        }
        if left > 0 {
            failures.push(Failure::failed(format!("{left} findings cannot be mended here")));
        }
        Failures::check(failures)
    }
}

fn collect(disk: &dyn Disk, path: &Path, by_folder: &mut ByFolder) -> Result<(), Failure> {
    match offline::target(path)? {
        Target::Segment(file) => {
            let text = format!("{}: name the partition's folder", file.display());
            Err(Failure::usage(text))
        }
        Target::Partition(folder) => {
            let data = offline::parent(&folder);
            let owned = folder_identity(disk, &data).map_err(Failure::failed)?.is_some();
            by_folder.entry(owned.then_some(data)).or_default().push(folder);
            Ok(())
        }
        Target::Data(data) => {
            let report = check_folder(disk, &data).map_err(Failure::failed)?;
            let owned = report.identity.is_some().then_some(data);
            let folders = report.partitions.into_iter().map(|(_, _, folder)| folder);
            by_folder.entry(owned).or_default().extend(folders);
            Ok(())
        }
    }
}

/// Repairs partitions of a broker's log folder under its lock.
fn within(
    disk: &Arc<dyn Disk>,
    data: &Path,
    folders: &[PathBuf],
    document: &mut Document,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut offline = Offline::open(disk, data)?;
    let mut outcome = Ok(());
    for folder in folders {
        let done = mend(disk, &mut offline, folder, document, progress);
        outcome = outcome.and(done);
    }
    offline.close()?;
    outcome
}

fn mend(
    disk: &Arc<dyn Disk>,
    offline: &mut Offline,
    folder: &Path,
    document: &mut Document,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let parts = name.as_deref().and_then(|name| name.rsplit_once('-'));
    let around = match parts.and_then(|(topic, index)| Some((topic, index.parse().ok()?))) {
        Some((topic, index)) => {
            offline.surroundings(topic, headwater_types::PartitionIndex(index))?
        }
        None => Surroundings::default(),
    };
    let plan = plan(&**disk, folder, &around, progress)?;
    let mut row = Row::of(&plan);
    if plan.steps().is_empty() {
        document.partitions.push(row);
        return Ok(());
    }
    let after = execute(&**disk, plan, progress)?;
    // The metadata's own log is opened by the controller alone.
    let is_metadata = name.is_some_and(|name| name == METADATA_FOLDER);
    if !is_metadata && let Ok(identity) = offline::identity_of(&after) {
        offline.note_whole(&identity, &after)?;
        offline.recover(identity)?;
    }
    row.repaired = true;
    document.partitions.push(row);
    Ok(())
}

const METADATA_FOLDER: &str = "__cluster_metadata-0";

/// Repairs a partition that is in no broker's log folder, or plans to.
fn alone(
    disk: &Arc<dyn Disk>,
    data: &Path,
    folder: &Path,
    execution: bool,
    document: &mut Document,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let report = check_folder(&**disk, data).map_err(Failure::failed)?;
    let found =
        report.partitions.iter().find(|(_, _, path)| path.file_name() == folder.file_name());
    let around = found.map(|(topic, partition, _)| report.surroundings(topic, *partition));
    let plan = plan(&**disk, folder, &around.unwrap_or_default(), progress)?;
    let mut row = Row::of(&plan);
    if execution && !plan.steps().is_empty() {
        let after = execute(&**disk, plan, progress)?;
        if let Ok(identity) = offline::identity_of(&after) {
            offline::settle(disk, folder, identity, &after)?;
        }
        row.repaired = true;
    }
    document.partitions.push(row);
    Ok(())
}

fn plan(
    disk: &dyn Disk,
    folder: &Path,
    around: &Surroundings,
    progress: &mut Progress,
) -> Result<RepairPlan, Failure> {
    plan_repair(disk, folder, around, &mut |bytes| progress.add(bytes)).map_err(Failure::failed)
}

fn execute(
    disk: &dyn Disk,
    plan: RepairPlan,
    progress: &mut Progress,
) -> Result<PartitionReport, Failure> {
    let known = plan.left().len();
    let after = plan.execute(disk, &mut |bytes| progress.add(bytes)).map_err(Failure::failed)?;
    let worse: Vec<_> =
        after.findings.iter().filter(|one| one.severity() == Severity::Damage).collect();
    match worse.first() {
        // What was cut may be missing now; that was said before.
        Some(finding)
            if worse.len() > known && finding.meaning != headwater_log::check::Meaning::Missing =>
        {
            Err(Failure::failed(format!("the repair left damage: {finding}")))
        }
        _ => Ok(after),
    }
}

impl Row {
    fn of(plan: &RepairPlan) -> Self {
        Self {
            folder: plan.report().folder.display().to_string(),
            steps: plan.steps().iter().map(RepairStep::to_string).collect(),
            lost: plan
                .lost()
                .iter()
                .map(|range| (range.first.0, range.end.map(|end| end.0)))
                .collect(),
            left: plan.left().iter().map(ToString::to_string).collect(),
            repaired: false,
        }
    }
}

fn table(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let mut steps = 0;
    let rows = document.partitions.iter();
    for row in rows.filter(|row| !row.steps.is_empty() || !row.left.is_empty()) {
        writeln!(out, "{}", printable(&row.folder))?;
        for step in &row.steps {
            writeln!(out, "  {}", printable(step))?;
        }
        for left in &row.left {
            writeln!(out, "  cannot be mended here: {}", printable(left))?;
        }
        steps += row.steps.len();
    }
    match (steps, document.executed) {
        (0, _) => writeln!(out, "there is nothing to repair"),
        (_, true) => writeln!(out, "done"),
        (_, false) => writeln!(out, "nothing was done; --execute does it"),
    }
}
