//! What the broker is loaded with while it is killed: a run is made of chapters, each with a topic
//! of another kind.

use super::checker::Front;
use super::random::Random;

/// A topic, and how it is loaded.
#[derive(Clone, Debug)]
pub struct Chapter {
    pub name: &'static str,
    pub partitions: i32,
    pub value_bytes: usize,
    /// Records a second, of each loader.
    pub per_second: u32,
    pub configs: &'static [&'static str],
    pub front: Front,
    /// Half way through the topic is deleted and created anew, with a kill after each.
    pub recreated: bool,
}

const BASE: Chapter = Chapter {
    name: "one",
    partitions: 1,
    value_bytes: 100,
    per_second: 15_000,
    configs: &[],
    front: Front::Whole,
    recreated: false,
};

const CHAPTERS: [Chapter; 7] = [
    BASE,
    Chapter { name: "twenty", partitions: 20, ..BASE },
    Chapter { name: "many", partitions: 300, ..BASE },
    // Segments of the least size, so that every round rolls.
    Chapter {
        name: "rolled",
        partitions: 3,
        value_bytes: 2000,
        per_second: 4000,
        configs: &["segment.bytes=1048576", "index.interval.bytes=512"],
        ..BASE
    },
    Chapter {
        name: "retention",
        partitions: 3,
        value_bytes: 2000,
        per_second: 4000,
        configs: &["segment.bytes=1048576", "retention.bytes=2097152", "file.delete.delay.ms=100"],
        front: Front::MayBeGone,
        ..BASE
    },
    // Appends so large that they go past the journal.
    Chapter { name: "large", partitions: 2, value_bytes: 45_000, per_second: 300, ..BASE },
    Chapter { name: "recreated", partitions: 20, recreated: true, ..BASE },
];

/// All kinds, in an order of the seed's.
pub fn shuffled(random: &mut Random, partitions: Option<i32>) -> Vec<Chapter> {
    let mut chapters = CHAPTERS.to_vec();
    random.shuffle(&mut chapters);
    if let Some(partitions) = partitions {
        chapters.iter_mut().for_each(|chapter| chapter.partitions = partitions);
    }
    chapters
}
