//! What a round printed, read: other people's suites and our own scripts all print one line a
//! test and a closing 'N passed, N failed, N skipped'.

/// Counts of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Counts {
    /// Reads a closing line.
    pub fn parse(line: &str) -> Option<Self> {
        let mut counts = Self::default();
        for (part, word) in line.trim().split(", ").zip(["passed", "failed", "skipped"]) {
            let (number, found) = part.split_once(' ')?;
            if found != word {
                return None;
            }
            let number = number.parse().ok()?;
            match word {
                "passed" => counts.passed = number,
                "failed" => counts.failed = number,
                _ => counts.skipped = number,
            }
        }
        line.trim().ends_with("skipped").then_some(counts)
    }

    /// Adds the other's.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// What one line says of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Passed,
    Failed,
    Skipped,
    /// It passed, but parts of it did not apply.
    PartlySkipped,
    Other,
}

/// Reads a test's line: the state stands among the first words.
pub fn line(text: &str) -> Line {
    let state = text.split_whitespace().skip(1).take(2).find_map(|word| match word {
        "PASS" | "PASSED" => Some(Line::Passed),
        "FAIL" | "FAILED" | "TIMEOUT" | "CRASHED" => Some(Line::Failed),
        "SKIP" | "SKIPPED" => Some(Line::Skipped),
        _ => None,
    });
    match state {
        Some(Line::Passed) if text.contains("subtests skipped") => Line::PartlySkipped,
        Some(state) => state,
        None => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read() {
        let found = Counts::parse("38 passed, 14 failed, 2 skipped\n");
        assert_eq!(found, Some(Counts { passed: 38, failed: 14, skipped: 2 }));
        for bad in
            ["", "1 passed", "1 passed, 2 failed", "passed, failed, skipped", "3 passed, 1 skipped"]
        {
            assert_eq!(Counts::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn lines_of_every_suite_are_read() {
        for (text, wanted) in [
            ("0001  0001_multiobj   PASSED      1.5 -", Line::Passed),
            ("0022  0022            TIMEOUT   150.0 no end within 150 s", Line::Failed),
            ("0052  0052_x          PASSED      1.5 2 subtests skipped", Line::PartlySkipped),
            ("TestPing              PASS       0.01  ", Line::Passed),
            ("TestIssueProduce      SKIP       0.29  broker still takes produce v2", Line::Skipped),
            ("rdkafka::lib::a       FAIL       0.29  panicked", Line::Failed),
            ("KAFKA_PATH is not set: some will fail", Line::Other),
        ] {
            assert_eq!(line(text), wanted, "{text}");
        }
    }
}
