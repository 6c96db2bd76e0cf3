//! Loses power at every moment of what a broker does to its log folder, and looks at what is left.
//!
//! `cargo test -p headwater-log --test crash` tries a fixed number of crash states, failing syncs
//! and flipped bits; `cargo xtask crash` very many. With `--seconds N` the crashes go on for that
//! long, `--protocol NAME` and `--seed S` choose a run, `--replay NAME:SEED:STEP:FATES` shows one
//! crash again. `--failing-syncs OPERATIONS` and `--flips COUNT` do that and nothing else,
//! `--failing-sync NUMBER` shows one. Start
//! reading at [`enumerate`], then [`world`] and [`model`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that prints what it found"
)]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../log/common.rs"]
mod common;
mod enumerate;
mod failing;
mod flips;
mod model;
mod producers;
mod protocols;
mod random;
mod recover;
mod world;

use enumerate::{Effort, Enumeration, Tally};
use protocols::{PROTOCOLS, Protocol};
use random::Random;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What the command line asks for.
#[derive(Default)]
struct Options {
    seconds: Option<u64>,
    protocol: Option<String>,
    seed: Option<u64>,
    replay: Option<String>,
    failing_syncs: Option<u64>,
    failing_sync: Option<u64>,
    flips: Option<u64>,
    /// Ends at the first failure, and goes from protocol to protocol to find one soon.
    hunt: bool,
}

/// States of the ordinary pass, of each protocol.
const STATES_ORDINARY: u64 = 50;

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    // Panics inside a recovery are findings, which are printed with where they were met.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(replay) = &options.replay {
        return if show(replay) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let Some(number) = options.failing_sync {
        return code(failing::show(options.seed.unwrap_or(0), number));
    }
    if let Some(operations) = options.failing_syncs {
        return code(failing_syncs(options.seed.unwrap_or(0), operations, 1));
    }
    if let Some(count) = options.flips {
        return code(flips(options.seed.unwrap_or(0), count));
    }
    if options.hunt {
        let limit = Duration::from_secs(options.seconds.unwrap_or(20));
        return code(hunt(limit, options.protocol.as_deref()));
    }
    let crashes = crashes(&options);
    if options.seconds.is_some() || options.protocol.is_some() {
        return code(crashes);
    }
    let syncs = failing_syncs(0, 400, 5);
    let flips = flips(0, 200);
    code(crashes && syncs && flips)
}

fn code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every sync of a run fails once.
fn failing_syncs(seed: u64, operations: u64, every: u64) -> bool {
    let began = Instant::now();
    let outcome = failing::every_sync(seed, operations, every);
    for failure in &outcome.failures {
        println!("FAILED {failure}");
    }
    println!(
        "failing syncs: {} of a run of {} file operations, one in {every}, in {:.1} s, {} failures",
        outcome.syncs,
        outcome.operations,
        began.elapsed().as_secs_f64(),
        outcome.failures.len()
    );
    outcome.failures.is_empty()
}

/// Single bits flip.
fn flips(seed: u64, count: u64) -> bool {
    let began = Instant::now();
    let outcome = flips::some(seed, count);
    for ((kind, effect), count) in &outcome.table {
        let example = match effect {
            flips::Effect::Noticed | flips::Effect::Harmless => "",
            _ => outcome.examples[&(kind.clone(), *effect)].as_str(),
        };
        println!("{kind:<45} {:<16} {count:>8}  {example}", format!("{effect:?}"));
    }
    println!(
        "flips: {} in {:.1} s, {} served or in a panic",
        outcome.table.values().sum::<u64>(),
        began.elapsed().as_secs_f64(),
        outcome.failures()
    );
    outcome.failures() == 0
}

/// Tries a little of everything, again and again, until something fails. True when nothing did.
fn hunt(limit: Duration, only: Option<&str>) -> bool {
    let began = Instant::now();
    let mut tally = Tally::default();
    let chosen =
        || PROTOCOLS.iter().filter(|protocol| only.is_none_or(|name| name == protocol.name));
    for seed in 0.. {
        for protocol in chosen() {
            let enough = || began.elapsed() >= limit;
            one(protocol, seed, HUNT, &mut tally, &enough);
            if !tally.failures.is_empty() {
                return false;
            }
            if enough() {
                println!("{} crash states, nothing found", tally.states);
                return true;
            }
        }
        if !failing_syncs(seed, 300, 1) {
            return false;
        }
    }
    true
}

/// Power is lost.
fn crashes(options: &Options) -> bool {
    let began = Instant::now();
    let chosen: Vec<&Protocol> = PROTOCOLS
        .iter()
        .filter(|protocol| options.protocol.as_ref().is_none_or(|name| name == protocol.name))
        .collect();
    let mut tallies: Vec<Tally> = chosen.iter().map(|_| Tally::default()).collect();
    let first = options.seed.unwrap_or(0);
    let share = options.seconds.map(|seconds| {
        Duration::from_secs(seconds) / u32::try_from(chosen.len().max(1)).unwrap_or(1)
    });
    for (protocol, tally) in chosen.iter().zip(&mut tallies) {
        let began = Instant::now();
        let mut seed = first;
        loop {
            let enough = || match share {
                Some(share) => began.elapsed() >= share,
                None => false,
            };
            let done = match share {
                Some(_) => enough(),
                None => tally.states >= STATES_ORDINARY,
            };
            if done && seed > first || tally.failures.len() >= 3 {
                break;
            }
            let effort = if share.is_some() { LONG } else { ORDINARY };
            one(protocol, seed, effort, tally, &enough);
            seed += 1;
            if options.seed.is_some() {
                break;
            }
        }
    }
    report(&chosen, &tallies, began.elapsed())
}

/// As much as there is time for.
const LONG: Effort = Effort {
    whole_max: 4096,
    sampled: 256,
    in_flight_max: 12,
    deep_once_in: 40,
    inside_once_in: 1,
    moment_once_in: 1,
};

/// Little of many runs.
const HUNT: Effort = Effort {
    whole_max: 16,
    sampled: 8,
    in_flight_max: 3,
    deep_once_in: 60,
    inside_once_in: 6,
    moment_once_in: 2,
};

/// A few seconds without optimisation.
const ORDINARY: Effort = Effort {
    whole_max: 16,
    sampled: 4,
    in_flight_max: 3,
    deep_once_in: 100,
    inside_once_in: 10,
    moment_once_in: 12,
};

/// The crashes of one run.
fn one(protocol: &Protocol, seed: u64, effort: Effort, into: &mut Tally, stop: &dyn Fn() -> bool) {
    let run = std::panic::catch_unwind(|| (protocol.run)(Random::new(seed)));
    let run = match run {
        Ok(run) => run,
        Err(panic) => {
            let text = enumerate::panic_text(&*panic);
            let failure = enumerate::Failure {
                step: 0,
                fates: String::new(),
                problem: format!("the run itself: {text}"),
            };
            print_failure(protocol, seed, &failure);
            into.failures.push(failure);
            return;
        }
    };
    let mut enumeration = Enumeration::new(&run, effort, seed, stop);
    enumeration.all();
    let tally = enumeration.tally;
    for failure in &tally.failures {
        print_failure(protocol, seed, failure);
    }
    into.traces += tally.traces;
    into.states += tally.states;
    into.disks += tally.disks;
    into.inside_recovery += tally.inside_recovery;
    into.outcomes.extend(tally.outcomes);
    into.failures.extend(tally.failures);
    into.most_in_flight = into.most_in_flight.max(tally.most_in_flight);
}

fn print_failure(protocol: &Protocol, seed: u64, failure: &enumerate::Failure) {
    println!(
        "FAILED {}\n  --replay {}:{seed}:{}:{}",
        failure.problem, protocol.name, failure.step, failure.fates
    );
}

/// One crash again, in detail.
fn show(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let [name, seed, step, fates] = parts[..] else { return false };
    let Some(protocol) = PROTOCOLS.iter().find(|protocol| protocol.name == name) else {
        return false;
    };
    let (Ok(seed), Ok(step)) = (seed.parse(), step.parse()) else { return false };
    let Some(fates) = enumerate::fates_from_text(fates) else { return false };
    let run = (protocol.run)(Random::new(seed));
    for (number, step) in run.trace.steps().iter().enumerate().take(step + 1) {
        match step {
            headwater_log::TraceStep::Effect(effect) => {
                println!("{number} {}", enumerate::describe(effect));
            }
            headwater_log::TraceStep::Mark(mark) => {
                let mark = &run.marks[*mark as usize];
                println!("{number} {}", if mark.stricter { "promised" } else { "loosened" });
                for (identity, log) in &mark.model.logs {
                    println!(
                        "    {} {}: start {}..={}, durable {}, written {} {:?}",
                        identity.folder_name(),
                        identity.topic_id.0[0],
                        log.start_min,
                        log.start_max,
                        log.durable,
                        log.end(),
                        log.or_empty_at
                    );
                }
            }
            other => println!("{number} {other:?}"),
        }
    }
    let never = || false;
    let effort = Effort { deep_once_in: 1, ..LONG };
    let mut enumeration = Enumeration::new(&run, effort, seed, &never);
    enumeration.replay(step, &fates);
    for failure in &enumeration.tally.failures {
        println!("FAILED {}", failure.problem);
    }
    enumeration.tally.failures.is_empty()
}

fn report(chosen: &[&Protocol], tallies: &[Tally], took: Duration) -> bool {
    println!(
        "{:<15} {:>7} {:>10} {:>10} {:>10} {:>9} {:>7} {:>8}  about",
        "protocol", "traces", "states", "disks", "inside", "outcomes", "flight", "failures"
    );
    let mut states = 0;
    let mut failures = 0;
    for (protocol, tally) in chosen.iter().zip(tallies) {
        println!(
            "{:<15} {:>7} {:>10} {:>10} {:>10} {:>9} {:>7} {:>8}  {}",
            protocol.name,
            tally.traces,
            tally.states,
            tally.disks,
            tally.inside_recovery,
            tally.outcomes.len(),
            tally.most_in_flight,
            tally.failures.len(),
            protocol.about
        );
        states += tally.states + tally.inside_recovery;
        failures += tally.failures.len();
    }
    println!("{states} crash states in {:.1} s, {failures} failures", took.as_secs_f64());
    failures == 0
}

fn parse(words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--seconds" => {
                let text = value()?;
                options.seconds = Some(text.parse().map_err(|_| format!("{text}?"))?);
            }
            "--seed" => {
                let text = value()?;
                options.seed = Some(text.parse().map_err(|_| format!("{text}?"))?);
            }
            "--failing-syncs" => {
                let text = value()?;
                options.failing_syncs = Some(text.parse().map_err(|_| format!("{text}?"))?);
            }
            "--failing-sync" => {
                let text = value()?;
                options.failing_sync = Some(text.parse().map_err(|_| format!("{text}?"))?);
            }
            "--flips" => {
                let text = value()?;
                options.flips = Some(text.parse().map_err(|_| format!("{text}?"))?);
            }
            "--hunt" => options.hunt = true,
            "--protocol" => options.protocol = Some(value()?),
            "--replay" => options.replay = Some(value()?),
            // What `cargo test` passes on to every test.
            _ => {}
        }
    }
    Ok(options)
}
