//! The cluster's metadata, decided by a controller in this process: a quorum of one elects itself
//! at once.

use super::plan::TopicPlan;
use crate::exit::Failure;
use headwater_controller::{ControllerHandle, ControllerOptions, SnapshotEvery, VERSION_FEATURE};
use headwater_log::Disk;
use headwater_log::check::FolderIdentity;
use headwater_metadata::command::{
    AdoptTopic, AdoptedPartition, Command, CommandError, CommandReply, InitializeCluster,
};
use headwater_metadata::config::ConfigTable;
use headwater_metadata::decide::Policy;
use headwater_metadata::image::FeatureRange;
use headwater_types::ErrorCode;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// The levels of `headwater.version` that this program writes records for.
const LEVELS: FeatureRange = FeatureRange { min_level: 1, max_level: 1 };

/// A controller that runs.
pub struct Metadata {
    handle: ControllerHandle,
    thread: JoinHandle<()>,
}

impl Metadata {
    /// Starts it on the metadata of a log folder.
    pub fn start(
        disk: &Arc<dyn Disk>,
        log_folder: &Path,
        identity: &FolderIdentity,
    ) -> Result<Self, Failure> {
        let options = ControllerOptions {
            disk: Arc::clone(disk),
            log_folder: log_folder.to_owned(),
            node: identity.node,
            initialize: InitializeCluster {
                cluster_id: identity.cluster_id.clone().unwrap_or_default(),
                features: Vec::new(),
            },
            policy: Policy {
                num_partitions: 1,
                default_replication_factor: None,
                delete_topic_enable: true,
                configs: Arc::new(ConfigTable::get()),
                features: vec![(VERSION_FEATURE.into(), LEVELS)],
            },
            snapshot_every: SnapshotEvery::default(),
        };
        let started = ControllerHandle::start(options, Box::new(|_| {}));
        let (handle, thread) = started
            .map_err(|error| Failure::failed(format!("the metadata cannot be used: {error}")))?;
        let metadata = Self { handle, thread };
        if metadata.handle.image().broker(identity.node).is_none() {
            let text = format!("broker {} has never registered here", identity.node);
            metadata.stop()?;
            let remedy = "start the broker on this folder once and stop it";
            return Err(Failure::failed(text).with_remedy(remedy));
        }
        Ok(metadata)
    }

    /// Makes a topic known; returns when that is durable.
    pub fn adopt(&self, topic: &TopicPlan, identity: &FolderIdentity) -> Result<(), CommandError> {
        let directory = identity.directory_id.unwrap_or_default();
        let count = topic.partitions.keys().next_back().map_or(0, |last| last + 1);
        let partitions = (0..count)
            .map(|index| AdoptedPartition {
                directory,
                last_epoch: topic.partitions.get(&index).and_then(|partition| partition.epoch),
            })
            .collect();
        let configs =
            topic.config.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
        let command = Command::AdoptTopic(AdoptTopic {
            name: topic.name.clone(),
            id: topic.id,
            broker: identity.node,
            partitions,
            last_producer: topic.partitions.values().filter_map(|one| one.last_producer).max(),
            configs,
            validate_only: false,
        });
        let (answer, answered) = mpsc::channel();
        let answer = Box::new(move |outcome| {
            // Nobody has gone: this thread waits.
            let _ = answer.send(outcome);
        });
        self.handle.submit(command, answer);
        let stopped = || Err(CommandError::bare(ErrorCode::NotController));
        match answered.recv().unwrap_or_else(|_| stopped())? {
            CommandReply::TopicsCreated(outcomes) => {
                outcomes.into_iter().try_for_each(|outcome| outcome.map(|_| ()))
            }
            _ => Ok(()),
        }
    }

    /// Stops it cleanly.
    pub fn stop(self) -> Result<(), Failure> {
        self.handle.shutdown();
        if self.thread.join().is_err() {
            return Err(Failure::failed("the controller panicked, which is a bug"));
        }
        match self.handle.failure() {
            Some(failure) => Err(Failure::failed(format!("the controller failed: {failure}"))),
            None => Ok(()),
        }
    }
}
