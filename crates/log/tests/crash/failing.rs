//! A sync fails, once, at every place of a long run: nothing that was acknowledged is lost, and the
//! log whose sync it was acknowledges nothing more.

use crate::model::compare;
use crate::protocols::{self, empty};
use crate::random::Random;
use crate::recover;
use crate::world::World;
use headwater_log::{Fate, LogIdentity, MemoryDisk, TraceStep};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was tried.
#[derive(Debug, Default)]
pub struct Outcome {
    /// File operations of the run without a failure.
    pub operations: u64,
    pub syncs: u64,
    pub failures: Vec<String>,
}

/// Steps of the run after the failure.
const STEPS_AFTER: usize = 12;

/// Fails one sync after the other of a run of so many file operations; `every` of 1 fails each.
pub fn every_sync(seed: u64, operations: u64, every: u64) -> Outcome {
    let mut whole = world(seed, None);
    protocols::live(&mut whole, |world| world.disk.operations() < operations);
    let mut outcome = Outcome {
        operations: whole.disk.operations(),
        syncs: whole.disk.syncs(),
        failures: Vec::new(),
    };
    for failing in (0..outcome.syncs).step_by(usize::try_from(every).unwrap_or(1)) {
        let tried = catch_unwind(AssertUnwindSafe(|| one(seed, failing, |_| {})));
        let problem = match tried {
            Ok(Ok(())) => continue,
            Ok(Err(problem)) => problem,
            Err(panic) => format!("a panic: {}", crate::enumerate::panic_text(&*panic)),
        };
        outcome.failures.push(format!("seed {seed}, sync {failing} fails: {problem}"));
        if outcome.failures.len() >= 3 {
            break;
        }
    }
    outcome
}

fn world(seed: u64, sync_lost: Option<u64>) -> World {
    let mut random = Random::new(seed);
    let config = protocols::config(&mut random);
    let disk = empty();
    let before = disk.syncs();
    let fails_at = sync_lost.map(|number| before + number);
    disk.plan_failures(|plan| plan.sync_lost = fails_at);
    let mut world = World::on(disk, config, random);
    (world.failing, world.fails_at) = (fails_at.is_some(), fails_at);
    world.forget_marks();
    world
}

/// Fails one sync, and prints what happened before.
pub fn show(seed: u64, failing: u64) -> bool {
    let outcome = one(seed, failing, |world| {
        for step in world.disk.take_trace().steps() {
            match step {
                TraceStep::Effect(effect) => println!("{}", crate::enumerate::describe(effect)),
                other => println!("{other:?}"),
            }
        }
    });
    println!("{outcome:?}");
    outcome.is_ok()
}

fn one(seed: u64, failing: u64, at_end: impl FnOnce(&World)) -> Result<(), String> {
    let mut world = world(seed, Some(failing));
    world.disk.record();
    let mut after = 0;
    protocols::live(&mut world, |world| {
        after += usize::from(world.has_failed());
        after <= STEPS_AFTER
    });
    at_end(&world);
    world.failed_logs_stay_failed()?;
    let live: Vec<LogIdentity> = world.model.logs.keys().cloned().collect();
    let lost: fn(&MemoryDisk) -> MemoryDisk = |disk| disk.crash(|_| Fate::Lost);
    let kept: fn(&MemoryDisk) -> MemoryDisk = |disk| disk.crash(|_| Fate::Kept);
    let ends = |world: &World| -> BTreeMap<String, i64> {
        let durable = |(name, model): (&LogIdentity, &std::rc::Rc<crate::model::LogModel>)| {
            (name.folder_name(), model.durable)
        };
        world.model.logs.iter().map(durable).collect()
    };
    for (how, crash) in [("nothing", lost), ("all", kept)] {
        let disk = crash(&world.disk);
        let opened = match recover::open(&disk, &live, &world.config, 0xaa) {
            Ok(opened) => opened,
            // A note that was never synced, of what was never promised: it is taken for damage.
            Err(_) if how == "all" => continue,
            Err(problem) => {
                return Err(format!("{how} pending kept: {problem} {:?}", ends(&world)));
            }
        };
        compare(&world.model, &opened.found)
            .map_err(|problem| format!("{how} pending kept: {problem} {:?}", ends(&world)))?;
    }
    Ok(())
}
