//! A broker for tests: a real node over a disk in memory, asked through `Worker::handle_frame` like
//! by a socket, with a stand-in for the controller that decides and applies at once.

#![allow(dead_code, reason = "each test program uses a part of it")]

use bytes::{Buf, Bytes, BytesMut};
use headwater_log::{Disk, Fate, FolderOptions, LogFolder, MemoryDisk, OperationKind};
use headwater_metadata::command::{Command, CommandError, CommandReply, DeleteTopics, TopicRef};
use headwater_metadata::command::{InitializeCluster, RegisterBroker};
use headwater_metadata::config::{ConfigTable, ServerConfig};
use headwater_metadata::decide::{DecideContext, Policy, decide};
use headwater_metadata::image::{Endpoint, Image, Position, SecurityProtocol, delta};
use headwater_node::authorizer::{AllowAll, Authorizer};
use headwater_node::quorum::{NoQuorum, QuorumSource};
use headwater_node::{
    ConnectionId, Effect, Folder, FrameError, Job, Node, NodeStart, Now, Outbox, PartitionError,
    Reply, ReplyPart, RequestContext, Task, Wake, Worker, WorkerId,
};
use headwater_protocol::Request;
use headwater_protocol::header::{decode_response, encode_request};
use headwater_protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use headwater_protocol::records::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp};
use headwater_protocol::wire::{Reader, Records, Writer};
use headwater_types::{
    BrokerId, DirectoryId, EndOffset, LeaderEpoch, ProducerEpoch, ProducerId, Uuid,
};
use std::path::PathBuf;
use std::sync::Arc;

/// The broker's id.
pub const ME: BrokerId = BrokerId(1);

/// How a test's broker differs from the usual one.
pub struct Options {
    /// Settings of the server file.
    pub settings: Vec<(&'static str, &'static str)>,
    /// How many log folders there are.
    pub folders: u8,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The quorum that it tells of.
    pub quorum: Arc<dyn QuorumSource>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            folders: 1,
            authorizer: Arc::new(AllowAll),
            quorum: Arc::new(NoQuorum),
        }
    }
}

/// A broker with one connection to it.
pub struct Broker {
    pub node: Node,
    pub worker: Worker,
    pub disk: MemoryDisk,
    pub now: Now,
    /// What the controller has committed.
    pub image: Image,
    /// Whether the controller answers.
    pub controller_answers: bool,
    policy: Policy,
    connection: ConnectionId,
    requests: i32,
    ids_drawn: u8,
    /// Whether what was submitted to the disk stays undone.
    disk_held: bool,
    /// Jobs that nobody waits for and that stay undone, while they are held.
    jobs_held: Option<Vec<Job>>,
    /// Tasks that stay undone, while they are held.
    tasks_held: Option<Vec<Task>>,
    folders: u8,
    out: Outbox,
}

impl Broker {
    /// The usual one.
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    pub fn start_with(options: Options) -> Self {
        let disk = MemoryDisk::new();
        let mut config = ServerConfig::embedded().set("node.id", "1");
        for (name, value) in options.settings {
            config = config.set(name, value);
        }
        let server = Arc::new(config.build().expect("a sound configuration"));
        let folders = open_folders(&disk, options.folders);
        let log_dirs = folders.iter().map(|folder| folder.id()).collect();
        let layers = headwater_metadata::config::Layers::at_start(&server);
        let settings = headwater_metadata::config::BrokerConfig::resolve(layers);
        let policy = Policy {
            num_partitions: settings.num_partitions,
            default_replication_factor: settings.default_replication_factor,
            delete_topic_enable: settings.delete_topic_enable,
            configs: Arc::new(ConfigTable::get()),
            ..Policy::free()
        };
        let node = Node::new(NodeStart {
            me: ME,
            server,
            folders,
            authorizer: options.authorizer,
            quorum: options.quorum,
            seed: 7,
        });
        let mut worker = Worker::new(WorkerId(0));
        let connection =
            worker.connect(|id| RequestContext { connection: id, ..RequestContext::for_tests() });
        let mut broker = Self {
            node,
            worker,
            disk,
            now: Now { wall_ms: 1_700_000_000_000, monotonic_ms: 1_000 },
            image: Image::default(),
            controller_answers: true,
            policy,
            connection,
            requests: 0,
            ids_drawn: 0,
            disk_held: false,
            jobs_held: None,
            tasks_held: None,
            folders: options.folders,
            out: Outbox::new(),
        };
        broker.command(Command::InitializeCluster(InitializeCluster {
            cluster_id: String::from("test-cluster"),
            features: Vec::new(),
        }));
        broker.register(ME, log_dirs);
        broker
    }

    /// Makes a broker known to the cluster.
    pub fn register(&mut self, broker: BrokerId, log_dirs: Vec<DirectoryId>) {
        self.command(Command::RegisterBroker(RegisterBroker {
            broker,
            cluster_id: None,
            incarnation_id: Uuid([u8::try_from(broker.0).expect("a small id"); 16]),
            endpoints: vec![Endpoint {
                name: Arc::from("PLAINTEXT"),
                host: Arc::from("localhost"),
                port: 9092,
                security_protocol: SecurityProtocol::Plaintext,
            }],
            features: Vec::new(),
            rack: None,
            log_dirs,
            fenced: false,
        }));
    }

    /// Has the broker start again with what a crash has left on the disk, or a stop before.
    pub fn restart(&mut self, disk: MemoryDisk) {
        self.node = Node::new(NodeStart {
            me: ME,
            server: Arc::clone(self.node.server()),
            folders: open_folders(&disk, self.folders),
            authorizer: Arc::new(AllowAll),
            quorum: Arc::new(NoQuorum),
            seed: 8,
        });
        self.disk = disk;
        self.worker = Worker::new(WorkerId(0));
        self.connection = self.connect();
        let whole = delta(&Image::default(), &self.image);
        self.node.apply_image(Arc::new(self.image.clone()), &whole, &mut self.out);
        self.settle();
    }

    /// The broker is killed and starts again; what it wrote is there.
    pub fn kill_and_restart(&mut self) {
        self.restart(self.disk.crash(|_| Fate::Kept));
    }

    /// Has the controller decide a command.
    pub fn command(&mut self, command: Command) -> CommandReply {
        let outcome = self.decide(&command);
        self.settle();
        outcome.expect("the command is fine")
    }

    /// Asks and expects an answer at once (the controller's and the disk's part done).
    pub fn ask<R: Request + 'static>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request);
        self.answer::<R>(version).expect("an answer")
    }

    /// Sends a request and lets the world do its part.
    pub fn send<R: Request + 'static>(&mut self, version: i16, request: &R) {
        self.send_on(self.connection, version, request);
    }

    /// Sends a request on another connection.
    pub fn send_on<R: Request + 'static>(
        &mut self,
        connection: ConnectionId,
        version: i16,
        request: &R,
    ) {
        self.try_send_on(connection, version, request).expect("the connection stays");
    }

    /// Sends a request that may cost the connection.
    pub fn try_send<R: Request + 'static>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<(), FrameError> {
        self.try_send_on(self.connection, version, request)
    }

    fn try_send_on<R: Request + 'static>(
        &mut self,
        connection: ConnectionId,
        version: i16,
        request: &R,
    ) -> Result<(), FrameError> {
        self.requests += 1;
        let mut writer = Writer::new();
        encode_request(&mut writer, request, version, self.requests, Some("test".into()))
            .expect("the request can be said in this version");
        let frame = writer.into_bytes().expect("no external parts");
        self.handle(connection, frame)
    }

    /// Sends a header with a body that nobody has checked.
    pub fn send_raw(&mut self, key: i16, version: i16, body: &[u8]) {
        self.try_send_raw(key, version, body).expect("the connection stays");
    }

    /// As [`Broker::send_raw`], where it may cost the connection.
    pub fn try_send_raw(&mut self, key: i16, version: i16, body: &[u8]) -> Result<(), FrameError> {
        let mut frame = BytesMut::new();
        frame.extend_from_slice(&key.to_be_bytes());
        frame.extend_from_slice(&version.to_be_bytes());
        frame.extend_from_slice(&7i32.to_be_bytes());
        // No client id.
        frame.extend_from_slice(&(-1i16).to_be_bytes());
        frame.extend_from_slice(body);
        self.handle(self.connection, frame.freeze())
    }

    fn handle(&mut self, connection: ConnectionId, frame: Bytes) -> Result<(), FrameError> {
        let handled =
            self.worker.handle_frame(&self.node, connection, frame, self.now, &mut self.out);
        self.settle();
        handled
    }

    /// Another connection.
    pub fn connect(&mut self) -> ConnectionId {
        self.worker.connect(|id| RequestContext { connection: id, ..RequestContext::for_tests() })
    }

    /// Whether another request may be sent.
    pub fn accepts_more(&mut self) -> bool {
        self.worker.connection(self.connection).expect("connected").accepts_more()
    }

    /// A client goes.
    pub fn disconnect(&mut self, connection: ConnectionId) {
        self.worker.disconnect(&self.node, connection);
    }

    /// Asks on another connection.
    pub fn ask_on<R: Request + 'static>(
        &mut self,
        connection: ConnectionId,
        version: i16,
        request: &R,
    ) -> R::Response {
        let usual = std::mem::replace(&mut self.connection, connection);
        let response = self.ask(version, request);
        self.connection = usual;
        response
    }

    /// Keeps syncs from ending, or lets them.
    pub fn hold_disk(&mut self, hold: bool) {
        self.disk_held = hold;
        self.settle();
    }

    /// Has the disk, which is held, do one of the tasks submitted to it; false where there is none.
    pub fn finish_one_sync(&mut self) -> bool {
        let completion = self.disk.run_submitted();
        let was_there = completion.is_some();
        if let Some(completion) = completion {
            self.node.complete(completion, &mut self.out);
        }
        self.settle();
        was_there
    }

    /// Keeps jobs that nobody waits for undone, or does them.
    pub fn hold_jobs(&mut self, hold: bool) {
        let held = self.jobs_held.take().unwrap_or_default();
        if hold {
            self.jobs_held = Some(held);
        } else {
            for job in held {
                let _ = job();
            }
        }
    }

    /// Keeps tasks of the I/O threads undone, or does them.
    pub fn hold_tasks(&mut self, hold: bool) {
        let held = self.tasks_held.take().unwrap_or_default();
        if hold {
            self.tasks_held = Some(held);
            return;
        }
        for task in held {
            task(&mut self.out);
        }
        self.settle();
    }

    /// Does the first of the tasks that are held.
    pub fn do_one_task(&mut self) {
        let held = self.tasks_held.as_mut().expect("tasks are held");
        let task = held.remove(0);
        task(&mut self.out);
        self.settle();
    }

    /// How many tasks are held.
    pub fn tasks_held(&self) -> usize {
        self.tasks_held.as_ref().map_or(0, Vec::len)
    }

    /// Has every sync fail from now on, or none.
    pub fn fail_syncs(&mut self, fail: bool) {
        self.disk.plan_failures(|plan| {
            plan.by_kind.clear();
            if fail {
                plan.by_kind.insert(OperationKind::Sync, std::io::ErrorKind::Other);
            }
        });
    }

    /// Deletes a topic.
    pub fn delete_topic(&mut self, name: &str) {
        self.command(Command::DeleteTopics(DeleteTopics {
            topics: vec![TopicRef::Name(name.to_owned())],
        }));
    }

    /// The next answer, if it is there.
    pub fn answer<R: Request>(&mut self, version: i16) -> Option<R::Response> {
        let connection = self.worker.connection(self.connection).expect("connected");
        let mut bytes = joined(connection.pop_ready()?);
        let length = bytes.get_u32();
        assert_eq!(length as usize, bytes.len(), "the length prefix");
        let mut reader = Reader::new(bytes);
        let (_, response) = decode_response::<R>(&mut reader, version).expect("well-formed");
        reader.finish().expect("nothing behind the response");
        Some(response)
    }

    /// The node is told the time, as once a second.
    pub fn tick(&mut self) {
        self.node.tick(self.now, &mut self.out);
        self.settle();
    }

    /// Lets time pass.
    pub fn pass(&mut self, ms: u64) {
        self.now.monotonic_ms += ms;
        self.now.wall_ms += i64::try_from(ms).expect("a short time");
        while let Some(ticket) = self.worker.pop_expired(self.now) {
            self.worker.resume(&self.node, ticket, Wake::Deadline, self.now, &mut self.out);
        }
        self.settle();
    }

    /// Applies retention everywhere.
    pub fn apply_retention(&mut self) -> Vec<PartitionError> {
        let failed = self.node.apply_retention(self.now, &mut self.out);
        self.settle();
        failed
    }

    fn decide(&mut self, command: &Command) -> Result<CommandReply, CommandError> {
        let ids_drawn = &mut self.ids_drawn;
        let mut ids = || {
            *ids_drawn += 1;
            [*ids_drawn; 16]
        };
        let mut context = DecideContext::new(self.now.wall_ms, &mut ids, &self.policy);
        let decision = decide(&self.image, command, &mut context)?;
        if !decision.records.is_empty() {
            let end = EndOffset(self.image.position().end.0 + 1);
            let position = Position { end, epoch: LeaderEpoch(1) };
            let (image, delta) = decision.after.finish_with_delta(&self.image, position);
            self.image = image;
            self.node.apply_image(Arc::new(self.image.clone()), &delta, &mut self.out);
        }
        Ok(decision.reply)
    }

    /// Does what was asked of the world until nothing is left.
    fn settle(&mut self) {
        loop {
            self.node.end_round(&mut self.out);
            let effects: Vec<Effect> = self.out.drain().collect();
            if effects.is_empty() {
                if self.disk_held {
                    return;
                }
                match self.disk.run_submitted() {
                    Some(completion) => self.node.complete(completion, &mut self.out),
                    None => return,
                }
            }
            for effect in effects {
                self.carry_out(effect);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let (reply_to, wake) = match effect {
            Effect::Wake(ticket, wake) => (Some(ticket), wake),
            Effect::Command { .. } if !self.controller_answers => return,
            Effect::Command { reply_to, command } => {
                (reply_to, Wake::Command(self.decide(&command)))
            }
            Effect::Job { reply_to: None, job } if self.jobs_held.is_some() => {
                self.jobs_held.get_or_insert_default().push(job);
                return;
            }
            Effect::Job { reply_to, job } => (reply_to, Wake::Job(job())),
            Effect::Task { task, .. } => {
                match &mut self.tasks_held {
                    Some(held) => held.push(task),
                    None => task(&mut self.out),
                }
                return;
            }
        };
        if let Some(ticket) = reply_to {
            self.worker.resume(&self.node, ticket, wake, self.now, &mut self.out);
        }
    }
}

fn open_folders(disk: &MemoryDisk, count: u8) -> Vec<Arc<Folder>> {
    (0..count).map(|number| open_folder(disk, number)).collect()
}

fn open_folder(disk: &MemoryDisk, number: u8) -> Arc<Folder> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let path = PathBuf::from(format!("/logs-{number}"));
    let options = FolderOptions::new(ME, None, Uuid([number + 100; 16]));
    let folder = LogFolder::open(disk, &path, options).expect("a folder of ours");
    Arc::new(Folder::new(folder, u64::from(number)))
}

fn joined(reply: Reply) -> Bytes {
    let mut bytes = BytesMut::new();
    for part in reply.into_parts() {
        match part {
            ReplyPart::Memory(part) => bytes.extend_from_slice(&part),
            ReplyPart::File(slice) => {
                let mut part = vec![0; slice.length as usize];
                let read =
                    slice.file.read_at(&mut part, slice.position).expect("the file is there");
                assert_eq!(read, part.len(), "the file is long enough");
                bytes.extend_from_slice(&part);
            }
        }
    }
    bytes.freeze()
}

/// Appends records as a plain producer, in one batch, and gives the batch's size.
pub fn produce(broker: &mut Broker, topic: &str, partition: i32, records: usize) -> usize {
    append(broker, topic, partition, records, None)
}

/// Appends records as an idempotent producer's first batch.
pub fn produce_as(
    broker: &mut Broker,
    topic: &str,
    partition: i32,
    records: usize,
    producer: ProducerId,
) -> usize {
    let stamp = ProducerStamp { id: producer, epoch: ProducerEpoch(0), base_sequence: 0 };
    append(broker, topic, partition, records, Some(stamp))
}

fn append(
    broker: &mut Broker,
    topic: &str,
    partition: i32,
    records: usize,
    producer: Option<ProducerStamp>,
) -> usize {
    let options = BatchOptions { producer, ..BatchOptions::default() };
    let mut batch = BatchBuilder::new(options);
    for _ in 0..records {
        let timestamp = broker.now.wall_ms;
        let record = NewRecord { timestamp, value: Some(b"value"), ..NewRecord::default() };
        batch.push(record).expect("a small record");
    }
    let bytes = batch.finish().expect("a batch").into_bytes();
    let size = bytes.len();
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![PartitionProduceData {
                index: partition,
                records: Some(Records::in_memory(bytes)),
                ..PartitionProduceData::default()
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    let response = broker.ask(9, &request);
    let error = response.responses.first().and_then(|one| one.partition_responses.first());
    assert_eq!(error.map(|one| one.error_code), Some(0), "{response:?}");
    size
}
