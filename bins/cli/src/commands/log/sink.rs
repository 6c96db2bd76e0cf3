//! Prints files as they are read: a large log is never held in memory.

use super::entry::{Batch, Entry, Producer, Record};
use super::files::Kind;
use crate::arguments::Format;
use std::io::{self, Write};
use std::path::Path;

/// Where the pieces of files go.
pub struct Sink<W> {
    out: W,
    format: Format,
    files: usize,
    entries: usize,
}

impl<W: Write> Sink<W> {
    /// A sink that has printed nothing yet.
    pub fn new(out: W, format: Format) -> Self {
        Self { out, format, files: 0, entries: 0 }
    }

    /// A file begins.
    pub fn begin(&mut self, path: &Path, kind: Kind) -> io::Result<()> {
        match self.format {
            Format::Json => {
                let before = if self.files == 0 { "{\"files\":[\n" } else { ",\n" };
                write!(self.out, "{before}{{\"path\":")?;
                json(&mut self.out, &path.display().to_string())?;
                write!(self.out, ",\"kind\":\"{kind}\",\"entries\":[")?;
            }
            Format::Table => {
                let before = if self.files == 0 { "" } else { "\n" };
                writeln!(self.out, "{before}{}  ({kind})", path.display())?;
            }
        }
        self.files += 1;
        self.entries = 0;
        Ok(())
    }

    /// A piece of the file.
    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        match self.format {
            Format::Json => {
                write!(self.out, "{}", if self.entries == 0 { "\n" } else { ",\n" })?;
                json(&mut self.out, entry)?;
            }
            Format::Table => text(&mut self.out, entry)?,
        }
        self.entries += 1;
        Ok(())
    }

    /// The file ends, with what is wrong with its end.
    pub fn end(&mut self, problem: Option<&str>) -> io::Result<()> {
        if self.format == Format::Json {
            write!(self.out, "],\"problem\":")?;
            json(&mut self.out, &problem)?;
            write!(self.out, "}}")?;
        }
        Ok(())
    }

    /// Everything is printed.
    pub fn finish(mut self) -> io::Result<()> {
        if self.format == Format::Json {
            let open = if self.files == 0 { "{\"files\":[" } else { "" };
            writeln!(self.out, "{open}]}}")?;
        }
        self.out.flush()
    }
}

fn json<T: serde::Serialize + ?Sized>(out: &mut impl Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

fn text(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    match entry {
        Entry::Batch(batch) => batch_text(out, batch),
        Entry::OffsetPlace { offset, position } => {
            writeln!(out, "  offset {offset}  position {position}")
        }
        Entry::TimePlace { timestamp, offset } => {
            writeln!(out, "  timestamp {timestamp}  offset {offset}")
        }
        Entry::Aborted { producer_id, first_offset, last_offset, last_stable_offset } => writeln!(
            out,
            "  producer {producer_id}  aborted {first_offset}..{last_offset}  last stable {last_stable_offset}"
        ),
        Entry::Producer(producer) => producer_text(out, producer),
        Entry::Epoch { epoch, start_offset } => {
            writeln!(out, "  epoch {epoch}  from offset {start_offset}")
        }
        Entry::Line { line } => writeln!(out, "  {line}"),
    }
}

fn batch_text(out: &mut impl Write, batch: &Batch) -> io::Result<()> {
    write!(
        out,
        "  offsets {}..{}  records {}  position {}  size {}  epoch {}  {}",
        batch.base_offset,
        batch.last_offset,
        batch.records_count,
        batch.position,
        batch.size,
        batch.leader_epoch,
        batch.codec
    )?;
    if let (Some(id), Some(epoch)) = (batch.producer_id, batch.producer_epoch) {
        write!(out, "  producer {id}/{epoch}")?;
    }
    if let Some(sequence) = batch.base_sequence {
        write!(out, "  sequence {sequence}")?;
    }
    write!(out, "  {} {}", batch.timestamp_type, batch.max_timestamp)?;
    if batch.magic < 2 {
        write!(out, "  magic {}", batch.magic)?;
    }
    if batch.transactional {
        write!(out, "  transactional")?;
    }
    if batch.control {
        write!(out, "  control")?;
    }
    if let Some(horizon) = batch.delete_horizon {
        write!(out, "  delete-horizon {horizon}")?;
    }
    if let Some(problem) = &batch.problem {
        write!(out, "  DAMAGED: {problem}")?;
    }
    writeln!(out)?;
    batch.records.iter().flatten().try_for_each(|record| record_text(out, record))
}

fn record_text(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let blob = |blob: &Option<_>| match blob {
        Some(blob) => format!("{blob}"),
        None => "null".to_owned(),
    };
    write!(out, "    {}  time {}", record.offset, record.timestamp)?;
    if let Some(control) = &record.control {
        return writeln!(out, "  {control}");
    }
    write!(out, "  key {}  value {}", blob(&record.key), blob(&record.value))?;
    for (name, value) in &record.headers {
        write!(out, "  {name}={}", blob(value))?;
    }
    writeln!(out)
}

fn producer_text(out: &mut impl Write, producer: &Producer) -> io::Result<()> {
    write!(
        out,
        "  producer {}/{}  last sequence {}  last offset {}  offset delta {}  time {}",
        producer.producer_id,
        producer.producer_epoch,
        producer.last_sequence,
        producer.last_offset,
        producer.offset_delta,
        producer.timestamp
    )?;
    if producer.coordinator_epoch >= 0 {
        write!(out, "  coordinator epoch {}", producer.coordinator_epoch)?;
    }
    if let Some(first) = producer.current_transaction_first_offset {
        write!(out, "  open transaction from {first}")?;
    }
    writeln!(out)
}
