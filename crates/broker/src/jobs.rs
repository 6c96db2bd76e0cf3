//! A few threads for work that may block for long: opening, deleting, measuring folders.

use headwater_node::{Job, Outbox, Task};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::thread::JoinHandle;

/// How a pool of threads is made.
pub(crate) struct JobOptions {
    /// How many threads.
    pub threads: usize,
    /// Begins their names.
    pub name: &'static str,
    /// Jobs that may queue; beyond it a job runs on the thread that brought it, which slows whoever
    /// asks for too much.
    pub queued_max: usize,
}

/// What a job came to that has panicked, which is a bug: nobody expects it, so whoever waits tells
/// of an unknown error.
#[derive(Debug)]
struct JobPanicked;

/// What to run, and what to do with what it came to.
type Work = Box<dyn FnOnce() + Send>;

/// The threads and their queue.
pub(crate) struct Jobs {
    queue: Mutex<Option<Sender<Work>>>,
    queued: Arc<AtomicUsize>,
    queued_max: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Jobs {
    pub fn start(options: &JobOptions) -> std::io::Result<Self> {
        let JobOptions { threads, name, queued_max } = *options;
        let (queue, work) = channel::<Work>();
        let work = Arc::new(Mutex::new(work));
        let queued = Arc::new(AtomicUsize::new(0));
        let threads = (0..threads)
            .map(|index| {
                let work = Arc::clone(&work);
                let queued = Arc::clone(&queued);
                std::thread::Builder::new().name(format!("{name}-{index}")).spawn(move || {
                    while let Some(work) = next(&work) {
                        queued.fetch_sub(1, Ordering::Relaxed);
                        if catch_unwind(AssertUnwindSafe(work)).is_err() {
                            tracing::error!("what an I/O job came to could not be told");
                        }
                    }
                })
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        let queue = Mutex::new(Some(queue));
        Ok(Self { queue, queued, queued_max, threads: Mutex::new(threads) })
    }

    /// Runs a job soon and hands what it came to to `done`, on the job's thread.
    pub fn run(&self, job: Job, done: impl FnOnce(headwater_node::JobOutcome) + Send + 'static) {
        self.queue(Box::new(move || {
            // Whoever waits is answered, and the thread goes on, whatever a job comes to.
            let outcome = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| {
                tracing::error!("an I/O job panicked");
                Box::new(JobPanicked)
            });
            done(outcome);
        }));
    }

    /// Runs a task soon and hands what it asks for to `done`, on the task's thread.
    pub fn run_task(&self, task: Task, done: impl FnOnce(&mut Outbox) + Send + 'static) {
        self.queue(Box::new(move || {
            let mut out = Outbox::new();
            if catch_unwind(AssertUnwindSafe(|| task(&mut out))).is_err() {
                tracing::error!("an I/O task panicked");
            }
            done(&mut out);
        }));
    }

    fn queue(&self, work: Work) {
        let refused = match self.queue.lock().as_ref() {
            Some(queue) if self.queued.load(Ordering::Relaxed) < self.queued_max => {
                self.queued.fetch_add(1, Ordering::Relaxed);
                match queue.send(work) {
                    Ok(()) => return,
                    Err(SendError(work)) => work,
                }
            }
            _ => work,
        };
        refused();
    }

    /// Finishes what is queued and ends the threads.
    pub fn stop(&self) {
        self.queue.lock().take();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            if thread.join().is_err() {
                tracing::error!("an I/O job panicked");
            }
        }
    }
}

fn next(work: &Mutex<Receiver<Work>>) -> Option<Work> {
    work.lock().recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn jobs(queued_max: usize) -> Jobs {
        Jobs::start(&JobOptions { threads: 1, name: "test-job", queued_max }).expect("a thread")
    }

    #[test]
    fn what_is_too_much_for_the_queue_runs_where_it_comes_from() {
        let jobs = jobs(1);
        let (go, wait) = channel::<()>();
        let (started, has_started) = channel();
        let first = Box::new(move |_: &mut Outbox| {
            started.send(()).expect("heard");
            wait.recv().expect("told");
        });
        jobs.run_task(first, |_| {});
        has_started.recv().expect("the thread is busy now");
        jobs.run_task(Box::new(|_| {}), |_| {});
        let here = std::thread::current().id();
        let (told, heard) = channel();
        let third = move |_: &mut Outbox| {
            told.send(std::thread::current().id()).expect("heard");
        };
        jobs.run_task(Box::new(third), |_| {});
        assert_eq!(heard.try_recv(), Ok(here));
        go.send(()).expect("heard");
        jobs.stop();
    }

    #[test]
    fn a_job_that_panics_is_told_and_the_next_one_runs() {
        let jobs = jobs(8);
        let (told, heard) = channel();
        let first = told.clone();
        jobs.run(
            Box::new(|| -> headwater_node::JobOutcome { panic!("on purpose") }),
            move |outcome| first.send(outcome.is::<JobPanicked>()).expect("heard"),
        );
        jobs.run(Box::new(|| -> headwater_node::JobOutcome { Box::new(5i32) }), move |outcome| {
            told.send(outcome.is::<i32>()).expect("heard")
        });
        assert_eq!(heard.recv(), Ok(true));
        assert_eq!(heard.recv(), Ok(true));
        jobs.stop();
    }
}
