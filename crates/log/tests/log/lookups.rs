//! Whatever happens to a log, its epochs and timestamps are found where its batches have them.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append { times: Vec<i64> },
    NextEpoch,
    Sync,
    Roll,
    Truncate { at: u16 },
    DeleteRecords { at: u16 },
    Retain,
    ReopenClean,
    Kill,
    PowerCut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(0..300i64, 1..4).prop_map(|times| Step::Append { times }),
        2 => Just(Step::NextEpoch),
        1 => Just(Step::Sync),
        1 => Just(Step::Roll),
        1 => any::<u16>().prop_map(|at| Step::Truncate { at }),
        1 => any::<u16>().prop_map(|at| Step::DeleteRecords { at }),
        1 => Just(Step::Retain),
        1 => Just(Step::ReopenClean),
        1 => Just(Step::Kill),
        1 => Just(Step::PowerCut),
    ]
}

#[derive(Clone, Debug)]
struct Batch {
    first: i64,
    last: i64,
    epoch: i32,
    times: Vec<i64>,
}

struct World {
    disk: MemoryDisk,
    log: Log,
    batches: Vec<Batch>,
    epoch: i32,
    recovery_point: i64,
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 900, index_interval_bytes: 100, ..small() }
}

impl World {
    fn known(&self) -> Checkpointed {
        let recovery_point = EndOffset(self.recovery_point);
        Checkpointed { recovery_point, known_end: recovery_point, log_start: self.log.log_start() }
    }

    fn reopen(&mut self) {
        let kind = OpenKind::AfterCrash(self.known());
        self.log = open_on(&self.disk, config(), kind).unwrap();
        let end = self.log.log_end().0;
        self.batches.retain(|batch| batch.last < end);
    }

    fn step(&mut self, step: &Step) {
        let (start, end) = (self.log.log_start(), self.log.log_end());
        let pick = |at: u16| start.0 + i64::from(at) % (end.0 - start.0 + 1);
        match step {
            Step::Append { times } => {
                let records = times.iter().map(|time| (T0 + time, 20)).collect();
                let batch = Spec { records, ..Spec::default() }.valid();
                let epoch = LeaderEpoch(self.epoch);
                let options = AppendOptions::default();
                let done = self.log.append_as_leader(vec![batch], epoch, T0, options).unwrap();
                let (first, last) = (done.first.0, done.last.0);
                let times = times.clone();
                self.batches.push(Batch { first, last, epoch: self.epoch, times });
            }
            Step::NextEpoch => self.epoch += 1,
            Step::Sync => {
                sync(&mut self.log, &self.disk.clone());
                self.recovery_point = self.log.durable_end().0;
            }
            Step::Roll => self.log.roll(T0).unwrap(),
            Step::Truncate { at } => {
                let to = pick(*at);
                self.log.truncate_to(EndOffset(to), T0).unwrap();
                self.batches.retain(|batch| batch.last < to);
                self.recovery_point = self.recovery_point.min(self.log.log_end().0);
            }
            Step::DeleteRecords { at } => {
                self.log.delete_records(Offset(pick(*at)), end).unwrap();
            }
            Step::Retain => {
                self.log.apply_retention(T0, end).unwrap();
            }
            Step::ReopenClean => {
                let known = self.log.close_clean().unwrap();
                self.recovery_point = known.recovery_point.0;
                let kind = OpenKind::AfterCleanStop(known);
                self.log = open_on(&self.disk, config(), kind).unwrap();
            }
            Step::Kill => self.reopen(),
            Step::PowerCut => {
                self.disk = self.disk.crash(|_| Fate::Lost);
                self.reopen();
            }
        }
        let start = self.log.log_start().0;
        self.batches.retain(|batch| batch.last >= start);
    }

    fn check(&self) {
        let start = self.log.log_start().0;
        for batch in &self.batches {
            for offset in batch.first.max(start)..=batch.last {
                assert_eq!(self.log.epoch_of(Offset(offset)), Some(LeaderEpoch(batch.epoch)));
            }
        }
        if let Some(last) = self.batches.last() {
            assert_eq!(self.log.latest_epoch(), Some(LeaderEpoch(last.epoch)));
        }
        for epoch in 0..=self.epoch {
            let next = self.batches.iter().find(|batch| batch.epoch > epoch);
            let has = self.batches.iter().any(|batch| batch.epoch == epoch);
            let found = self.log.epoch_end(LeaderEpoch(epoch)).map(|found| found.end.0);
            match (next, has) {
                (Some(next), _) => assert_eq!(found, Some(next.first.max(start)), "epoch {epoch}"),
                (None, true) => assert_eq!(found, Some(self.log.log_end().0)),
                (None, false) if self.batches.is_empty() => {}
                (None, false) => assert_eq!(found, None),
            }
        }
        let records: Vec<(i64, i64)> = self
            .batches
            .iter()
            .flat_map(|batch| {
                batch.times.iter().enumerate().map(|(n, t)| (batch.first + n as i64, *t))
            })
            .filter(|(offset, _)| *offset >= start)
            .collect();
        for wanted in [0, 50, 100, 150, 200, 250, 290, 299, 300] {
            let expected = records.iter().find(|(_, time)| *time >= wanted).copied();
            let found = self.log.offset_for_timestamp(T0 + wanted, self.log.log_end()).unwrap();
            assert_eq!(found.map(|found| (found.offset.0, found.timestamp - T0)), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn epochs_and_timestamps_are_found(steps in prop::collection::vec(step(), 1..60)) {
        let (disk, log) = new_log(config());
        let mut world = World { disk, log, batches: Vec::new(), epoch: 0, recovery_point: 0 };
        for step in &steps {
            world.step(step);
            world.check();
        }
    }
}
