//! A run: chapters of rounds, in each of which the broker is killed under load, and a reading back
//! after each chapter and at the end.

use super::chapters::{Chapter, shuffled};
use super::checker::{Acknowledged, Front, Promise, check};
use super::clients::{Client, Event, Loader, PRODUCERS_EACH, Programs, ended};
use super::random::Random;
use super::tally::Tally;
use super::victim::Victim;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long an acknowledgement may take after a kill, and the rest of them at a chapter's end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Violations that are shown of each topic.
const SHOWN_MAX: usize = 5;

/// When a run is over.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    Rounds(u64),
    Until(Instant),
}

/// What was acknowledged in a topic.
struct Book {
    topic: String,
    partitions: i32,
    front: Front,
    acknowledged: Vec<Vec<Acknowledged>>,
    producers: BTreeMap<u32, Promise>,
}

/// Whether a topic that is only made and deleted is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    There,
    Gone,
    /// The answer was lost.
    Unknown,
}

/// A topic that is being made or deleted while the broker is killed.
struct Errand {
    child: Child,
    topic: String,
    wanted: Standing,
}

pub struct Run {
    victim: Victim,
    programs: Programs,
    random: Random,
    length: Length,
    partitions: Option<i32>,
    pub tally: Tally,
    sender: Sender<Event>,
    events: Receiver<Event>,
    /// The topic that is loaded is the last.
    books: Vec<Book>,
    errands: BTreeMap<String, Standing>,
    producers: u32,
    topics: u32,
    /// When the broker was killed, and when it listened again.
    killed: Option<Instant>,
    listened: Instant,
    /// Who has been acknowledged anything since.
    alive: BTreeSet<Client>,
    done: BTreeSet<Client>,
}

impl Run {
    pub fn new(
        victim: Victim,
        programs: Programs,
        seed: u64,
        length: Length,
        partitions: Option<i32>,
    ) -> Self {
        let (sender, events) = channel();
        Self {
            victim,
            programs,
            random: Random::new(seed),
            length,
            partitions,
            tally: Tally::default(),
            sender,
            events,
            books: Vec::new(),
            errands: BTreeMap::new(),
            producers: 0,
            topics: 0,
            killed: None,
            listened: Instant::now(),
            alive: BTreeSet::new(),
            done: BTreeSet::new(),
        }
    }

    /// Runs to the end, and leaves the broker stopped.
    ///
    /// # Errors
    ///
    /// Something was lost, or the broker or a client did not do its part.
    pub fn play(&mut self) -> Result<()> {
        self.start()?;
        // Every kind of chapter once in the shortest run that has one round for each.
        let each = match self.length {
            Length::Rounds(rounds) => (rounds / 7).clamp(1, 10),
            Length::Until(_) => 10,
        };
        while !self.is_over() {
            for chapter in shuffled(&mut self.random, self.partitions) {
                if self.is_over() {
                    break;
                }
                self.chapter(&chapter, each)
                    .with_context(|| format!("chapter {}", self.tally.chapters))?;
            }
        }
        println!("everything once more");
        self.read_all().context("after the last kill")?;
        self.victim.stop()?;
        self.start()?;
        self.read_all().context("after a clean stop")?;
        self.victim.stop()
    }

    fn is_over(&self) -> bool {
        match self.length {
            Length::Rounds(rounds) => self.tally.rounds >= rounds,
            Length::Until(end) => Instant::now() >= end,
        }
    }

    fn start(&mut self) -> Result<()> {
        self.victim.spawn()?;
        self.listened = self.victim.listening()?;
        Ok(())
    }

    fn chapter(&mut self, chapter: &Chapter, rounds: u64) -> Result<()> {
        self.tally.chapters += 1;
        let topic = format!("{}-{}", chapter.name, self.topics);
        self.topics += 1;
        self.create(chapter, &topic)?;
        let parts = if chapter.recreated && rounds > 1 { 2 } else { 1 };
        for part in 0..parts {
            if part > 0 {
                self.recreate(chapter, &topic)?;
            }
            self.load(chapter, &topic, rounds.div_ceil(parts))?;
            let book = self.books.len() - 1;
            for client in Client::BOTH {
                self.read_back(client, book, client == Client::Rskafka)?;
            }
        }
        self.check_errands()
    }

    fn create(&mut self, chapter: &Chapter, topic: &str) -> Result<()> {
        let bootstrap = self.victim.bootstrap();
        let made = self.programs.create(&bootstrap, topic, chapter.partitions, chapter.configs)?;
        if !ended(made)? {
            bail!("{topic} cannot be created");
        }
        self.books.push(Book {
            topic: topic.to_owned(),
            partitions: chapter.partitions,
            front: chapter.front,
            acknowledged: vec![Vec::new(); usize::try_from(chapter.partitions)?],
            producers: BTreeMap::new(),
        });
        Ok(())
    }

    /// Deletes a topic and creates it anew, with a kill after each answer. What was in it must not
    /// come back.
    fn recreate(&mut self, chapter: &Chapter, topic: &str) -> Result<()> {
        let deleted = self.programs.delete(&self.victim.bootstrap(), topic)?;
        if !ended(deleted)? {
            bail!("{topic} cannot be deleted");
        }
        self.books.pop();
        if !self.random.one_in(3) {
            self.strike()?;
        }
        self.create(chapter, topic)?;
        self.strike()
    }

    /// Loads a topic and kills the broker so many times meanwhile.
    fn load(&mut self, chapter: &Chapter, topic: &str, rounds: u64) -> Result<()> {
        let mut loaders = BTreeMap::new();
        self.done.clear();
        self.alive.clear();
        self.killed = None;
        self.listened = Instant::now();
        for client in Client::BOTH {
            let first = self.producers;
            self.producers += PRODUCERS_EACH;
            let book = self.books.last_mut().context("a topic")?;
            book.producers.extend((first..self.producers).map(|one| (one, client.promise())));
            loaders.insert(client, self.loader(client, chapter, topic, first)?);
        }
        // Some writers never learn what became of their last values.
        let abrupt = self.random.one_in(3);
        for round in 0..rounds {
            if self.is_over() {
                break;
            }
            self.await_acknowledgement()?;
            if abrupt && round + 1 == rounds {
                let delay = self.delay();
                self.pump_for(delay)?;
                for loader in loaders.values_mut() {
                    loader.kill()?;
                }
            }
            self.round(chapter)?;
        }
        if abrupt {
            loaders.values_mut().try_for_each(Loader::kill)?;
        } else {
            self.await_acknowledgement()?;
            loaders.values_mut().for_each(Loader::finish);
            self.await_done()?;
        }
        loaders.into_values().try_for_each(Loader::wait)?;
        self.pump_for(Duration::ZERO)
    }

    fn loader(
        &self,
        client: Client,
        chapter: &Chapter,
        topic: &str,
        producer: u32,
    ) -> Result<Loader> {
        let bootstrap = self.victim.bootstrap();
        let numbers = [
            chapter.partitions.to_string(),
            producer.to_string(),
            chapter.value_bytes.to_string(),
            chapter.per_second.to_string(),
        ];
        let mut words = vec![bootstrap.as_str(), topic];
        words.extend(numbers.iter().map(String::as_str));
        self.programs.load(client, &words, &self.sender)
    }

    /// Kills the broker at a moment of the seed's, and starts it again.
    fn round(&mut self, chapter: &Chapter) -> Result<()> {
        let delay = self.delay();
        let errand = if self.random.one_in(3) { Some(self.errand()?) } else { None };
        self.pump_for(delay)?;
        let killed = self.victim.kill()?;
        self.victim.spawn()?;
        let second = self.random.one_in(4);
        if second {
            // Somewhere in its start, or just behind it.
            let delay = Duration::from_millis(self.random.below(60));
            self.pump_for(delay)?;
            self.victim.kill()?;
            self.victim.spawn()?;
            self.tally.second_kills += 1;
        }
        self.listened = self.victim.listening()?;
        self.killed = Some(killed);
        self.alive.clear();
        self.tally.listening.push(self.listened - killed);
        self.tally.rounds += 1;
        if let Some(errand) = errand {
            self.settle(errand)?;
        }
        println!(
            "round {} {}: killed after {} ms{}, listening again in {} ms; {} acknowledged",
            self.tally.rounds,
            chapter.name,
            delay.as_millis(),
            if second { " and again" } else { "" },
            (self.listened - killed).as_millis(),
            self.tally.acknowledged_in_all()
        );
        Ok(())
    }

    /// Between a few ms and a few hundred, more often short, and now and then a second.
    fn delay(&mut self) -> Duration {
        let most = match self.random.below(7) {
            0 | 1 => 20,
            2 | 3 => 100,
            4 | 5 => 400,
            _ => 1200,
        };
        Duration::from_millis(2 + self.random.below(most))
    }

    /// Kills and starts it, with nobody writing.
    fn strike(&mut self) -> Result<()> {
        self.victim.kill()?;
        self.start()
    }

    /// Waits until a loader, or both, have been acknowledged something since the broker came back.
    fn await_acknowledgement(&mut self) -> Result<()> {
        let wanted = if self.random.one_in(2) { 1 } else { 2 };
        let deadline = Instant::now() + PATIENCE;
        while self.alive.len() < wanted {
            if Instant::now() > deadline {
                bail!(
                    "after {} s only {:?} was acknowledged anything",
                    PATIENCE.as_secs(),
                    self.alive
                );
            }
            self.pump_for(Duration::from_millis(5))?;
        }
        Ok(())
    }

    fn await_done(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.done.len() < Client::BOTH.len() {
            if Instant::now() > deadline {
                bail!("after {} s only {:?} was acknowledged all", PATIENCE.as_secs(), self.done);
            }
            self.pump_for(Duration::from_millis(5))?;
        }
        Ok(())
    }

    /// Takes what the loaders say for so long.
    fn pump_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        loop {
            match self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(event) => self.take(event)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Acknowledged { client, at, partition, value, offset } => {
                *self.tally.acknowledged.entry(client).or_default() += 1;
                let book = self.books.last_mut().context("a topic")?;
                let partition = usize::try_from(partition)?;
                let told = book.acknowledged.get_mut(partition).context("a partition")?;
                told.push((value, offset));
                if at > self.listened {
                    if let Some(killed) = self.killed.take() {
                        self.tally.first_acknowledged.push(at - killed);
                    }
                    self.alive.insert(client);
                }
            }
            Event::Complained { client: Client::Rskafka, what } => {
                self.tally.given_up += 1;
                println!("rskafka: {what}");
            }
            Event::Complained { client, what } => bail!("{client:?}: {what}"),
            Event::Ended { client, done: true } => {
                self.done.insert(client);
            }
            Event::Ended { .. } => {}
        }
        Ok(())
    }

    /// Begins to make a topic that nobody writes to, or to delete one.
    fn errand(&mut self) -> Result<Errand> {
        let bootstrap = self.victim.bootstrap();
        let there = self.errands.iter().find(|(_, standing)| **standing == Standing::There);
        if let Some((topic, _)) = there
            && self.random.one_in(2)
        {
            let topic = topic.clone();
            let child = self.programs.delete(&bootstrap, &topic)?;
            return Ok(Errand { child, topic, wanted: Standing::Gone });
        }
        // A name that was used before, where there is one: it must begin anew.
        let gone = self.errands.iter().find(|(_, standing)| **standing == Standing::Gone);
        let topic = match gone {
            Some((topic, _)) => topic.clone(),
            None => format!("errand-{}", self.errands.len()),
        };
        let child = self.programs.create(&bootstrap, &topic, 3, &[])?;
        Ok(Errand { child, topic, wanted: Standing::There })
    }

    fn settle(&mut self, errand: Errand) -> Result<()> {
        let standing = if ended(errand.child)? { errand.wanted } else { Standing::Unknown };
        match standing {
            Standing::There => self.tally.topics_made += 1,
            Standing::Gone => self.tally.topics_deleted += 1,
            Standing::Unknown => {}
        }
        self.errands.insert(errand.topic, standing);
        Ok(())
    }

    /// What was answered about topics must be so.
    fn check_errands(&mut self) -> Result<()> {
        let topics = self.programs.topics(&self.victim.bootstrap())?;
        for (topic, standing) in &self.errands {
            match (standing, topics.contains_key(topic)) {
                (Standing::There, false) => bail!("{topic} was created and is not there"),
                (Standing::Gone, true) => bail!("{topic} was deleted and is there"),
                _ => {}
            }
        }
        for book in &self.books {
            let count = topics.get(&book.topic).copied();
            if count != usize::try_from(book.partitions).ok() {
                bail!(
                    "{} has {} partitions, and is listed with {count:?}",
                    book.topic,
                    book.partitions
                );
            }
        }
        if let Some(line) = self.victim.panicked()? {
            bail!("the broker said: {line}");
        }
        Ok(())
    }

    fn read_all(&mut self) -> Result<()> {
        for book in 0..self.books.len() {
            for client in Client::BOTH {
                self.read_back(client, book, false)?;
            }
        }
        self.check_errands()
    }

    /// Reads a topic and judges every partition.
    fn read_back(&mut self, client: Client, book: usize, last: bool) -> Result<()> {
        let book = self.books.get(book).context("a topic")?;
        let bootstrap = self.victim.bootstrap();
        let readings = self.programs.read(client, &bootstrap, &book.topic, book.partitions)?;
        let mut wrong = Vec::new();
        for (index, (told, reading)) in book.acknowledged.iter().zip(&readings).enumerate() {
            let verdict = check(told, reading, &book.producers, book.front);
            self.tally.add(&verdict);
            self.tally.compared += reading.records.len() as u64;
            if last {
                self.tally.settle(&verdict);
            }
            wrong.extend(verdict.violations.into_iter().map(|one| (index, one)));
        }
        for (index, violation) in wrong.iter().take(SHOWN_MAX) {
            println!("{}-{index}, read by {client:?}: {violation}", book.topic);
        }
        if !wrong.is_empty() {
            bail!("{} violations in {}, read by {client:?}", wrong.len(), book.topic);
        }
        Ok(())
    }
}
