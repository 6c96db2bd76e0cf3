//! The name somebody probably meant.

/// The nearest of the known names, where one is near enough to be a slip of the keyboard.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // About one slip in four characters, but never more than a wrong word's worth.
    let length = name.chars().count();
    let tolerated = (length / 4).clamp(1, 5);
    known
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= tolerated)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(slips, _)| *slips <= tolerated)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Characters to insert, drop, replace or swap with their neighbour (optimal string alignment).
/// Case and the choice of separator (`_`, `-`, `.`) count as no slip at all.
fn distance(a: &str, b: &str) -> usize {
    let fold = |c: char| if matches!(c, '_' | '-') { '.' } else { c.to_ascii_lowercase() };
    let a: Vec<char> = a.chars().map(fold).collect();
    let b: Vec<char> = b.chars().map(fold).collect();
    // Rows of the table: two above, one above, and the one that is being filled.
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, &ca) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        let mut last_b = None;
        for (j, &cb) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let replaced = at(&above, j) + usize::from(ca != cb);
            let dropped = at(&above, j + 1) + 1;
            let inserted = at(&row, j) + 1;
            let mut best = replaced.min(dropped).min(inserted);
            if last_a == Some(cb) && last_b == Some(ca) {
                best = best.min(at(&before, j.saturating_sub(1)).saturating_add(1));
            }
            row.push(best);
            last_b = Some(cb);
        }
        before = std::mem::replace(&mut above, row);
        last_a = Some(ca);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_slips() {
        for (a, b, slips) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("log.dirs", "log.dirs", 0),
            ("log_dirs", "log.dirs", 0),
            ("Log.Dirs", "log.dirs", 0),
            ("log.dir", "log.dirs", 1),
            ("log.dris", "log.dirs", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
        }
    }

    #[test]
    fn nearest_answers_only_when_it_is_near() {
        let known = ["log.dirs", "log.dir", "num.partitions", "listeners", "retention.ms"];
        let ask = |name| nearest(name, known.into_iter());
        assert_eq!(ask("log.drs"), Some("log.dirs"));
        assert_eq!(ask("num.partition"), Some("num.partitions"));
        assert_eq!(ask("lisetners"), Some("listeners"));
        assert_eq!(ask("entirely.different"), None);
        assert_eq!(ask("x"), None);
    }
}
