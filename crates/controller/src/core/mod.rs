//! The controller without I/O: a Raft node, the images, and the commands that wait.
//!
//! Feed it with the `handle_*` functions, then let [`Core::poll`] say what is to be done, in
//! order. It says nothing more until what it wants persisted is ([`Core::handle_persisted`]).
//! What must wait for the disk travels inside [`Effect::Persist`].
//!
//! A command is decided against the newest image, which holds what is proposed but not committed
//! yet, so that many commands can share one write. Its answer waits until everything it saw is
//! committed; that goes for refusals too, since they may rest on what is taken back.

mod entries;
mod entry;
mod interface;
mod message;
mod status;
#[cfg(test)]
mod tests;
mod timeouts;

pub use entry::{EntryKind, HardState, LogEntry, SnapshotMark};
pub use interface::{
    Committed, CoreError, CoreOptions, ENTRY_BYTES_MAX, Effect, Environment, Restored,
    SNAPSHOT_BYTES, SNAPSHOT_ENTRIES, SnapshotEvery, UNCOMMITTED_BYTES_MAX, VERSION_FEATURE, Write,
};
pub use message::MessageError;
pub use status::{QuorumStatus, VoterStatus, raft_id_of};

use self::entries::Entries;
use self::entry::{epoch, to_i64};
use self::message::{Known, check, to_wire};
use self::status::node_of;
use self::timeouts::{ELECTION_TICKS, HEARTBEAT_TICKS, Timeouts};
use crate::generated::controller as wire;
use headwater_metadata::command::{Command, CommandError, CommandReply};
use headwater_metadata::decide::{DecideContext, Policy, decide};
use headwater_metadata::image::{Image, ImageBuilder};
use headwater_metadata::record::MetadataEntry;
use headwater_types::{EndOffset, ErrorCode};
use prost::Message as _;
use raft::eraftpb::ConfState;
use raft::{Config, RawNode, StateRole};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of entries in one message to a peer.
const MESSAGE_BYTES_MAX: u64 = 1024 * 1024;

/// Messages under way to one peer.
const MESSAGES_IN_FLIGHT_MAX: usize = 64;

/// Commands whose answer waits for a commit.
const WAITING_MAX: usize = 100_000;

/// The answer of a command that waits.
#[derive(Debug)]
struct Waiting<T> {
    /// The last entry it saw.
    index: u64,
    ticket: T,
    outcome: Result<CommandReply, CommandError>,
}

/// The controller without I/O. `T` is what a caller gives with a command and gets back with its
/// answer.
pub struct Core<T> {
    node: RawNode<Entries>,
    timeouts: Timeouts,
    options: CoreOptions,
    committed: Arc<Image>,
    /// While this node leads and has applied all that came before: the image with everything
    /// proposed, and the last proposed index.
    newest: Option<Newest>,
    /// In the order of their index.
    waiting: VecDeque<Waiting<T>>,
    /// Answers that need not wait, and what else is to be done.
    ready: Vec<Effect<T>>,
    /// The number of the Raft ready whose write is under way.
    persisting: Option<u64>,
    snapshots: Snapshots,
    /// The image of a snapshot that a peer sent, until Raft takes it.
    installing: Option<(SnapshotMark, Arc<Image>)>,
}

struct Newest {
    image: Image,
    index: u64,
}

/// How far the log was snapshotted.
#[derive(Debug, Default)]
struct Snapshots {
    latest: u64,
    /// The one before: the log is kept from there on, should the latest prove unreadable.
    previous: u64,
    entries_since: u64,
    bytes_since: u64,
    writing: bool,
}

impl<T> std::fmt::Debug for Core<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("raft_id", &self.options.raft_id)
            .field("term", &self.node.raft.term)
            .field("role", &self.node.raft.state)
            .field("committed", &self.committed.position())
            .finish_non_exhaustive()
    }
}

impl<T> Core<T> {
    /// Starts from what was found on disk. The only voter stands for election at once.
    ///
    /// # Errors
    ///
    /// What was found does not go together.
    pub fn new(options: CoreOptions, restored: Restored) -> Result<Self, CoreError> {
        check_restored(&options, &restored)?;
        check_version(&options.policy, &restored.image)?;
        let Restored { mut hard_state, snapshot, image, entries } = restored;
        let conf_state = if snapshot.index == 0 {
            ConfState { voters: options.voters.clone(), ..ConfState::default() }
        } else {
            snapshot.conf_state()
        };
        let last = entries.last().map_or(snapshot.index, |entry| entry.index);
        // The file may lag behind the snapshot, for only a vote makes it be written.
        hard_state.commit = hard_state.commit.clamp(snapshot.index, last);
        let config = Config {
            id: options.raft_id,
            election_tick: ELECTION_TICKS.0,
            min_election_tick: ELECTION_TICKS.0,
            max_election_tick: ELECTION_TICKS.1,
            heartbeat_tick: HEARTBEAT_TICKS,
            applied: snapshot.index,
            max_size_per_msg: MESSAGE_BYTES_MAX,
            max_inflight_msgs: MESSAGES_IN_FLIGHT_MAX,
            check_quorum: true,
            pre_vote: true,
            max_uncommitted_size: UNCOMMITTED_BYTES_MAX,
            ..Config::default()
        };
        let alone = conf_state.voters == [options.raft_id];
        let snapshots =
            Snapshots { latest: snapshot.index, previous: snapshot.index, ..Snapshots::default() };
        let storage = Entries::new(hard_state, snapshot, conf_state, &entries);
        let mut node = RawNode::new(&config, storage, &crate::logger::raft_logger())?;
        let mut timeouts = Timeouts::new(options.seed);
        timeouts.set(&mut node);
        if alone {
            node.campaign()?;
            timeouts.set(&mut node);
        }
        Ok(Self {
            node,
            timeouts,
            options,
            committed: Arc::new(image),
            newest: None,
            waiting: VecDeque::new(),
            ready: Vec::new(),
            persisting: None,
            snapshots,
            installing: None,
        })
    }

    /// What is committed and applied.
    pub fn committed(&self) -> &Arc<Image> {
        &self.committed
    }

    /// Whether this node leads and can decide commands.
    pub fn is_active(&self) -> bool {
        self.newest.is_some()
    }

    /// Whether there are other voters or learners: then time matters.
    pub fn has_peers(&self) -> bool {
        let own = self.options.raft_id;
        self.node.raft.prs().iter().any(|(&id, _)| id != own)
    }

    /// The state of the quorum.
    pub fn quorum(&self) -> QuorumStatus {
        let raft = &self.node.raft;
        let leads = raft.state == StateRole::Leader;
        let voters = raft.prs().conf().voters().clone();
        let status = |(&raft_id, progress): (&u64, &raft::Progress)| VoterStatus {
            raft_id,
            log_end: EndOffset(if leads { to_i64(progress.matched) } else { -1 }),
        };
        let (mut in_quorum, mut observers) = (Vec::new(), Vec::new());
        for (id, progress) in raft.prs().iter() {
            let list = if voters.contains(*id) { &mut in_quorum } else { &mut observers };
            list.push(status((id, progress)));
        }
        in_quorum.sort_unstable_by_key(|voter| voter.raft_id);
        observers.sort_unstable_by_key(|voter| voter.raft_id);
        QuorumStatus {
            leader: (raft.leader_id != 0).then_some(raft.leader_id),
            epoch: epoch(raft.term),
            high_watermark: EndOffset(to_i64(raft.raft_log.committed)),
            voters: in_quorum,
            observers,
        }
    }

    /// A tick of the clock has passed.
    pub fn handle_tick(&mut self) {
        self.node.tick();
        self.timeouts.set(&mut self.node);
    }

    /// A peer sent a message.
    ///
    /// # Errors
    ///
    /// The message is refused; nothing else has happened.
    pub fn handle_message(&mut self, message: wire::RaftMessage) -> Result<(), MessageError> {
        let log = &self.node.raft.raft_log;
        let known = Known {
            own: self.options.raft_id,
            is_peer: &|id| self.node.raft.prs().get(id).is_some(),
            cluster_id: self.committed.cluster_id().map(|id| &**id),
            last_index: log.last_index(),
            committed: log.committed,
            term_of: &|index| log.term(index).ok(),
        };
        let message = check(message, &known)?;
        // What is stale is no error, and the rest was checked.
        let _ = self.node.step(message);
        self.timeouts.set(&mut self.node);
        Ok(())
    }

    /// A command came in. Its answer is an [`Effect::Answer`] of some later [`Core::poll`].
    pub fn handle_command(&mut self, ticket: T, command: &Command, world: &mut Environment<'_>) {
        let outcome = self.decide_and_propose(command, world);
        match outcome {
            Ok((index, outcome)) if index > applied_index(&self.committed) => {
                self.waiting.push_back(Waiting { index, ticket, outcome });
            }
            Ok((_, outcome)) => self.ready.push(Effect::Answer { ticket, outcome }),
            Err(error) => self.ready.push(Effect::Answer { ticket, outcome: Err(error) }),
        }
    }

    /// Decides a command and proposes its records. Gives the last index that the outcome rests on.
    #[allow(clippy::type_complexity)]
    fn decide_and_propose(
        &mut self,
        command: &Command,
        world: &mut Environment<'_>,
    ) -> Result<(u64, Result<CommandReply, CommandError>), CommandError> {
        let Some(newest) = &mut self.newest else {
            return Err(not_controller());
        };
        if self.waiting.len() >= WAITING_MAX {
            return Err(overloaded());
        }
        let mut context = DecideContext::new(world.now_ms, world.ids, &self.options.policy);
        context.controller = node_of(self.options.raft_id);
        let decision = match decide(&newest.image, command, &mut context) {
            Ok(decision) => decision,
            Err(error) => return Ok((newest.index, Err(error))),
        };
        if decision.records.is_empty() {
            return Ok((newest.index, Ok(decision.reply)));
        }
        let entry = MetadataEntry { records: decision.records }.encode_to_vec();
        if entry.len() > ENTRY_BYTES_MAX {
            return Err(too_large(entry.len()));
        }
        match self.node.propose(Vec::new(), entry) {
            Ok(()) => {}
            Err(raft::Error::ProposalDropped) => return Err(overloaded()),
            Err(_) => return Err(not_controller()),
        }
        newest.index = self.node.raft.raft_log.last_index();
        newest.image = decision.after.finish(newest.image.position());
        Ok((newest.index, Ok(decision.reply)))
    }

    /// A snapshot came from a peer, was read in full, and lies durably among this node's own
    /// snapshots: what follows gives the log up for it.
    pub fn handle_snapshot(&mut self, from: u64, mark: SnapshotMark, image: Arc<Image>) {
        let known = self.node.raft.prs().get(from).is_some();
        if !known || mark.index <= applied_index(&self.committed) || mark.term > self.node.raft.term
        {
            return;
        }
        let mut message = raft::eraftpb::Message::default();
        message.set_msg_type(raft::eraftpb::MessageType::MsgSnapshot);
        message.from = from;
        message.to = self.options.raft_id;
        message.term = self.node.raft.term;
        let metadata = message.mut_snapshot().mut_metadata();
        metadata.index = mark.index;
        metadata.term = mark.term;
        metadata.set_conf_state(mark.conf_state());
        self.installing = Some((mark, image));
        let _ = self.node.step(message);
        self.timeouts.set(&mut self.node);
    }

    /// The write of the last [`Effect::Persist`] is durable.
    pub fn handle_persisted(&mut self) {
        if let Some(number) = self.persisting.take() {
            self.node.on_persist_ready(number);
            self.timeouts.set(&mut self.node);
        }
    }

    /// A snapshot is durable. Returns the index up to which the log may be deleted: what only the
    /// one before needs.
    pub fn handle_snapshot_written(&mut self, mark: SnapshotMark) -> u64 {
        self.snapshots.writing = false;
        self.snapshots.previous = self.snapshots.latest;
        self.snapshots.latest = mark.index;
        let keep_from = self.snapshots.previous;
        let storage = self.node.mut_store();
        storage.set_snapshot(mark);
        storage.forget_to(keep_from);
        keep_from
    }

    /// A snapshot could not be written. The log goes on without, and the next one is due as usual.
    pub fn handle_snapshot_failed(&mut self) {
        self.snapshots.writing = false;
    }

    /// Says what is to be done now, in order. Call it again after [`Core::handle_persisted`], and
    /// until it says nothing.
    ///
    /// # Errors
    ///
    /// The controller cannot go on; the process has to stop.
    pub fn poll(&mut self, out: &mut Vec<Effect<T>>) -> Result<(), CoreError> {
        self.follow_role(out);
        out.append(&mut self.ready);
        while self.persisting.is_none() && self.node.has_ready() {
            self.poll_raft(out)?;
            self.follow_role(out);
            out.append(&mut self.ready);
        }
        self.maybe_snapshot(out);
        Ok(())
    }

    fn poll_raft(&mut self, out: &mut Vec<Effect<T>>) -> Result<(), CoreError> {
        let mut ready = self.node.ready();
        let cluster_id = self.committed.cluster_id().map(|id| id.to_string()).unwrap_or_default();
        let wire = |message| to_wire(message, &cluster_id);
        out.extend(ready.take_messages().into_iter().map(|message| Effect::Send(wire(message))));
        let mut write = Write::default();
        if !ready.snapshot().get_metadata().index.eq(&0) {
            write.install = self.install(out);
        }
        let committed = ready.take_committed_entries();
        let entries = ready.take_entries();
        write.entries = entries.iter().map(LogEntry::from_raft).collect();
        let hard_state = ready.hs().map(HardState::from_raft);
        // A commit index alone may lag behind: it is found again.
        write.hard_state = hard_state.filter(|_| ready.must_sync());
        let then: Vec<_> = ready.take_persisted_messages().into_iter().map(wire).collect();
        let storage = self.node.mut_store();
        storage.append(&entries);
        if let Some(hard_state) = hard_state {
            storage.set_hard_state(hard_state);
        }
        let number = ready.number();
        self.node.advance_append_async(ready);
        self.apply(&committed, out)?;
        if write == Write::default() {
            out.extend(then.into_iter().map(Effect::Send));
            self.node.on_persist_ready(number);
        } else {
            self.persisting = Some(number);
            out.push(Effect::Persist { write, then });
        }
        self.timeouts.set(&mut self.node);
        Ok(())
    }

    /// Takes the image of a peer's snapshot for our own.
    fn install(&mut self, out: &mut Vec<Effect<T>>) -> Option<SnapshotMark> {
        let (mark, image) = self.installing.take()?;
        let delta = headwater_metadata::image::delta(&self.committed, &image);
        self.committed = image;
        self.snapshots =
            Snapshots { latest: mark.index, previous: mark.index, ..Snapshots::default() };
        self.node.mut_store().reset_to(mark.clone());
        let committed = Committed { image: Arc::clone(&self.committed), delta: Arc::new(delta) };
        out.push(Effect::Publish(committed));
        Some(mark)
    }

    /// Applies committed entries, publishes the image and answers who waited for it.
    fn apply(
        &mut self,
        entries: &[raft::eraftpb::Entry],
        out: &mut Vec<Effect<T>>,
    ) -> Result<(), CoreError> {
        let Some(last) = entries.last().map(LogEntry::from_raft) else { return Ok(()) };
        let mut builder = ImageBuilder::new(&self.committed);
        for entry in entries {
            self.snapshots.entries_since += 1;
            self.snapshots.bytes_since += entry.data.len() as u64;
            self.apply_entry(entry, &mut builder)?;
        }
        let (image, delta) = builder.finish_with_delta(&self.committed, last.position());
        if delta.features {
            check_version(&self.options.policy, &image)?;
        }
        self.committed = Arc::new(image);
        self.node.advance_apply_to(last.index);
        if !self.has_peers() {
            // Only a peer would ask for them again.
            self.node.mut_store().forget_to(last.index);
        }
        let committed = Committed { image: Arc::clone(&self.committed), delta: Arc::new(delta) };
        out.push(Effect::Publish(committed));
        while let Some(waiting) = self.waiting.front()
            && waiting.index <= last.index
        {
            let Some(waiting) = self.waiting.pop_front() else { break };
            out.push(Effect::Answer { ticket: waiting.ticket, outcome: waiting.outcome });
        }
        Ok(())
    }

    fn apply_entry(
        &mut self,
        entry: &raft::eraftpb::Entry,
        builder: &mut ImageBuilder,
    ) -> Result<(), CoreError> {
        let index = entry.index;
        let unreadable = |reason: String| CoreError::Unreadable { index, reason };
        match LogEntry::from_raft(entry).kind {
            EntryKind::Metadata => {
                let entry = MetadataEntry::decode(entry.data.clone())
                    .map_err(|error| unreadable(error.to_string()))?;
                for record in &entry.records {
                    builder.apply(record).map_err(|error| CoreError::Apply { index, error })?;
                }
            }
            EntryKind::Voters | EntryKind::VotersJoint => {
                let reason = "it changes the voters, which this version cannot";
                return Err(unreadable(reason.to_owned()));
            }
        }
        Ok(())
    }

    /// Takes up or lays down the right to decide.
    fn follow_role(&mut self, out: &mut Vec<Effect<T>>) {
        if self.node.raft.state != StateRole::Leader {
            if self.newest.take().is_some() {
                // Whether they will be committed is another leader's to say.
                out.extend(self.waiting.drain(..).map(|waiting| Effect::Answer {
                    ticket: waiting.ticket,
                    outcome: Err(not_controller()),
                }));
            }
            return;
        }
        let log = &self.node.raft.raft_log;
        // While nothing was proposed here, the last entry is the empty one with which this node
        // began to lead. Once all before it are applied, nothing of earlier leaders is missing.
        let caught_up = log.applied.saturating_add(1) >= log.last_index();
        if self.newest.is_none() && caught_up {
            self.newest =
                Some(Newest { image: Image::clone(&self.committed), index: log.last_index() });
            if self.committed.cluster_id().is_none() {
                self.initialize_cluster();
            }
        }
    }

    /// The very first decision of a cluster.
    fn initialize_cluster(&mut self) {
        let command = Command::InitializeCluster(self.options.initialize.clone());
        let mut no_ids = || [0; 16];
        let mut world = Environment { now_ms: 0, ids: &mut no_ids };
        // It is refused only where it cannot be proposed; then another leader will do it.
        let _ = self.decide_and_propose(&command, &mut world);
    }

    /// Gives back everybody who waits: the controller ends without an answer for them.
    pub fn give_up(&mut self) -> impl Iterator<Item = T> {
        let ready = std::mem::take(&mut self.ready).into_iter().filter_map(|effect| match effect {
            Effect::Answer { ticket, .. } => Some(ticket),
            _ => None,
        });
        ready.chain(self.waiting.drain(..).map(|waiting| waiting.ticket))
    }

    fn maybe_snapshot(&mut self, out: &mut Vec<Effect<T>>) {
        let every = self.options.snapshot_every;
        let due = self.snapshots.entries_since >= every.entries
            || self.snapshots.bytes_since >= every.bytes;
        if !due || self.snapshots.writing {
            return;
        }
        let position = self.committed.position();
        let index = applied_index(&self.committed);
        let Some(term) = self.node.store().term_of(index) else { return };
        debug_assert_eq!(epoch(term), position.epoch);
        let conf = self.node.raft.prs().conf().to_conf_state();
        let mark = SnapshotMark { index, term, voters: conf.voters, learners: conf.learners };
        self.snapshots.writing = true;
        self.snapshots.entries_since = 0;
        self.snapshots.bytes_since = 0;
        out.push(Effect::Snapshot { mark, image: Arc::clone(&self.committed) });
    }
}

/// The index of the last entry that an image holds.
fn applied_index(image: &Image) -> u64 {
    u64::try_from(image.position().end.0).unwrap_or(0)
}

fn not_controller() -> CommandError {
    CommandError::new(
        ErrorCode::NotController,
        "This is not the correct controller for this cluster.",
    )
}

fn too_large(bytes: usize) -> CommandError {
    let text =
        format!("The command would write {bytes} bytes at once; {ENTRY_BYTES_MAX} are allowed.");
    CommandError::new(ErrorCode::PolicyViolation, text)
}

fn overloaded() -> CommandError {
    CommandError::new(
        ErrorCode::ThrottlingQuotaExceeded,
        "The controller has too many commands in work; try again.",
    )
}

/// Refuses what a newer version wrote: records or fields that this one does not know would be lost
/// without a word.
fn check_version(policy: &Policy, image: &Image) -> Result<(), CoreError> {
    let level = image.feature_level(VERSION_FEATURE);
    let known = policy.features.iter().find(|(name, _)| &**name == VERSION_FEATURE);
    match known {
        Some((_, range)) if level > range.max_level => {
            Err(CoreError::Newer { level, supported: range.max_level })
        }
        _ => Ok(()),
    }
}

/// What the crate `raft` would abort upon.
fn check_restored(options: &CoreOptions, restored: &Restored) -> Result<(), CoreError> {
    let refuse = |reason: String| Err(CoreError::Inconsistent(reason));
    if options.raft_id == 0 || options.voters.is_empty() {
        return refuse("no Raft id, or no voters".to_owned());
    }
    let mut expected = restored.snapshot.index;
    let mut term = restored.snapshot.term;
    for entry in &restored.entries {
        expected += 1;
        if entry.index != expected {
            return refuse(format!("entry {} follows where {expected} should", entry.index));
        }
        if entry.term < term {
            return refuse(format!("entry {} is of an earlier term than the one before", expected));
        }
        term = entry.term;
    }
    if restored.hard_state.term < term {
        return refuse(format!(
            "its log is of term {term}, its Raft state of term {}",
            restored.hard_state.term
        ));
    }
    if term > i32::MAX as u64 {
        return refuse(format!("term {term} is out of range"));
    }
    if applied_index(&restored.image) != restored.snapshot.index {
        return refuse("the snapshot's image is of another position".to_owned());
    }
    Ok(())
}
