//! Whole controllers in folders of their own.

use super::*;
use crate::core::{Committed, SnapshotEvery};
use headwater_log::{Disk, DiskOptions, MemoryDisk, RealDisk};
use headwater_metadata::command::{
    Command, CommandError, CommandReply, CreateTopics, DeleteTopics, InitializeCluster, NewTopic,
    RegisterBroker, TopicRef,
};
use headwater_metadata::decide::Policy;
use headwater_metadata::image::{Image, ImageBuilder};
use headwater_types::{BrokerId, ErrorCode, Uuid};
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

fn options(folder: &Path) -> ControllerOptions {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::start(DiskOptions::default()).unwrap());
    ControllerOptions {
        disk,
        log_folder: folder.to_owned(),
        node: BrokerId(0),
        initialize: InitializeCluster {
            cluster_id: "first".into(),
            features: vec![("headwater.version".into(), 1)],
        },
        policy: Policy::free(),
        snapshot_every: SnapshotEvery::default(),
    }
}

struct Running {
    handle: ControllerHandle,
    thread: JoinHandle<()>,
    /// Built from the deltas alone.
    followed: Arc<Mutex<Vec<Committed>>>,
}

fn start(options: ControllerOptions) -> Running {
    let followed = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&followed);
    let on_committed = move |committed: &Committed| seen.lock().unwrap().push(committed.clone());
    let (handle, thread) = ControllerHandle::start(options, Box::new(on_committed)).unwrap();
    Running { handle, thread, followed }
}

impl Running {
    fn ask(&self, command: Command) -> Result<CommandReply, CommandError> {
        let (sender, receiver) = mpsc::channel();
        self.handle.submit(command, Box::new(move |outcome| sender.send(outcome).unwrap()));
        receiver.recv().unwrap()
    }

    fn stop(self) -> Arc<Image> {
        let image = self.handle.image();
        self.handle.shutdown();
        self.thread.join().unwrap();
        assert_eq!(self.handle.failure(), None);
        let refused = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&refused);
        let answer = move |outcome| *slot.lock().unwrap() = Some(outcome);
        self.handle.submit(register(1), Box::new(answer));
        let outcome = refused.lock().unwrap().take().expect("answered at once");
        assert_eq!(outcome.unwrap_err().code, ErrorCode::NotController);
        image
    }

    /// What a crash at this moment leaves, in a folder of its own.
    fn crashed_copy(&self, folder: &Path) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let from = folder.join("__cluster_metadata-0");
        let to = copy.path().join("__cluster_metadata-0");
        std::fs::create_dir(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        copy
    }
}

fn register(id: i32) -> Command {
    Command::RegisterBroker(RegisterBroker {
        broker: BrokerId(id),
        cluster_id: None,
        incarnation_id: Uuid([id as u8 + 1; 16]),
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

fn create(names: impl IntoIterator<Item = String>) -> Command {
    let topics = names.into_iter().map(|name| NewTopic { name, ..NewTopic::default() }).collect();
    Command::CreateTopics(CreateTopics { topics, validate_only: false })
}

fn content(image: &Image) -> Vec<headwater_metadata::record::MetadataRecord> {
    image.to_records().collect()
}

#[test]
fn everything_is_there_again_after_a_stop_and_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(options(folder.path()));
    assert_eq!(running.handle.image().cluster_id().map(|id| &**id), Some("first"));
    running.ask(register(0)).unwrap();
    let reply = running.ask(create(["a".into(), "b".into(), "not good".into()])).unwrap();
    let CommandReply::TopicsCreated(results) = reply else { panic!("{reply:?}") };
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
    // An answer never comes before the image that it speaks of.
    assert!(running.handle.image().topic_named("a").is_some());
    let before = running.stop();

    let mut other = options(folder.path());
    other.initialize.cluster_id = "second".into();
    let running = start(other);
    assert_eq!(content(&running.handle.image()), content(&before));
    assert_eq!(running.handle.quorum().epoch.0, 2);
    assert_eq!(running.handle.quorum().leader, Some(1));
    let topics = vec![TopicRef::Name("a".into())];
    running.ask(Command::DeleteTopics(DeleteTopics { topics })).unwrap();
    let before = running.handle.image();
    assert!(before.topic_named("a").is_none());
    let copy = running.crashed_copy(folder.path());
    running.ask(create(["after the copy".into()])).unwrap();
    running.stop();

    let running = start(options(copy.path()));
    assert_eq!(content(&running.handle.image()), content(&before));
    running.stop();
}

#[test]
fn ten_thousand_topics_and_a_log_that_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let mut small = options(folder.path());
    small.snapshot_every = SnapshotEvery { entries: 100, bytes: u64::MAX };
    let running = start(small.clone());
    running.ask(register(0)).unwrap();
    for batch in 0..100 {
        // 100 topics of one partition in a request: 200 records.
        let names = (0..100).map(|number| format!("topic-{batch}-{number}"));
        running.ask(create(names)).unwrap();
    }
    let one_by_one = 400;
    for number in 0..one_by_one {
        running.ask(create([format!("single-{number}")])).unwrap();
    }
    let before = running.stop();
    assert_eq!(before.topic_count(), 10_000 + one_by_one);

    let metadata = folder.path().join("__cluster_metadata-0");
    let files: Vec<_> = std::fs::read_dir(&metadata)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
        .collect();
    let snapshots = files.iter().filter(|(name, _)| name.ends_with(".checkpoint")).count();
    assert_eq!(snapshots, 2);
    let log: u64 =
        files.iter().filter(|(name, _)| name.ends_with(".log")).map(|(_, length)| length).sum();
    // 300 entries of about 200 bytes at most.
    assert!(log < 200_000, "{files:?}");

    let running = start(small);
    assert_eq!(content(&running.handle.image()), content(&before));
    // The first thing said at start was the snapshot, as one delta from nothing.
    let followed = running.followed.lock().unwrap();
    assert!(followed[0].delta.topics_created.len() > 10_000);
    drop(followed);
    running.stop();
}

#[test]
fn what_is_published_follows_on_from_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(options(folder.path()));
    running.ask(register(0)).unwrap();
    for number in 0..20 {
        running.ask(create([format!("t{number}")])).unwrap();
    }
    let topics = vec![TopicRef::Name("t3".into())];
    running.ask(Command::DeleteTopics(DeleteTopics { topics })).unwrap();
    let followed = running.followed.lock().unwrap();
    let mut previous = Image::default();
    let mut known = std::collections::BTreeSet::new();
    for committed in followed.iter() {
        assert_eq!(*committed.delta, headwater_metadata::image::delta(&previous, &committed.image));
        assert!(committed.image.position().end > previous.position().end);
        known.extend(committed.delta.topics_created.iter().map(|topic| topic.id));
        for topic in &committed.delta.topics_deleted {
            assert!(known.remove(&topic.id));
        }
        previous = Image::clone(&committed.image);
    }
    assert_eq!(known.len(), 19);
    let mut again = ImageBuilder::new(&Image::default());
    for record in previous.to_records() {
        again.apply(&record).unwrap();
    }
    assert_eq!(again.finish(previous.position()), previous);
    drop(followed);
    running.stop();
}

#[test]
fn many_callers_share_the_thread() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(options(folder.path()));
    running.ask(register(0)).unwrap();
    let running = Arc::new(running);
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let running = Arc::clone(&running);
            std::thread::spawn(move || {
                for number in 0..50 {
                    running.ask(create([format!("c{caller}-{number}")])).unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    let Ok(running) = Arc::try_unwrap(running) else { panic!("still shared") };
    assert_eq!(running.stop().topic_count(), 200);
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(options(folder.path()));
    running.ask(register(0)).unwrap();
    running.stop();
    let state = folder.path().join("__cluster_metadata-0/raft-state");
    std::fs::write(&state, b"damaged").unwrap();
    let refused = ControllerHandle::start(options(folder.path()), Box::new(|_| {}));
    let Err(error) = refused else { panic!("it started") };
    assert!(matches!(error, StartError::Storage(_)));
    assert!(error.to_string().contains("raft-state is damaged"), "{error}");
}

#[test]
fn a_full_disk_holds_commands_up_and_loses_none() {
    let disk = MemoryDisk::new();
    let mut on_memory = options(Path::new("/data"));
    on_memory.disk = Arc::new(disk.clone());
    let running = start(on_memory.clone());
    running.ask(register(0)).unwrap();
    // Room for a few more entries, but not for all.
    disk.plan_failures(|plan| plan.capacity_bytes = Some(8_000));
    let (sender, receiver) = mpsc::channel();
    for number in 0..100 {
        let sender = sender.clone();
        let answer = move |outcome| sender.send((number, outcome)).unwrap();
        running.handle.submit(create([format!("t{number}")]), Box::new(answer));
    }
    let reason = loop {
        match running.handle.stalled() {
            Some(reason) => break reason,
            None => std::thread::yield_now(),
        }
    };
    assert!(reason.contains("__cluster_metadata-0"), "{reason}");
    assert_eq!(running.handle.failure(), None);
    disk.plan_failures(|plan| plan.capacity_bytes = None);
    for expected in 0..100 {
        let (number, outcome) = receiver.recv().unwrap();
        assert_eq!(number, expected);
        assert!(outcome.is_ok());
    }
    assert_eq!(running.handle.stalled(), None);
    let before = running.stop();
    assert_eq!(before.topic_count(), 100);
    let running = start(on_memory);
    assert_eq!(content(&running.handle.image()), content(&before));
    running.stop();

    let full = MemoryDisk::new();
    full.plan_failures(|plan| plan.capacity_bytes = Some(10));
    let mut hopeless = options(Path::new("/data"));
    hopeless.disk = Arc::new(full);
    let refused = ControllerHandle::start(hopeless, Box::new(|_| {}));
    let Err(error) = refused else { panic!("it started") };
    assert!(error.to_string().contains("/data"), "{error}");
}
