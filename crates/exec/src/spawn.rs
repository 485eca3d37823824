//! Starts a program bare: own session, own limits, own user, nothing inherited but two pipes.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Gid, Resource, Rlimit, Uid};

use crate::contain::{Guard, MARK};
use crate::run::RunError;
use crate::spec::{Limits, Spec};
use crate::user::User;

/// What programs find when nothing else is given.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Starts the program inside the guard.
pub(crate) fn spawn(spec: &Spec, guard: &Guard, id: &str) -> Result<Child, RunError> {
    let switch = switch_of(spec)?;
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .current_dir(&spec.directory)
        .env_clear()
        .envs(bare_environment(spec.user.as_ref()))
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .env(MARK, id)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let limits = spec.limits;
    let join = guard.join_fd().map(|fd| fd.as_fd().as_raw_fd());
    let no_new_privileges = spec.no_new_privileges;
    // SAFETY: the closure runs between fork and exec in a copy of one thread. It only makes system
    // calls and touches no lock and no allocator; `join` stays open until `spawn` returns.
    unsafe {
        command.pre_exec(move || {
            prepare(&limits, join)?;
            if let Some((uid, gid)) = switch {
                rustix::thread::set_thread_groups(&[gid])?;
                rustix::thread::set_thread_gid(gid)?;
                rustix::thread::set_thread_uid(uid)?;
            }
            if no_new_privileges {
                rustix::thread::set_no_new_privs(true)?;
            }
            Ok(())
        });
    }
    start(&mut command).map_err(|source| RunError::Start {
        program: spec.program.clone(),
        source,
    })
}

/// A script that was just written may still be open in a child of another thread that is between
/// fork and exec: then it is busy for a moment.
fn start(command: &mut Command) -> std::io::Result<Child> {
    for _ in 0..50 {
        match command.spawn() {
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::TXTBSY.raw_os_error()) =>
            {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            other => return other,
        }
    }
    command.spawn()
}

/// The user to change to; none when this process already is that user.
fn switch_of(spec: &Spec) -> Result<Option<(Uid, Gid)>, RunError> {
    let Some(user) = &spec.user else {
        return Ok(None);
    };
    let own = rustix::process::geteuid();
    if own.is_root() {
        return Ok(Some((Uid::from_raw(user.uid), Gid::from_raw(user.gid))));
    }
    if own.as_raw() == user.uid {
        return Ok(None);
    }
    Err(RunError::NotRoot {
        user: user.name.clone(),
    })
}

fn bare_environment(user: Option<&User>) -> Vec<(&'static str, String)> {
    let mut bare = vec![("PATH", PATH.to_owned()), ("LANG", "C.UTF-8".to_owned())];
    bare.push(("SHELL", "/bin/sh".to_owned()));
    if let Some(user) = user {
        bare.push(("HOME", user.home.to_string_lossy().into_owned()));
        bare.push(("USER", user.name.clone()));
        bare.push(("LOGNAME", user.name.clone()));
    } else {
        bare.push(("HOME", "/".to_owned()));
    }
    bare
}

/// Runs in the child, as the old user: session, cgroup, limits, file mode mask.
fn prepare(limits: &Limits, join: Option<RawFd>) -> std::io::Result<()> {
    rustix::process::setsid()?;
    if let Some(join) = join {
        // SAFETY: the parent keeps this descriptor open until the child has become the program.
        let join = unsafe { BorrowedFd::borrow_raw(join) };
        // "0" is whoever writes it.
        rustix::io::write(join, b"0")?;
    }
    let limit = |resource, most: Option<u64>| match most {
        Some(most) => {
            let old = rustix::process::getrlimit(resource)
                .maximum
                .unwrap_or(u64::MAX);
            let most = Some(most.min(old));
            rustix::process::setrlimit(
                resource,
                Rlimit {
                    current: most,
                    maximum: most,
                },
            )
        }
        None => Ok(()),
    };
    limit(Resource::Core, Some(0))?;
    limit(Resource::Nofile, Some(limits.files))?;
    limit(Resource::As, limits.memory_bytes)?;
    limit(Resource::Cpu, limits.cpu_s)?;
    limit(Resource::Fsize, limits.file_bytes)?;
    limit(Resource::Nproc, limits.processes)?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    Ok(())
}
