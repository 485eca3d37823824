//! Work that may hang, such as looking at files on a dead network mount, in a thread of its own.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

/// One thread that answers questions in order; while it hangs, questions are not asked.
pub(crate) struct Background<Q, A> {
    ask: SyncSender<Q>,
    answers: Receiver<A>,
    hangs: bool,
}

impl<Q: Send + 'static, A: Send + 'static> Background<Q, A> {
    /// Starts the thread; it ends when this is dropped and its work is done.
    pub(crate) fn start(
        name: &str,
        mut work: impl FnMut(Q) -> A + Send + 'static,
    ) -> std::io::Result<Self> {
        let (ask, asked) = sync_channel::<Q>(1);
        let (answer, answers) = sync_channel(1);
        let run = move || {
            for question in asked {
                if answer.send(work(question)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name(name.into())
            .stack_size(128 * 1024);
        thread.spawn(run)?;
        Ok(Self {
            ask,
            answers,
            hangs: false,
        })
    }

    /// Asks and waits; none while the thread does not answer in time.
    pub(crate) fn ask(&mut self, question: Q, timeout: Duration) -> Option<A> {
        if self.hangs {
            // An answer that comes now is old: it only shows that the thread is back.
            match self.answers.try_recv() {
                Ok(_) => self.hangs = false,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
        self.ask.send(question).ok()?;
        match self.answers.recv_timeout(timeout) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                self.hangs = true;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_hanging_thread_is_left_alone_until_it_is_back() {
        let (release, gate) = channel::<()>();
        let mut work = Background::start("test", move |hang: bool| {
            if hang {
                let _ = gate.recv();
            }
            7
        })
        .unwrap();
        let long = Duration::from_secs(60);
        assert_eq!(work.ask(false, long), Some(7));
        assert_eq!(work.ask(true, Duration::from_millis(20)), None);
        assert_eq!(work.ask(false, long), None);
        release.send(()).unwrap();
        let back = (0..6_000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            work.ask(false, long) == Some(7)
        });
        assert!(back);
    }
}
