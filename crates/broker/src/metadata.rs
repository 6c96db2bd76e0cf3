//! The broker and its controller: how committed metadata reaches the node, and how the broker makes
//! itself known.

use crate::start::{Prepared, StartError, random_uuid};
use headwater_controller::core::SnapshotEvery;
use headwater_controller::{ControllerHandle, ControllerOptions};
use headwater_metadata::command::{
    Command, CommandError, CommandReply, InitializeCluster, RegisterBroker,
};
use headwater_metadata::config::{BrokerConfig, ConfigTable, Layers};
use headwater_metadata::decide::Policy;
use headwater_metadata::image::FeatureRange;
use headwater_node::Outbox;
use headwater_node::features;
use headwater_node::quorum::{QuorumReplica, QuorumSource, QuorumStatus};
use headwater_types::{BrokerId, DirectoryId};
use std::sync::{Arc, OnceLock};
use tokio::sync::oneshot;

/// Headwater's own feature: which kinds of metadata records may be written.
const OWN_FEATURE: &str = "headwater.version";
/// The level that this version writes.
const OWN_LEVEL: i16 = 1;

/// Reads the quorum's state from the controller, once there is one.
#[derive(Default)]
pub(crate) struct QuorumView {
    source: OnceLock<(ControllerHandle, BrokerId, DirectoryId)>,
}

impl QuorumSource for QuorumView {
    fn status(&self) -> QuorumStatus {
        let Some((controller, me, directory)) = self.source.get() else {
            return QuorumStatus::default();
        };
        let quorum = controller.quorum();
        // With one voter the voter is this node.
        let replica = |log_end| QuorumReplica {
            node: *me,
            directory: *directory,
            log_end,
            last_fetch_ms: -1,
            last_caught_up_ms: -1,
        };
        QuorumStatus {
            leader: quorum.leader.map(|_| *me),
            epoch: quorum.epoch.0,
            high_watermark: quorum.high_watermark.0,
            voters: quorum.voters.iter().map(|voter| replica(voter.log_end.0)).collect(),
            observers: quorum.observers.iter().map(|one| replica(one.log_end.0)).collect(),
            endpoints: Vec::new(),
        }
    }
}

/// Starts the controller and follows its metadata. When it returns, the node knows its cluster.
pub(crate) fn start_controller(
    prepared: &Prepared,
    quorum: &QuorumView,
) -> Result<std::thread::JoinHandle<()>, StartError> {
    let Prepared { shared, server, disk, cluster_id, .. } = prepared;
    let settings = BrokerConfig::resolve(Layers::at_start(server));
    let options = ControllerOptions {
        disk: Arc::clone(disk),
        log_folder: server.metadata_log_dir.clone(),
        node: server.node_id,
        initialize: InitializeCluster {
            cluster_id: cluster_id.clone(),
            features: vec![(OWN_FEATURE.to_owned(), OWN_LEVEL)],
        },
        policy: policy(&settings),
        snapshot_every: SnapshotEvery {
            bytes: settings.metadata_snapshot_bytes,
            ..SnapshotEvery::default()
        },
    };
    let follower = Arc::clone(shared);
    let on_committed = Box::new(move |committed: &headwater_controller::Committed| {
        let mut out = Outbox::new();
        follower.node.apply_image(Arc::clone(&committed.image), &committed.delta, &mut out);
        follower.deliver(&mut out);
    });
    let (controller, thread) = ControllerHandle::start(options, on_committed)?;
    let directory = shared.node.folders().first().map_or(DirectoryId::ZERO, |one| one.id());
    // Set once: this is the only place that starts a controller.
    let _ = quorum.source.set((controller.clone(), server.node_id, directory));
    let _ = shared.controller.set(controller);
    Ok(thread)
}

/// Makes this broker known to its cluster. When it returns, the node knows its own place in it.
pub(crate) async fn register(prepared: &Prepared) -> Result<(), StartError> {
    let Prepared { shared, server, endpoints, .. } = prepared;
    let Some(controller) = shared.controller.get() else { return Err(StartError::Panicked) };
    let registration = RegisterBroker {
        broker: server.node_id,
        cluster_id: None,
        incarnation_id: random_uuid()?,
        endpoints: endpoints.clone(),
        features: features::SUPPORTED
            .iter()
            .map(|feature| {
                let range =
                    FeatureRange { min_level: feature.min_level, max_level: feature.max_level };
                (feature.name.to_owned(), range)
            })
            .chain([(
                OWN_FEATURE.to_owned(),
                FeatureRange { min_level: OWN_LEVEL, max_level: OWN_LEVEL },
            )])
            .collect(),
        rack: server.rack.clone(),
        log_dirs: shared.node.folders().iter().map(|folder| folder.id()).collect(),
        fenced: false,
    };
    ask(controller, Command::RegisterBroker(registration)).await.map_err(StartError::Refused)?;
    Ok(())
}

fn policy(settings: &BrokerConfig) -> Policy {
    Policy {
        num_partitions: settings.num_partitions,
        default_replication_factor: settings.default_replication_factor,
        delete_topic_enable: settings.delete_topic_enable,
        configs: Arc::new(ConfigTable::get()),
        features: vec![(
            Arc::from(OWN_FEATURE),
            FeatureRange { min_level: OWN_LEVEL, max_level: OWN_LEVEL },
        )],
    }
}

async fn ask(
    controller: &ControllerHandle,
    command: Command,
) -> Result<CommandReply, CommandError> {
    let (answer, answered) = oneshot::channel();
    controller.submit(
        command,
        Box::new(move |outcome| {
            let _ = answer.send(outcome);
        }),
    );
    let stopped = CommandError::bare(headwater_types::ErrorCode::NotController);
    answered.await.unwrap_or(Err(stopped))
}
