//! The broker without sockets, threads or clock.
//!
//! What all workers share: the cluster's image, the partitions held here, the fetch sessions, the
//! producer ids. Requests come in through a [`Worker`](crate::Worker); what happens elsewhere (a
//! committed image, a completed sync, the passing of time) comes in through the methods here.

use crate::api;
use crate::authorizer::Authorizer;
use crate::facts::{Fact, Facts};
use crate::fetch_session::FetchSessions;
use crate::folder::Folder;
use crate::moves::Moves;
use crate::outbox::{Effect, JobOutcome, Outbox};
use crate::partition::{Partition, PartitionError, Place};
use crate::placement::{Folders, Held};
use crate::producer_ids::ProducerIds;
use crate::quorum::{QuorumSource, QuorumStatus};
use crate::scrubbing::Scrubber;
use crate::settings::{NetworkSettings, layers, topic_config};
use crate::time::Now;
use arc_swap::ArcSwap;
use headwater_log::{Completion, FolderError, LogIdentity};
use headwater_metadata::command::{AssignReplicasToDirs, Command, ReplicaDirectory};
use headwater_metadata::config::{BrokerConfig, ServerConfig, TopicConfig};
use headwater_metadata::image::{ConfigResourceKind, Configs, Delta, Image, TopicImage};
use headwater_metadata::limits;
use headwater_types::{BrokerId, DirectoryId, PartitionIndex, TopicId, TopicPartition, Uuid};
use parking_lot::Mutex;
use rpds::RedBlackTreeMapSync;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// How often the controller is told of folders at most, in ms: it may take that long to decide.
const TELL_DIRECTORIES_EVERY_MS: u64 = 2_000;

/// What a node starts with.
pub struct NodeStart {
    /// This broker.
    pub me: BrokerId,
    /// What the broker was started with.
    pub server: Arc<ServerConfig>,
    /// Its log folders, opened and locked.
    pub folders: Vec<Arc<Folder>>,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// What the metadata quorum's state is read from.
    pub quorum: Arc<dyn QuorumSource>,
    /// From which the node draws what must not repeat from run to run.
    pub seed: u64,
}

/// The cluster as this broker sees it, at one position of the metadata log.
pub struct View {
    /// What the cluster is.
    pub image: Arc<Image>,
    /// The partitions held here.
    pub partitions: RedBlackTreeMapSync<TopicPartition, Arc<Partition>>,
    /// The broker's settings in force.
    pub settings: Arc<BrokerConfig>,
}

impl View {
    /// The partition, if it is held here.
    pub fn partition(&self, topic: TopicId, partition: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(&TopicPartition { topic, partition: PartitionIndex(partition) })
    }
}

/// One broker.
pub struct Node {
    me: BrokerId,
    server: Arc<ServerConfig>,
    folders: Folders,
    authorizer: Arc<dyn Authorizer>,
    quorum: Arc<dyn QuorumSource>,
    view: ArcSwap<View>,
    /// Held while a new view is made, so that images are applied one after the other.
    applying: Mutex<()>,
    pub(crate) sessions: FetchSessions,
    pub(crate) producer_ids: ProducerIds,
    facts: Arc<Facts>,
    pub(crate) moves: Arc<Moves>,
    /// When the controller was last told of folders, on the monotonic clock; 0 for never.
    directories_told_ms: AtomicU64,
    scrubber: Arc<Scrubber>,
    /// Requests taken up, by row of the API table.
    requests: Vec<AtomicU64>,
    /// The time when it was last told.
    wall_ms: AtomicI64,
}

/// What of the log folders' upkeep failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", joined(.0))]
pub struct HousekeepingError(pub Vec<FolderError>);

impl HousekeepingError {
    fn of(errors: Vec<FolderError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }
}

fn joined(errors: &[FolderError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Node {
    /// A broker that knows nothing of its cluster yet.
    pub fn new(start: NodeStart) -> Self {
        let image = Arc::new(Image::default());
        let settings = Arc::new(BrokerConfig::resolve(layers(&start.server, &image, start.me)));
        let folders = Folders::new(start.folders, start.server.log_dirs.clone());
        let facts = Arc::<Facts>::default();
        Self {
            me: start.me,
            server: start.server,
            folders,
            authorizer: start.authorizer,
            quorum: start.quorum,
            sessions: FetchSessions::new(settings.fetch_session_slots, start.seed),
            view: ArcSwap::from_pointee(View {
                image,
                partitions: RedBlackTreeMapSync::new_sync(),
                settings,
            }),
            applying: Mutex::new(()),
            producer_ids: ProducerIds::default(),
            moves: Arc::new(Moves::new(start.seed, Arc::clone(&facts))),
            facts,
            directories_told_ms: AtomicU64::new(0),
            scrubber: Arc::default(),
            requests: api::TABLE.iter().map(|_| AtomicU64::new(0)).collect(),
            wall_ms: AtomicI64::new(0),
        }
    }

    /// This broker.
    pub fn me(&self) -> BrokerId {
        self.me
    }

    /// What the broker was started with.
    pub fn server(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// The log folders.
    pub fn folders(&self) -> &[Arc<Folder>] {
        self.folders.all()
    }

    /// Who may do what.
    pub fn authorizer(&self) -> &dyn Authorizer {
        &*self.authorizer
    }

    /// How the metadata quorum stands.
    pub fn quorum(&self) -> QuorumStatus {
        self.quorum.status()
    }

    /// The cluster as it stands now.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// The epoch of this broker's registration; -1 before it is known.
    pub fn broker_epoch(&self) -> i64 {
        self.view.load().image.broker(self.me).map_or(-1, |broker| broker.epoch)
    }

    /// How many fetch sessions there are, and how many partitions they hold together.
    pub fn fetch_sessions(&self) -> (usize, usize) {
        self.sessions.counts()
    }

    /// Requests taken up since the start, by the API's name.
    pub fn request_counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.requests.iter().map(|count| count.load(Ordering::Relaxed));
        api::TABLE.iter().map(|api| api.key.name()).zip(counts)
    }

    /// What happened since the last time that whoever runs the broker should be told of.
    pub fn take_facts(&self) -> Vec<Fact> {
        self.facts.take()
    }

    /// Bytes of closed segments that the scrubber has checked since the start.
    pub fn scrubbed_bytes(&self) -> u64 {
        self.scrubber.scrubbed_bytes()
    }

    pub(crate) fn count_request(&self, row: usize) {
        if let Some(count) = self.requests.get(row) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The bounds that the shell keeps.
    pub fn network_settings(&self) -> NetworkSettings {
        NetworkSettings::of(&self.view.load().settings)
    }

    /// Ends a round of requests: what was written in it is synced.
    pub fn end_round(&self, out: &mut Outbox) {
        for folder in self.folders() {
            folder.begin_sync(out);
        }
    }

    /// A task that was submitted to a disk has ended.
    pub fn complete(&self, completion: Completion, out: &mut Outbox) {
        if let Some(folder) = self.folders().iter().find(|one| one.token() == completion.token) {
            folder.complete(completion, out);
        }
    }

    /// The metadata quorum has committed up to a new image: partitions come, change and go.
    /// `delta` says how it differs from the one before.
    pub fn apply_image(&self, image: Arc<Image>, delta: &Delta, out: &mut Outbox) {
        let _guard = self.applying.lock();
        let old = self.view.load_full();
        let settings = Arc::new(BrokerConfig::resolve(layers(&self.server, &image, self.me)));
        let mut partitions = old.partitions.clone();
        for topic in &delta.topics_deleted {
            for (index, _) in topic.partitions() {
                let key = TopicPartition { topic: topic.id, partition: index };
                if let Some(partition) = partitions.get(&key).map(Arc::clone) {
                    partitions.remove_mut(&key);
                    partition.retire(out);
                }
            }
        }
        let mut taking = TakingUp {
            image: &image,
            settings: &settings,
            held: self.folders.held(partitions.values()),
        };
        for topic in &delta.topics_created {
            self.take_up(topic, &mut partitions, &mut taking, out);
        }
        for change in &delta.topics_changed {
            self.take_up(&change.new, &mut partitions, &mut taking, out);
            let config = topic_config(&self.server, &image, self.me, &change.new);
            for (index, partition_image) in change.new.partitions() {
                let key = TopicPartition { topic: change.new.id, partition: index };
                if let Some(partition) = partitions.get(&key) {
                    partition.update(partition_image, Arc::clone(&config), out);
                }
            }
        }
        if broker_configs_changed(delta) {
            for topic in image.topics() {
                let config = topic_config(&self.server, &image, self.me, topic);
                for (index, partition_image) in topic.partitions() {
                    let key = TopicPartition { topic: topic.id, partition: index };
                    if let Some(partition) = partitions.get(&key) {
                        partition.update(partition_image, Arc::clone(&config), out);
                    }
                }
            }
        }
        self.view.store(Arc::new(View { image, partitions, settings }));
    }

    /// Creates what of a topic is held here and not known yet.
    fn take_up(
        &self,
        topic: &Arc<TopicImage>,
        partitions: &mut RedBlackTreeMapSync<TopicPartition, Arc<Partition>>,
        taking: &mut TakingUp<'_>,
        out: &mut Outbox,
    ) {
        let config = topic_config(&self.server, taking.image, self.me, topic);
        for (index, partition_image) in topic.partitions() {
            let key = TopicPartition { topic: topic.id, partition: index };
            if !partition_image.replicas.contains(&self.me) || partitions.contains_key(&key) {
                continue;
            }
            let assigned = partition_image.directory_of(self.me).unwrap_or(DirectoryId::ZERO);
            let chosen = self.folders.choose(key, assigned, &taking.held, taking.settings);
            let Some(folder) = chosen else { continue };
            taking.held.add(&self.folders, folder);
            let place = Place {
                id: key,
                name: Arc::clone(&topic.name),
                me: self.me,
                folder: Arc::clone(folder),
                has_files: self.folders.found(key).next().is_some(),
                facts: Arc::clone(&self.facts),
            };
            let partition = Partition::new(
                place,
                partition_image.clone(),
                Arc::clone(&config),
                self.view.load().settings.producer_id_expiration_ms,
            );
            for other in self.folders.found(key).filter(|other| !Arc::ptr_eq(other, folder)) {
                out.push(set_aside(other, partition.identity(), self.moves.unique()));
            }
            partitions.insert_mut(key, Arc::new(partition));
        }
    }

    /// Whether a folder gets no new replicas (KIP-1066).
    pub(crate) fn is_cordoned(&self, folder: &Arc<Folder>, settings: &BrokerConfig) -> bool {
        self.folders.is_cordoned(folder, settings)
    }

    /// What of a list of folders to cordon names none of this broker's.
    pub(crate) fn unknown_folders<'n>(&self, list: &'n str) -> Vec<&'n str> {
        self.folders.unknown(list)
    }

    /// Time has passed: what has aged is removed, what is due for a sync is synced. Called about
    /// once a second; long work is done partition by partition, so that none is locked for long.
    pub fn tick(&self, now: Now, out: &mut Outbox) {
        self.wall_ms.store(now.wall_ms, Ordering::Relaxed);
        let view = self.view();
        let mut misplaced = Vec::new();
        for (key, partition) in &view.partitions {
            if let Some(directory) = partition.tick(now) {
                misplaced.push(ReplicaDirectory { partition: *key, directory });
            }
        }
        self.tell_directories(misplaced, now, out);
        self.moves.tick(move_rate(&view.settings), now, out);
        self.scrubber.tick(&view, now, out);
        self.end_round(out);
    }

    /// Tells the controller which folders hold replicas, where it believes otherwise (KIP-858).
    fn tell_directories(&self, mut replicas: Vec<ReplicaDirectory>, now: Now, out: &mut Outbox) {
        let broker_epoch = self.broker_epoch();
        let told_ms = self.directories_told_ms.load(Ordering::Relaxed);
        let passed_ms = now.monotonic_ms.saturating_sub(told_ms);
        let is_time = told_ms == 0 || passed_ms >= TELL_DIRECTORIES_EVERY_MS;
        if replicas.is_empty() || broker_epoch < 0 || !is_time {
            return;
        }
        self.directories_told_ms.store(now.monotonic_ms, Ordering::Relaxed);
        replicas.truncate(limits::ITEMS_PER_COMMAND_MAX);
        let broker = self.me;
        let command = AssignReplicasToDirs { broker, broker_epoch, replicas };
        out.push(Effect::Command {
            reply_to: None,
            command: Command::AssignReplicasToDirs(command),
        });
    }

    /// Has a replica held by a folder of this broker, now or soon (KIP-113).
    pub(crate) fn move_replica(
        &self,
        partition: &Arc<Partition>,
        to: &Arc<Folder>,
        now: Now,
        out: &mut Outbox,
    ) -> Result<(), PartitionError> {
        if let Some(new) = partition.wish_for_folder(to, &self.moves)? {
            self.moves.begin(&new, move_rate(&self.view.load().settings), now, out);
        }
        Ok(())
    }

    /// Ends what goes on in the background: the broker is about to stop.
    pub fn stop_moves(&self) {
        self.moves.stop();
    }

    /// Applies retention to every partition; called every `log.retention.check.interval.ms` on a
    /// thread that may block.
    pub fn apply_retention(&self, now: Now, out: &mut Outbox) -> Vec<PartitionError> {
        self.wall_ms.store(now.wall_ms, Ordering::Relaxed);
        let view = self.view();
        view.partitions.values().filter_map(|one| one.apply_retention(now, out).err()).collect()
    }

    /// Removes the folders of topics deleted long enough ago, as of the last [`Node::tick`] or
    /// [`Node::apply_retention`]. May block.
    ///
    /// # Errors
    /// What could not be removed; the rest is removed all the same.
    pub fn remove_deleted(&self) -> Result<(), HousekeepingError> {
        let view = self.view();
        let default =
            TopicConfig::resolve(layers(&self.server, &view.image, self.me), &Configs::new());
        let now_ms = self.wall_ms.load(Ordering::Relaxed);
        let errors = self.folders().iter().flat_map(|folder| {
            folder.log_folder().remove_deleted_after(now_ms, default.file_delete_delay_ms)
        });
        HousekeepingError::of(errors.collect())
    }

    /// Writes down how far each log is on stable storage, so that a crash costs little reading.
    ///
    /// # Errors
    /// The folders whose checkpoints could not be written; those of the others are.
    pub fn write_checkpoints(&self) -> Result<(), HousekeepingError> {
        let view = self.view();
        let errors = self.folders().iter().filter_map(|folder| {
            let logs: Vec<_> =
                partitions_in(&view, folder).filter_map(|p| p.checkpoint()).collect();
            folder.log_folder().write_checkpoints(&logs).err()
        });
        HousekeepingError::of(errors.collect())
    }

    /// Syncs and closes every log and leaves the proofs of a clean stop, where there was one: not in
    /// a folder that failed or that holds a partition out of service.
    ///
    /// # Errors
    /// The first folder that could not be closed cleanly; the others are closed all the same.
    pub fn close(&self) -> Result<(), FolderError> {
        let view = self.view();
        let mut outcome = Ok(());
        for folder in self.folders() {
            outcome = outcome.and(self.close_folder(&view, folder));
        }
        outcome
    }

    fn close_folder(&self, view: &View, folder: &Arc<Folder>) -> Result<(), FolderError> {
        let mut logs = Vec::new();
        let mut outcome = Ok(());
        if !folder.has_failed() {
            for partition in partitions_in(view, folder) {
                match partition.close() {
                    Ok(closed) => logs.extend(closed),
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
        }
        // Also a sync that ended only now.
        if let Some(failure) = folder.failure() {
            return Err(failure.clone().into());
        }
        if let Err(error) = outcome {
            folder.log_folder().write_checkpoints(&logs)?;
            return Err(error.into());
        }
        folder.log_folder().close_clean(&logs, self.broker_epoch())
    }
}

/// What an image is applied with while new partitions are taken up.
struct TakingUp<'a> {
    image: &'a Image,
    settings: &'a BrokerConfig,
    held: Held,
}

/// Bytes a second that moves may take, if that is limited.
fn move_rate(settings: &BrokerConfig) -> Option<u64> {
    settings.replica_alter_log_dirs_bytes_per_second
}

/// The job that puts a replica aside that another folder holds as well.
fn set_aside(folder: &Arc<Folder>, identity: LogIdentity, unique: Uuid) -> Effect {
    let folder = Arc::clone(folder);
    let job = Box::new(move || -> JobOutcome {
        Box::new(folder.log_folder().set_aside(&identity, unique))
    });
    Effect::Job { reply_to: None, job }
}

fn partitions_in<'a>(
    view: &'a View,
    folder: &'a Arc<Folder>,
) -> impl Iterator<Item = &'a Arc<Partition>> {
    view.partitions.values().filter(|partition| Arc::ptr_eq(&partition.folder(), folder))
}

fn broker_configs_changed(delta: &Delta) -> bool {
    delta.configs.iter().any(|resource| resource.kind == ConfigResourceKind::Broker)
}
