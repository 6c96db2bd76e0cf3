//! `headwater log dump`.

use super::batches::{self, Wanted};
use super::entry::Entry;
use super::files::{Kind, expand};
use super::indexes;
use super::sink::Sink;
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use clap::Args;
use headwater_log::dump::{DumpError, FileKind};
use headwater_log::{Disk, DiskOptions, RealDisk};
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

    /// Of a folder, also the indexes (and whether they fit), snapshots and checkpoints
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
        // Everything is read at once here; nothing is left to the threads.
        let options = DiskOptions { threads: 1, queued_max: 1, ..Default::default() };
        let disk = RealDisk::start(options)
            .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
        let mut failures = Vec::new();
        let mut sink = Sink::new(BufWriter::new(io::stdout().lock()), format);
        for path in &self.paths {
            match expand(path, self.all) {
                Ok(files) => {
                    for (file, kind) in files {
                        failures.extend(self.file(&disk, &file, kind, &mut sink)?);
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
        disk: &dyn Disk,
        path: &Path,
        kind: Kind,
        sink: &mut Sink<W>,
    ) -> io::Result<Option<Failure>> {
        sink.begin(path, kind)?;
        let mut damaged = 0usize;
        let mut output = Ok(());
        let mut found = |entry: Entry| {
            if let Entry::Batch(batch) = &entry {
                damaged += usize::from(batch.problem.is_some());
            }
            output = sink.entry(&entry);
            output.is_ok()
        };
        let mut problems = Vec::new();
        if kind == Kind::Of(FileKind::Log) {
            let wanted = Wanted { from: self.from, to: self.to, records: self.records };
            match batches::read(disk, path, wanted, &mut found) {
                Ok(at_end) => problems.extend(at_end),
                Err(error) => problems.push(without_file(error)),
            }
        } else {
            match indexes::read(disk, path, kind) {
                Ok(content) => {
                    let _all_printed = content.entries.into_iter().all(found);
                    let misfit = |one: headwater_log::dump::IndexProblem| {
                        format!("entry of offset {}: {}", one.offset, one.problem)
                    };
                    problems.extend(content.misfits.into_iter().map(misfit));
                }
                Err(error) => problems.push(without_file(error)),
            }
        }
        output?;
        let of_file = (!problems.is_empty()).then(|| problems.join("; "));
        sink.end(of_file.as_deref())?;
        let of_batches = match damaged {
            0 => None,
            1 => Some("one batch is damaged, and says how".to_owned()),
            many => Some(format!("{many} batches are damaged; each says how")),
        };
        let all: Vec<String> = of_batches.into_iter().chain(of_file).collect();
        let text = || format!("{}: {}", path.display(), all.join("; "));
        Ok((!all.is_empty()).then(|| Failure::failed(text())))
    }
}

/// The file is named already.
fn without_file(error: DumpError) -> String {
    match error {
        DumpError::Damaged { problem, .. } => problem,
        DumpError::Disk(error) => error.to_string(),
    }
}
