//! Cores on a table: one voter by itself, and three that talk, on a clock that the test turns.

use super::*;
use headwater_metadata::command::{CreateTopics, InitializeCluster, NewTopic, RegisterBroker};
use headwater_metadata::decide::Policy;
use headwater_types::{BrokerId, LeaderEpoch, Uuid};
use std::collections::{BTreeMap, BTreeSet};

fn options(raft_id: u64, voters: &[u64]) -> CoreOptions {
    CoreOptions {
        raft_id,
        voters: voters.to_vec(),
        seed: raft_id * 7919,
        initialize: InitializeCluster {
            cluster_id: format!("cluster-of-{raft_id}"),
            features: vec![("headwater.version".into(), 1)],
        },
        policy: Policy::free(),
        snapshot_every: SnapshotEvery { entries: 50, bytes: u64::MAX },
    }
}

fn register(id: i32) -> Command {
    Command::RegisterBroker(RegisterBroker {
        broker: BrokerId(id),
        cluster_id: None,
        incarnation_id: Uuid([id as u8; 16]),
        endpoints: Vec::new(),
        features: vec![(
            "headwater.version".into(),
            headwater_metadata::image::FeatureRange { min_level: 1, max_level: 1 },
        )],
        rack: None,
        log_dirs: vec![Uuid([0x40 + id as u8; 16])],
        fenced: false,
    })
}

fn create(name: &str) -> Command {
    let topics = vec![NewTopic { name: name.into(), ..NewTopic::default() }];
    Command::CreateTopics(CreateTopics { topics, validate_only: false })
}

/// A core with a disk that keeps what it was told to persist.
struct Node {
    core: Core<u64>,
    options: CoreOptions,
    hard_state: HardState,
    entries: Vec<LogEntry>,
    snapshot: (SnapshotMark, Arc<Image>),
    answers: BTreeMap<u64, Result<CommandReply, CommandError>>,
    published: u64,
    ids: u64,
}

impl Node {
    fn new(options: CoreOptions) -> Self {
        let core = Core::new(options.clone(), Restored::default()).unwrap();
        Self {
            core,
            options,
            hard_state: HardState::default(),
            entries: Vec::new(),
            snapshot: (SnapshotMark::default(), Arc::new(Image::default())),
            answers: BTreeMap::new(),
            published: 0,
            ids: 0,
        }
    }

    /// Starts again from what was persisted.
    fn restart(self) -> Self {
        let (mark, image) = self.snapshot.clone();
        let restored = Restored {
            hard_state: self.hard_state,
            image: Image::clone(&image),
            entries: self
                .entries
                .iter()
                .filter(|entry| entry.index > mark.index)
                .cloned()
                .collect(),
            snapshot: mark,
        };
        let core = Core::new(self.options.clone(), restored).unwrap();
        Self { core, answers: BTreeMap::new(), published: 0, ..self }
    }

    fn command(&mut self, ticket: u64, command: &Command) {
        let ids = &mut self.ids;
        let own = self.options.raft_id as u8;
        let mut next = || {
            *ids += 1;
            let mut bytes = [own; 16];
            bytes[8..].copy_from_slice(&ids.to_be_bytes());
            bytes
        };
        let mut world = Environment { now_ms: 0, ids: &mut next };
        self.core.handle_command(ticket, command, &mut world);
    }

    /// Carries out everything; gives what goes to peers.
    fn work(&mut self) -> Vec<wire::RaftMessage> {
        let mut sent = Vec::new();
        loop {
            let mut effects = Vec::new();
            self.core.poll(&mut effects).unwrap();
            if effects.is_empty() {
                return sent;
            }
            for effect in effects {
                match effect {
                    Effect::Send(message) => sent.push(message),
                    Effect::Persist { write, then } => {
                        self.persist(write);
                        sent.extend(then);
                        self.core.handle_persisted();
                    }
                    Effect::Publish(committed) => {
                        let at = committed.image.position().end.0 as u64;
                        assert!(at > self.published || self.published == 0);
                        self.published = at;
                    }
                    Effect::Answer { ticket, outcome } => {
                        assert!(self.answers.insert(ticket, outcome).is_none(), "answered twice");
                    }
                    Effect::Snapshot { mark, image } => {
                        self.snapshot = (mark.clone(), image);
                        let keep_from = self.core.handle_snapshot_written(mark);
                        self.entries.retain(|entry| entry.index > keep_from);
                    }
                }
            }
        }
    }

    fn persist(&mut self, write: Write) {
        if let Some(mark) = write.install {
            self.entries.clear();
            self.snapshot = (mark, Arc::clone(self.core.committed()));
        }
        if let Some(state) = write.hard_state {
            self.hard_state = state;
        }
        if let Some(first) = write.entries.first() {
            self.entries.retain(|entry| entry.index < first.index);
            self.entries.extend(write.entries);
        }
    }

    fn answer(&mut self, command: Command) -> Result<CommandReply, CommandError> {
        let ticket = 1_000_000 + self.answers.len() as u64;
        self.command(ticket, &command);
        self.work();
        self.answers.get(&ticket).cloned().expect("an answer")
    }
}

fn alone() -> Node {
    let mut node = Node::new(options(1, &[1]));
    assert!(node.work().is_empty(), "a single voter has nobody to speak to");
    node
}

#[test]
fn a_single_voter_is_ready_at_once() {
    let node = alone();
    assert!(node.core.is_active());
    assert_eq!(node.core.committed().cluster_id().map(|id| &**id), Some("cluster-of-1"));
    assert_eq!(node.core.committed().feature_level("headwater.version"), 1);
    let quorum = node.core.quorum();
    assert_eq!((quorum.leader, quorum.epoch), (Some(1), LeaderEpoch(1)));
    assert_eq!(quorum.voters, [VoterStatus { raft_id: 1, log_end: EndOffset(2) }]);
    assert_eq!(quorum.high_watermark, EndOffset(2));
}

#[test]
fn commands_of_one_round_see_one_another_and_share_a_write() {
    let mut node = alone();
    node.command(1, &register(1));
    node.command(2, &create("a"));
    node.command(3, &create("a"));
    assert!(node.answers.is_empty(), "nothing is durable yet");
    let mut effects = Vec::new();
    node.core.poll(&mut effects).unwrap();
    let [Effect::Persist { write, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(write.entries.len(), 2);
    let mut early = Vec::new();
    node.core.poll(&mut early).unwrap();
    assert!(early.is_empty(), "nothing is said before it is durable");
    let write = write.clone();
    node.persist(write);
    node.core.handle_persisted();
    node.work();
    assert!(node.answers[&1].is_ok());
    let outcome = |ticket| match &node.answers[&ticket] {
        Ok(CommandReply::TopicsCreated(results)) => results[0].clone().map(|topic| topic.name),
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome(2).as_deref(), Ok("a"));
    assert_eq!(outcome(3).unwrap_err().code, ErrorCode::TopicAlreadyExists);
}

#[test]
fn a_restart_gives_the_same_image_with_and_without_snapshots() {
    let mut node = alone();
    node.answer(register(1)).unwrap();
    for number in 0..30 {
        node.answer(create(&format!("before-{number}"))).unwrap();
    }
    assert_eq!(node.snapshot.0.index, 0);
    let image = Arc::clone(node.core.committed());
    let mut node = node.restart();
    node.work();
    assert_eq!(node.core.committed().topic_count(), image.topic_count());
    for number in 0..200 {
        node.answer(create(&format!("after-{number}"))).unwrap();
    }
    assert!(node.snapshot.0.index > 100);
    assert!(node.entries.len() <= 120, "{}", node.entries.len());
    let before: Vec<_> = node.core.committed().to_records().collect();
    let mut node = node.restart();
    node.work();
    assert_eq!(node.core.committed().to_records().collect::<Vec<_>>(), before);
    assert_eq!(node.core.quorum().epoch, LeaderEpoch(3), "every start is an election");
    node.answer(create("later")).unwrap();
}

#[test]
fn what_does_not_go_together_is_refused_and_not_an_abort() {
    let entry = |index, term| LogEntry {
        index,
        term,
        kind: EntryKind::Metadata,
        data: bytes::Bytes::new(),
    };
    let state = HardState { term: 2, vote: 1, commit: 900 };
    let start = |hard_state, entries| {
        let restored = Restored { hard_state, entries, ..Restored::default() };
        Core::<u64>::new(options(1, &[1]), restored).map(|_| ()).map_err(|error| error.to_string())
    };
    assert!(start(state, vec![entry(1, 1), entry(2, 2)]).is_ok(), "a wrong commit is cut");
    assert!(start(state, vec![entry(1, 1), entry(3, 2)]).unwrap_err().contains("entry 3"));
    assert!(start(state, vec![entry(1, 2), entry(2, 1)]).unwrap_err().contains("earlier term"));
    assert!(start(state, vec![entry(1, 3)]).unwrap_err().contains("term 3"));
    let mut broken = entry(1, 1);
    broken.data = bytes::Bytes::from_static(b"\xff\xff\xff");
    let restored = Restored { hard_state: state, entries: vec![broken], ..Restored::default() };
    let mut core = Core::<u64>::new(options(1, &[1]), restored).unwrap();
    let mut effects = Vec::new();
    let mut outcome = core.poll(&mut effects);
    while outcome.is_ok() && core.persisting.is_some() {
        core.handle_persisted();
        outcome = core.poll(&mut effects);
    }
    assert!(matches!(outcome, Err(CoreError::Unreadable { index: 1, .. })), "{outcome:?}");
}

#[test]
fn metadata_of_a_newer_version_is_refused() {
    let node = alone();
    let mut old = options(1, &[1]);
    let range = headwater_metadata::image::FeatureRange { min_level: 0, max_level: 0 };
    old.policy.features = vec![(VERSION_FEATURE.into(), range)];
    let restored = Restored {
        hard_state: node.hard_state,
        entries: node.entries.clone(),
        ..Restored::default()
    };
    let mut core = Core::<u64>::new(old, restored).unwrap();
    let mut outcome = core.poll(&mut Vec::new());
    while outcome.is_ok() {
        core.handle_persisted();
        outcome = core.poll(&mut Vec::new());
    }
    assert!(matches!(outcome, Err(CoreError::Newer { level: 1, supported: 0 })), "{outcome:?}");
}

/// Three voters and the messages between them.
struct Quorum {
    nodes: BTreeMap<u64, Node>,
    cut_off: BTreeSet<u64>,
    /// How many were sent.
    snapshots: usize,
}

impl Quorum {
    fn new() -> Self {
        let voters = [1, 2, 3];
        let nodes = voters.iter().map(|&id| (id, Node::new(options(id, &voters)))).collect();
        Self { nodes, cut_off: BTreeSet::new(), snapshots: 0 }
    }

    /// Delivers until nobody says anything more.
    fn settle(&mut self) {
        loop {
            let mut messages = Vec::new();
            for node in self.nodes.values_mut() {
                messages.extend(node.work());
            }
            messages.retain(|message| {
                !self.cut_off.contains(&message.from) && !self.cut_off.contains(&message.to)
            });
            if messages.is_empty() {
                return;
            }
            for message in messages {
                if let Some(wanted) = &message.snapshot {
                    // The shell fetches it from the sender by the mark.
                    let (mark, image) = self.nodes[&message.from].snapshot.clone();
                    assert_eq!((mark.index, mark.term), (wanted.index, wanted.term));
                    self.snapshots += 1;
                    let node = self.nodes.get_mut(&message.to).unwrap();
                    node.core.handle_snapshot(message.from, mark, image);
                    continue;
                }
                let node = self.nodes.get_mut(&message.to).unwrap();
                node.core.handle_message(message).unwrap();
            }
        }
    }

    fn tick(&mut self, count: usize) {
        for _ in 0..count {
            for node in self.nodes.values_mut() {
                node.core.handle_tick();
            }
            self.settle();
        }
    }

    fn leader(&self) -> Option<u64> {
        let active = |(&id, node): (&u64, &Node)| {
            (node.core.is_active() && !self.cut_off.contains(&id)).then_some(id)
        };
        self.nodes.iter().find_map(active)
    }

    fn node(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).unwrap()
    }
}

#[test]
fn three_voters_agree_and_survive_the_loss_of_a_leader() {
    let mut quorum = Quorum::new();
    quorum.tick(40);
    let first = quorum.leader().expect("a leader");
    quorum.node(first).command(1, &register(1));
    quorum.node(first).command(2, &create("a"));
    quorum.settle();
    assert!(quorum.node(first).answers[&2].is_ok());
    let follower = (1..=3).find(|&id| id != first).unwrap();
    quorum.node(follower).command(3, &create("b"));
    quorum.settle();
    assert_eq!(
        quorum.node(follower).answers[&3].clone().unwrap_err().code,
        ErrorCode::NotController
    );
    quorum.cut_off.insert(first);
    quorum.node(first).command(4, &create("lost"));
    quorum.tick(60);
    let second = quorum.leader().expect("another leader");
    assert_ne!(second, first);
    assert_eq!(
        quorum.node(first).answers[&4].clone().unwrap_err().code,
        ErrorCode::NotController,
        "a leader without a quorum steps down"
    );
    quorum.node(second).command(5, &create("kept"));
    quorum.settle();
    assert!(quorum.node(second).answers[&5].is_ok());
    quorum.cut_off.clear();
    quorum.tick(60);
    let images: Vec<Vec<_>> =
        quorum.nodes.values().map(|node| node.core.committed().to_records().collect()).collect();
    assert_eq!(images[0], images[1]);
    assert_eq!(images[1], images[2]);
    let image = Arc::clone(quorum.node(1).core.committed());
    assert!(image.topic_named("kept").is_some() && image.topic_named("lost").is_none());
}

#[test]
fn who_was_away_too_long_gets_a_snapshot() {
    let mut quorum = Quorum::new();
    quorum.tick(40);
    let leader = quorum.leader().expect("a leader");
    let away = (1..=3).find(|&id| id != leader).unwrap();
    quorum.node(leader).command(0, &register(1));
    quorum.settle();
    quorum.cut_off.insert(away);
    for number in 0..160 {
        quorum.node(leader).command(1 + number, &create(&format!("t{number}")));
        quorum.settle();
    }
    let log_start = quorum.node(leader).entries[0].index;
    assert!(log_start > 50, "{log_start}");
    quorum.cut_off.clear();
    quorum.tick(40);
    assert!(quorum.snapshots > 0);
    let leader = quorum.leader().expect("a leader");
    quorum.node(leader).command(900, &create("after"));
    quorum.settle();
    let content =
        |quorum: &mut Quorum, id| quorum.node(id).core.committed().to_records().collect::<Vec<_>>();
    assert!(quorum.node(away).core.committed().topic_named("after").is_some());
    assert_eq!(content(&mut quorum, away), content(&mut quorum, leader));
    // What it was given is what it starts from.
    let node = quorum.nodes.remove(&away).unwrap();
    let before: Vec<_> = node.core.committed().to_records().collect();
    let mut node = node.restart();
    node.work();
    let image = Arc::clone(node.core.committed());
    assert!(image.topic_count() >= 100, "{}", image.topic_count());
    assert!(before.len() >= image.to_records().count());
}

#[test]
fn the_same_seeds_elect_the_same_leader() {
    let run = || {
        let mut quorum = Quorum::new();
        quorum.tick(40);
        let node = &quorum.nodes[&1];
        (quorum.leader(), node.core.quorum(), node.entries.clone())
    };
    assert_eq!(run(), run());
}

#[test]
fn no_message_of_a_peer_can_bring_a_node_down() {
    use raft::eraftpb::MessageType;
    let mut quorum = Quorum::new();
    quorum.tick(40);
    let leader = quorum.leader().unwrap();
    let (peer, own) = if leader == 1 { (2, 1) } else { (1, leader) };
    let cluster_id = quorum.node(own).core.committed().cluster_id().unwrap().to_string();
    let term = quorum.node(own).core.node.raft.term;
    let base = wire::RaftMessage {
        cluster_id: cluster_id.clone(),
        to: own,
        from: peer,
        term,
        ..wire::RaftMessage::default()
    };
    let other = wire::RaftMessage { cluster_id: "other".into(), ..base.clone() };
    let node = quorum.node(own);
    assert!(matches!(node.core.handle_message(other), Err(MessageError::OtherCluster { .. })));
    let foreign = wire::RaftMessage { from: 99, ..base.clone() };
    assert!(matches!(node.core.handle_message(foreign), Err(MessageError::NoPeer { .. })));
    let misled = wire::RaftMessage { to: 99, ..base.clone() };
    assert!(matches!(node.core.handle_message(misled), Err(MessageError::NotForUs { .. })));

    let followers = (1..=3).filter(|&id| id != own).collect::<Vec<_>>();
    let numbers = [0, 1, 2, 3, 7, 1000, NUMBERS_END, u64::MAX];
    let mut refused = 0;
    for kind in 0..30u32 {
        for (place, &number) in numbers.iter().enumerate() {
            for &second in &numbers {
                for to in [own, followers[0]] {
                    let entry = wire::RaftEntry {
                        kind: (place % 4) as u32,
                        term: second,
                        index: number.wrapping_add(1),
                        data: bytes::Bytes::from_static(b"x"),
                    };
                    let message = wire::RaftMessage {
                        kind,
                        to,
                        from: if to == own { peer } else { own },
                        index: number,
                        log_term: second,
                        commit: second,
                        reject: place % 2 == 0,
                        reject_hint: second,
                        entries: if kind == MessageType::MsgAppend as u32 {
                            vec![entry]
                        } else {
                            Vec::new()
                        },
                        ..base.clone()
                    };
                    let node = quorum.node(to);
                    refused += usize::from(node.core.handle_message(message).is_err());
                }
            }
        }
    }
    assert!(refused > 1000, "{refused}");
    // Whatever was let in is carried out without an abort.
    for node in quorum.nodes.values_mut() {
        let mut effects = Vec::new();
        let _ = node.core.poll(&mut effects);
    }
}

/// The largest number that is let in.
const NUMBERS_END: u64 = 1 << 31;
