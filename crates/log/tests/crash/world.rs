//! A broker's storage by hand: a folder and its logs on a recorded disk, and after each step what
//! was promised so far.

use crate::common::Spec;
use crate::model::{Model, Placed, compare};
use crate::random::Random;
use crate::recover::{self, NOW_MS, hash};
use headwater_log::{
    AppendError, AppendOptions, Log, LogConfig, LogFolder, LogIdentity, MemoryDisk, Origin,
    PartitionCheckpoint, SyncPlan, Trace,
};
use headwater_types::{EndOffset, LeaderEpoch, Offset, PartitionIndex, Uuid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A moment's expectation.
#[derive(Clone, Debug)]
pub struct Mark {
    pub model: Model,
    /// More is promised than before: states that were fine may be no more.
    pub stricter: bool,
}

/// What a run leaves.
pub struct Run {
    pub trace: Trace,
    pub marks: Vec<Mark>,
    pub config: Arc<LogConfig>,
}

/// A folder in use.
pub struct World {
    pub disk: MemoryDisk,
    pub folder: Option<LogFolder>,
    pub logs: BTreeMap<LogIdentity, Log>,
    pub model: Model,
    pub marks: Vec<Mark>,
    pub config: Arc<LogConfig>,
    pub random: Random,
    pub epoch: i32,
    pub now_ms: i64,
    /// Of each producer, by log: epoch and next sequence; the transaction that is open.
    producers: BTreeMap<(LogIdentity, i64), (i16, i32, bool)>,
    /// Operations fail, and the world goes on without what they would have done.
    pub failing: bool,
    /// A failure was told.
    ended: bool,
    /// The number of the sync that fails.
    pub fails_at: Option<u64>,
    uniques: u8,
    stamps: i64,
}

pub fn identity(topic: &str, generation: u8, partition: i32) -> LogIdentity {
    LogIdentity {
        topic: topic.into(),
        topic_id: Uuid([generation; 16]),
        partition: PartitionIndex(partition),
    }
}

impl World {
    /// An empty disk, recorded from here on.
    pub fn new(config: LogConfig, random: Random) -> Self {
        Self::on(MemoryDisk::new(), config, random)
    }

    /// A disk that is there already, recorded from here on.
    pub fn on(disk: MemoryDisk, config: LogConfig, random: Random) -> Self {
        disk.record();
        let first = Mark { model: Model::default(), stricter: false };
        Self {
            disk,
            folder: None,
            logs: BTreeMap::new(),
            model: Model::default(),
            marks: vec![first],
            config: Arc::new(config),
            random,
            epoch: 0,
            now_ms: NOW_MS,
            producers: BTreeMap::new(),
            failing: false,
            ended: false,
            fails_at: None,
            uniques: 0,
            stamps: 0,
        }
    }

    pub fn finish(self) -> Run {
        Run { trace: self.disk.take_trace(), marks: self.marks, config: self.config }
    }

    /// Goes on without a record of what was promised when.
    pub fn forget_marks(&mut self) {
        self.marks.clear();
        let _ = self.disk.take_trace();
    }

    /// Takes note of a failure, which is final for the folder: whoever uses it stops.
    fn check<T, E: std::fmt::Debug>(&mut self, outcome: Result<T, E>) -> bool {
        match outcome {
            Ok(_) => true,
            Err(_) if self.failing => {
                self.ended = true;
                false
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Whether anybody was told of a failure.
    pub fn knows_of_failure(&self) -> bool {
        self.ended || self.logs.values().any(|log| log.failure().is_some())
    }

    /// A log that has failed takes nothing and calls nothing durable.
    pub fn failed_logs_stay_failed(&mut self) -> Result<(), String> {
        for (identity, log) in &mut self.logs {
            if log.failure().is_none() {
                continue;
            }
            let name = identity.folder_name();
            let before = log.durable_end();
            let batch = vec![crate::common::records(1, 1).valid()];
            let options = AppendOptions::default();
            let appended = log.append_as_leader(batch, LeaderEpoch(99), NOW_MS, options);
            if appended.is_ok() || log.begin_sync().is_some() || log.close_clean().is_ok() {
                return Err(format!("{name} goes on after its failure"));
            }
            if log.durable_end() != before {
                return Err(format!("{name} is durable further after its failure"));
            }
        }
        Ok(())
    }

    /// Whether the sync that was to fail has failed.
    pub fn has_failed(&self) -> bool {
        self.failing && self.fails_at.is_some_and(|number| self.disk.syncs() > number)
    }

    /// From here on this is promised.
    fn note(&mut self, stricter: bool) {
        if self.marks.is_empty() {
            return;
        }
        self.disk.mark(self.marks.len() as u64);
        self.marks.push(Mark { model: self.model.clone(), stricter });
    }

    pub fn loosened(&mut self) {
        self.note(false);
    }

    pub fn promised(&mut self) {
        self.note(true);
    }

    pub fn folder(&self) -> &LogFolder {
        self.folder.as_ref().expect("the folder is open")
    }

    /// Starts, after whatever was before, with all topics that exist.
    pub fn start(&mut self) {
        let live: Vec<LogIdentity> = self.model.logs.keys().cloned().collect();
        self.uniques += 1;
        let opened = match recover::open(&self.disk, &live, &self.config, self.uniques) {
            Ok(opened) => opened,
            Err(problem) => {
                self.check::<(), String>(Err(problem));
                return;
            }
        };
        if !self.failing {
            compare(&self.model, &opened.found).expect("what a killed process wrote is there");
        }
        self.folder = Some(opened.folder);
        self.logs = opened.logs;
        self.model.directory_id = Some(opened.found.directory_id);
        for (identity, found) in &opened.found.logs {
            let model = self.model.log_mut(identity);
            model.batches.retain(|batch| batch.last < found.end);
            model.durable = found.end;
            model.or_empty_at.clear();
            // Its first offset is that of a file whose name is durable, or was checkpointed.
            model.start_max = model.start_max.min(found.start);
        }
        self.relearn_producers();
        self.promised();
    }

    /// The producers go on where the log says that they are.
    fn relearn_producers(&mut self) {
        for ((identity, id), (epoch, next, open)) in &mut self.producers {
            let Some(log) = self.logs.get(identity) else { continue };
            let known = log.active_producers().into_iter().find(|known| known.producer.0 == *id);
            (*epoch, *next, *open) = match known {
                Some(known) => {
                    (known.epoch.0, known.last_sequence + 1, known.transaction_start.is_some())
                }
                None => (0, 0, false),
            };
        }
    }

    /// The process is killed: what it wrote is in the page cache.
    pub fn kill(&mut self) {
        self.logs.clear();
        self.folder = None;
    }

    /// Makes a topic's log known. Nothing is on disk before the first append.
    pub fn create(&mut self, identity: &LogIdentity) {
        let opened = self.folder().open_log(identity.clone(), Arc::clone(&self.config), NOW_MS);
        let log = match opened {
            Ok(log) => log,
            Err(error) => {
                self.check::<(), _>(Err(error));
                return;
            }
        };
        self.logs.insert(identity.clone(), log);
        self.model.log_mut(identity);
        self.promised();
    }

    pub fn names(&self) -> Vec<LogIdentity> {
        self.logs.keys().cloned().collect()
    }

    pub fn any_log(&mut self) -> LogIdentity {
        let names = self.names();
        names[self.random.below(names.len())].clone()
    }

    /// Appends records of no producer.
    pub fn append(&mut self, identity: &LogIdentity, records: usize, bytes: usize) -> bool {
        let fill = 1 + self.random.below(bytes.max(1));
        let mut spec = crate::common::records(records, fill);
        self.stamp(&mut spec);
        self.append_spec(identity, spec)
    }

    /// Changes the size of segments.
    pub fn use_segments_of(&mut self, bytes: u32) {
        self.config = Arc::new(LogConfig { segment_bytes: bytes, ..(*self.config).clone() });
        for log in self.logs.values_mut() {
            log.set_config(Arc::clone(&self.config));
        }
    }

    /// Appends one record of so many bytes.
    pub fn append_exactly(&mut self, identity: &LogIdentity, bytes: usize) -> bool {
        let mut spec = crate::common::records(1, bytes);
        self.stamp(&mut spec);
        self.append_spec(identity, spec)
    }

    /// Gives records times that mostly rise.
    fn stamp(&mut self, spec: &mut Spec) {
        for (timestamp, _) in &mut spec.records {
            self.stamps += self.random.below(3) as i64;
            *timestamp += self.stamps - self.random.below(2) as i64;
        }
    }

    /// Appends the next batch of an idempotent producer.
    pub fn append_idempotent(&mut self, identity: &LogIdentity, id: i64) -> bool {
        let count = self.random.within(1, 3);
        self.append_of_producer(identity, id, count, 0)
    }

    /// Appends a batch in a producer's transaction.
    pub fn append_transactional(&mut self, identity: &LogIdentity, id: i64) -> bool {
        let count = self.random.within(1, 2);
        let appended = self.append_of_producer(identity, id, count, 0x10);
        if appended {
            self.producers.entry((identity.clone(), id)).and_modify(|known| known.2 = true);
        }
        appended
    }

    fn append_of_producer(
        &mut self,
        identity: &LogIdentity,
        id: i64,
        count: usize,
        attributes: i16,
    ) -> bool {
        let key = (identity.clone(), id);
        let (epoch, next, _) = *self.producers.entry(key.clone()).or_default();
        let mut spec = Spec { attributes, ..crate::common::from_producer(id, epoch, next, count) };
        self.stamp(&mut spec);
        let appended = self.append_spec(identity, spec);
        if appended {
            self.producers.entry(key).and_modify(|known| known.1 += count as i32);
        }
        appended
    }

    /// Ends a producer's transaction; the next one has a new epoch, as in KIP-890.
    pub fn end_transaction(&mut self, identity: &LogIdentity, id: i64, commit: bool) -> bool {
        let key = (identity.clone(), id);
        let (epoch, _, open) = *self.producers.entry(key.clone()).or_default();
        if !open {
            return false;
        }
        let spec = crate::common::marker(id, epoch + 1, i16::from(commit), 3);
        let appended = self.append_spec(identity, spec);
        if appended {
            self.producers.insert(key, (epoch + 1, 0, false));
        }
        appended
    }

    fn append_spec(&mut self, identity: &LogIdentity, spec: Spec) -> bool {
        let Some(log) = self.logs.get_mut(identity) else { return false };
        if log.failure().is_some() {
            return false;
        }
        let placed = spec.placed(log.log_end().0, self.epoch);
        let last = crate::producers::last_offset(&placed);
        let batch = Placed { base: log.log_end().0, last, hash: hash(&placed) };
        let model = self.model.log_mut(identity);
        model.batches.push(batch);
        self.loosened();
        let origin = if spec.marker.is_some() { Origin::Coordinator } else { Origin::Client };
        let log = self.logs.get_mut(identity).expect("it was there");
        let appended = log.append_as_leader(
            vec![spec.valid()],
            LeaderEpoch(self.epoch),
            self.now_ms,
            AppendOptions { origin },
        );
        match appended {
            Ok(appended) => {
                assert_eq!((appended.first.0, appended.last.0), (batch.base, batch.last));
                true
            }
            Err(error) => self.check::<(), AppendError>(Err(error)),
        }
    }

    /// Group commit of some logs; what is appended while it is under way is not part of it.
    pub fn sync(&mut self, names: &[LogIdentity], meanwhile: impl FnOnce(&mut Self)) -> bool {
        let mut plans: Vec<(LogIdentity, SyncPlan)> = Vec::new();
        for identity in names {
            let plan = self.logs.get_mut(identity).and_then(Log::begin_sync);
            plans.extend(plan.map(|plan| (identity.clone(), plan)));
        }
        if plans.is_empty() {
            return true;
        }
        let task = self.folder().commit_task(plans.iter().map(|(_, plan)| plan));
        meanwhile(self);
        let disk = self.disk.clone();
        let result = headwater_log::Disk::run(&disk, &task);
        let mut succeeded = true;
        for (identity, plan) in plans {
            let Some(log) = self.logs.get_mut(&identity) else { continue };
            let completed = log.complete_sync(plan, result.clone());
            succeeded &= self.check(completed);
        }
        self.acknowledge();
        succeeded
    }

    pub fn sync_all(&mut self) -> bool {
        let names = self.names();
        self.sync(&names, |_| {})
    }

    /// What the logs call durable is promised.
    pub fn acknowledge(&mut self) {
        let mut more = false;
        for (identity, log) in &self.logs {
            let model = self.model.log_mut(identity);
            if log.durable_end().0 > model.durable {
                model.durable = log.durable_end().0;
                more = true;
            }
        }
        if more {
            self.promised();
        }
    }

    /// Runs work that was left to other threads, as much as there is or only some of it.
    pub fn run_submitted(&mut self, most: usize) {
        for _ in 0..most {
            let Some(done) = self.disk.run_submitted() else { break };
            self.check(done.result);
        }
        self.acknowledge();
    }

    pub fn roll(&mut self, identity: &LogIdentity) {
        let now_ms = self.now_ms;
        let Some(log) = self.logs.get_mut(identity) else { return };
        let rolled = log.roll(now_ms);
        self.check(rolled);
        self.acknowledge();
    }

    /// Retention by size, under a high watermark at the durable end.
    pub fn retain(&mut self, identity: &LogIdentity, bytes: u64) {
        let Some(log) = self.logs.get_mut(identity) else { return };
        let config = LogConfig { retention_bytes: Some(bytes), ..(*self.config).clone() };
        let high_watermark = log.durable_end();
        let model = self.model.log_mut(identity);
        model.start_max = model.start_max.max(high_watermark.0);
        self.loosened();
        let now_ms = self.now_ms;
        let log = self.logs.get_mut(identity).expect("it was there");
        log.set_config(Arc::new(config));
        let outcome = log.apply_retention(now_ms, high_watermark);
        log.set_config(Arc::clone(&self.config));
        let start = log.log_start().0;
        if self.check(outcome) {
            self.model.log_mut(identity).start_max = start;
        }
        self.promised();
        self.acknowledge();
    }

    pub fn delete_records(&mut self, identity: &LogIdentity) {
        let Some(log) = self.logs.get_mut(identity) else { return };
        let (start, end) = (log.log_start().0, log.durable_end());
        if end.0 <= start {
            return;
        }
        let before = start + 1 + self.random.below((end.0 - start) as usize) as i64;
        let model = self.model.log_mut(identity);
        model.start_max = before;
        self.loosened();
        let log = self.logs.get_mut(identity).expect("it was there");
        log.delete_records(Offset(before), end).expect("it is within the log");
    }

    /// Truncates as a follower does, and has the recovery point lowered at once.
    pub fn truncate(&mut self, identity: &LogIdentity, to: i64) {
        let Some(log) = self.logs.get(identity) else { return };
        if log.failure().is_some() || to >= log.log_end().0 {
            return;
        }
        let start = log.log_start().0;
        let model = self.model.log_mut(identity);
        // The whole batch that holds the offset goes.
        let cut = model.batches.partition_point(|batch| batch.last < to);
        let end = model.batches.get(cut).map_or(to, |batch| batch.base.min(to));
        let mut kept = model.batches.clone();
        kept.truncate(cut);
        model.durable = model.durable.min(end);
        if end <= start {
            // The batch that holds the log's first record is cut, with all that is there.
            model.or_empty_at.push((model.start_min, model.start_max));
        }
        self.loosened();
        let now_ms = self.now_ms;
        let log = self.logs.get_mut(identity).expect("it was there");
        let truncated = log.truncate_to(EndOffset(to), now_ms);
        if !self.check(truncated) {
            return;
        }
        let end = self.logs[identity].log_end().0;
        let model = self.model.log_mut(identity);
        model.batches = kept;
        model.durable = end;
        self.promised();
        self.checkpoint();
        self.model.log_mut(identity).or_empty_at.clear();
        self.promised();
        self.relearn_producers();
    }

    pub fn truncate_fully(&mut self, identity: &LogIdentity, start: i64) {
        let Some(log) = self.logs.get(identity) else { return };
        if log.failure().is_some() {
            return;
        }
        let now_ms = self.now_ms;
        let model = self.model.log_mut(identity);
        // Where nothing is left, it starts where it last was known to, or at the new start.
        model.or_empty_at.push((model.start_min, model.start_max));
        model.or_empty_at.push((start, start));
        model.durable = model.start_min.min(start);
        self.loosened();
        let log = self.logs.get_mut(identity).expect("it was there");
        let truncated = log.truncate_fully_and_start_at(Offset(start), now_ms);
        if !self.check(truncated) {
            return;
        }
        let log = &self.logs[identity];
        assert_eq!((log.log_start().0, log.log_end().0), (start, start));
        let model = self.model.log_mut(identity);
        model.batches.clear();
        (model.durable, model.start_min) = (start.min(model.start_min), start.min(model.start_min));
        model.start_max = start.max(model.start_max);
        self.promised();
        self.checkpoint();
        let model = self.model.log_mut(identity);
        model.or_empty_at.clear();
        (model.durable, model.start_min, model.start_max) = (start, start, start);
        self.promised();
        self.relearn_producers();
    }

    fn checkpoint_of(log: &Log) -> (LogIdentity, PartitionCheckpoint) {
        let checkpoint = PartitionCheckpoint {
            recovery_point: log.recovery_point(),
            log_start: log.log_start(),
            high_watermark: log.durable_end(),
        };
        (log.identity().clone(), checkpoint)
    }

    /// Writes the checkpoints; with that every log's start is promised.
    pub fn checkpoint(&mut self) -> bool {
        let logs: Vec<_> = self.logs.values().map(Self::checkpoint_of).collect();
        let written = self.folder().write_checkpoints(&logs);
        if !self.check(written) {
            return false;
        }
        self.promise_starts();
        true
    }

    fn promise_starts(&mut self) {
        for (identity, log) in &self.logs {
            let model = self.model.log_mut(identity);
            model.start_min = model.start_min.max(log.log_start().0);
        }
        self.promised();
    }

    /// A clean stop.
    pub fn stop(&mut self) {
        let closed: Result<Vec<_>, _> = self.logs.values_mut().map(Log::close_clean).collect();
        if !self.check(closed) {
            return;
        }
        self.acknowledge();
        let logs: Vec<_> = self.logs.values().map(Self::checkpoint_of).collect();
        let closed = self.folder().close_clean(&logs, 7);
        if self.check(closed) {
            // Whatever a log calls durable: a clean stop promises all of it.
            for (identity, log) in &self.logs {
                self.model.log_mut(identity).durable = log.log_end().0;
            }
            self.promise_starts();
            self.kill();
        }
    }

    /// The topic is deleted: from here on nobody asks for its log.
    pub fn delete(&mut self, identity: &LogIdentity) {
        self.model.logs.remove(identity);
        self.loosened();
        self.uniques += 1;
        let unique = Uuid([0xd0 | self.uniques; 16]);
        self.folder().will_delete(identity.topic_id, identity.partition);
        self.logs.remove(identity);
        let deleted = self.folder().delete_log(identity, unique);
        if self.check(deleted) {
            self.model.deleted.insert(identity.clone());
        }
        self.promised();
    }

    /// Another topic has the name now, and nobody knows of this one any more: its folder is to be
    /// kept.
    pub fn replace(&mut self, identity: &LogIdentity, by: &LogIdentity) {
        self.sync_all();
        self.logs.remove(identity);
        self.model.logs.remove(identity);
        self.model.strays.insert(identity.clone());
        self.promised();
        self.create(by);
    }

    /// Files that are to go, go.
    pub fn remove_deleted(&mut self) {
        let removed = self.folder().remove_deleted();
        self.check(removed);
    }
}
