//! Kafka's names in Rust's spelling.

/// `TimeoutMs` as `timeout_ms`; words of the language get an underscore behind them.
pub(super) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if begins_word {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    if matches!(out.as_str(), "type" | "match" | "ref" | "gen" | "in" | "self" | "use" | "move") {
        out.push('_');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn words_are_told_apart() {
        for (name, wanted) in [
            ("TimeoutMs", "timeout_ms"),
            ("timeoutMs", "timeout_ms"),
            ("IsrNodes", "isr_nodes"),
            ("ACLs", "ac_ls"),
            ("Match", "match_"),
            ("Topic", "topic"),
        ] {
            assert_eq!(snake(name), wanted);
        }
    }
}
