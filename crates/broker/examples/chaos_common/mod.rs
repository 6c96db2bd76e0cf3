//! What the two programs that load a broker under `cargo xtask chaos` share: the values that they
//! write, the lines that they print, and when they stop.
//!
//! One line a fact: `ack PARTITION OFFSET VALUE`, `failed WHY`, `done` from a writer;
//! `record PARTITION OFFSET VALUE` and `range PARTITION START END` from a reader. A value is named
//! `PRODUCER.PARTITION.SEQUENCE`. Nothing here judges: the chore does.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a writer is told on its command line.
pub struct Load {
    /// HOST:PORT.
    pub bootstrap: String,
    /// The topic.
    pub topic: String,
    /// Its partitions.
    pub partitions: i32,
    /// Number of the (first) producer.
    pub producer: u32,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Records a second, at most.
    pub per_second: u32,
}

impl Load {
    /// Reads `BOOTSTRAP TOPIC PARTITIONS PRODUCER VALUE_BYTES PER_SECOND`.
    pub fn parse(words: &[String]) -> Option<Self> {
        let [bootstrap, topic, partitions, producer, value_bytes, per_second] = words else {
            return None;
        };
        Some(Self {
            bootstrap: bootstrap.clone(),
            topic: topic.clone(),
            partitions: partitions.parse().ok()?,
            producer: producer.parse().ok()?,
            value_bytes: value_bytes.parse().ok()?,
            per_second: per_second.parse().ok()?,
        })
    }
}

/// The value with this name, filled up to a length with what only it is filled with.
pub fn value(producer: u32, partition: i32, sequence: u64, bytes: usize) -> Vec<u8> {
    fill(format!("{producer}.{partition}.{sequence}").into_bytes(), bytes)
}

/// The name of a value; `damaged` where it is not filled as it was written.
pub fn name(value: &[u8]) -> &str {
    let head = value.split(|byte| *byte == b' ').next().unwrap_or_default();
    match std::str::from_utf8(head) {
        Ok(name) if fill(head.to_vec(), value.len()) == value => name,
        _ => "damaged",
    }
}

fn fill(mut head: Vec<u8>, bytes: usize) -> Vec<u8> {
    let seed = head.iter().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
    head.push(b' ');
    let fillers =
        (0..bytes.saturating_sub(head.len())).map(|at| b'a' + (usize::from(seed) + at) as u8 % 26);
    head.extend(fillers);
    head
}

/// Prints one line, whole, though several threads print.
pub fn say(line: std::fmt::Arguments<'_>) {
    // Whoever listens may be gone; then so is the reason to speak.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// True once standard input has ended.
pub fn stop_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        seen.store(true, Ordering::SeqCst);
    });
    stop
}

/// Lets through so many a second, and no more later for what was missed.
pub struct Pace {
    next: Instant,
    step: Duration,
}

impl Pace {
    /// So many a second.
    pub fn new(per_second: u32) -> Self {
        Self { next: Instant::now(), step: Duration::from_secs(1) / per_second.max(1) }
    }

    /// How long to wait before `count` more.
    pub fn wait(&mut self, count: u32) -> Duration {
        let now = Instant::now();
        let wait = self.next.saturating_duration_since(now);
        self.next = self.next.max(now) + self.step * count;
        wait
    }
}
