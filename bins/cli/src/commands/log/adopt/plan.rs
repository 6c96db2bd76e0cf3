//! Which partitions there are, and what would be done with each.

use super::super::offline;
use super::Place;
use crate::exit::Failure;
use headwater_log::Disk;
use headwater_log::check::{RepairStep, SourcePartition, find_sources, plan_repair};
use headwater_types::{LeaderEpoch, ProducerId, TopicId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Partitions of one topic at most, so that a wild name does not make a million empty ones.
const PARTITIONS_MAX: i32 = 10_000;

/// A topic that is to be adopted.
#[derive(Debug)]
pub struct TopicPlan {
    pub name: String,
    pub id: TopicId,
    pub new_id: bool,
    pub partitions: BTreeMap<i32, PartitionPlan>,
    /// Made empty.
    pub missing: Vec<i32>,
    pub config: Vec<(String, String)>,
    /// Why it is not adopted.
    pub refused: Vec<String>,
    pub adopted: bool,
}

/// One of its partitions.
#[derive(Debug)]
pub struct PartitionPlan {
    pub source: SourcePartition,
    pub how: How,
    pub bytes: u64,
    pub start: i64,
    pub end: i64,
    pub epoch: Option<LeaderEpoch>,
    pub last_producer: Option<ProducerId>,
    pub steps: Vec<RepairStep>,
}

/// How it gets to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Copy,
    /// It was moved aside in the same log folder.
    Rename,
    /// It is there already, and only unknown.
    InPlace,
}

/// Finds the topics that paths hold.
pub fn find(
    disk: &dyn Disk,
    sources: &[PathBuf],
    wanted: &[String],
) -> Result<Vec<TopicPlan>, Failure> {
    let mut topics: BTreeMap<String, Vec<SourcePartition>> = BTreeMap::new();
    for path in sources {
        let found = find_sources(disk, path).map_err(Failure::failed)?;
        if found.partitions.is_empty() {
            let text = format!("{}: no partition is in it", path.display());
            return Err(Failure::failed(text));
        }
        for partition in found.partitions {
            let chosen = match wanted {
                [] => !partition.topic.starts_with("__"),
                wanted => wanted.contains(&partition.topic),
            };
            if chosen {
                topics.entry(partition.topic.clone()).or_default().push(partition);
            }
        }
    }
    topics.into_iter().map(|(name, found)| TopicPlan::new(name, found)).collect()
}

impl TopicPlan {
    fn new(name: String, found: Vec<SourcePartition>) -> Result<Self, Failure> {
        let mut refused = Vec::new();
        let ids: BTreeSet<TopicId> = found.iter().filter_map(|one| one.topic_id).collect();
        if ids.len() > 1 {
            refused.push("its folders are of several topics of that name".to_owned());
        }
        let known = ids.first().copied();
        let id = match known {
            Some(id) => id,
            None => offline::random_id()?,
        };
        let mut partitions = BTreeMap::new();
        for source in found {
            let index = source.partition.0;
            let plan = PartitionPlan {
                source,
                how: How::Copy,
                bytes: 0,
                start: 0,
                end: 0,
                epoch: None,
                last_producer: None,
                steps: Vec::new(),
            };
            if let Some(other) = partitions.insert(index, plan) {
                let other: PartitionPlan = other;
                let folder = other.source.folder.display();
                refused.push(format!("partition {index} is named twice, also by {folder}"));
            }
        }
        Ok(Self {
            name,
            id,
            new_id: known.is_none(),
            partitions,
            missing: Vec::new(),
            config: Vec::new(),
            refused,
            adopted: false,
        })
    }

    /// Looks into the folders and where they shall go.
    pub fn look(&mut self, place: &Place, fill_missing: bool) -> Result<(), Failure> {
        let count = self.partitions.keys().next_back().map_or(0, |last| last.saturating_add(1));
        if count > PARTITIONS_MAX {
            self.refused.push(format!("it has {count} partitions, {PARTITIONS_MAX} at most"));
            return Ok(());
        }
        self.missing = (0..count).filter(|index| !self.partitions.contains_key(index)).collect();
        if !self.missing.is_empty() && !fill_missing {
            let missing: Vec<String> = self.missing.iter().map(i32::to_string).collect();
            let missing = missing.join(", ");
            self.refused.push(format!(
                "partitions {missing} are missing; --fill-missing makes them, empty"
            ));
        }
        for partition in self.partitions.values_mut() {
            let problems = partition.look(place, &self.name)?;
            self.refused.extend(problems);
        }
        for index in &self.missing {
            let there = place.data.join(format!("{}-{index}", self.name));
            if there.exists() {
                self.refused.push(format!("{} is there already", there.display()));
            }
        }
        Ok(())
    }
}

impl PartitionPlan {
    /// Returns why it cannot be adopted.
    fn look(&mut self, place: &Place, topic: &str) -> Result<Vec<String>, Failure> {
        let folder = &self.source.folder;
        let mut refused = Vec::new();
        let target = place.data.join(format!("{topic}-{}", self.source.partition));
        let inside = same_file(&offline::parent(folder), &place.data);
        self.how = match (inside, same_file(folder, &target)) {
            (true, true) => How::InPlace,
            (true, false) => How::Rename,
            _ => How::Copy,
        };
        if self.how != How::InPlace && target.exists() {
            refused
                .push(format!("{} is there already; adopt that, or remove it", target.display()));
        }
        let plan = plan_repair(&*place.disk, folder, &self.source.around, &mut |_| {})
            .map_err(Failure::failed)?;
        let report = plan.report();
        (self.bytes, self.start, self.end) = (report.bytes, report.first.0, report.end.0);
        self.epoch = report.epoch;
        self.last_producer = report.last_producer;
        self.steps = plan.steps().to_vec();
        let damaged = plan.lost().len() + plan.left().len();
        if damaged > 0 {
            refused.push(format!(
                "{} is damaged: `headwater log repair` says what can be saved",
                folder.display()
            ));
        }
        Ok(refused)
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let canonical = |path: &Path| std::fs::canonicalize(path).ok();
    canonical(one).is_some_and(|one| Some(one) == canonical(other))
}
