//! The programs that load, read and administer the broker: other people's clients, each in a
//! process of its own (`crates/broker/examples/chaos_*.rs`).

use super::checker::{Promise, Reading, Value};
use crate::commands;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Instant;

/// Numbers that the producers of one loader may take.
pub const PRODUCERS_EACH: u32 = 10;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    Librdkafka,
    Rskafka,
}

impl Client {
    pub const BOTH: [Self; 2] = [Self::Librdkafka, Self::Rskafka];

    pub fn promise(self) -> Promise {
        match self {
            Self::Librdkafka => Promise::Idempotent,
            Self::Rskafka => Promise::AtLeastOnce,
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Librdkafka => "chaos_librdkafka",
            Self::Rskafka => "chaos_rskafka",
        }
    }
}

/// Where the programs are.
pub struct Programs {
    folder: PathBuf,
    /// What they complain of goes here.
    log: PathBuf,
}

/// What a loader said.
#[derive(Debug)]
pub enum Event {
    Acknowledged {
        client: Client,
        at: Instant,
        partition: i32,
        value: Value,
        offset: i64,
    },
    Complained {
        client: Client,
        what: String,
    },
    /// Its output ended; `done` when it said so before.
    Ended {
        client: Client,
        done: bool,
    },
}

impl Programs {
    /// Builds them.
    pub fn build(log: &Path) -> Result<Self> {
        let mut command = commands::cargo(&["build", "--locked", "-p", "headwater-broker"])?;
        for client in Client::BOTH {
            command.args(["--example", client.program()]);
        }
        commands::run(&mut command)?;
        let folder = commands::target_folder()?.join("debug/examples");
        Ok(Self { folder, log: log.to_owned() })
    }

    fn command(&self, client: Client, words: &[&str]) -> Result<Command> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(self.folder.join(client.program()));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        Ok(command)
    }

    /// Starts a writer; what it says goes to `events`.
    pub fn load(&self, client: Client, words: &[&str], events: &Sender<Event>) -> Result<Loader> {
        let mut command = self.command(client, &[&["load"], words].concat())?;
        let mut child = command.stdin(Stdio::piped()).spawn().context("starting a writer")?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the output is piped")?;
        let events = events.clone();
        let listener = std::thread::spawn(move || listen(client, output, &events));
        Ok(Loader { child, input, listener: Some(listener) })
    }

    /// Reads a whole topic.
    pub fn read(
        &self,
        client: Client,
        bootstrap: &str,
        topic: &str,
        partitions: i32,
    ) -> Result<Vec<Reading>> {
        let count = partitions.to_string();
        let mut command = self.command(client, &["read", bootstrap, topic, &count])?;
        let mut child = command.spawn().context("starting a reader")?;
        let output = child.stdout.take().context("the output is piped")?;
        let mut readings = vec![Reading::default(); usize::try_from(partitions)?];
        let mut done = false;
        for line in BufReader::new(output).lines() {
            let line = line?;
            done |= line == "done";
            take(&line, &mut readings);
        }
        let status = child.wait()?;
        if !done || !status.success() {
            bail!("{client:?} could not read {topic}: {status}; see {}", self.log.display());
        }
        Ok(readings)
    }

    /// Begins to create a topic.
    pub fn create(
        &self,
        bootstrap: &str,
        topic: &str,
        partitions: i32,
        configs: &[&str],
    ) -> Result<Child> {
        let count = partitions.to_string();
        let words = [&["create", bootstrap, topic, &count], configs].concat();
        Ok(self.command(Client::Librdkafka, &words)?.spawn()?)
    }

    /// Begins to delete a topic.
    pub fn delete(&self, bootstrap: &str, topic: &str) -> Result<Child> {
        Ok(self.command(Client::Librdkafka, &["delete", bootstrap, topic])?.spawn()?)
    }

    /// All topics, and their partitions.
    pub fn topics(&self, bootstrap: &str) -> Result<BTreeMap<String, usize>> {
        let output = self.command(Client::Librdkafka, &["topics", bootstrap])?.output()?;
        if !output.status.success() {
            bail!("no list of topics: {}; see {}", output.status, self.log.display());
        }
        let said = String::from_utf8(output.stdout)?;
        let topics = said.lines().filter_map(|line| {
            let (name, count) = line.strip_prefix("topic ")?.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        Ok(topics.collect())
    }
}

/// A writer at work.
pub struct Loader {
    child: Child,
    input: Option<ChildStdin>,
    listener: Option<JoinHandle<()>>,
}

impl Loader {
    /// Tells it to write nothing more, and to end when all is acknowledged.
    pub fn finish(&mut self) {
        self.input.take();
    }

    /// Ends it as it is.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        Ok(())
    }

    /// Waits until it ended and everything it said was told.
    pub fn wait(mut self) -> Result<()> {
        self.child.wait()?;
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        Ok(())
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(client: Client, output: ChildStdout, events: &Sender<Event>) {
    let mut done = false;
    // A killed one may leave half a line: that says nothing.
    let mut output = BufReader::new(output);
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with('\n') {
        let text = line.trim_end();
        done |= text == "done";
        let event = match acknowledgement(text) {
            Some((partition, value, offset)) => {
                Some(Event::Acknowledged { client, at: Instant::now(), partition, value, offset })
            }
            None if text == "done" => None,
            None => Some(Event::Complained { client, what: text.to_owned() }),
        };
        if event.is_some_and(|event| events.send(event).is_err()) {
            break;
        }
        line.clear();
    }
    let _ = events.send(Event::Ended { client, done });
}

fn acknowledgement(line: &str) -> Option<(i32, Value, i64)> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    let (partition, offset) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((partition, value(words.next()?, partition)?, offset))
}

/// The value with this name, unless it belongs to another partition.
fn value(name: &str, partition: i32) -> Option<Value> {
    let mut numbers = name.split('.');
    let producer = numbers.next()?.parse().ok()?;
    let written_to: i32 = numbers.next()?.parse().ok()?;
    let sequence = numbers.next()?.parse().ok()?;
    (written_to == partition && numbers.next().is_none()).then_some(Value { producer, sequence })
}

/// Takes one line of a reader.
fn take(line: &str, readings: &mut [Reading]) -> Option<()> {
    let mut words = line.split(' ');
    let kind = words.next()?;
    let partition: i32 = words.next()?.parse().ok()?;
    let reading = readings.get_mut(usize::try_from(partition).ok()?)?;
    let first = words.next()?.parse().ok()?;
    match kind {
        "range" => (reading.start, reading.end) = (first, words.next()?.parse().ok()?),
        "record" => reading.records.push((first, value(words.next()?, partition))),
        _ => {}
    }
    Some(())
}

/// What a program said, once it has ended: none when all was well.
pub fn ended(child: Child) -> Result<bool> {
    Ok(child.wait_with_output()?.status.success())
}

/// A file for what the programs complain of.
pub fn complaints(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("clients.log");
    File::create(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_partition_or_a_damaged_one_is_nobodys() {
        assert_eq!(value("12.3.45", 3), Some(Value { producer: 12, sequence: 45 }));
        for (name, partition) in [("12.3.45", 4), ("damaged", 3), ("12.3", 3), ("1.3.4.5", 3)] {
            assert_eq!(value(name, partition), None, "{name}");
        }
    }

    #[test]
    fn lines_are_read_as_they_are_printed() {
        let ack = acknowledgement("ack 3 77 12.3.45");
        assert_eq!(ack, Some((3, Value { producer: 12, sequence: 45 }, 77)));
        assert_eq!(acknowledgement("failed 12.3.45: no"), None);
        let mut readings = vec![Reading::default(); 2];
        for line in ["range 1 0 2", "record 1 0 5.1.0", "record 1 1 damaged", "record 9 1 5.9.0"] {
            take(line, &mut readings);
        }
        let records = vec![(0, Some(Value { producer: 5, sequence: 0 })), (1, None)];
        assert_eq!(readings[1], Reading { start: 0, end: 2, records });
    }
}
