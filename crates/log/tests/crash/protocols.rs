//! What a broker does to its log folder, as runs from a seed: each protocol is about one kind of
//! operation, among those that it meets in life.

use crate::random::Random;
use crate::world::{Run, World, identity};
use headwater_log::{Disk, DiskTask, LogConfig, LogIdentity, MemoryDisk};
use std::path::Path;

/// A kind of run.
pub struct Protocol {
    pub name: &'static str,
    pub about: &'static str,
    pub run: fn(Random) -> Run,
}

pub const PROTOCOLS: [Protocol; 16] = [
    Protocol { name: "append", about: "one log, appends and syncs", run: append },
    Protocol { name: "group-commit", about: "many logs, one task", run: group_commit },
    Protocol { name: "journal-reuse", about: "so much that the journal goes round", run: reuse },
    Protocol { name: "roll", about: "segments end and begin", run: roll },
    Protocol { name: "retention", about: "segments go from the front", run: retention },
    Protocol { name: "truncate", about: "the end is cut off", run: truncate },
    Protocol { name: "truncate-fully", about: "all goes, another start", run: truncate_fully },
    Protocol { name: "delete-records", about: "the start moves", run: delete_records },
    Protocol { name: "topic-delete", about: "gone, and back under its name", run: topic_delete },
    Protocol { name: "stray", about: "another topic has the name", run: stray },
    Protocol { name: "checkpoints", about: "written now and then", run: checkpoints },
    Protocol { name: "snapshots", about: "producers and transactions", run: snapshots },
    Protocol { name: "clean-stop", about: "stops, kills and starts", run: clean_stop },
    Protocol { name: "format", about: "a folder's first moments", run: format },
    Protocol { name: "upgrade", about: "a folder that has no journal yet", run: upgrade },
    Protocol { name: "all", about: "everything, in any order", run: all },
];

pub fn config(random: &mut Random) -> LogConfig {
    let segments = [400, 600, 1000, 2000, 4096];
    LogConfig {
        segment_bytes: segments[random.below(segments.len())],
        index_interval_bytes: 100,
        retention_ms: None,
        segment_ms: i64::MAX,
        timestamp_after_max_ms: i64::MAX,
        file_delete_delay_ms: if random.once_in(2) { 0 } else { 60_000 },
        producer_id_expiration_ms: u64::MAX,
        ..LogConfig::default()
    }
}

/// A disk with nothing but an empty, durable place for the folder.
pub fn empty() -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_folder(Path::new("/data")).expect("a disk in memory");
    disk.run(&DiskTask::SyncFolder("/".into())).expect("a disk in memory");
    disk
}

/// A folder that was claimed before, and logs that have been appended to.
fn ready(mut random: Random, logs: usize) -> World {
    let config = config(&mut random);
    let mut world = World::on(empty(), config, random);
    world.start();
    for partition in 0..logs {
        let identity = identity("t", 1, partition as i32);
        world.create(&identity);
        world.append(&identity, 1, 60);
    }
    if world.random.once_in(2) {
        world.sync_all();
    }
    // So far it is the business of `format`.
    settle(world)
}

/// Goes on with what there is as if it had always been there.
fn settle(mut world: World) -> World {
    world.sync_all();
    let (disk, model) = (world.disk.clone(), world.model.clone());
    let config = (*world.config).clone();
    let random = world.random.clone();
    world.kill();
    let found = disk.crash(|_| headwater_log::Fate::Kept);
    let mut next = World::on(found, config, random);
    next.model = model;
    next.start();
    next
}

/// Two are made durable by the journal, one mostly in its own files.
fn one_or_two(random: &mut Random) -> usize {
    if random.once_in(3) { 1 } else { 2 }
}

fn some_append(world: &mut World) {
    let name = world.any_log();
    let (records, bytes) = (world.random.within(1, 3), *pick(&mut world.random, &[40, 200, 700]));
    // No set is larger than a segment.
    let bytes = bytes.min((world.config.segment_bytes as usize - 150) / records);
    world.append(&name, records, bytes);
}

fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    &from[random.below(from.len())]
}

fn some_sync(world: &mut World) {
    let mut names = world.names();
    if world.random.once_in(3) {
        let one = world.random.below(names.len());
        names = vec![names.swap_remove(one)];
    }
    let meanwhile = world.random.once_in(3);
    world.sync(&names, |world| {
        if meanwhile {
            some_append(world);
        }
    });
    if world.random.once_in(2) {
        let most = world.random.within(1, 4);
        world.run_submitted(most);
    }
}

fn some_truncation(world: &mut World) {
    let name = world.any_log();
    let log = &world.logs[&name];
    let (start, end) = (log.log_start().0, log.log_end().0);
    if end > start {
        // Mostly near the end.
        let span = (end - start) as usize;
        let back = if world.random.once_in(3) { span } else { span.min(4) };
        let to = end - 1 - world.random.below(back) as i64;
        world.truncate(&name, to);
        world.epoch += 1;
    }
}

fn some_retention(world: &mut World) {
    let name = world.any_log();
    let size = world.logs[&name].size_bytes();
    let most = [0, size / 3, size / 2, size];
    let bytes = *pick(&mut world.random, &most);
    world.now_ms += if world.random.once_in(2) { 120_000 } else { 0 };
    world.retain(&name, bytes);
}

fn steps(world: &mut World, least: usize, most: usize, step: impl Fn(&mut World, usize)) {
    for _ in 0..world.random.within(least, most) {
        let drawn = world.random.below(100);
        step(world, drawn);
    }
}

fn append(mut random: Random) -> Run {
    let logs = one_or_two(&mut random);
    let mut world = ready(random, logs);
    steps(&mut world, 6, 12, |world, drawn| match drawn {
        0..60 => some_append(world),
        _ => some_sync(world),
    });
    world.sync_all();
    world.finish()
}

fn group_commit(random: Random) -> Run {
    let mut random = random;
    let count = random.within(2, 6);
    let mut world = ready(random, count);
    steps(&mut world, 8, 16, |world, drawn| match drawn {
        0..55 => some_append(world),
        55..90 => some_sync(world),
        90..95 => world.run_submitted(1),
        _ => {
            world.checkpoint();
        }
    });
    world.sync_all();
    world.finish()
}

fn reuse(random: Random) -> Run {
    let mut world = ready(random, 2);
    // Two or three commits fill a file of the journal.
    let large = 3500;
    world.use_segments_of(8192);
    steps(&mut world, 20, 40, |world, drawn| match drawn {
        0..70 => {
            for name in world.names() {
                let fill = world.random.within(large / 2, large);
                world.append_exactly(&name, fill);
            }
            world.sync_all();
        }
        70..80 => some_sync(world),
        80..90 => world.run_submitted(1),
        90..96 => some_append(world),
        _ => {
            world.checkpoint();
        }
    });
    world.sync_all();
    world.finish()
}

fn roll(mut random: Random) -> Run {
    let logs = one_or_two(&mut random);
    let mut world = ready(random, logs);
    steps(&mut world, 6, 12, |world, drawn| match drawn {
        0..50 => some_append(world),
        50..75 => {
            let name = world.any_log();
            world.roll(&name);
        }
        _ => some_sync(world),
    });
    world.sync_all();
    world.finish()
}

fn retention(mut random: Random) -> Run {
    let logs = one_or_two(&mut random);
    let mut world = ready(random, logs);
    steps(&mut world, 8, 16, |world, drawn| match drawn {
        0..40 => some_append(world),
        40..50 => {
            let name = world.any_log();
            world.roll(&name);
        }
        50..70 => some_sync(world),
        70..75 => {
            world.checkpoint();
        }
        75..80 => world.run_submitted(9),
        _ => some_retention(world),
    });
    world.sync_all();
    world.finish()
}

fn truncate(random: Random) -> Run {
    let mut random = random;
    let logs = random.within(1, 2);
    let mut world = ready(random, logs);
    steps(&mut world, 8, 16, |world, drawn| match drawn {
        0..50 => some_append(world),
        50..65 => some_sync(world),
        65..72 => {
            let names = world.names();
            world.sync(&names, |world| {
                some_truncation(world);
                some_append(world);
            });
        }
        72..76 => world.run_submitted(1),
        _ => some_truncation(world),
    });
    world.sync_all();
    world.finish()
}

fn truncate_fully(mut random: Random) -> Run {
    let logs = one_or_two(&mut random);
    let mut world = ready(random, logs);
    steps(&mut world, 6, 12, |world, drawn| match drawn {
        0..50 => some_append(world),
        50..75 => some_sync(world),
        75..80 => some_truncation(world),
        _ => {
            let name = world.any_log();
            let start = world.random.below(40) as i64;
            world.truncate_fully(&name, start);
            world.epoch += 1;
        }
    });
    world.sync_all();
    world.finish()
}

fn delete_records(mut random: Random) -> Run {
    let logs = one_or_two(&mut random);
    let mut world = ready(random, logs);
    steps(&mut world, 8, 16, |world, drawn| match drawn {
        0..45 => some_append(world),
        45..65 => some_sync(world),
        65..80 => {
            let name = world.any_log();
            world.delete_records(&name);
        }
        80..90 => {
            world.checkpoint();
        }
        90..95 => some_truncation(world),
        _ => {
            let name = world.any_log();
            world.retain(&name, u64::MAX);
        }
    });
    world.checkpoint();
    world.sync_all();
    world.finish()
}

fn topic_delete(random: Random) -> Run {
    let mut world = ready(random, 2);
    let mut generation = 1;
    for _ in 0..world.random.within(1, 3) {
        steps(&mut world, 2, 6, |world, drawn| match drawn {
            0..55 => some_append(world),
            55..85 => some_sync(world),
            85..95 => {
                world.checkpoint();
            }
            _ => world.run_submitted(1),
        });
        world.delete(&identity("t", generation, 0));
        if world.random.once_in(2) {
            world.remove_deleted();
        }
        if world.random.once_in(3) {
            world.kill();
            world.start();
        }
        generation += 1;
        world.create(&identity("t", generation, 0));
    }
    steps(&mut world, 2, 5, |world, drawn| match drawn {
        0..60 => some_append(world),
        60..90 => some_sync(world),
        _ => world.remove_deleted(),
    });
    world.sync_all();
    world.finish()
}

fn stray(random: Random) -> Run {
    let mut world = ready(random, 2);
    for generation in 1..=world.random.within(1, 2) as u8 {
        steps(&mut world, 1, 4, |world, drawn| match drawn {
            0..60 => some_append(world),
            60..90 => some_sync(world),
            _ => {
                world.checkpoint();
            }
        });
        let (old, new) = (identity("t", generation, 0), identity("t", generation + 1, 0));
        world.append(&old, 1, 50);
        if world.random.once_in(2) {
            world.sync_all();
            world.checkpoint();
        }
        world.replace(&old, &new);
        world.append(&new, 1, 50);
    }
    some_sync(&mut world);
    world.sync_all();
    world.finish()
}

fn checkpoints(random: Random) -> Run {
    let mut world = ready(random, 2);
    steps(&mut world, 8, 14, |world, drawn| match drawn {
        0..45 => some_append(world),
        45..65 => some_sync(world),
        65..90 => {
            world.checkpoint();
        }
        _ => {
            world.kill();
            world.start();
        }
    });
    world.checkpoint();
    world.finish()
}

fn some_of_producers(world: &mut World, drawn: usize) {
    let name = world.any_log();
    let id = 100 + world.random.below(2) as i64;
    match drawn % 4 {
        0 => {
            world.append_idempotent(&name, id);
        }
        1 | 2 => {
            world.append_transactional(&name, id + 100);
        }
        _ => {
            let commit = world.random.once_in(2);
            world.end_transaction(&name, id + 100, commit);
        }
    }
}

fn snapshots(mut random: Random) -> Run {
    let logs = one_or_two(&mut random);
    let mut world = ready(random, logs);
    steps(&mut world, 10, 20, |world, drawn| match drawn {
        0..60 => some_of_producers(world, drawn),
        60..75 => some_sync(world),
        75..85 => {
            let name = world.any_log();
            world.roll(&name);
        }
        85..90 => some_truncation(world),
        90..95 => {
            world.stop();
            world.start();
        }
        _ => {
            world.checkpoint();
        }
    });
    world.sync_all();
    world.finish()
}

fn clean_stop(random: Random) -> Run {
    let mut world = ready(random, 2);
    for _ in 0..world.random.within(1, 4) {
        steps(&mut world, 1, 5, |world, drawn| match drawn {
            0..60 => some_append(world),
            60..70 => some_of_producers(world, drawn),
            _ => some_sync(world),
        });
        if world.random.once_in(3) {
            world.kill();
        } else {
            world.stop();
        }
        world.start();
    }
    some_append(&mut world);
    world.sync_all();
    world.finish()
}

fn format(random: Random) -> Run {
    let mut random = random;
    let config = config(&mut random);
    let mut world = World::new(config, random);
    world.start();
    if world.random.once_in(2) {
        world.kill();
        world.start();
    }
    world.folder().adopt_cluster("cluster").expect("it has none yet");
    world.model.cluster_id = Some("cluster".into());
    world.promised();
    let name = identity("t", 1, 0);
    world.create(&name);
    for _ in 0..world.random.within(1, 3) {
        some_append(&mut world);
    }
    some_sync(&mut world);
    if world.random.once_in(2) {
        world.stop();
        world.start();
        some_append(&mut world);
    }
    world.sync_all();
    world.finish()
}

/// Removes what Apache Kafka, or an earlier version, would not have written.
fn without_journal(disk: &MemoryDisk) -> MemoryDisk {
    let folder = Path::new("/data");
    for entry in disk.list(folder).expect("it is there") {
        if entry.name.contains("journal") {
            disk.run(&DiskTask::Unlink(folder.join(entry.name))).expect("a disk in memory");
        }
    }
    disk.crash(|_| headwater_log::Fate::Kept)
}

fn upgrade(random: Random) -> Run {
    let mut world = ready(random, 2);
    steps(&mut world, 4, 10, |world, drawn| match drawn {
        0..60 => some_append(world),
        60..70 => some_of_producers(world, drawn),
        70..90 => some_sync(world),
        _ => {
            world.checkpoint();
        }
    });
    if world.random.once_in(2) {
        world.stop();
    } else {
        world.sync_all();
        world.kill();
    }
    let found = without_journal(&world.disk);
    let mut next = World::on(found, (*world.config).clone(), world.random.clone());
    next.model = world.model.clone();
    next.start();
    steps(&mut next, 3, 8, |world, drawn| match drawn {
        0..60 => some_append(world),
        60..90 => some_sync(world),
        _ => {
            world.checkpoint();
        }
    });
    next.sync_all();
    next.finish()
}

fn any_step(world: &mut World, drawn: usize) {
    match drawn {
        0..35 => some_append(world),
        35..45 => some_of_producers(world, drawn),
        45..63 => some_sync(world),
        63..68 => world.run_submitted(2),
        68..73 => {
            let name = world.any_log();
            world.roll(&name);
        }
        73..78 => some_retention(world),
        78..83 => some_truncation(world),
        83..87 => {
            let name = world.any_log();
            world.delete_records(&name);
        }
        87..91 => {
            world.checkpoint();
        }
        91..95 => {
            world.kill();
            world.start();
        }
        95..98 => {
            world.stop();
            world.start();
        }
        _ => {
            let name = world.any_log();
            let generation = name.topic_id.0[0].wrapping_add(1).max(1);
            world.delete(&name);
            if !world.knows_of_failure() {
                world.create(&identity("t", generation, name.partition.0));
            }
        }
    }
}

fn all(random: Random) -> Run {
    let mut random = random;
    let logs = random.within(1, 3);
    let mut world = ready(random, logs);
    steps(&mut world, 10, 30, any_step);
    world.sync_all();
    world.finish()
}

/// A folder with something of every kind in it.
pub fn filled(random: Random) -> World {
    let mut world = ready(random, 2);
    steps(&mut world, 25, 40, |world, drawn| match drawn {
        0..45 => some_append(world),
        45..75 => some_of_producers(world, drawn),
        75..82 => some_sync(world),
        82..90 => {
            let name = world.any_log();
            world.roll(&name);
        }
        90..94 => world.epoch += 1,
        94..97 => {
            world.checkpoint();
        }
        _ => {
            let name = world.any_log();
            world.sync_all();
            world.delete_records(&name);
            world.checkpoint();
        }
    });
    world.sync_all();
    world
}

/// A long life of everything, for the failures that it meets in [`crate::failing`].
pub fn live(world: &mut World, mut goes_on: impl FnMut(&World) -> bool) {
    world.start();
    let logs: Vec<LogIdentity> = (0..3).map(|partition| identity("t", 1, partition)).collect();
    for name in &logs {
        if world.folder.is_none() {
            return;
        }
        world.create(name);
    }
    while world.folder.is_some() && !world.logs.is_empty() && goes_on(world) {
        let drawn = world.random.below(100);
        // A page cache may hold what it could not write. That a process that starts anew on it takes
        // it for what is on the disk is another matter: here the machine goes down.
        if world.knows_of_failure() || world.has_failed() && (91..98).contains(&drawn) {
            return;
        }
        any_step(world, drawn);
    }
}
