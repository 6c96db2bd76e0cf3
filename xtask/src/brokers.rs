//! Starting and stopping the brokers that chores measure and test: ours, and Apache Kafka itself.
//!
//! A broker here is a process with a folder of its own that is removed with it. Dropping one that
//! was not stopped kills it, so that a failed chore leaves nothing behind.

use crate::commands;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a broker may take to listen, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which broker to start.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The binary at this path.
    Headwater(PathBuf),
    /// Apache Kafka, by the `apache-kafka` tool at this path.
    Kafka(PathBuf),
}

/// One setting, in Kafka's names.
pub type Setting<'a> = (&'a str, &'a str);

/// A running broker.
pub struct Broker {
    process: Process,
    port: u16,
    folder: TempDir,
}

enum Process {
    Headwater { child: Child, output: Receiver<String>, said: Vec<String> },
    Kafka { tool: PathBuf, pid: u32 },
    Stopped,
}

/// How a broker ended.
pub struct Ending {
    /// What is wrong with it; none when it stopped as it should.
    pub complaint: Option<String>,
    /// The most memory it had resident, in MB.
    pub resident_mb: Option<u64>,
}

impl Broker {
    /// Starts a broker on a free port from `port` on and waits until it listens.
    ///
    /// # Errors
    ///
    /// It does not start, or does not listen within a minute.
    pub fn start(kind: &Kind, port: u16, settings: &[Setting<'_>]) -> Result<Self> {
        let port = free_port(port)?;
        let folder = tempfile::Builder::new().prefix("headwater-chore-").tempdir()?;
        let process = match kind {
            Kind::Headwater(binary) => headwater(binary, port, folder.path(), settings)?,
            Kind::Kafka(tool) => kafka(tool, port, folder.path(), settings)?,
        };
        Ok(Self { process, port, folder })
    }

    /// HOST:PORT for clients.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The folder that holds its partitions.
    pub fn data(&self) -> PathBuf {
        match self.process {
            Process::Kafka { .. } => self.folder.path().join("data-1"),
            _ => self.folder.path().join("data"),
        }
    }

    /// Its process.
    pub fn pid(&self) -> Option<u32> {
        match &self.process {
            Process::Headwater { child, .. } => Some(child.id()),
            Process::Kafka { pid, .. } => Some(*pid),
            Process::Stopped => None,
        }
    }

    /// A line of `/proc/PID/status`, in MB.
    pub fn memory_mb(&self, field: &str) -> Option<u64> {
        memory_mb(self.pid()?, field)
    }

    /// Asks it to stop, and says how that went.
    ///
    /// # Errors
    ///
    /// The process cannot be signalled or waited for.
    pub fn stop(mut self) -> Result<Ending> {
        let resident_mb = self.memory_mb("VmHWM");
        let complaint = match std::mem::replace(&mut self.process, Process::Stopped) {
            Process::Headwater { mut child, output, mut said } => {
                let complaint = stop_child(&mut child, &output, &mut said)?;
                let panicked = said.iter().find(|line| line.contains("panicked at")).cloned();
                complaint.map(|what| what + &tail(&said)).or(panicked)
            }
            Process::Kafka { tool, .. } => {
                quietly(Command::new(tool).arg("stop").arg(self.folder.path()))?;
                None
            }
            Process::Stopped => None,
        };
        Ok(Ending { complaint, resident_mb })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        match &mut self.process {
            Process::Headwater { child, .. } => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Process::Kafka { tool, .. } => {
                let _ =
                    quietly(Command::new(tool).args(["stop", "--kill"]).arg(self.folder.path()));
            }
            Process::Stopped => {}
        }
    }
}

/// The command line that starts ours, listening on `port`, with its data in `folder`.
pub fn headwater_command(
    binary: &Path,
    port: u16,
    folder: &Path,
    settings: &[Setting<'_>],
) -> Command {
    let mut command = Command::new(binary);
    // Variables of ours that name things for chores would be taken for settings.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HEADWATER_") {
            command.env_remove(name);
        }
    }
    command.args(["--set", "metrics.listener="]);
    command.arg("--set").arg(format!("listeners=PLAINTEXT://127.0.0.1:{port}"));
    command.arg("--set").arg(format!("log.dirs={}", folder.join("data").display()));
    for (key, value) in settings {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command
}

fn headwater(binary: &Path, port: u16, folder: &Path, settings: &[Setting<'_>]) -> Result<Process> {
    let mut command = headwater_command(binary, port, folder, settings);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {}", binary.display()))?;
    let (send, output) = channel();
    for stream in [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ] {
        let (stream, send) = (stream.context("the output is piped")?, send.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
    }
    drop(send);
    let mut said = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        match output.recv_timeout(Duration::from_millis(20)) {
            Ok(line) => said.push(line),
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the broker ended ({}){}", child.wait()?, tail(&said))
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                let _ = child.kill();
                bail!("the broker does not listen on port {port}{}", tail(&said));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    Ok(Process::Headwater { child, output, said })
}

fn stop_child(
    child: &mut Child,
    output: &Receiver<String>,
    said: &mut Vec<String>,
) -> Result<Option<String>> {
    if let Some(status) = child.try_wait()? {
        said.extend(output.try_iter());
        return Ok(Some(format!("the broker had ended by itself: {status}")));
    }
    terminate(child.id())?;
    // Its output closes when it ends.
    let deadline = Instant::now() + PATIENCE;
    loop {
        match output.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => said.push(line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                child.kill()?;
                child.wait()?;
                return Ok(Some("the broker did not stop within a minute".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    let status = child.wait()?;
    Ok((!status.success()).then(|| format!("the broker stopped with {status}")))
}

fn kafka(tool: &Path, port: u16, folder: &Path, settings: &[Setting<'_>]) -> Result<Process> {
    let mut command = Command::new(tool);
    command.arg("start").arg("--dir").arg(folder).arg("--port").arg(port.to_string());
    for (key, value) in settings {
        command.arg(format!("{key}={value}"));
        if *key == "node.id" {
            let controller = port.saturating_add(1);
            command.arg(format!("controller.quorum.voters={value}@127.0.0.1:{controller}"));
        }
    }
    quietly(&mut command)?;
    let pids = std::fs::read_to_string(folder.join("pids"))?;
    let pid = pids.trim().parse().context("reading Kafka's process id")?;
    Ok(Process::Kafka { tool: tool.to_owned(), pid })
}

/// Sends SIGTERM.
pub fn terminate(pid: u32) -> Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("a process id")?;
    kill_process(pid, Signal::TERM).context("signalling the broker")
}

/// A line of `/proc/PID/status` that is given in kB, in MB.
pub fn memory_mb(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1000)
}

/// A port nobody listens on, from `first` on.
///
/// # Errors
///
/// A hundred ports in a row are taken.
pub fn free_port(first: u16) -> Result<u16> {
    // Ten apart: Apache Kafka's controller takes the port after the client's.
    (0..10)
        .map(|step| first.saturating_add(step * 10))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .with_context(|| format!("no free port from {first} on"))
}

/// Where the release build of a program of ours is, after building it.
///
/// # Errors
///
/// It does not build.
pub fn built(program: &str) -> Result<PathBuf> {
    commands::run(&mut commands::cargo(&["build", "--release", "--locked", "--bin", program])?)?;
    Ok(commands::target_folder()?.join("release").join(program))
}

/// The folder with other people's suites: `HEADWATER_SUITES`, or `tools` in a folder `shared`
/// beside the workspace.
pub fn suites() -> Result<PathBuf> {
    match std::env::var_os("HEADWATER_SUITES") {
        Some(folder) => Ok(folder.into()),
        None => Ok(commands::root()?.join("../shared/tools")),
    }
}

fn quietly(command: &mut Command) -> Result<()> {
    let shown = commands::show(command);
    // To a file and not a pipe: a broker that is started so inherits it, and a pipe would not end.
    let mut log = tempfile::tempfile()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .status()
        .with_context(|| format!("starting `{shown}`"))?;
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    std::io::Seek::rewind(&mut log)?;
    log.read_to_string(&mut said)?;
    bail!("`{shown}`: {status}: {said}")
}

fn tail(said: &[String]) -> String {
    let from = said.len().saturating_sub(30);
    let last: Vec<&str> = said.iter().skip(from).map(String::as_str).collect();
    if last.is_empty() { String::new() } else { format!("; it said:\n{}", last.join("\n")) }
}
