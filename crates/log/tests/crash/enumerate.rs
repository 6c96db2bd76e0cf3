//! Every crash that a run may suffer: at each moment every subset of what is not synced, as far as
//! there are not too many, and of writes also parts.
//!
//! States that differ only in what a later moment says of them are made once: at an effect those in
//! which it is (at least in part) on the disk, and all of them again when more was promised.

use crate::model::{Found, compare};
use crate::random::Random;
use crate::recover;
use crate::world::Run;
use headwater_log::{
    DiskTask, Fate, LogConfig, LogIdentity, MemoryDisk, Moment, PendingEffect, TraceStep,
};
use headwater_types::{LeaderEpoch, Offset};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Choices tried at a moment whatever number there is.
    pub whole_max: usize,
    /// Choices drawn where there are more.
    pub sampled: usize,
    /// Effects in flight of which every subset is tried.
    pub in_flight_max: u32,
    /// One in so many new states is looked into deeply.
    pub deep_once_in: usize,
    /// And there one in so many moments of the recovery.
    pub inside_once_in: usize,
    /// Only one in so many moments is looked at.
    pub moment_once_in: usize,
}

/// What was found out.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub traces: u64,
    pub states: u64,
    /// Different disks among them.
    pub disks: u64,
    pub inside_recovery: u64,
    pub outcomes: BTreeSet<u64>,
    pub failures: Vec<Failure>,
    pub most_in_flight: usize,
}

/// A crash after which something is wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    pub step: usize,
    pub fates: String,
    pub problem: String,
}

/// One run's crashes.
pub struct Enumeration<'a> {
    run: &'a Run,
    effort: Effort,
    random: Random,
    known: BTreeMap<(u64, usize), Rc<Result<Found, String>>>,
    pub tally: Tally,
    /// Ends it early.
    pub stop: &'a dyn Fn() -> bool,
}

const FAILURES_MAX: usize = 3;

impl<'a> Enumeration<'a> {
    pub fn new(run: &'a Run, effort: Effort, seed: u64, stop: &'a dyn Fn() -> bool) -> Self {
        let tally = Tally { traces: 1, ..Tally::default() };
        let random = Random::new(seed ^ 0x5eed);
        Self { run, effort, random, known: BTreeMap::new(), tally, stop }
    }

    /// Tries all of them, as far as the effort goes.
    pub fn all(&mut self) {
        let mut moment = self.run.trace.start();
        let mut mark = 0;
        for (number, step) in self.run.trace.steps().iter().enumerate() {
            moment.advance(step);
            match step {
                TraceStep::Effect(_) => self.moment(&moment, number, mark, true),
                TraceStep::Mark(next) => {
                    mark = *next as usize;
                    if self.run.marks[mark].stricter {
                        self.moment(&moment, number, mark, false);
                    }
                }
                TraceStep::FileSynced(_) | TraceStep::FolderSynced(_) => {}
            }
            if self.tally.failures.len() >= FAILURES_MAX || (self.stop)() {
                return;
            }
        }
    }

    /// Tries one crash again.
    pub fn replay(&mut self, step: usize, fates: &[Fate]) {
        let mut moment = self.run.trace.start();
        let mut mark = 0;
        for step in self.run.trace.steps().iter().take(step + 1) {
            moment.advance(step);
            if let TraceStep::Mark(next) = step {
                mark = *next as usize;
            }
        }
        for (effect, fate) in moment.pending().iter().zip(fates) {
            println!("  {fate:?} {}", describe(effect));
        }
        self.state(&moment, step, mark, fates);
    }

    fn moment(&mut self, moment: &Moment, step: usize, mark: usize, only_with_last: bool) {
        if !self.random.once_in(self.effort.moment_once_in) {
            return;
        }
        let mut choices: Vec<Vec<Fate>> = moment.pending().iter().map(fates_of).collect();
        self.tally.most_in_flight = self.tally.most_in_flight.max(choices.len());
        if only_with_last && let Some(last) = choices.last_mut() {
            last.retain(|fate| *fate != Fate::Lost);
        }
        let product = choices.iter().try_fold(1usize, |product, fates| {
            product.checked_mul(fates.len()).filter(|product| *product <= self.effort.whole_max)
        });
        if product.is_some() {
            return self.every(moment, step, mark, &choices);
        }
        if choices.len() as u32 <= self.effort.in_flight_max {
            let whole: Vec<Vec<Fate>> = choices
                .iter()
                .map(|fates| {
                    let whole = |fate: &&Fate| matches!(fate, Fate::Lost | Fate::Kept);
                    fates.iter().filter(whole).copied().collect()
                })
                .collect();
            self.every(moment, step, mark, &whole);
        } else {
            // The extremes, which a draw would hardly give.
            let kept: Vec<Fate> = choices.iter().map(|_| Fate::Kept).collect();
            self.state(moment, step, mark, &kept);
            let lost: Vec<Fate> = choices.iter().map(|fates| fates[0]).collect();
            self.state(moment, step, mark, &lost);
            for odd in 0..choices.len().min(self.effort.sampled / 4) {
                let mut but_one = kept.clone();
                but_one[odd] = choices[odd][0];
                self.state(moment, step, mark, &but_one);
                let mut only_one = lost.clone();
                only_one[odd] = Fate::Kept;
                self.state(moment, step, mark, &only_one);
            }
        }
        for _ in 0..self.effort.sampled {
            // Mostly kept, mostly lost, or anything.
            let bias = self.random.below(3);
            let mut fates = Vec::with_capacity(choices.len());
            for of_one in &choices {
                let drawn = of_one[self.random.below(of_one.len())];
                fates.push(match bias {
                    0 if !self.random.once_in(4) => Fate::Kept,
                    1 if !self.random.once_in(4) => of_one[0],
                    _ => drawn,
                });
            }
            self.state(moment, step, mark, &fates);
        }
    }

    fn every(&mut self, moment: &Moment, step: usize, mark: usize, choices: &[Vec<Fate>]) {
        let mut places = vec![0; choices.len()];
        loop {
            let fates: Vec<Fate> =
                choices.iter().zip(&places).map(|(fates, place)| fates[*place]).collect();
            self.state(moment, step, mark, &fates);
            if self.tally.failures.len() >= FAILURES_MAX {
                return;
            }
            let mut next = 0;
            loop {
                let Some(place) = places.get_mut(next) else { return };
                *place += 1;
                if *place < choices[next].len() {
                    break;
                }
                *place = 0;
                next += 1;
            }
        }
    }

    fn state(&mut self, moment: &Moment, step: usize, mark: usize, fates: &[Fate]) {
        self.tally.states += 1;
        let disk = moment.crash(fates);
        let model = &self.run.marks[mark].model;
        let live: Vec<LogIdentity> = model.logs.keys().cloned().collect();
        let key = (disk.fingerprint(), live_key(&live));
        let recovered = match self.known.get(&key) {
            Some(recovered) => Rc::clone(recovered),
            None => {
                self.tally.disks += 1;
                let deep = self.random.once_in(self.effort.deep_once_in);
                let seed = deep.then(|| (self.random.next(), self.effort.inside_once_in));
                let recovered = recover_checked(&disk, &live, &self.run.config, seed);
                if let Ok((found, inside)) = &recovered {
                    self.tally.inside_recovery += inside;
                    self.tally.outcomes.insert(outcome_key(found));
                }
                let recovered = Rc::new(recovered.map(|(found, _)| found));
                self.known.insert(key, Rc::clone(&recovered));
                recovered
            }
        };
        let outcome = match &*recovered {
            Ok(found) => compare(model, found),
            Err(problem) => Err(problem.clone()),
        };
        if let Err(problem) = outcome
            && self.tally.failures.len() < FAILURES_MAX
        {
            let fates = fates_to_text(fates);
            self.tally.failures.push(Failure { step, fates, problem });
        }
    }
}

fn live_key(live: &[LogIdentity]) -> usize {
    live.iter().fold(0usize, |key, identity| {
        let id = usize::from(identity.topic_id.0[0]);
        key.wrapping_mul(8191).wrapping_add(id * 31 + identity.partition.0 as usize + 1)
    })
}

fn outcome_key(found: &Found) -> u64 {
    let mut text = String::new();
    for (identity, log) in &found.logs {
        text.push_str(&identity.folder_name());
        for number in [log.start, log.end] {
            text.push_str(&format!(" {number}"));
        }
        for batch in &log.batches {
            text.push_str(&format!(" {:x}", batch.hash));
        }
    }
    recover::hash(text.as_bytes())
}

/// What may become of an effect; the first is that it is lost.
fn fates_of(effect: &PendingEffect) -> Vec<Fate> {
    let mut fates = vec![Fate::Lost, Fate::Kept];
    if let PendingEffect::Write { position, bytes, .. } = effect {
        // The length and nothing else.
        fates.push(Fate::Sectors(0));
        let first = 512 - position % 512;
        let boundaries: Vec<usize> =
            (0..).map(|sector| first + sector * 512).take_while(|at| *at < bytes.len()).collect();
        for (sector, at) in boundaries.iter().enumerate().take(62) {
            fates.push(Fate::Cut(*at));
            let before = (2u64 << sector) - 1;
            fates.push(Fate::Sectors(before));
            fates.push(Fate::Sectors(!before));
        }
    }
    fates
}

pub fn fates_to_text(fates: &[Fate]) -> String {
    let words: Vec<String> = fates
        .iter()
        .map(|fate| match fate {
            Fate::Kept => "k".to_owned(),
            Fate::Lost => "l".to_owned(),
            Fate::Cut(bytes) => format!("c{bytes}"),
            Fate::Sectors(kept) => format!("s{kept:x}"),
        })
        .collect();
    words.join(",")
}

pub fn fates_from_text(text: &str) -> Option<Vec<Fate>> {
    let parse = |word: &str| match word.split_at_checked(1)? {
        ("k", "") => Some(Fate::Kept),
        ("l", "") => Some(Fate::Lost),
        ("c", bytes) => bytes.parse().ok().map(Fate::Cut),
        ("s", kept) => u64::from_str_radix(kept, 16).ok().map(Fate::Sectors),
        _ => None,
    };
    text.split(',').filter(|word| !word.is_empty()).map(parse).collect()
}

pub fn describe(effect: &PendingEffect) -> String {
    match effect {
        PendingEffect::Write { file, position, bytes } => {
            format!("write of {} bytes at {position} of file {file}", bytes.len())
        }
        PendingEffect::SetLength { file, length } => format!("length {length} of file {file}"),
        PendingEffect::Link { path, node, .. } => format!("new {} ({node:?})", path.display()),
        PendingEffect::Rename { from, to, node, .. } => {
            format!("rename {} to {} ({node:?})", from.display(), to.display())
        }
        PendingEffect::Unlink { path, .. } => format!("remove {}", path.display()),
    }
}

/// Recovers a disk, and checks what holds whatever was on it. With a seed also what happens when
/// the recovery is cut short, and afterwards. Gives the number of crashes inside the recovery.
fn recover_checked(
    disk: &MemoryDisk,
    live: &[LogIdentity],
    config: &Arc<LogConfig>,
    deep: Option<(u64, usize)>,
) -> Result<(Found, u64), String> {
    let checked = || recover_unguarded(disk, live, config, deep);
    match catch_unwind(AssertUnwindSafe(checked)) {
        Ok(outcome) => outcome,
        Err(panic) => Err(format!("a panic: {}", panic_text(&*panic))),
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default()
}

fn recover_unguarded(
    disk: &MemoryDisk,
    live: &[LogIdentity],
    config: &Arc<LogConfig>,
    deep: Option<(u64, usize)>,
) -> Result<(Found, u64), String> {
    let untouched = deep.map(|_| disk.crash(|_| Fate::Lost));
    if deep.is_some() {
        disk.record();
    }
    let opened = recover::open(disk, live, config, 0xaa)?;
    let found = opened.found.clone();
    // What was found counts as durable now.
    let after = disk.crash(|_| Fate::Lost);
    let again = |disk: &MemoryDisk, when: &str| -> Result<(), String> {
        let again = recover::open(disk, live, config, 0xbb)
            .map_err(|problem| format!("{when}: {problem}"))?;
        same(&found, &again.found, when)
    };
    again(&after, "recovered twice")?;
    let Some((seed, once_in)) = deep else { return Ok((found, 0)) };
    drop(opened);
    let trace = disk.take_trace();
    again(disk, "recovered twice without a crash")?;
    let mut random = Random::new(seed);
    let mut inside = 0;
    let mut moment = trace.start();
    for (number, step) in trace.steps().iter().enumerate() {
        moment.advance(step);
        if !matches!(step, TraceStep::Effect(_)) || !random.once_in(once_in) {
            continue;
        }
        let choices: Vec<Vec<Fate>> = moment.pending().iter().map(fates_of).collect();
        for kind in 0..4 {
            let fates: Vec<Fate> = choices
                .iter()
                .map(|fates| match kind {
                    0 => Fate::Kept,
                    1 => fates[0],
                    _ => fates[random.below(fates.len())],
                })
                .collect();
            let when = format!("recovery cut short at {number} ({})", fates_to_text(&fates));
            let second = recover::open(&moment.crash(&fates), live, config, 0xbb)
                .map_err(|problem| format!("{when}: {problem}"))?;
            same_but_identity(&found, &second.found, &when)?;
            inside += 1;
        }
    }
    if let Some(disk) = untouched {
        life_goes_on(&disk, live, config, &found)?;
    }
    Ok((found, inside))
}

fn same(first: &Found, second: &Found, when: &str) -> Result<(), String> {
    if first.directory_id != second.directory_id || first.cluster_id != second.cluster_id {
        return Err(format!("{when}: the folder is another one"));
    }
    same_but_identity(first, second, when)
}

/// As [`same`], for a folder that may not have had its id yet.
fn same_but_identity(first: &Found, second: &Found, when: &str) -> Result<(), String> {
    for (identity, first) in &first.logs {
        let second = second.logs.get(identity);
        if second != Some(first) {
            let name = identity.folder_name();
            let ends = second.map(|second| (second.start, second.end));
            return Err(format!(
                "{when}: {name} is {ends:?}, was {:?} at first",
                (first.start, first.end)
            ));
        }
    }
    Ok(())
}

/// What is appended and synced after a recovery is there after the next crash.
fn life_goes_on(
    disk: &MemoryDisk,
    live: &[LogIdentity],
    config: &Arc<LogConfig>,
    found: &Found,
) -> Result<(), String> {
    let mut opened = recover::open(disk, live, config, 0xaa)?;
    let mut plans = Vec::new();
    for (identity, log) in &mut opened.logs {
        let spec = crate::common::records(1, 20);
        let epoch = log.latest_epoch().unwrap_or(LeaderEpoch(0));
        let appended = log.append_as_leader(
            vec![spec.valid()],
            epoch,
            recover::NOW_MS,
            headwater_log::AppendOptions::default(),
        );
        let appended = appended.map_err(|error| format!("an append afterwards: {error}"))?;
        if appended.first != Offset(found.logs[identity].end) {
            return Err(format!("an append afterwards is at {}", appended.first));
        }
        plans.extend(log.begin_sync());
    }
    let task: DiskTask = opened.folder.commit_task(&plans);
    headwater_log::Disk::run(disk, &task).map_err(|error| error.to_string())?;
    let crashed = disk.crash(|_| Fate::Lost);
    drop(opened);
    let again = recover::open(&crashed, live, config, 0xbb)
        .map_err(|problem| format!("after going on: {problem}"))?;
    for (identity, before) in &found.logs {
        let after = &again.found.logs[identity];
        let kept = after.batches.starts_with(&before.batches);
        if !kept || after.end != before.end + 1 || after.start != before.start {
            return Err(format!(
                "what {} got afterwards is lost: {}..{}",
                identity.folder_name(),
                after.start,
                after.end
            ));
        }
    }
    Ok(())
}
