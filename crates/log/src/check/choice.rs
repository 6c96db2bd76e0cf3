//! Which of the whole batches in a damaged segment belong together.
//!
//! A write that went astray may have put whole batches where others were. What belongs to the log is
//! the longest run of batches whose offsets ascend with their positions; the rest are copies.

use crate::log::Found;

/// A batch's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub position: u64,
    pub base: i64,
    pub last: i64,
}

impl Place {
    pub fn of(found: &Found) -> Self {
        Self { position: found.position, base: found.head.base, last: found.head.last }
    }
}

/// Batches that belong together, by position.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    places: Vec<Place>,
}

impl Chosen {
    /// Chooses from batches in the order of their positions.
    pub fn of(all: Vec<Place>) -> Self {
        if all.is_sorted_by(|a, b| a.last < b.base) {
            return Self { places: all };
        }
        // The longest ascending subsequence: `ends` holds, for each length, the run that ends
        // lowest; `before` the predecessor of each in its run.
        let mut ends: Vec<usize> = Vec::new();
        let mut before: Vec<Option<usize>> = Vec::with_capacity(all.len());
        let last_of = |at: usize| all.get(at).map_or(i64::MAX, |place| place.last);
        for (at, place) in all.iter().enumerate() {
            let length = ends.partition_point(|end| last_of(*end) < place.base);
            let shorter = length.checked_sub(1).and_then(|shorter| ends.get(shorter));
            before.push(shorter.copied());
            match ends.get_mut(length) {
                None => ends.push(at),
                Some(end) if place.last < last_of(*end) => *end = at,
                Some(_) => {}
            }
        }
        let mut places = Vec::with_capacity(ends.len());
        let mut next = ends.last().copied();
        while let Some(at) = next {
            places.extend(all.get(at));
            next = before.get(at).copied().flatten();
        }
        places.reverse();
        Self { places }
    }

    /// Whether a batch is one of them.
    pub fn contains(&self, found: &Found) -> bool {
        self.behind(found.position).is_some_and(|place| *place == Place::of(found))
    }

    /// The first at or behind a position.
    pub fn behind(&self, position: u64) -> Option<&Place> {
        let at = self.places.partition_point(|place| place.position < position);
        self.places.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(bases: &[i64]) -> Vec<i64> {
        let place = |(at, base): (usize, &i64)| Place {
            position: at as u64 * 100,
            base: *base,
            last: base + 1,
        };
        let chosen = Chosen::of(bases.iter().enumerate().map(place).collect());
        chosen.places.iter().map(|place| place.base).collect()
    }

    #[test]
    fn copies_are_told_from_what_belongs_together() {
        assert_eq!(chosen(&[0, 2, 4, 10]), [0, 2, 4, 10], "a gap is none");
        assert_eq!(chosen(&[20, 22, 4, 6, 8, 20, 22]), [4, 6, 8, 20, 22]);
        assert_eq!(chosen(&[0, 0, 2, 2, 4]).len(), 3);
        assert_eq!(chosen(&[8, 6, 4]).len(), 1);
        assert_eq!(chosen(&[]), [0i64; 0]);
    }

    #[test]
    fn the_next_one_is_found_by_position() {
        let places = (0..5).map(|n| Place { position: n * 100, base: n as i64, last: n as i64 });
        let chosen = Chosen::of(places.collect());
        assert_eq!(chosen.behind(0).unwrap().base, 0);
        assert_eq!(chosen.behind(101).unwrap().base, 2);
        assert_eq!(chosen.behind(401), None);
    }
}
