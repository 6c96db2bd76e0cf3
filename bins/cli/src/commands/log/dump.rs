//! `headwater log dump`.

use super::batches::{self, End, Wanted};
use super::entry::Entry;
use super::files::{FileKind, expand};
use super::indexes;
use super::sink::Sink;
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Shows what is in log files.
#[derive(Debug, Args)]
pub struct Dump {
    /// Segments and indexes, or folders of partitions
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,

    /// Also the records of each batch
    #[arg(long, short)]
    records: bool,

    /// Of a folder, also the indexes, snapshots and checkpoints
    #[arg(long, short)]
    all: bool,

    /// Only batches with this offset or later ones
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    from: i64,

    /// Only batches with this offset or earlier ones
    #[arg(long, value_name = "OFFSET", default_value_t = i64::MAX)]
    to: i64,
}

impl Dump {
    pub fn run(self, format: Format) -> Result<(), Failures> {
        let mut failures = Vec::new();
        let mut sink = Sink::new(BufWriter::new(io::stdout().lock()), format);
        for path in &self.paths {
            match expand(path, self.all) {
                Ok(files) => {
                    for (file, kind) in files {
                        failures.extend(self.file(&file, kind, &mut sink)?);
                    }
                }
                Err(problem) => failures.push(Failure::failed(problem)),
            }
        }
        sink.finish()?;
        Failures::check(failures)
    }

    /// Prints one file and says what is wrong with it. Only standard output may fail here.
    fn file<W: Write>(
        &self,
        path: &Path,
        kind: FileKind,
        sink: &mut Sink<W>,
    ) -> io::Result<Option<Failure>> {
        let wanted = Wanted { from: self.from, to: self.to, records: self.records };
        // A file that cannot be opened is no reason to stop, and neither is it standard output.
        if let Err(error) = std::fs::File::open(path) {
            return Ok(Some(Failure::failed(format!("{}: {error}", path.display()))));
        }
        sink.begin(path, kind)?;
        let mut damaged = 0usize;
        let mut output = Ok(());
        let found = |entry: Entry| {
            if let Entry::Batch(batch) = &entry {
                damaged += usize::from(batch.problem.is_some());
            }
            output = sink.entry(&entry);
            // The reader stops; its caller looks at `output` first.
            output.as_ref().copied().map_err(|error| error.kind().into())
        };
        let outcome = match kind {
            FileKind::Batches => batches::read(path, wanted, found).map(end_problem),
            _ => indexes::read(path, kind, found),
        };
        output?;
        let at_end = outcome.unwrap_or_else(|error| Some(error.to_string()));
        sink.end(at_end.as_deref())?;
        let in_batches = match damaged {
            0 => None,
            1 => Some("one batch is damaged, and says how".to_owned()),
            many => Some(format!("{many} batches are damaged; each says how")),
        };
        let problems: Vec<String> = in_batches.into_iter().chain(at_end).collect();
        Ok((!problems.is_empty())
            .then(|| Failure::failed(format!("{}: {}", path.display(), problems.join("; ")))))
    }
}

fn end_problem(end: End) -> Option<String> {
    match end {
        End::Clean | End::Zeros { .. } => None,
        End::Torn { position, reason } => Some(format!("at position {position}: {reason}")),
    }
}
