//! Whatever happens to a log, its producers are what its batches say.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Plain { producer: usize, count: usize },
    Transactional { producer: usize, count: usize },
    End { producer: usize, commit: bool, bump: bool },
    Noise,
    Sync,
    Roll,
    Truncate { at: u16 },
    ReopenClean,
    Kill,
    PowerCut,
    Repeat { producer: usize, back: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let producer = 0..3usize;
    let count = 1..4usize;
    prop_oneof![
        4 => (producer.clone(), count.clone())
            .prop_map(|(producer, count)| Step::Plain { producer, count }),
        4 => (producer.clone(), count)
            .prop_map(|(producer, count)| Step::Transactional { producer, count }),
        3 => (producer.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(producer, commit, bump)| Step::End { producer, commit, bump }),
        2 => Just(Step::Noise),
        1 => Just(Step::Sync),
        1 => Just(Step::Roll),
        1 => any::<u16>().prop_map(|at| Step::Truncate { at }),
        1 => Just(Step::ReopenClean),
        1 => Just(Step::Kill),
        1 => Just(Step::PowerCut),
        3 => (producer, 0..7usize).prop_map(|(producer, back)| Step::Repeat { producer, back }),
    ]
}

/// A batch in the log.
#[derive(Clone, Debug)]
struct Event {
    first: i64,
    last: i64,
    spec: Spec,
}

/// A producer as its batches say.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    epoch: i16,
    next_sequence: i32,
    coordinator_epoch: i32,
    open: Option<i64>,
    /// Of the current epoch, oldest first.
    batches: Vec<Event2>,
}

#[derive(Clone, Debug, PartialEq)]
struct Event2 {
    first: i64,
    sequence: i32,
    count: usize,
    transactional: bool,
}

type Aborted = Vec<(i64, i64, i64)>;

fn replay(events: &[Event]) -> (BTreeMap<i64, Known>, Aborted) {
    let mut known: BTreeMap<i64, Known> = BTreeMap::new();
    let mut aborted = Vec::new();
    for event in events {
        let Some((id, epoch, sequence)) = event.spec.producer else { continue };
        let entry =
            known.entry(id).or_insert(Known { epoch, coordinator_epoch: -1, ..Known::default() });
        if entry.epoch != epoch {
            *entry = Known { epoch, open: entry.open, ..Known::default() };
        }
        match event.spec.marker {
            Some((kind, coordinator)) => {
                entry.coordinator_epoch = coordinator;
                if let Some(first) = entry.open.take().filter(|_| kind == 0) {
                    aborted.push((id, first, event.first));
                }
            }
            None => {
                let count = event.spec.records.len();
                let transactional = event.spec.attributes & 0x10 != 0;
                entry.next_sequence = sequence + count as i32;
                let first = event.first;
                entry.batches.push(Event2 { first, sequence, count, transactional });
                if transactional {
                    entry.open.get_or_insert(event.first);
                }
            }
        }
    }
    (known, aborted)
}

struct World {
    disk: MemoryDisk,
    log: Log,
    events: Vec<Event>,
    recovery_point: i64,
}

impl World {
    fn config(&self) -> LogConfig {
        LogConfig { segment_bytes: 700, ..small() }
    }

    fn append(&mut self, spec: Spec) {
        let appended = append(&mut self.log, &spec).unwrap();
        assert!(!appended.duplicate);
        self.events.push(Event { first: appended.first.0, last: appended.last.0, spec });
    }

    fn known(&self, producer: usize) -> Known {
        let new = Known { coordinator_epoch: -1, ..Known::default() };
        replay(&self.events).0.get(&(producer as i64)).cloned().unwrap_or(new)
    }

    fn kind(&self) -> OpenKind {
        let recovery_point = EndOffset(self.recovery_point);
        OpenKind::AfterCrash(Checkpointed { recovery_point, ..Default::default() })
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Plain { producer, count } => {
                let Known { epoch, next_sequence, open, .. } = self.known(producer);
                if open.is_none() {
                    self.append(from_producer(producer as i64, epoch, next_sequence, count));
                }
            }
            Step::Transactional { producer, count } => {
                let Known { epoch, next_sequence, .. } = self.known(producer);
                self.append(transactional(producer as i64, epoch, next_sequence, count));
            }
            Step::End { producer, commit, bump } => {
                let Known { epoch, coordinator_epoch, .. } = self.known(producer);
                let epoch = epoch + i16::from(bump);
                let coordinator = coordinator_epoch.max(0);
                self.append(marker(producer as i64, epoch, i16::from(commit), coordinator));
            }
            Step::Noise => self.append(records(1, 50)),
            Step::Sync => {
                sync(&mut self.log, &self.disk.clone());
                self.recovery_point = self.log.durable_end().0;
            }
            Step::Roll => self.log.roll(T0).unwrap(),
            Step::Truncate { at } => {
                let end = i64::from(at) % (self.log.log_end().0 + 1);
                self.log.truncate_to(EndOffset(end), T0).unwrap();
                self.events.retain(|event| event.last < end);
                self.recovery_point = self.recovery_point.min(self.log.log_end().0);
            }
            Step::ReopenClean => {
                let known = self.log.close_clean().unwrap();
                self.recovery_point = known.recovery_point.0;
                let kind = OpenKind::AfterCleanStop(known);
                self.log = open_on(&self.disk, self.config(), kind).unwrap();
            }
            Step::Kill => self.log = open_on(&self.disk, self.config(), self.kind()).unwrap(),
            Step::PowerCut => {
                self.disk = self.disk.crash(|_| Fate::Lost);
                self.log = open_on(&self.disk, self.config(), self.kind()).unwrap();
                let end = self.log.log_end().0;
                self.events.retain(|event| event.last < end);
            }
            Step::Repeat { producer, back } => self.repeat(producer, back),
        }
    }

    /// Sends a batch of before once more.
    fn repeat(&mut self, producer: usize, back: usize) {
        let known = self.known(producer);
        let Some(place) = known.batches.len().checked_sub(back + 1) else { return };
        let Event2 { first, sequence, count, transactional: is_transactional } =
            known.batches[place].clone();
        let spec = match is_transactional {
            true => transactional(producer as i64, known.epoch, sequence, count),
            false => from_producer(producer as i64, known.epoch, sequence, count),
        };
        let end = self.log.log_end();
        match append(&mut self.log, &spec) {
            Ok(appended) => {
                assert!(appended.duplicate && back < 5, "{back} back");
                assert_eq!(appended.first.0, first);
            }
            Err(error) => {
                assert!(back >= 5, "{back} back: {error}");
                assert_eq!(error.code(), ErrorCode::OutOfOrderSequenceNumber);
            }
        }
        assert_eq!(self.log.log_end(), end);
    }

    fn check(&self) {
        let (known, aborted) = replay(&self.events);
        let found: BTreeMap<i64, Known> = self
            .log
            .active_producers()
            .into_iter()
            .map(|found| {
                let batches = known.get(&found.producer.0).map(|known| known.batches.clone());
                let known = Known {
                    epoch: found.epoch.0,
                    next_sequence: found.last_sequence + 1,
                    coordinator_epoch: found.coordinator_epoch,
                    open: found.transaction_start.map(|start| start.0),
                    batches: batches.unwrap_or_default(),
                };
                (found.producer.0, known)
            })
            .collect();
        assert_eq!(found, known);
        let end = self.log.log_end();
        let open = known.values().filter_map(|known| known.open).min();
        assert_eq!(self.log.last_stable(end).0, open.unwrap_or(end.0));
        let mut listed: Aborted = self
            .log
            .aborted_transactions(Offset(0)..Offset(i64::MAX))
            .unwrap()
            .into_iter()
            .map(|found| (found.producer.0, found.first.0, found.last.0))
            .collect();
        listed.sort_by_key(|(_, _, last)| *last);
        assert_eq!(listed, aborted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn producers_are_what_the_log_says(steps in prop::collection::vec(step(), 1..80)) {
        let (disk, log) = new_log(LogConfig { segment_bytes: 700, ..small() });
        let mut world = World { disk, log, events: Vec::new(), recovery_point: 0 };
        for step in &steps {
            world.step(step);
            world.check();
        }
    }
}
