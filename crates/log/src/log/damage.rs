//! Damage: a file does not hold any more what was once written and synced.
//!
//! Nothing is cut then. The log is *quarantined*: what stands before the damage is read as ever,
//! what stands behind it is refused by name, and nothing is appended, truncated or deleted until it
//! was repaired. Damage is met where a log is opened, where somebody reads, or by the scrubber; what
//! is met first need not be the first there is, so the place may move towards the start, never back.
//!
//! A small file in the partition's folder remembers it, so that the next start looks at that segment
//! again, also after a clean stop. It is a hint: without it the damage is met as it was before.

use super::Log;
use super::names::{FileKind, Name};
use super::verified::Flaw;
use crate::disk::{DiskError, DiskTask, read_whole, write_whole_unsynced};
use crate::error::{OpenError, ReadError};
use headwater_types::{EndOffset, Offset};
use parking_lot::Mutex;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Remembers damage in a partition's folder.
pub(super) const NOTE: &str = "headwater-damage";
/// Longest note that is read.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// Where a log does not hold what was once written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// The first byte of it that makes no sense.
    pub position: u64,
    /// The first offset that cannot be read.
    pub offset: Offset,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, position, offset, problem } = self;
        let file = file.display();
        write!(f, "{file} is damaged at byte {position}, offset {offset}: {problem}")
    }
}

impl std::error::Error for Damage {}

/// What is known of a log's damage.
#[derive(Debug)]
pub(crate) struct Quarantine {
    /// [`Damage::offset`], or `i64::MAX`: asked by every read.
    from: AtomicI64,
    known: Mutex<Option<Known>>,
    /// Bytes of segments behind the damage that were left as they are when the log was opened.
    pub unopened_bytes: u64,
    /// It kept the log from being opened as a whole.
    pub met_at_open: bool,
}

#[derive(Clone, Debug)]
struct Known {
    damage: Arc<Damage>,
    segment: i64,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self {
            from: AtomicI64::new(i64::MAX),
            known: Mutex::default(),
            unopened_bytes: 0,
            met_at_open: false,
        }
    }
}

impl Log {
    /// Where the log is damaged, if that is known: it is quarantined then.
    pub fn damage(&self) -> Option<Arc<Damage>> {
        if self.quarantine.from.load(Ordering::Acquire) == i64::MAX {
            return None;
        }
        self.quarantine.known.lock().as_ref().map(|known| Arc::clone(&known.damage))
    }

    /// Fails where the log is quarantined: nothing is changed then.
    pub(super) fn check_sound(&self) -> Result<(), Arc<Damage>> {
        self.damage().map_or(Ok(()), Err)
    }

    /// End of what can be read.
    pub(super) fn sound_end(&self) -> EndOffset {
        self.log_end.min(EndOffset(self.quarantine.from.load(Ordering::Acquire)))
    }

    /// The damage, if an offset is at or behind it.
    pub(super) fn check_readable(&self, offset: Offset) -> Result<(), ReadError> {
        if offset.0 < self.quarantine.from.load(Ordering::Acquire) {
            return Ok(());
        }
        self.check_sound().map_err(ReadError::Damaged)
    }

    /// Bytes of a segment that are in front of the damage.
    pub(super) fn sound_size(&self, segment: i64) -> u64 {
        let size = self.segment_size(segment);
        if self.quarantine.from.load(Ordering::Acquire) == i64::MAX {
            return size;
        }
        match &*self.quarantine.known.lock() {
            Some(known) if known.segment == segment => size.min(known.damage.position),
            _ => size,
        }
    }

    /// Quarantines the log.
    pub(super) fn quarantine(&self, segment: i64, flaw: &Flaw) -> Arc<Damage> {
        let damage = Arc::new(Damage {
            file: self.path(segment, FileKind::Log),
            position: flaw.position,
            offset: Offset(flaw.offset),
            problem: flaw.problem.clone(),
        });
        // Deleted records are no loss.
        if self.segment_end(segment).0 <= self.log_start.0 && self.log_start.as_end() < self.log_end
        {
            return damage;
        }
        let mut known = self.quarantine.known.lock();
        if let Some(before) = known.as_ref().filter(|before| before.damage.offset <= damage.offset)
        {
            return Arc::clone(&before.damage);
        }
        *known = Some(Known { damage: Arc::clone(&damage), segment });
        self.quarantine.from.store(damage.offset.0, Ordering::Release);
        // Nothing is lost where it cannot be written: see above.
        let text = format!("{}\n{damage}\n", self.file_name(segment));
        let _ = write_whole_unsynced(&*self.disk, &self.folder.join(NOTE), text.as_bytes());
        damage
    }

    fn file_name(&self, segment: i64) -> String {
        let path = self.path(segment, FileKind::Log);
        path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What the note says that an earlier start has left, if there is one.
    pub(super) fn read_note(&self) -> Result<Option<Noted>, DiskError> {
        let path = self.folder.join(NOTE);
        let Some(note) = read_whole(&*self.disk, &path, NOTE_BYTES_MAX)? else { return Ok(None) };
        let note = String::from_utf8_lossy(&note);
        Ok(Some(match note.lines().next().map(Name::parse) {
            Some(Name::Live { base, kind: FileKind::Log }) => Noted::Segment(base),
            _ => Noted::Somewhere,
        }))
    }

    /// Looks again at what was damaged when the log was last open.
    pub(super) fn look_again(&mut self, noted: Noted) -> Result<(), OpenError> {
        let bases: Vec<i64> = self.segments().map(|(base, _)| base).collect();
        for base in bases {
            if noted == Noted::Somewhere || noted == Noted::Segment(base) {
                self.examine(base)?;
            }
        }
        if self.damage().is_none() {
            self.disk.run(&DiskTask::Unlink(self.folder.join(NOTE)))?;
        }
        Ok(())
    }
}

/// Where an earlier start has met damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    Segment(i64),
    Somewhere,
}
