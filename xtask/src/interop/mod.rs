//! `cargo xtask interop`: foreign, unmodified clients against a broker that is started for each.
//!
//! What a client needs may be missing on a person's machine: its round is then left out with a
//! line. At the gate (`CI=true`) a missing tool, or a test that skips and is not known to skip on
//! Apache Kafka too, is a failure: absent features hide in skips.

mod outcome;
mod rounds;

use crate::arguments::Arguments;
use crate::brokers::{self, Broker, Kind};
use crate::{chaos, commands};
use anyhow::{Context, Result, bail};
use outcome::{Counts, Line};
use rounds::{Program, ROUNDS, Round};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const HELP: &str = "\
cargo xtask interop [OPTIONS]

  --bounded           the part that the gate runs
  --only NAME[,NAME]  these rounds
  --list              their names
  --bootstrap H:P     against a broker that runs already
  --against kafka     against Apache Kafka, which judges the rounds themselves
  --broker PATH       our broker's binary (default: built in release mode)
  --cli PATH          our command line's binary (default: built in release mode)
  --port N            first port to try (default 19800)
  --verbose           every test's line, not only those of failures and skips
";

struct Plan {
    bootstrap: Option<String>,
    kind: Option<Kind>,
    /// Our command line, where it was built.
    cli: Option<PathBuf>,
    port: u16,
    verbose: bool,
    /// Where the environments of Python and Node are, and where the rounds' output goes.
    state: PathBuf,
    suites: PathBuf,
}

/// Runs the rounds asked for.
///
/// # Errors
///
/// A test failed; at the gate also: something was left out.
pub fn run(arguments: &mut Arguments) -> Result<()> {
    if arguments.flag("--help") {
        print!("{HELP}");
        return Ok(());
    }
    if arguments.flag("--list") {
        for round in ROUNDS {
            println!("{}", round.name);
        }
        return Ok(());
    }
    let bounded = arguments.flag("--bounded");
    let only = arguments.value("--only")?;
    let bootstrap = arguments.value("--bootstrap")?;
    let against = arguments.value("--against")?;
    let binary = arguments.value("--broker")?;
    let cli = arguments.value("--cli")?;
    let port = arguments.value("--port")?.map_or(Ok(19800), |port| port.parse())?;
    let verbose = arguments.flag("--verbose");
    arguments.finish()?;

    let suites = brokers::suites()?;
    let suites = suites.canonicalize().unwrap_or(suites);
    let chosen = choose(only.as_deref(), bounded)?;
    let kind = match (&bootstrap, against.as_deref(), binary) {
        (Some(_), None, None) => None,
        (None, Some("kafka"), None) => Some(Kind::Kafka(suites.join("apache-kafka"))),
        (None, None, Some(path)) => Some(Kind::Headwater(Path::new(&path).canonicalize()?)),
        (None, None, None) => Some(Kind::Headwater(brokers::built("headwater-broker")?)),
        _ => bail!("--bootstrap, --against and --broker exclude each other\n\n{HELP}"),
    };
    let cli = match cli {
        Some(path) => Some(Path::new(&path).canonicalize()?),
        None if chosen.iter().any(|round| matches!(round.program, Program::CommandLine { .. })) => {
            Some(brokers::built("headwater")?)
        }
        None => None,
    };
    let state = commands::root()?.join("target/interop");
    std::fs::create_dir_all(state.join("logs"))?;
    let plan = Plan { bootstrap, kind, cli, port, verbose, state, suites };
    play(&plan, &chosen)?;
    match &plan.kind {
        // The same clients' libraries, against a broker that does not live long.
        Some(Kind::Headwater(binary)) if bounded && only.is_none() => {
            chaos::bounded(binary, plan.port.saturating_add(60))
        }
        _ => Ok(()),
    }
}

fn choose(only: Option<&str>, bounded: bool) -> Result<Vec<&'static Round>> {
    let Some(only) = only else {
        return Ok(ROUNDS.iter().filter(|round| round.bounded || !bounded).collect());
    };
    let named = only.split(',').map(|name| {
        ROUNDS.iter().find(|round| round.name == name).with_context(|| format!("no round `{name}`"))
    });
    named.collect()
}

fn play(plan: &Plan, chosen: &[&Round]) -> Result<()> {
    let began = Instant::now();
    let mut total = Counts::default();
    let mut complaints = Vec::new();
    for round in chosen {
        if let Some(missing) = missing(plan, round) {
            println!("== {}: left out: {missing}", round.name);
            total.skipped += 1;
            if commands::under_ci() {
                complaints.push(format!("{}: {missing}", round.name));
            }
            continue;
        }
        let (counts, wrong) = match one(plan, round) {
            Ok(result) => result,
            Err(error) => (Counts::default(), vec![format!("{error:#}")]),
        };
        // A round that could not even report has failed once.
        let unreported = u32::from(counts.failed == 0 && !wrong.is_empty());
        total.add(counts);
        total.failed += unreported;
        for complaint in wrong {
            println!("   {complaint}");
            complaints.push(format!("{}: {complaint}", round.name));
        }
    }
    println!("\n{} rounds in {} s", chosen.len(), began.elapsed().as_secs());
    for complaint in &complaints {
        println!("FAILED {}", complaint.lines().next().unwrap_or_default());
    }
    println!("{total}");
    if total.failed > 0 || !complaints.is_empty() {
        bail!("interop: {} complaints; full output below target/interop/logs", complaints.len());
    }
    Ok(())
}

/// Starts a broker, runs the round, stops the broker; gives counts and what is wrong.
fn one(plan: &Plan, round: &Round) -> Result<(Counts, Vec<String>)> {
    println!("== {}", round.name);
    let began = Instant::now();
    let kafka = Kind::Kafka(plan.suites.join("apache-kafka"));
    let kind = if round.on_kafka { Some(&kafka) } else { plan.kind.as_ref() };
    let broker = match kind {
        Some(kind) => Some(Broker::start(kind, plan.port, round.settings)?),
        None => None,
    };
    let bootstrap = match (&broker, &plan.bootstrap) {
        (Some(broker), _) => broker.bootstrap(),
        (None, Some(bootstrap)) => bootstrap.clone(),
        (None, None) => bail!("no broker"),
    };
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    let mut log = File::create(plan.state.join("logs").join(format!("{}.txt", round.name)))?;
    let values = round.each.map_or(&[""][..], |(_, values)| values);
    for value in values {
        let mut command = command(plan, round, &bootstrap, broker.as_ref())?;
        if let Some((key, _)) = round.each {
            command.env(key, value);
        }
        let limit = Duration::from_secs(round.limit_s);
        let (closing, complaints) = watch(plan, round, &mut command, &mut log, limit)?;
        counts.add(closing);
        wrong
            .extend(complaints.into_iter().map(|what| format!("{what} {value}").trim().to_owned()));
    }
    let mut resident = String::new();
    if let Some(broker) = broker {
        let ending = broker.stop()?;
        wrong.extend(ending.complaint);
        if let Some(mb) = ending.resident_mb {
            resident = format!(", broker at most {mb} MB resident");
        }
    }
    println!("   {counts} ({} s{resident})", began.elapsed().as_secs());
    Ok((counts, wrong))
}

/// Runs the command to its end, showing what matters; gives its closing counts and complaints.
fn watch(
    plan: &Plan,
    round: &Round,
    command: &mut Command,
    log: &mut File,
    limit: Duration,
) -> Result<(Counts, Vec<String>)> {
    let shown = commands::show(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.try_clone()?)
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting `{shown}`"))?;
    let output = child.stdout.take().context("the output is piped")?;
    let (send, lines) = channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            let _ = send.send(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    });
    let mut complaints = Vec::new();
    let mut closing = None;
    let deadline = Instant::now() + limit;
    loop {
        let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                end_group(child.id());
                complaints.push(format!("no end within {} s", limit.as_secs()));
                break;
            }
        };
        writeln!(log, "{line}")?;
        closing = Counts::parse(&line).or(closing);
        let kind = outcome::line(&line);
        if plan.verbose || matches!(kind, Line::Failed | Line::Skipped | Line::PartlySkipped) {
            println!("   {line}");
        }
        let known =
            round.skips.iter().any(|name| line.split_whitespace().any(|word| word == *name));
        match kind {
            Line::Failed => complaints.push(line),
            Line::Skipped | Line::PartlySkipped if !known && commands::under_ci() => {
                complaints.push(format!("a skip that is not known: {line}"));
            }
            _ => {}
        }
    }
    let status = child.wait()?;
    let counts = closing.unwrap_or_default();
    if closing.is_none() {
        complaints.push(format!("`{shown}` ({status}) printed no closing line"));
    } else if !status.success() && complaints.is_empty() {
        complaints.push(format!("`{shown}`: {status}"));
    }
    Ok((counts, complaints))
}

fn end_group(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn command(
    plan: &Plan,
    round: &Round,
    bootstrap: &str,
    broker: Option<&Broker>,
) -> Result<Command> {
    let scripts = commands::root()?.join("xtask/interop");
    let scratch = plan.state.join("logs").join(round.name);
    let mut command = match round.program {
        Program::Suite(tool) => Command::new(plan.suites.join(tool)),
        Program::Python { script, .. }
        | Program::PythonDriving { script, .. }
        | Program::Process { script }
        | Program::CommandLine { script }
        | Program::KafkaTools { script } => {
            let mut command = Command::new(python(plan));
            command.arg(scripts.join(script)).args(["--bootstrap", bootstrap]);
            command
        }
        Program::Node { script } => {
            let mut command = Command::new("node");
            command.arg(scripts.join(script)).args(["--bootstrap", bootstrap]);
            command.env("KAFKAJS_FOLDER", plan.state.join("node"));
            if commands::on_path("kcat") {
                command.env(
                    "READ_COMMAND",
                    r#"["kcat","-b","BOOTSTRAP","-C","-t","TOPIC","-p","0","-e","-q","-o","beginning"]"#,
                );
            }
            command
        }
    };
    for word in round.words {
        let scratch = scratch.to_string_lossy();
        command.arg(word.replace("{bootstrap}", bootstrap).replace("{scratch}", &scratch));
    }
    command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("CARGO_TARGET_DIR");
    if let Some(home) = kafka_home(plan) {
        command.env("KAFKA_HOME", &home).env("KAFKA_PATH", &home);
    }
    if let Some(broker) = broker {
        command.env("HEADWATER_DATA", broker.data());
    }
    if let Some(Kind::Headwater(binary)) = &plan.kind {
        command.env("HEADWATER_BROKER", binary);
    }
    if let Some(binary) = &plan.cli {
        command.env("HEADWATER_CLI", binary);
    }
    Ok(command)
}

/// What the round needs and this machine lacks.
fn missing(plan: &Plan, round: &Round) -> Option<String> {
    match round.program {
        Program::Suite(tool) => {
            let path = plan.suites.join(tool);
            (!path.is_file())
                .then(|| format!("no suite {tool} (HEADWATER_SUITES names the folder)"))
        }
        Program::Python { module, .. } => {
            let mut probe = Command::new(python(plan));
            probe.args(["-c", &format!("import {module}")]);
            (!succeeds(&mut probe)).then(|| format!("no Python module {module}"))
        }
        Program::PythonDriving { program, .. } => {
            let there = commands::on_path(program) && commands::on_path("python3");
            (!there).then(|| format!("no {program}, or no python3"))
        }
        Program::CommandLine { .. } if plan.cli.is_none() => {
            Some("no headwater binary (--cli names it)".to_owned())
        }
        Program::CommandLine { .. } if round.on_kafka => {
            let there = plan.suites.join("apache-kafka").is_file();
            (!there).then(|| "no Apache Kafka (HEADWATER_SUITES names the folder)".to_owned())
        }
        Program::CommandLine { .. } => {
            let there = commands::on_path("kcat") && commands::on_path("python3");
            (!there).then(|| "no kcat, or no python3".to_owned())
        }
        Program::Process { .. } => match plan.kind {
            Some(Kind::Headwater(_)) if commands::on_path("kcat") => None,
            Some(Kind::Headwater(_)) => Some("no kcat".to_owned()),
            _ => Some("it starts brokers of our own".to_owned()),
        },
        Program::KafkaTools { .. } => kafka_home(plan)
            .is_none_or(|home| !home.join("bin/kafka-topics.sh").is_file())
            .then(|| "no Apache Kafka (KAFKA_HOME names its folder)".to_owned()),
        Program::Node { .. } => {
            let there = commands::on_path("node")
                && plan.state.join("node/node_modules/kafkajs/package.json").is_file();
            (!there).then(|| "no kafkajs (xtask/interop/install installs it)".to_owned())
        }
    }
}

fn python(plan: &Plan) -> PathBuf {
    let own = plan.state.join("python/bin/python3");
    if own.is_file() { own } else { "python3".into() }
}

/// A folder with Apache Kafka's tools: `KAFKA_HOME`, or what the suites bring.
fn kafka_home(plan: &Plan) -> Option<PathBuf> {
    if let Some(home) = std::env::var_os("KAFKA_HOME") {
        return Some(home.into());
    }
    let output = Command::new(plan.suites.join("apache-kafka")).arg("home").output().ok()?;
    let home = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    home.is_dir().then_some(home)
}

fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
