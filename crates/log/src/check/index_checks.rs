//! Indexes against the batches that go by.

use super::finding::{Finding, Meaning};
use crate::disk::{Disk, DiskError, read_whole};
use crate::log::{
    AbortedTransaction, Found, INDEX_BYTES_MAX, OffsetEntry, TimeEntry, parse_aborted,
};
use std::path::{Path, PathBuf};

/// What may be said of a file that is not there, or that ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// The segment is closed, or the log was stopped cleanly.
    Whole,
    /// The log may be written right now, or was when it ended.
    SoFar,
}

/// An `.index` and a `.timeindex` beside the walk through their segment.
pub(super) struct IndexChecks {
    base: i64,
    /// The offset of an entry of which the place was right.
    pending: Option<i64>,
    offsets: Index<OffsetEntry>,
    times: Index<TimeEntry>,
}

/// One of them.
struct Index<E> {
    path: PathBuf,
    there: bool,
    entries: std::iter::Peekable<std::vec::IntoIter<E>>,
    last: Option<E>,
    /// What is wrong, with the number of the entry's first byte.
    problem: Option<(Option<u64>, String)>,
    seen: u64,
    entry_bytes: u64,
}

impl<E: Copy> Index<E> {
    fn load<const N: usize>(
        disk: &dyn Disk,
        path: PathBuf,
        parse: impl Fn(&[u8; N]) -> E,
        is_used: impl Fn(&E) -> bool,
        ascends: impl Fn(&E, &E) -> bool,
    ) -> Result<Self, DiskError> {
        let bytes = read_whole(disk, &path, INDEX_BYTES_MAX)?;
        let there = bytes.is_some();
        let bytes = bytes.unwrap_or_default();
        let (chunks, rest) = bytes.as_chunks::<N>();
        // Space that was set aside is filled with zeros.
        let entries: Vec<E> = chunks.iter().map(parse).take_while(is_used).collect();
        let mut problem = None;
        if !rest.is_empty() {
            problem = Some((None, format!("its length is no multiple of {N}")));
        } else if let Some(at) = entries
            .windows(2)
            .position(|pair| matches!(pair, [before, after] if !ascends(before, after)))
        {
            let at = (at as u64 + 1) * N as u64;
            problem = Some((Some(at), "its entries do not ascend".to_owned()));
        }
        Ok(Self {
            path,
            there,
            last: entries.last().copied(),
            entries: entries.into_iter().peekable(),
            problem,
            seen: 0,
            entry_bytes: N as u64,
        })
    }

    fn take_if(&mut self, wanted: impl Fn(&E) -> bool) -> Option<E> {
        if self.problem.is_some() {
            return None;
        }
        let entry = self.entries.next_if(wanted)?;
        self.seen += 1;
        Some(entry)
    }

    /// Notes what is wrong with the entry that was taken last.
    fn fail(&mut self, problem: String) {
        let at = self.seen.saturating_sub(1) * self.entry_bytes;
        self.problem.get_or_insert((Some(at), problem));
    }

    fn finish(mut self, findings: &mut Vec<Finding>) {
        if self.problem.is_none() && self.entries.peek().is_some() {
            let at = self.seen * self.entry_bytes;
            self.problem = Some((Some(at), "it leads behind the end of its segment".to_owned()));
        }
        if let Some((at, problem)) = self.problem {
            let finding = Finding::of(self.path, Meaning::Rebuildable, problem);
            findings.push(match at {
                Some(at) => finding.at(at, self.entry_bytes),
                None => finding,
            });
        }
    }
}

impl IndexChecks {
    /// Reads the indexes of a segment.
    pub fn load(disk: &dyn Disk, log: &Path, base: i64) -> Result<Self, DiskError> {
        let offsets = Index::load(
            disk,
            log.with_extension("index"),
            OffsetEntry::parse,
            // The first batch has no entry: one comes when some kilobytes went before it.
            |entry| *entry != OffsetEntry::default(),
            |a: &OffsetEntry, b| a.relative < b.relative && a.position < b.position,
        )?;
        let times = Index::load(
            disk,
            log.with_extension("timeindex"),
            TimeEntry::parse,
            |entry| entry.timestamp > 0 || entry.relative > 0,
            |a: &TimeEntry, b| a.timestamp < b.timestamp && a.relative <= b.relative,
        )?;
        Ok(Self { base, pending: None, offsets, times })
    }

    /// A batch goes by; `largest` is the largest timestamp up to and with it.
    pub fn note(&mut self, found: &Found, largest: i64) {
        let head = &found.head;
        let reached = |entry: &OffsetEntry| u64::from(entry.position) <= found.position;
        while let Some(entry) = self.offsets.take_if(reached) {
            let offset = self.base.saturating_add(i64::from(entry.relative));
            let position = entry.position;
            if u64::from(position) < found.position {
                self.offsets.fail(format!("no batch begins at byte {position}"));
            } else if head.base > offset {
                let base = head.base;
                self.offsets.fail(format!(
                    "it says offset {offset} for byte {position}, where offset {base} begins"
                ));
            } else if let Some(before) = self.pending.replace(offset) {
                self.offsets.fail(format!("it says offset {before}, which ends no batch"));
            }
        }
        // An entry names the last offset of what was appended together.
        if let Some(offset) = self.pending.take_if(|offset| *offset <= head.last) {
            let records = head.last.saturating_sub(head.base).saturating_add(1);
            // Of a batch that was compacted, the last one that is left.
            if offset != head.last && i64::from(head.count) == records {
                self.offsets.fail(format!("it says offset {offset}, which ends no batch"));
            }
        }
        let base = self.base;
        let offset_of = |entry: &TimeEntry| base.saturating_add(i64::from(entry.relative));
        while let Some(entry) = self.times.take_if(|entry| offset_of(entry) <= head.last) {
            let (offset, timestamp) = (offset_of(&entry), entry.timestamp);
            if offset < head.base {
                self.times.fail(format!("offset {offset} is in no batch"));
            } else if timestamp != largest {
                self.times.fail(format!(
                    "it says {timestamp} for offset {offset}, where the largest timestamp so far \
                     is {largest}"
                ));
            }
        }
    }

    /// The segment is over.
    pub fn finish(mut self, completeness: Completeness, largest: i64, findings: &mut Vec<Finding>) {
        if let Some(offset) = self.pending {
            self.offsets.fail(format!("it says offset {offset}, which ends no batch"));
        }
        if completeness == Completeness::Whole {
            let last = self.times.last.map_or(-1, |entry| entry.timestamp);
            // An entry that says 0 looks like one that is not used.
            if self.times.there && last < largest && largest > 0 {
                let problem = format!("it ends with {last}, the segment's largest is {largest}");
                self.times.problem.get_or_insert((None, problem));
            }
            let missing = || Some((None, "it is missing".to_owned()));
            if !self.offsets.there {
                self.offsets.problem = missing();
            }
            if !self.times.there {
                self.times.problem = missing();
            }
        }
        self.offsets.finish(findings);
        self.times.finish(findings);
    }
}

/// A `.txnindex` against what the segment's markers say. `from` is the first offset whose
/// transactions are known.
pub(super) fn check_aborted(
    disk: &dyn Disk,
    log: &Path,
    aborted: &[AbortedTransaction],
    from: Option<i64>,
    completeness: Completeness,
) -> Result<Option<Finding>, DiskError> {
    let path = log.with_extension("txnindex");
    let bytes = read_whole(disk, &path, INDEX_BYTES_MAX)?;
    let there = bytes.is_some();
    let wrong = |problem: &str| Some(Finding::of(path.clone(), Meaning::Rebuildable, problem));
    let Some(entries) = parse_aborted(&bytes.unwrap_or_default()) else {
        return Ok(wrong("it is no index of aborted transactions"));
    };
    let Some(from) = from else { return Ok(None) };
    let known = |entry: &&AbortedTransaction| entry.first.0 >= from;
    let should: Vec<_> = aborted.iter().filter(known).collect();
    let is: Vec<_> = entries.iter().filter(known).collect();
    let fits = match completeness {
        Completeness::Whole => should == is,
        Completeness::SoFar => should.starts_with(&is),
    };
    Ok(match (fits, there) {
        (true, _) => None,
        (false, false) => wrong("it is missing, though transactions were aborted"),
        (false, true) => wrong("it does not name the transactions that the segment aborts"),
    })
}
