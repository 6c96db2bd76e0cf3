//! A log does what a plain list of batches does, whatever is asked of it in whatever order.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append {
        count: usize,
        size: usize,
    },
    AppendLarge,
    /// Batches of a leader whose log was compacted.
    Follow {
        gap: i64,
        count: usize,
    },
    Read {
        at: u16,
        max_bytes: usize,
        upper: u16,
    },
    Sync,
    Roll,
    Truncate {
        at: u16,
    },
    DeleteRecords {
        at: u16,
    },
    Retain {
        bytes: u64,
    },
    ReopenClean,
    Kill,
    Crash {
        fates: u64,
    },
    /// A crash that takes all that was not synced.
    PowerCut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..5usize, 0..300usize).prop_map(|(count, size)| Step::Append { count, size }),
        1 => Just(Step::AppendLarge),
        1 => (0..40i64, 1..4usize).prop_map(|(gap, count)| Step::Follow { gap, count }),
        4 => (any::<u16>(), 0..3000usize, any::<u16>())
            .prop_map(|(at, max_bytes, upper)| Step::Read { at, max_bytes, upper }),
        2 => Just(Step::Sync),
        1 => Just(Step::Roll),
        1 => any::<u16>().prop_map(|at| Step::Truncate { at }),
        1 => any::<u16>().prop_map(|at| Step::DeleteRecords { at }),
        1 => (0..4000u64).prop_map(|bytes| Step::Retain { bytes }),
        1 => Just(Step::ReopenClean),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(|fates| Step::Crash { fates }),
    ]
}

#[derive(Clone, Debug)]
struct ModelBatch {
    base: i64,
    last: i64,
    bytes: Vec<u8>,
}

struct World {
    disk: MemoryDisk,
    log: Log,
    batches: Vec<ModelBatch>,
    start: i64,
    durable: i64,
    recovery_point: i64,
}

impl World {
    fn end(&self) -> i64 {
        self.batches.last().map_or(self.log.log_end().0, |batch| batch.last + 1)
    }

    fn config(&self) -> LogConfig {
        LogConfig { segment_bytes: 20_000, ..small() }
    }

    fn pick(&self, at: u16) -> i64 {
        let (start, end) = (self.log.log_start().0, self.log.log_end().0);
        start + i64::from(at) % (end - start + 1)
    }

    fn append(&mut self, spec: &Spec) {
        let appended = append(&mut self.log, spec).unwrap();
        let bytes = spec.placed(appended.first.0, 0).to_vec();
        self.batches.push(ModelBatch { base: appended.first.0, last: appended.last.0, bytes });
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Append { count, size } => self.append(&records(count, size)),
            Step::AppendLarge => self.append(&records(1, 17_000)),
            Step::Follow { gap, count } => {
                let mut batches = Vec::new();
                let mut base = self.log.log_end().0;
                for n in 0..count {
                    base += gap;
                    let bytes = records(2, 200 * n).placed(base, 0);
                    batches.push(valid(bytes.clone()));
                    self.batches.push(ModelBatch { base, last: base + 1, bytes: bytes.to_vec() });
                    base += 2;
                }
                self.log.append_as_follower(batches, T0).unwrap();
            }
            Step::Read { at, max_bytes, upper } => {
                let (from, upper) = (self.pick(at), self.pick(upper));
                self.check_read(from, max_bytes, upper);
            }
            Step::Sync => {
                sync(&mut self.log, &self.disk.clone());
                self.durable = self.end();
                self.recovery_point = self.durable;
            }
            Step::Roll => self.log.roll(T0).unwrap(),
            Step::Truncate { at } => {
                let to = self.pick(at);
                self.log.truncate_to(EndOffset(to), T0).unwrap();
                self.batches.retain(|batch| batch.last < to);
                // A deleted front that reaches behind the end leaves nothing.
                self.durable = self.durable.min(self.log.log_end().0);
                self.recovery_point = self.recovery_point.min(self.log.log_end().0);
            }
            Step::DeleteRecords { at } => {
                let to = self.pick(at);
                self.log.delete_records(Offset(to), self.log.log_end()).unwrap();
            }
            Step::Retain { bytes } => {
                let mut config = self.config();
                config.retention_bytes = Some(bytes);
                self.log.set_config(std::sync::Arc::new(config));
                self.log.apply_retention(T0, self.log.log_end()).unwrap();
            }
            Step::ReopenClean => {
                let known = self.log.close_clean().unwrap();
                self.durable = self.log.durable_end().0;
                self.recovery_point = self.durable;
                let kind = OpenKind::AfterCleanStop(known);
                self.log = open_on(&self.disk, self.config(), kind).unwrap();
            }
            Step::Kill => {
                // The process is gone, what it wrote is in the page cache; opening makes it durable.
                let end = self.end();
                let kind = OpenKind::AfterCrash(Checkpointed {
                    recovery_point: EndOffset(self.recovery_point),
                    known_end: EndOffset(self.recovery_point),
                    log_start: self.log.log_start(),
                });
                self.log = open_on(&self.disk, self.config(), kind).unwrap();
                assert_eq!(self.log.durable_end(), EndOffset(end));
                self.durable = end;
            }
            Step::Crash { mut fates } => self.crash(|_| {
                fates = fates.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                match fates >> 62 {
                    0 => Fate::Lost,
                    1 => Fate::Cut((fates >> 40) as usize % 300),
                    _ => Fate::Kept,
                }
            }),
            Step::PowerCut => self.crash(|_| Fate::Lost),
        }
        self.start = self.log.log_start().0;
        self.batches.retain(|batch| batch.last >= self.start);
    }

    fn crash(&mut self, fate: impl FnMut(&PendingEffect) -> Fate) {
        let (start, durable) = (self.log.log_start(), self.log.durable_end());
        self.disk = self.disk.crash(fate);
        let kind = OpenKind::AfterCrash(Checkpointed {
            recovery_point: EndOffset(self.recovery_point),
            known_end: durable,
            log_start: start,
        });
        self.log = open_on(&self.disk, self.config(), kind).unwrap();
        assert!(self.log.log_end() >= durable, "what was durable is lost");
        let end = self.log.log_end().0;
        self.batches.retain(|batch| batch.last < end);
        self.durable = end;
    }

    fn check_read(&self, from: i64, max_bytes: usize, upper: i64) {
        let upper_end = EndOffset(upper);
        let limit = ReadLimit { max_bytes, at_least_one: true, upper: upper_end };
        let read = self.log.read(Offset(from), limit).unwrap();
        let bytes = bytes_of(&read);
        let wanted: Vec<&ModelBatch> =
            self.batches.iter().filter(|batch| batch.last >= from && batch.last < upper).collect();
        let all: Vec<u8> = wanted.iter().flat_map(|batch| batch.bytes.clone()).collect();
        assert!(all.starts_with(&bytes));
        match wanted.first() {
            Some(first) => {
                assert!(bytes.len() >= first.bytes.len(), "at least one");
                assert!(bytes.len() <= max_bytes.max(first.bytes.len()));
                assert_eq!(read.first.0, first.base);
                let taken = wanted.iter().scan(0, |sum, batch| {
                    *sum += batch.bytes.len();
                    Some((*sum, batch.last))
                });
                let last = taken.take_while(|(sum, _)| *sum <= bytes.len()).last().unwrap();
                assert_eq!((last.0, last.1 + 1), (bytes.len(), read.next.0), "whole batches");
            }
            None => assert!(bytes.is_empty()),
        }
    }

    fn check(&self) {
        assert_eq!(self.log.log_end().0, self.end());
        assert!(self.log.durable_end() <= self.log.log_end());
        assert!(self.log.durable_end().0 >= self.durable.min(self.end()));
        let all: Vec<u8> = self.batches.iter().flat_map(|batch| batch.bytes.clone()).collect();
        assert_eq!(read_all(&self.log, self.log.log_start()), all);
    }
}

fn run(steps: &[Step]) {
    let (disk, log) = new_log(LogConfig { segment_bytes: 20_000, ..small() });
    let mut world =
        World { disk, log, batches: Vec::new(), start: 0, durable: 0, recovery_point: 0 };
    for step in steps {
        world.step(step);
        world.check();
    }
}

const APPEND: Step = Step::Append { count: 1, size: 10 };

/// Recovery called an empty segment durable whose name was not.
#[test]
fn a_segment_begun_before_a_kill_keeps_its_name() {
    run(&[APPEND, Step::Sync, Step::Roll, Step::Kill, APPEND, Step::Sync, Step::PowerCut]);
}

/// Recovery synced files but not the folder that they are new in.
#[test]
fn a_log_begun_before_a_kill_keeps_its_name() {
    run(&[APPEND, Step::Kill, Step::PowerCut]);
}

/// Recovery cut a torn tail but did not sync the cut; with the next segment it was no tail any more.
#[test]
fn a_torn_tail_that_was_cut_stays_cut() {
    for fates in 0..200 {
        run(&[APPEND, Step::Sync, APPEND, Step::Crash { fates }, Step::Roll, Step::PowerCut]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_log_is_a_list_of_batches(steps in prop::collection::vec(step(), 1..60)) {
        run(&steps);
    }
}
