//! Power is lost, or an operation fails, at every single step of a controller's life: what was
//! answered is there afterwards, and nothing is there by halves.

use crate::core::{Core, CoreOptions, Effect, Environment, SnapshotEvery};
use crate::storage::Storage;
use headwater_log::{Disk, Fate, MemoryDisk, PendingEffect};
use headwater_metadata::command::{
    Command, CommandError, CommandReply, CreateTopics, DeleteTopics, InitializeCluster, NewTopic,
    RegisterBroker, TopicRef,
};
use headwater_metadata::decide::Policy;
use headwater_types::{BrokerId, Uuid};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// A controller by hand, as the runner drives it.
struct Machine {
    core: Core<usize>,
    storage: Storage,
    ids: u8,
    answered: Vec<(usize, Result<CommandReply, CommandError>)>,
}

impl Machine {
    fn open(disk: &MemoryDisk) -> Result<Self, String> {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let opened =
            Storage::open(disk, Path::new("/data"), 0).map_err(|error| error.to_string())?;
        let options = CoreOptions {
            raft_id: 1,
            voters: vec![1],
            seed: 7,
            initialize: InitializeCluster { cluster_id: "c".into(), features: Vec::new() },
            policy: Policy::free(),
            snapshot_every: SnapshotEvery { entries: 4, bytes: u64::MAX },
        };
        let core = Core::new(options, opened.restored).map_err(|error| error.to_string())?;
        let storage = opened.storage;
        let mut machine = Self { core, storage, ids: 0, answered: Vec::new() };
        machine.work()?;
        Ok(machine)
    }

    fn ask(&mut self, ticket: usize, command: &Command) -> Result<(), String> {
        let ids = &mut self.ids;
        let mut next = || {
            *ids += 1;
            [0x20 + *ids; 16]
        };
        let mut world = Environment { now_ms: 0, ids: &mut next };
        self.core.handle_command(ticket, command, &mut world);
        self.work()
    }

    fn work(&mut self) -> Result<(), String> {
        loop {
            let mut effects = Vec::new();
            self.core.poll(&mut effects).map_err(|error| error.to_string())?;
            if effects.is_empty() {
                return Ok(());
            }
            for effect in effects {
                match effect {
                    Effect::Send(_) | Effect::Publish(_) => {}
                    Effect::Persist { write, .. } => {
                        self.storage.persist(&write, 0).map_err(|error| error.to_string())?;
                        self.core.handle_persisted();
                    }
                    Effect::Answer { ticket, outcome } => self.answered.push((ticket, outcome)),
                    Effect::Snapshot { mark, image } => {
                        let job = self.storage.prepare_snapshot(mark, image, 0);
                        let written = job.and_then(|job| job.run()).and_then(|written| {
                            let keep = self.core.handle_snapshot_written(written.mark.clone());
                            self.storage.adopt_snapshot(written);
                            self.storage.delete_to(keep, 0)
                        });
                        if written.is_err() {
                            self.core.handle_snapshot_failed();
                        }
                    }
                }
            }
        }
    }

    /// The names of the topics that are there.
    fn topics(&self) -> BTreeSet<String> {
        self.core.committed().topics().map(|topic| topic.name.to_string()).collect()
    }
}

fn script() -> Vec<Command> {
    let create = |names: &[&str]| {
        let topics = names
            .iter()
            .map(|name| NewTopic { name: (*name).to_owned(), ..NewTopic::default() })
            .collect();
        Command::CreateTopics(CreateTopics { topics, validate_only: false })
    };
    let delete = |name: &str| {
        Command::DeleteTopics(DeleteTopics { topics: vec![TopicRef::Name(name.to_owned())] })
    };
    let register = Command::RegisterBroker(RegisterBroker {
        broker: BrokerId(0),
        cluster_id: None,
        incarnation_id: Uuid([3; 16]),
        endpoints: Vec::new(),
        features: Vec::new(),
        rack: None,
        log_dirs: vec![Uuid([0x44; 16])],
        fenced: false,
    });
    vec![
        register,
        create(&["a"]),
        create(&["b", "c"]),
        delete("a"),
        create(&["d"]),
        create(&["a", "e"]),
        delete("c"),
        create(&["f"]),
        create(&["g", "h"]),
        delete("d"),
    ]
}

/// A disk on which the log folder itself is there for good.
fn disk() -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_folder(Path::new("/data")).unwrap();
    disk.crash(|_| Fate::Kept)
}

/// The topics after each number of commands.
fn expected() -> Vec<BTreeSet<String>> {
    let mut machine = Machine::open(&disk()).unwrap();
    let mut states = vec![machine.topics()];
    for (ticket, command) in script().iter().enumerate() {
        machine.ask(ticket, command).unwrap();
        states.push(machine.topics());
    }
    states
}

/// Runs the script until something fails.
fn run(disk: &MemoryDisk) -> usize {
    let Ok(mut machine) = Machine::open(disk) else { return 0 };
    for (ticket, command) in script().iter().enumerate() {
        if machine.ask(ticket, command).is_err() {
            break;
        }
    }
    assert!(machine.answered.iter().all(|(_, outcome)| outcome.is_ok()));
    machine.answered.len()
}

type Chooser = fn(usize, &PendingEffect) -> Fate;

/// What may become of effects that were not synced.
const FATES: [(&str, Chooser); 4] = [
    ("all lost", |_, _| Fate::Lost),
    ("all kept", |_, _| Fate::Kept),
    ("every other one kept", |nth, _| if nth % 2 == 0 { Fate::Kept } else { Fate::Lost }),
    ("writes torn", |_, effect| match effect {
        PendingEffect::Write { bytes, .. } => Fate::Cut(bytes.len() / 2),
        _ => Fate::Kept,
    }),
];

#[test]
fn what_was_answered_survives_a_failure_at_any_operation() {
    let states = expected();
    let whole = disk();
    assert_eq!(run(&whole), script().len());
    let operations = whole.operations();
    assert!(operations > 100);
    for ordinal in 0..operations {
        let disk = disk();
        disk.plan_failures(|plan| {
            plan.by_ordinal.insert(ordinal, std::io::ErrorKind::Other);
        });
        let answered = run(&disk);
        for (name, fate) in FATES {
            let mut nth = 0;
            let found = disk.crash(|effect| {
                nth += 1;
                fate(nth, effect)
            });
            let context = format!("operation {ordinal} failed, {name}, {answered} answered");
            let machine = match Machine::open(&found) {
                Ok(machine) => machine,
                Err(error) => panic!("{context}: {error}"),
            };
            let topics = machine.topics();
            let reached = states.get(answered..).unwrap().iter().position(|state| *state == topics);
            assert!(reached.is_some(), "{context}: found {topics:?}");
            // And it goes on from there.
            let mut machine = machine;
            for (ticket, command) in script().iter().enumerate() {
                machine.ask(ticket, command).unwrap();
            }
            assert!(machine.topics().contains("h"), "{context}");
        }
    }
}
