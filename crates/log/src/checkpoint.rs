//! Kafka's checkpoint files: lines of numbers under a version and a count.

use crate::log::EpochEntry;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Largest file that is read: some millions of partitions.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 30;

/// An offset for each (topic, partition).
pub(crate) type Offsets = BTreeMap<(String, i32), i64>;

/// Reads the lines under version 0 and a count that must fit.
fn lines(text: &str) -> Result<Vec<&str>, String> {
    let mut lines = text.lines();
    match lines.next() {
        Some("0") => {}
        other => return Err(format!("version {:?} is not known", other.unwrap_or_default())),
    }
    let count = lines.next().unwrap_or_default();
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    match count.parse::<usize>() {
        Ok(count) if count == lines.len() => Ok(lines),
        _ => Err(format!("{} lines do not fit the count {count:?}", lines.len())),
    }
}

/// Reads a file of offsets.
pub(crate) fn parse_offsets(text: &str) -> Result<Offsets, String> {
    let parse = |line: &&str| {
        let mut words = line.split(' ');
        let (topic, partition, offset) = (words.next()?, words.next()?, words.next()?);
        let offset = offset.parse().ok().filter(|offset| *offset >= 0)?;
        let key = (topic.to_owned(), partition.parse().ok()?);
        words.next().is_none().then_some((key, offset))
    };
    lines(text)?
        .iter()
        .map(|line| parse(line).ok_or_else(|| format!("the line {line:?} makes no sense")))
        .collect()
}

/// Writes a file of offsets.
pub(crate) fn offsets_to_text(offsets: &Offsets) -> String {
    let mut text = format!("0\n{}\n", offsets.len());
    for ((topic, partition), offset) in offsets {
        let _ = writeln!(text, "{topic} {partition} {offset}");
    }
    text
}

/// Reads `leader-epoch-checkpoint`.
pub(crate) fn parse_epochs(text: &str) -> Result<Vec<EpochEntry>, String> {
    let parse = |line: &&str| {
        let (epoch, start) = line.split_once(' ')?;
        let entry = EpochEntry { epoch: epoch.parse().ok()?, start: start.parse().ok()? };
        (entry.epoch >= 0 && entry.start >= 0).then_some(entry)
    };
    let entries = lines(text)?
        .iter()
        .map(|line| parse(line).ok_or_else(|| format!("the line {line:?} makes no sense")))
        .collect::<Result<Vec<_>, _>>()?;
    let ascending = entries.is_sorted_by(|a, b| a.epoch < b.epoch && a.start < b.start);
    if ascending { Ok(entries) } else { Err(String::from("the epochs do not ascend")) }
}

/// Writes `leader-epoch-checkpoint`.
pub(crate) fn epochs_to_text(entries: &[EpochEntry]) -> String {
    let mut text = format!("0\n{}\n", entries.len());
    for entry in entries {
        let _ = writeln!(text, "{} {}", entry.epoch, entry.start);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_survive_their_text() {
        let text = "0\n2\na 0 70\nb 12 0\n";
        let offsets = parse_offsets(text).unwrap();
        assert_eq!(offsets.get(&("a".to_owned(), 0)), Some(&70));
        assert_eq!(offsets_to_text(&offsets), text);
        assert_eq!(parse_offsets("0\n0\n").unwrap(), Offsets::new());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["", "1\n0\n", "0\n1\n", "0\n1\na 0\n", "0\n1\na 0 -1\n", "0\nx\na 0 1\n"] {
            assert!(parse_offsets(text).is_err(), "{text:?}");
        }
        for text in ["0\n2\n3 1\n2 5\n", "0\n1\n3\n", "0\n1\n-3 4\n"] {
            assert!(parse_epochs(text).is_err(), "{text:?}");
        }
    }
}
