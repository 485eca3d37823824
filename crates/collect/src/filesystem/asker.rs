//! Asks `statvfs` in a thread of its own, so that a dead network mount never stops a pass.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rustix::io::Errno;

/// Threads that may hang on dead mounts at once; later ones wait for one of them to come back.
const STUCK_MAX: usize = 8;

/// What `statvfs` says, in bytes and inodes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Space {
    pub(super) size_bytes: u64,
    pub(super) free_bytes: u64,
    /// What ordinary users may still use.
    pub(super) avail_bytes: u64,
    pub(super) files: u64,
    pub(super) files_free: u64,
}

/// One mount's answer.
pub(super) type Answer = Result<Space, Silence>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Silence {
    #[error("does not answer")]
    Hangs,
    #[error("{0}")]
    Refused(Errno),
}

/// What a thread is given and gives back: the mount points it can reach, in order.
struct Worker {
    ask: SyncSender<Vec<PathBuf>>,
    answers: Receiver<(PathBuf, Result<Space, Errno>)>,
}

/// A mount that did not answer, and the thread that waits for it.
struct Stuck {
    mount_point: PathBuf,
    worker: Worker,
}

#[derive(Default)]
pub(super) struct Asker {
    worker: Option<Worker>,
    stuck: Vec<Stuck>,
}

impl Asker {
    /// Asks every mount point; `each` gets the place of the mount in the list and its answer.
    pub(super) fn ask(
        &mut self,
        mount_points: &[PathBuf],
        timeout: Duration,
        each: &mut dyn FnMut(usize, Answer),
    ) {
        self.release_returned();
        let mut open = Vec::new();
        for (place, path) in mount_points.iter().enumerate() {
            if self.stuck.iter().any(|stuck| stuck.mount_point == *path) {
                each(place, Err(Silence::Hangs));
            } else {
                open.push(place);
            }
        }
        let mut open = open.as_slice();
        while !open.is_empty() {
            open = self.ask_some(mount_points, open, timeout, each);
        }
    }

    /// Asks the open places with one thread, up to the first that hangs; what remains open.
    fn ask_some<'a>(
        &mut self,
        mount_points: &[PathBuf],
        open: &'a [usize],
        timeout: Duration,
        each: &mut dyn FnMut(usize, Answer),
    ) -> &'a [usize] {
        if self.stuck.len() >= STUCK_MAX {
            open.iter()
                .for_each(|&place| each(place, Err(Silence::Hangs)));
            return &[];
        }
        let Some(worker) = self.worker.take().or_else(start) else {
            open.iter()
                .for_each(|&place| each(place, Err(Silence::Refused(Errno::AGAIN))));
            return &[];
        };
        let paths = open
            .iter()
            .filter_map(|&place| mount_points.get(place))
            .cloned();
        if worker.ask.send(paths.collect()).is_err() {
            open.iter()
                .for_each(|&place| each(place, Err(Silence::Refused(Errno::AGAIN))));
            return &[];
        }
        let mut rest = open;
        while let Some((&place, later)) = rest.split_first() {
            match worker.answers.recv_timeout(timeout) {
                Ok((_, answer)) => each(place, answer.map_err(Silence::Refused)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    each(place, Err(Silence::Hangs));
                    if let Some(path) = mount_points.get(place) {
                        self.stuck.push(Stuck {
                            mount_point: path.clone(),
                            worker,
                        });
                    }
                    return later;
                }
            }
            rest = later;
        }
        self.worker = Some(worker);
        &[]
    }

    /// A mount that answered at last is asked again; the thread that waited for it ends.
    fn release_returned(&mut self) {
        self.stuck
            .retain(|stuck| stuck.worker.answers.try_recv().is_err());
    }
}

fn start() -> Option<Worker> {
    let (ask, asked) = sync_channel::<Vec<PathBuf>>(1);
    let (answer, answers) = sync_channel(64);
    let run = move || {
        for paths in asked {
            for path in paths {
                let result = space(&path);
                if answer.send((path, result)).is_err() {
                    return;
                }
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("statvfs".into())
        .stack_size(64 * 1024);
    thread.spawn(run).ok().map(|_| Worker { ask, answers })
}

fn space(path: &std::path::Path) -> Result<Space, Errno> {
    let found = rustix::fs::statvfs(path)?;
    let unit = if found.f_frsize > 0 {
        found.f_frsize
    } else {
        found.f_bsize
    };
    Ok(Space {
        size_bytes: found.f_blocks.saturating_mul(unit),
        free_bytes: found.f_bfree.saturating_mul(unit),
        avail_bytes: found.f_bavail.saturating_mul(unit),
        files: found.f_files,
        files_free: found.f_ffree,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_and_a_missing_mount_is_refused() {
        let mut asker = Asker::default();
        let paths = [PathBuf::from("/"), "/none/such".into(), "/proc".into()];
        for _ in 0..2 {
            let mut seen = Vec::new();
            let timeout = Duration::from_secs(20);
            asker.ask(&paths, timeout, &mut |place, answer| {
                seen.push((place, answer))
            });
            assert_eq!(seen.len(), 3);
            assert!(seen[0].1.is_ok_and(|space| space.size_bytes > 0));
            assert_eq!(seen[1], (1, Err(Silence::Refused(Errno::NOENT))));
            assert_eq!(seen[2].0, 2);
        }
        assert!(asker.stuck.is_empty() && asker.worker.is_some());
    }

    /// A FUSE mount whose server never answers: the same silence as that of a dead NFS server.
    struct DeadMount {
        point: PathBuf,
        server: Option<std::fs::File>,
    }

    impl DeadMount {
        fn new() -> Self {
            use std::os::fd::AsFd;
            let point = std::env::temp_dir().join(format!("bongsu-dead-{}", std::process::id()));
            std::fs::create_dir_all(&point).unwrap();
            let server = std::fs::File::options()
                .read(true)
                .write(true)
                .open("/dev/fuse")
                .unwrap();
            // `mount` inherits the server's end as its standard input, descriptor 0.
            let end = server.as_fd().try_clone_to_owned().unwrap();
            let status = std::process::Command::new("mount")
                .args([
                    "-i",
                    "-t",
                    "fuse",
                    "-o",
                    "fd=0,rootmode=40000,user_id=0,group_id=0",
                ])
                .arg("dead")
                .arg(&point)
                .stdin(end)
                .status()
                .unwrap();
            assert!(status.success());
            Self {
                point,
                server: Some(server),
            }
        }
    }

    impl Drop for DeadMount {
        fn drop(&mut self) {
            self.server = None;
            let _ = std::process::Command::new("umount")
                .arg("-l")
                .arg(&self.point)
                .status();
            let _ = std::fs::remove_dir(&self.point);
        }
    }

    #[test]
    fn a_dead_mount_is_told_and_the_others_are_still_asked() {
        let mut dead = DeadMount::new();
        let paths = [PathBuf::from("/"), dead.point.clone(), "/proc".into()];
        let mut asker = Asker::default();
        let ask = |asker: &mut Asker, timeout_ms| {
            let mut seen = vec![Err(Silence::Refused(Errno::INVAL)); 3];
            let timeout = Duration::from_millis(timeout_ms);
            asker.ask(&paths, timeout, &mut |place, answer| seen[place] = answer);
            seen
        };
        let first = ask(&mut asker, 1_000);
        assert!(first[0].is_ok() && first[2].is_ok());
        assert_eq!(first[1], Err(Silence::Hangs));
        // The second pass does not wait for it again: a timeout of a minute would show.
        let second = ask(&mut asker, 60_000);
        assert!(second[0].is_ok() && second[2].is_ok());
        assert_eq!((second[1], asker.stuck.len()), (Err(Silence::Hangs), 1));
        // When it comes back, here with an error, it is asked again.
        dead.server = None;
        let back = (0..6_000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            matches!(ask(&mut asker, 60_000)[1], Err(Silence::Refused(_)))
        });
        assert!(back && asker.stuck.is_empty());
    }
}
