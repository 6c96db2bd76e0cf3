//! What was acknowledged against what can be read: one partition's history, judged.
//!
//! A pure function, so that it can be shown to notice what it is there for: every kind of
//! [`Violation`] has a test that plants it. Each value is written once by whoever names it, so a
//! value stands in the log at most once, unless its producer repeats what got no answer and is not
//! idempotent.

use std::collections::BTreeMap;
use std::fmt;

/// One written value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    pub producer: u32,
    /// Counts what the producer wrote to the partition, from 0.
    pub sequence: u64,
}

/// What a producer promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A repeat leaves no second copy, and the order of the values is kept.
    Idempotent,
    /// It sends a batch when the one before was acknowledged, and repeats it until it is: copies
    /// of values that were on the way are no fault.
    AtLeastOnce,
}

/// One value, acknowledged at an offset.
pub type Acknowledged = (Value, i64);

/// What a reader found in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// First offset that can be read, and the one behind the last.
    pub start: i64,
    pub end: i64,
    /// In the order in which they came; none where a value is not one that anybody writes.
    pub records: Vec<(i64, Option<Value>)>,
}

/// Whether the front of the log may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    Whole,
    /// Retention, or somebody who deletes records, is at work.
    MayBeGone,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// It was acknowledged and is nowhere.
    Lost { value: Value, offset: i64 },
    /// It was acknowledged at one offset and stands at another.
    WrongOffset { value: Value, acknowledged: i64, found: i64 },
    /// It stands there twice.
    Duplicated { value: Value, first: i64, second: i64 },
    /// It stands behind a later value of its producer.
    Reordered { value: Value, behind: Value, offset: i64 },
    /// Nobody wrote this.
    Invented { offset: i64 },
    /// Offsets that are not one after the other, or not all between the log's ends.
    Gap { after: i64, next: i64 },
    /// The front is gone though nobody deleted it.
    FrontGone { start: i64 },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The verdict on one partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub violations: Vec<Violation>,
    /// Copies that a producer without idempotence may leave.
    pub copies: u64,
    /// Values that are there though nobody was told.
    pub unacknowledged: u64,
    /// Acknowledged values that retention took.
    pub expired: u64,
}

/// Judges one partition.
pub fn check(
    acknowledged: &[Acknowledged],
    reading: &Reading,
    producers: &BTreeMap<u32, Promise>,
    front: Front,
) -> Verdict {
    let mut verdict = Verdict::default();
    offsets(reading, front, &mut verdict.violations);
    let places = places(reading, producers, &mut verdict);
    let at: BTreeMap<i64, Option<Value>> = reading.records.iter().copied().collect();
    let start = reading.records.first().map_or(reading.end, |(offset, _)| *offset);
    let mut told: Vec<Acknowledged> = Vec::with_capacity(acknowledged.len());
    for &(value, offset) in acknowledged {
        told.push((value, offset));
        if at.get(&offset) == Some(&Some(value)) {
            continue;
        }
        match places.get(&value) {
            _ if offset < start && front == Front::MayBeGone => verdict.expired += 1,
            Some(found) => verdict.violations.push(Violation::WrongOffset {
                value,
                acknowledged: offset,
                found: *found,
            }),
            None => verdict.violations.push(Violation::Lost { value, offset }),
        }
    }
    told.sort_unstable();
    for pair in told.windows(2) {
        let [(before, before_at), (value, offset)] = pair else { continue };
        if before.producer != value.producer {
            continue;
        }
        let (value, behind) = (*value, *before);
        if value == behind && offset != before_at {
            let (first, second) = (*before_at, *offset);
            verdict.violations.push(Violation::Duplicated { value, first, second });
        } else if offset < before_at {
            // The earlier value was acknowledged behind this one.
            verdict.violations.push(Violation::Reordered {
                value: behind,
                behind: value,
                offset: *before_at,
            });
        }
    }
    let known: BTreeMap<Value, i64> = told.into_iter().collect();
    verdict.unacknowledged =
        places.keys().filter(|value| !known.contains_key(*value)).count() as u64;
    verdict
}

/// The offsets between the ends, each once and in order.
fn offsets(reading: &Reading, front: Front, violations: &mut Vec<Violation>) {
    let start = reading.records.first().map_or(reading.end, |(offset, _)| *offset);
    if front == Front::Whole && (start != 0 || reading.start != 0) && reading.end > 0 {
        violations.push(Violation::FrontGone { start: start.max(reading.start) });
    }
    if start < reading.start {
        violations.push(Violation::Gap { after: reading.start, next: start });
    }
    for pair in reading.records.windows(2) {
        if let [(after, _), (next, _)] = pair
            && *next != after + 1
        {
            violations.push(Violation::Gap { after: *after, next: *next });
        }
    }
    if let Some((last, _)) = reading.records.last()
        && last + 1 < reading.end
    {
        violations.push(Violation::Gap { after: *last, next: reading.end });
    }
}

/// Where each value stands (the first time); notes what is there too often, behind its turn, or
/// nobody's.
fn places(
    reading: &Reading,
    producers: &BTreeMap<u32, Promise>,
    verdict: &mut Verdict,
) -> BTreeMap<Value, i64> {
    let mut places: BTreeMap<Value, i64> = BTreeMap::new();
    let mut latest: BTreeMap<u32, Value> = BTreeMap::new();
    for &(offset, value) in &reading.records {
        let known = value.and_then(|value| Some((value, producers.get(&value.producer)?)));
        let Some((value, promise)) = known else {
            verdict.violations.push(Violation::Invented { offset });
            continue;
        };
        let before = latest.insert(value.producer, value);
        if let Some(&first) = places.get(&value) {
            match promise {
                Promise::Idempotent => {
                    verdict.violations.push(Violation::Duplicated { value, first, second: offset })
                }
                Promise::AtLeastOnce => verdict.copies += 1,
            }
            continue;
        }
        places.insert(value, offset);
        if *promise == Promise::Idempotent
            && let Some(behind) = before.filter(|before| *before > value)
        {
            verdict.violations.push(Violation::Reordered { value, behind, offset });
            latest.insert(value.producer, behind);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: u32 = 1;
    const REPEATS: u32 = 2;

    fn value(producer: u32, sequence: u64) -> Value {
        Value { producer, sequence }
    }

    /// A log whose offsets begin at 0, with these values of producer and sequence.
    fn log(values: &[(u32, u64)]) -> Reading {
        let records: Vec<_> = values
            .iter()
            .zip(0..)
            .map(|((producer, sequence), offset)| (offset, Some(value(*producer, *sequence))))
            .collect();
        Reading { start: 0, end: records.len() as i64, records }
    }

    fn acknowledged(values: &[(u32, u64, i64)]) -> Vec<Acknowledged> {
        values.iter().map(|(producer, at, offset)| (value(*producer, *at), *offset)).collect()
    }

    fn judged(told: &[(u32, u64, i64)], reading: &Reading, front: Front) -> Verdict {
        let producers =
            BTreeMap::from([(EXACT, Promise::Idempotent), (REPEATS, Promise::AtLeastOnce)]);
        check(&acknowledged(told), reading, &producers, front)
    }

    fn violations(told: &[(u32, u64, i64)], reading: &Reading) -> Vec<Violation> {
        judged(told, reading, Front::Whole).violations
    }

    #[test]
    fn what_is_as_it_was_told_is_well() {
        let reading = log(&[(EXACT, 0), (REPEATS, 0), (EXACT, 1), (REPEATS, 1)]);
        let told = [(EXACT, 0, 0), (REPEATS, 0, 1), (EXACT, 1, 2), (REPEATS, 1, 3)];
        assert_eq!(judged(&told, &reading, Front::Whole), Verdict::default());
        assert_eq!(judged(&[], &log(&[]), Front::Whole), Verdict::default());
    }

    #[test]
    fn a_value_that_nobody_was_told_of_may_be_there_or_not() {
        let reading = log(&[(EXACT, 0), (EXACT, 2)]);
        let verdict = judged(&[(EXACT, 0, 0)], &reading, Front::Whole);
        assert_eq!(verdict, Verdict { unacknowledged: 1, ..Verdict::default() });
    }

    #[test]
    fn a_lost_value_is_flagged_in_the_middle_and_at_the_end() {
        let lost = |at, offset| Violation::Lost { value: value(EXACT, at), offset };
        let told = [(EXACT, 0, 0), (EXACT, 1, 1)];
        assert_eq!(violations(&told, &log(&[(EXACT, 0)])), [lost(1, 1)]);
        assert_eq!(violations(&told, &log(&[(EXACT, 0), (REPEATS, 0)])), [lost(1, 1)]);
        assert_eq!(violations(&told, &log(&[])), [lost(0, 0), lost(1, 1)]);
    }

    #[test]
    fn a_value_at_another_offset_is_flagged() {
        let found = violations(&[(REPEATS, 0, 0)], &log(&[(EXACT, 0), (REPEATS, 0)]));
        let value = value(REPEATS, 0);
        assert_eq!(found, [Violation::WrongOffset { value, acknowledged: 0, found: 1 }]);
    }

    #[test]
    fn a_second_copy_is_flagged_unless_its_producer_repeats() {
        let value = value(EXACT, 0);
        assert_eq!(
            violations(&[(EXACT, 0, 0)], &log(&[(EXACT, 0), (EXACT, 0)])),
            [Violation::Duplicated { value, first: 0, second: 1 }]
        );
        let copied = judged(&[(REPEATS, 0, 1)], &log(&[(REPEATS, 0), (REPEATS, 0)]), Front::Whole);
        assert_eq!(copied, Verdict { copies: 1, ..Verdict::default() });
    }

    #[test]
    fn two_acknowledgements_of_one_value_at_two_offsets_are_flagged() {
        let told = [(REPEATS, 0, 0), (REPEATS, 0, 1)];
        let found = violations(&told, &log(&[(REPEATS, 0), (REPEATS, 0)]));
        let value = value(REPEATS, 0);
        assert_eq!(found, [Violation::Duplicated { value, first: 0, second: 1 }]);
    }

    #[test]
    fn values_out_of_order_are_flagged_acknowledged_or_not() {
        let reordered =
            Violation::Reordered { value: value(EXACT, 0), behind: value(EXACT, 1), offset: 1 };
        let reading = log(&[(EXACT, 1), (EXACT, 0)]);
        let told = [(EXACT, 1, 0), (EXACT, 0, 1)];
        assert_eq!(violations(&told, &reading), [reordered.clone(), reordered.clone()]);
        assert_eq!(violations(&[], &reading), [reordered]);
        let told = [(REPEATS, 1, 0), (REPEATS, 0, 1)];
        let found = violations(&told, &log(&[(REPEATS, 1), (REPEATS, 0)]));
        assert!(matches!(found[..], [Violation::Reordered { offset: 1, .. }]), "{found:?}");
    }

    #[test]
    fn what_nobody_wrote_is_flagged() {
        assert_eq!(violations(&[], &log(&[(77, 0)])), [Violation::Invented { offset: 0 }]);
        let damaged = Reading { start: 0, end: 1, records: vec![(0, None)] };
        assert_eq!(violations(&[], &damaged), [Violation::Invented { offset: 0 }]);
    }

    #[test]
    fn missing_offsets_are_flagged() {
        let mut reading = log(&[(EXACT, 0), (EXACT, 1), (EXACT, 2)]);
        reading.records.remove(1);
        assert_eq!(violations(&[], &reading), [Violation::Gap { after: 0, next: 2 }]);
        reading.records.pop();
        assert_eq!(violations(&[], &reading), [Violation::Gap { after: 0, next: 3 }]);
    }

    #[test]
    fn a_missing_front_is_flagged_unless_it_may_be_gone() {
        let mut reading = log(&[(EXACT, 0), (EXACT, 1)]);
        reading.records.remove(0);
        let told = [(EXACT, 0, 0), (EXACT, 1, 1)];
        let found = violations(&told, &reading);
        let lost = Violation::Lost { value: value(EXACT, 0), offset: 0 };
        assert_eq!(found, [Violation::FrontGone { start: 1 }, lost]);
        reading.start = 1;
        let verdict = judged(&told, &reading, Front::MayBeGone);
        assert_eq!(verdict, Verdict { expired: 1, ..Verdict::default() });
    }
}
