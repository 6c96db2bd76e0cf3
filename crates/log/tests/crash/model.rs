//! What a log folder may hold after a crash: everything that was acknowledged, and nothing that
//! was not written.
//!
//! A [`Model`] is an expectation at one moment. Before an operation it is loosened to what the
//! operation may leave half done; when the operation has returned, it is what was promised.

use headwater_log::LogIdentity;
use headwater_types::{DirectoryId, PartitionIndex, TopicId};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A batch as it stands in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub base: i64,
    pub last: i64,
    pub hash: u64,
}

/// What one log may hold.
#[derive(Clone, Debug, Default)]
pub struct LogModel {
    /// All that was written, in order, less what was cut off.
    pub batches: Vec<Placed>,
    /// Everything before it is durable: the log's end is there at least.
    pub durable: i64,
    /// The log's first offset is between these.
    pub start_min: i64,
    pub start_max: i64,
    /// The log may also hold nothing and start in one of these ranges.
    pub or_empty_at: Vec<(i64, i64)>,
}

impl LogModel {
    pub fn end(&self) -> i64 {
        self.batches.last().map_or(self.start_max, |batch| batch.last + 1)
    }
}

/// What was promised of a whole folder.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub directory_id: Option<DirectoryId>,
    pub cluster_id: Option<String>,
    /// By partition, for topics that exist.
    pub logs: BTreeMap<LogIdentity, Rc<LogModel>>,
    /// Their deletion was promised.
    pub deleted: BTreeSet<LogIdentity>,
    /// Of topics that nobody knows, and that are kept all the same.
    pub strays: BTreeSet<LogIdentity>,
}

impl Model {
    pub fn log_mut(&mut self, identity: &LogIdentity) -> &mut LogModel {
        Rc::make_mut(self.logs.entry(identity.clone()).or_default())
    }
}

/// A log as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLog {
    pub start: i64,
    pub end: i64,
    /// Those that hold something at or behind the start.
    pub batches: Vec<Placed>,
}

/// A folder as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub directory_id: DirectoryId,
    pub cluster_id: Option<String>,
    pub logs: BTreeMap<LogIdentity, FoundLog>,
    /// Topics that are found under the name of a partition, before any log is opened.
    pub partitions: BTreeSet<(TopicId, PartitionIndex)>,
    /// Topics of which there is a folder of any name afterwards.
    pub folders: BTreeSet<TopicId>,
}

/// Whether what was found is what was promised.
pub fn compare(model: &Model, found: &Found) -> Result<(), String> {
    if model.directory_id.is_some_and(|id| id != found.directory_id) {
        return Err(format!("the folder's id became {}", found.directory_id));
    }
    if model.cluster_id.is_some() && model.cluster_id != found.cluster_id {
        return Err(format!("the cluster's id became {:?}", found.cluster_id));
    }
    for deleted in &model.deleted {
        if found.partitions.contains(&(deleted.topic_id, deleted.partition)) {
            return Err(format!("{} was deleted and is back", deleted.folder_name()));
        }
    }
    for stray in &model.strays {
        if !found.folders.contains(&stray.topic_id) {
            return Err(format!("{} of a topic nobody knows is gone", stray.folder_name()));
        }
    }
    for (identity, model) in &model.logs {
        let Some(found) = found.logs.get(identity) else {
            return Err(format!("{} is not there", identity.folder_name()));
        };
        compare_log(model, found)
            .map_err(|problem| format!("{}: {problem}", identity.folder_name()))?;
    }
    Ok(())
}

fn compare_log(model: &LogModel, found: &FoundLog) -> Result<(), String> {
    let FoundLog { start, end, batches } = found;
    let inside = |range: &&(i64, i64)| (range.0..=range.1).contains(start);
    if batches.is_empty() && start == end && model.or_empty_at.iter().find(inside).is_some() {
        return Ok(());
    }
    let (least, most) = (model.start_min, model.start_max);
    if *start < least || *start > most {
        return Err(format!("it starts at {start}, not within {least}..={most}"));
    }
    if *end < model.durable {
        return Err(format!("it ends at {end}, though all before {} is durable", model.durable));
    }
    let from = model.batches.partition_point(|batch| batch.last < *start);
    let to = model.batches.partition_point(|batch| batch.last < *end);
    let expected = model.batches.get(from..to).unwrap_or_default();
    let expected_end = expected.last().map_or(*start, |batch| batch.last + 1);
    if *end != expected_end {
        return Err(format!("it ends at {end}, which is no batch's end (of {})", model.end()));
    }
    if batches != expected {
        let differs = batches.iter().zip(expected).position(|(a, b)| a != b);
        let at = differs.unwrap_or(batches.len().min(expected.len()));
        return Err(format!(
            "of {} batches in {start}..{end} the {at}. is {:?}, not {:?} of {}",
            batches.len(),
            batches.get(at),
            expected.get(at),
            expected.len()
        ));
    }
    Ok(())
}
