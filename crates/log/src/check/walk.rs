//! Walks a segment that may hold anything, and goes on behind what is broken.
//!
//! The checksum of a batch does not cover its first 17 bytes: base offset, length, epoch, format.
//! Where only those are wrong, the records are whole and the header is told from its neighbours: a
//! [`Piece::Mendable`]. What cannot be told so is a [`Piece::Broken`] up to the next whole batch.

use super::choice::{Chosen, Place};
use crate::disk::{DiskError, DiskFile};
use crate::log::parts::{HEAD_BYTES, Head, WINDOW_LOOKUP, relative};
use crate::log::{Found, Scanner, Step, WINDOW_WHOLE};

/// What is known about a segment before it is walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The offset in its name.
    pub base: i64,
    /// Where the next segment begins.
    pub next_base: Option<i64>,
    /// Where the log ends, where that is known.
    pub known_end: Option<i64>,
    /// Epoch of what follows behind the segment, where that is known.
    pub next_epoch: Option<i32>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A batch in its place.
    Good(Found),
    /// A batch with what its header should say.
    Mendable { found: Found, problem: String },
    /// No batch.
    Broken(Broken),
}

/// Bytes that are no batch, or one that is damaged or out of place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub position: u64,
    pub end: u64,
    /// The first offset that is missing.
    pub first: i64,
    /// Where the log goes on, where that is known.
    pub until: Option<i64>,
    pub problem: String,
    /// Whether a whole batch stands behind it in the same segment.
    pub followed: bool,
}

/// A walk through one segment.
pub(super) struct Walker<'a> {
    file: &'a dyn DiskFile,
    scanner: Scanner<'a>,
    length: u64,
    bounds: Bounds,
    /// Every offset before it has gone by.
    expected: i64,
    /// Epoch of the batch before.
    epoch: i32,
    /// Made where something is first amiss.
    chosen: Option<Chosen>,
}

/// Bytes looked through at a time for the next batch.
const RESYNC_BYTES: usize = 1 << 20;

impl<'a> Walker<'a> {
    /// `expected` and `epoch` are what the segments before ended with.
    pub fn new(
        file: &'a dyn DiskFile,
        length: u64,
        bounds: Bounds,
        expected: i64,
        epoch: i32,
    ) -> Self {
        Self {
            file,
            scanner: Scanner::new(file, 0, length, WINDOW_WHOLE),
            length,
            bounds,
            expected: expected.max(bounds.base),
            epoch,
            chosen: None,
        }
    }

    /// Behind the last offset that went by.
    pub fn expected(&self) -> i64 {
        self.expected
    }

    /// Epoch of the last batch.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// The bytes of a batch.
    pub fn read(&self, found: &Found) -> Result<Vec<u8>, DiskError> {
        self.scanner.read(found)
    }

    pub fn next(&mut self) -> Result<Option<Piece>, DiskError> {
        let piece = match self.scanner.step()? {
            Step::End => return Ok(None),
            Step::Broken { position, problem } => self.broken(position, problem, None)?,
            Step::Batch(found) if !self.scanner.checksum_is_right(&found)? => {
                self.broken(found.position, "its checksum is wrong", Some(found))?
            }
            Step::Batch(found) => self.place(found)?,
        };
        let piece = self.check_epoch(piece)?;
        match &piece {
            Piece::Good(found) | Piece::Mendable { found, .. } => {
                self.expected = found.head.last.saturating_add(1);
                self.epoch = self.epoch.max(found.head.epoch);
            }
            // Behind it the scanner must begin anew.
            Piece::Broken(broken) => {
                self.scanner = Scanner::new(self.file, broken.end, self.length, WINDOW_WHOLE);
            }
        }
        Ok(Some(piece))
    }

    /// A batch whose checksum is right: is it where it belongs?
    fn place(&mut self, found: Found) -> Result<Piece, DiskError> {
        let head = found.head;
        if head.base == self.expected && self.fits(&head, None) {
            return Ok(Piece::Good(found));
        }
        let problem = if head.base < self.expected {
            format!("it begins at offset {}, which has gone by", head.base)
        } else {
            format!("its offsets {}..{} do not fit what follows", head.base, head.last)
        };
        let follower = self.good_at(found.end())?.map(|next| next.head.base);
        if let Some(mended) = self.mended(&found, self.until(found.end(), follower))
            && !self.stands_elsewhere(&found)?
        {
            return Ok(Piece::Mendable { found: mended, problem });
        }
        let belongs = self.chosen(found.position)?.contains(&found);
        let until = self.goes_on(found.end())?;
        if belongs && head.base >= self.expected && self.fits(&head, until) {
            // A gap: offsets that compaction, a repair or an ended transaction left out.
            return Ok(Piece::Good(found));
        }
        let followed = self.chosen(found.position)?.behind(found.end()).is_some();
        Ok(Piece::Broken(Broken {
            position: found.position,
            end: found.end(),
            first: self.expected,
            until,
            problem,
            followed,
        }))
    }

    /// Whether a batch is a copy of one that stands in its own place: a write that went astray must
    /// not be given the offsets of what it overwrote.
    fn stands_elsewhere(&self, found: &Found) -> Result<bool, DiskError> {
        for from in [0, found.end()] {
            let mut scanner = Scanner::new(self.file, from, self.length, WINDOW_WHOLE);
            while let Step::Batch(other) = scanner.step()? {
                let same = (other.head.base, other.head.crc) == (found.head.base, found.head.crc);
                if same && other.position != found.position {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The batch at the offset where it alone closes the gap between its neighbours.
    fn mended(&self, found: &Found, until: Option<i64>) -> Option<Found> {
        let span = found.head.last.checked_sub(found.head.base)?;
        let last = self.expected.checked_add(span)?;
        let closes = found.head.magic == 2 && until == last.checked_add(1);
        closes.then_some(Found { head: Head { base: self.expected, last, ..found.head }, ..*found })
    }

    fn broken(
        &mut self,
        position: u64,
        problem: &str,
        believed: Option<Found>,
    ) -> Result<Piece, DiskError> {
        let mut end = None;
        if let Some(found) = &believed {
            let next = self.good_at(found.end())?;
            let goes_on = next.is_some_and(|next| self.is_plausible(&next.head));
            end = (goes_on || found.end() == self.length).then_some(found.end());
        }
        let end = match end {
            Some(end) => end,
            None => self.resync(position.saturating_add(1))?,
        };
        let until = self.goes_on(end)?;
        if let Some(found) = self.mend_length(position, end, until)? {
            self.scanner = Scanner::new(self.file, end, self.length, WINDOW_WHOLE);
            return Ok(Piece::Mendable { found, problem: problem.to_owned() });
        }
        // Its neighbours are worth more than what a damaged batch says of itself.
        let own = believed.map(|found| found.head).filter(|head| head.base >= self.expected);
        let (first, until) = match (until, own) {
            (None, Some(head)) => (head.base, Some(head.last.saturating_add(1))),
            (until, _) => (self.expected, until),
        };
        Ok(Piece::Broken(Broken {
            position,
            end,
            first,
            until,
            problem: problem.to_owned(),
            followed: end < self.length,
        }))
    }

    /// Whether the bytes up to `end` are a batch under a wrong length, format or offset.
    fn mend_length(
        &mut self,
        position: u64,
        end: u64,
        until: Option<i64>,
    ) -> Result<Option<Found>, DiskError> {
        let mut header = [0; HEAD_BYTES];
        let size = end.saturating_sub(position);
        let Ok(length) = i32::try_from(size.saturating_sub(12)) else { return Ok(None) };
        if self.file.read_at(&mut header, position)? < HEAD_BYTES || size < HEAD_BYTES as u64 {
            return Ok(None);
        }
        let patches: [(usize, &[u8]); 2] = [(8, &length.to_be_bytes()), (16, &[2])];
        let patched = |header: &[u8; HEAD_BYTES], base: Option<i64>| {
            let mut header = *header;
            let base = base.map(i64::to_be_bytes);
            let base = base.as_ref().map(|bytes| (0, bytes.as_slice()));
            for (at, bytes) in patches.iter().copied().chain(base) {
                let places = header.iter_mut().skip(at);
                places.zip(bytes).for_each(|(place, byte)| *place = *byte);
            }
            Head::parse(&header)
        };
        let own = patched(&header, None).filter(|head| {
            head.base >= self.expected && self.fits(head, until) && self.is_plausible(head)
        });
        let Some(head) = own.or_else(|| patched(&header, Some(self.expected))) else {
            return Ok(None);
        };
        let found = Found { head, position };
        let fits = self.fits(&head, until) && self.scanner.checksum_is_right(&found)?;
        Ok(fits.then_some(found))
    }

    /// An epoch that is lower than the one before, or that the next batch takes back, is wrong.
    fn check_epoch(&mut self, piece: Piece) -> Result<Piece, DiskError> {
        let (found, problem) = match piece {
            Piece::Good(found) => (found, None),
            Piece::Mendable { found, problem } => (found, Some(problem)),
            Piece::Broken(_) => return Ok(piece),
        };
        let epoch = found.head.epoch;
        let wrong = if epoch == self.epoch || epoch < 0 || self.epoch < 0 || found.head.magic < 2 {
            false
        } else if epoch < self.epoch {
            true
        } else {
            let next = self.good_at(found.end())?.map(|next| next.head.epoch);
            let next = next.or(self.bounds.next_epoch.filter(|_| found.end() == self.length));
            next.is_some_and(|next| (self.epoch..epoch).contains(&next))
        };
        Ok(match (wrong, problem) {
            (false, None) => Piece::Good(found),
            (false, Some(problem)) => Piece::Mendable { found, problem },
            (true, problem) => {
                let own = format!("its leader epoch is {epoch} between batches of {}", self.epoch);
                let problem = problem.map_or(own.clone(), |problem| format!("{problem}; {own}"));
                let head = Head { epoch: self.epoch, ..found.head };
                Piece::Mendable { found: Found { head, ..found }, problem }
            }
        })
    }

    /// Where offsets go on behind a position.
    fn until(&self, end: u64, follower: Option<i64>) -> Option<i64> {
        let at_end = end >= self.length;
        let behind = self.bounds.next_base.or(self.bounds.known_end.filter(|_| at_end));
        follower.or(behind.filter(|behind| *behind >= self.expected))
    }

    fn fits(&self, head: &Head, until: Option<i64>) -> bool {
        relative(self.bounds.base, head.last).is_some()
            && head.base >= self.bounds.base
            && self.bounds.next_base.is_none_or(|next| head.last < next)
            && until.is_none_or(|until| head.last < until)
    }

    /// Whether a header that was come upon by chance may be one.
    fn is_plausible(&self, head: &Head) -> bool {
        let records = head.last.saturating_sub(head.base).saturating_add(1);
        head.base >= self.expected
            && self.fits(head, None)
            && head.attributes & 7 <= 4
            && head.epoch >= -1
            && i64::from(head.count) <= records
    }

    /// The whole batch at a position, whatever its offsets.
    fn good_at(&self, position: u64) -> Result<Option<Found>, DiskError> {
        let mut scanner = Scanner::new(self.file, position, self.length, WINDOW_LOOKUP);
        match scanner.step()? {
            Step::Batch(found) if scanner.checksum_is_right(&found)? => Ok(Some(found)),
            _ => Ok(None),
        }
    }

    /// Where the log goes on behind something broken, or the end of the segment.
    fn resync(&mut self, from: u64) -> Result<u64, DiskError> {
        let length = self.length;
        Ok(self.chosen(from)?.behind(from).map_or(length, |place| place.position))
    }

    /// Where offsets go on behind a position.
    fn goes_on(&mut self, end: u64) -> Result<Option<i64>, DiskError> {
        let next = self.chosen(end)?.behind(end).map(|place| place.base);
        Ok(self.until(end, next))
    }

    /// The batches from a position on that belong together.
    fn chosen(&mut self, from: u64) -> Result<&Chosen, DiskError> {
        if self.chosen.is_none() {
            let mut found = Vec::new();
            let mut scanner = Scanner::new(self.file, from, self.length, WINDOW_WHOLE);
            loop {
                let broken_at = match scanner.step()? {
                    Step::End => break,
                    Step::Broken { position, .. } => position,
                    Step::Batch(next) if scanner.checksum_is_right(&next)? => {
                        found.extend(self.may_belong(&next));
                        continue;
                    }
                    Step::Batch(next) => next.position,
                };
                let Some(next) = self.search(broken_at.saturating_add(1))? else { break };
                found.extend(self.may_belong(&next));
                scanner = Scanner::new(self.file, next.end(), self.length, WINDOW_WHOLE);
            }
            self.chosen = Some(Chosen::of(found));
        }
        Ok(self.chosen.get_or_insert_default())
    }

    fn may_belong(&self, found: &Found) -> Option<Place> {
        let fits = found.head.base >= self.expected && self.fits(&found.head, None);
        fits.then(|| Place::of(found))
    }

    /// The first whole batch at or behind a position that may be one of the log's.
    fn search(&self, from: u64) -> Result<Option<Found>, DiskError> {
        let mut buffer = vec![0; RESYNC_BYTES + HEAD_BYTES];
        let mut checker = Scanner::new(self.file, from, self.length, WINDOW_LOOKUP);
        let mut at = from;
        while at < self.length {
            let read = self.file.read_at(&mut buffer, at)?;
            let bytes = buffer.get(..read).unwrap_or_default();
            let is_last = at.saturating_add(read as u64) >= self.length;
            let skips = if is_last { read } else { read.saturating_sub(HEAD_BYTES) };
            for skip in 0..skips {
                // The format's byte rules out nearly all places at once.
                if bytes.get(skip + 16).is_none_or(|format| *format > 2) {
                    continue;
                }
                let rest = bytes.get(skip..).unwrap_or_default();
                let Some(head) = Head::parse(rest) else { continue };
                let found = Found { head, position: at + skip as u64 };
                if found.end() <= self.length
                    && self.is_plausible(&head)
                    && checker.checksum_is_right(&found)?
                {
                    return Ok(Some(found));
                }
            }
            if is_last || skips == 0 {
                break;
            }
            at += skips as u64;
        }
        Ok(None)
    }
}

/// The header's bytes as they should be: what the checksum does not cover.
pub(super) fn header_bytes(head: &Head) -> Vec<u8> {
    let length = i32::try_from(head.size.saturating_sub(12)).unwrap_or(i32::MAX);
    let mut bytes = Vec::with_capacity(17);
    bytes.extend(head.base.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(head.epoch.to_be_bytes());
    bytes.push(head.magic);
    bytes
}
