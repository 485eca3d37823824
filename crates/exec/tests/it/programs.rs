//! What programs do to get away, to hang or to flood, and that none of it helps them.

use std::sync::atomic::{AtomicU32, Ordering};

use exec::{Cancel, Containment, Ended, Leftovers, Report, RunError, Spec, Stream, User, run};
use stdx::Env;

use crate::{alive, alive_at_last, scratch, until};

/// Both ways to hold descendants together; a machine without a writable cgroup 2 tests one twice.
const BOTH: [Containment; 2] = [Containment::Auto, Containment::Subreaper];

/// A number for `sleep` that no other process of this machine uses.
fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "9{}.{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

fn sh(script: &str) -> Spec {
    Spec::new("/bin/sh").args(["-c", script])
}

fn go(spec: &Spec) -> Report {
    run(spec, &Env::system(), None, &mut |_, _, _| {}).unwrap()
}

fn out(report: &Report) -> String {
    String::from_utf8(report.transcript.bytes(Stream::Out)).unwrap()
}

#[test]
fn code_streams_and_times_are_reported() {
    let report = go(&sh("echo one; echo bad >&2; sleep 0.3; echo two; exit 3"));
    assert_eq!(report.ended, Ended::Exit(3));
    assert_eq!(out(&report), "one\ntwo\n");
    assert_eq!(report.transcript.bytes(Stream::Err), b"bad\n");
    let last = report.transcript.head().last().unwrap();
    assert!(
        last.at_ms >= 300 && report.duration_ms >= last.at_ms,
        "{report:?}"
    );
    assert_eq!((report.leftovers_killed, report.survivors), (0, 0));
    assert_eq!(go(&sh("kill -SEGV $$")).ended, Ended::Signal(11));
}

#[test]
fn the_environment_is_bare_and_standard_input_is_empty() {
    let mut spec = sh("env; cat; pwd");
    spec.environment
        .push(("BONGSU_TARGET".into(), "/var log".into()));
    spec.directory = "/usr".into();
    let text = out(&go(&spec));
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    names.sort_unstable();
    let bare = [
        "BONGSU_RUN",
        "BONGSU_TARGET",
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "SHELL",
    ];
    let shells_own = ["OLDPWD", "SHLVL", "_"];
    names.retain(|name| !shells_own.contains(name));
    assert_eq!(names, bare);
    assert!(
        text.contains("BONGSU_TARGET=/var log\n") && text.ends_with("/usr\n"),
        "{text}"
    );
}

#[test]
fn a_program_that_is_not_there_is_an_error_that_names_it() {
    let spec = Spec::new("/none/such");
    let error = run(&spec, &Env::system(), None, &mut |_, _, _| {}).unwrap_err();
    assert!(matches!(&error, RunError::Start { .. }), "{error}");
    assert!(error.to_string().contains("/none/such"));
}

#[test]
fn the_time_limit_asks_first_and_then_kills() {
    let mut polite = sh("trap 'echo bye; exit 0' TERM; sleep 60 & wait");
    polite.limits.time_ms = 200;
    let report = go(&polite);
    assert_eq!(report.ended, Ended::TimeLimit { killed: false });
    assert_eq!(out(&report), "bye\n");
    for containment in BOTH {
        let mut stubborn = sh("trap '' TERM; while :; do sleep 0.05; done");
        stubborn.limits.time_ms = 200;
        stubborn.limits.grace_ms = 300;
        stubborn.containment = containment;
        let report = go(&stubborn);
        assert_eq!(
            report.ended,
            Ended::TimeLimit { killed: true },
            "{}",
            report.containment
        );
        assert!(
            (500..20_000).contains(&report.duration_ms),
            "{}",
            report.duration_ms
        );
        assert_eq!(report.survivors, 0);
    }
}

#[test]
fn children_orphans_and_daemons_die_with_the_run() {
    for containment in BOTH {
        let mark = unique();
        // A child, a child of a child that ended, and a daemon with a session of its own.
        let mut spec = sh(&format!(
            "sleep {mark} & (sleep {mark} & ) ; \
             setsid sh -c 'setsid sleep {mark} & exit' ; sleep 0.2"
        ));
        spec.containment = containment;
        let report = go(&spec);
        assert_eq!(report.ended, Ended::Exit(0));
        assert_eq!(alive(&mark), [0_u32; 0], "{}", report.containment);
        assert_eq!(report.leftovers_killed, 3, "{}", report.containment);
    }
}

#[test]
fn a_daemon_that_hides_its_mark_is_found_by_its_descent() {
    let mark = unique();
    let mut spec = sh(&format!("env -i setsid sleep {mark} & sleep 0.5"));
    spec.containment = Containment::Subreaper;
    let report = go(&spec);
    assert_eq!((report.leftovers_killed, alive(&mark).len()), (1, 0));
}

#[test]
fn a_bounded_fork_bomb_is_put_out() {
    for containment in BOTH {
        let mark = unique();
        // Every process makes two more, seven times over: 255 that ignore SIGTERM.
        let script = format!(
            "trap '' TERM; f() {{ [ $1 -gt 0 ] && {{ f $(($1-1)) & f $(($1-1)) & }}; \
             sleep {mark}; }}; f 7"
        );
        let mut spec = sh(&script);
        spec.limits.time_ms = 1_500;
        spec.limits.grace_ms = 100;
        spec.containment = containment;
        let report = go(&spec);
        assert_eq!(report.ended, Ended::TimeLimit { killed: true });
        assert_eq!(report.survivors, 0, "{}", report.containment);
        assert_eq!(alive(&mark), [0_u32; 0], "{}", report.containment);
        assert!(report.leftovers_killed > 100, "{}", report.leftovers_killed);
    }
}

#[test]
fn a_script_may_leave_a_daemon_where_that_is_allowed() {
    for containment in BOTH {
        let mark = unique();
        let mut spec = sh(&format!(
            "setsid sleep {mark} >/dev/null 2>&1 & echo started"
        ));
        spec.leftovers = Leftovers::Keep;
        spec.containment = containment;
        let report = go(&spec);
        assert_eq!(
            (report.ended, out(&report).as_str()),
            (Ended::Exit(0), "started\n")
        );
        let left = alive_at_last(&mark);
        assert_eq!(left.len(), 1, "{}", report.containment);
        let pid = rustix::process::Pid::from_raw(i32::try_from(left[0]).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

#[test]
fn a_flood_keeps_both_ends_and_an_endless_one_is_ended() {
    let mut spec = sh("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
    spec.limits.output_bytes = 16 * 1024;
    let report = go(&spec);
    let text = report.transcript.to_text();
    assert!(text.contains("line 0\n") && text.contains("line 19999\n"));
    assert!(report.transcript.dropped_bytes() > 100_000);
    let report = go(&Spec::new("/usr/bin/yes"));
    assert_eq!(report.ended, Ended::OutputLimit);
    assert!(report.transcript.total_bytes() > exec::OUTPUT_TOTAL_BYTES_MAX);
}

#[test]
fn a_cancelled_run_ends_at_once() {
    let cancel = Cancel::new().unwrap();
    let switch = cancel.clone();
    let spec = sh("echo up; sleep 60");
    let report = run(&spec, &Env::system(), Some(&cancel), &mut |_, _, _| {
        switch.cancel()
    });
    let report = report.unwrap();
    assert_eq!((report.ended, report.survivors), (Ended::Cancelled, 0));
    assert!(report.duration_ms < 30_000);
}

#[test]
fn another_user_has_that_users_rights_and_no_groups() {
    let nobody = User::find("nobody").unwrap();
    let mut spec = sh("id -u; id -G; cat /etc/shadow; touch /root/x; echo $USER");
    spec.user = Some(nobody.clone());
    let report = go(&spec);
    assert_eq!(
        out(&report),
        format!("{}\n{}\nnobody\n", nobody.uid, nobody.gid)
    );
    let errors = String::from_utf8(report.transcript.bytes(Stream::Err)).unwrap();
    assert_eq!(errors.matches("ermission denied").count(), 2, "{errors}");
}

#[test]
fn limits_of_memory_files_and_size_bind() {
    let dir = scratch("limits");
    let mut spec = sh("ulimit -n; ulimit -v; ulimit -c; dd if=/dev/zero of=big bs=1024 count=64");
    spec.directory = dir.clone();
    spec.limits.files = 64;
    spec.limits.memory_bytes = Some(512 * 1024 * 1024);
    spec.limits.file_bytes = Some(8 * 1024);
    let report = go(&spec);
    assert_eq!(out(&report), format!("64\n{}\n0\n", 512 * 1024));
    assert_ne!(report.ended, Ended::Exit(0));
    assert_eq!(std::fs::metadata(dir.join("big")).unwrap().len(), 8 * 1024);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_it_used_is_reported() {
    let report = go(&sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
    assert!(report.usage.user_s > 0.0, "{:?}", report.usage);
    assert!(report.usage.memory_bytes_max > 0, "{:?}", report.usage);
}

#[test]
fn runs_beside_each_other_do_not_touch_each_other() {
    let dir = scratch("beside");
    let gate = dir.join("gate");
    let mark = unique();
    let long = {
        let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
        let script = format!("(sleep {mark} &) ; {wait}; echo done");
        std::thread::spawn(move || {
            let mut spec = sh(&script);
            spec.containment = Containment::Subreaper;
            go(&spec)
        })
    };
    until("the orphan of the long run", || alive(&mark).len() == 1);
    for _ in 0..5 {
        let mut spec = sh("(sleep 60 &) ; true");
        spec.containment = Containment::Subreaper;
        assert_eq!(go(&spec).leftovers_killed, 1);
    }
    assert_eq!(alive(&mark).len(), 1);
    std::fs::write(gate, "").unwrap();
    let report = long.join().unwrap();
    assert_eq!(
        (out(&report).as_str(), report.leftovers_killed),
        ("done\n", 1)
    );
    assert_eq!(alive(&mark), [0_u32; 0]);
    std::fs::remove_dir_all(dir).unwrap();
}
