//! A few threads for work that may block for long: opening, deleting, measuring folders.

use headwater_node::Job;
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Jobs that may queue; beyond it a job runs on the thread that brought it, which slows whoever
/// asks for too much.
const QUEUED_MAX: usize = 1024;

/// What a job came to that has panicked, which is a bug: nobody expects it, so whoever waits tells
/// of an unknown error.
#[derive(Debug)]
struct JobPanicked;

/// What to run, and what to do with what it came to.
type Work = Box<dyn FnOnce() + Send>;

/// The threads and their queue.
pub(crate) struct Jobs {
    queue: Mutex<Option<SyncSender<Work>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Jobs {
    pub fn start(threads: usize, name: &str) -> std::io::Result<Self> {
        let (queue, work) = sync_channel::<Work>(QUEUED_MAX);
        let work = Arc::new(Mutex::new(work));
        let threads = (0..threads)
            .map(|index| {
                let work = Arc::clone(&work);
                std::thread::Builder::new().name(format!("{name}-{index}")).spawn(move || {
                    while let Some(work) = next(&work) {
                        work()
                    }
                })
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self { queue: Mutex::new(Some(queue)), threads: Mutex::new(threads) })
    }

    /// Runs a job soon and hands what it came to to `done`, on the job's thread.
    pub fn run(&self, job: Job, done: impl FnOnce(headwater_node::JobOutcome) + Send + 'static) {
        let work: Work = Box::new(move || {
            // Whoever waits is answered, and the thread goes on, whatever a job comes to.
            let outcome = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| {
                tracing::error!("an I/O job panicked");
                Box::new(JobPanicked)
            });
            done(outcome);
        });
        let refused = match self.queue.lock().as_ref() {
            Some(queue) => match queue.try_send(work) {
                Ok(()) => return,
                Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => work,
            },
            None => work,
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

    #[test]
    fn a_job_that_panics_is_told_and_the_next_one_runs() {
        let jobs = Jobs::start(1, "test-job").expect("a thread");
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
