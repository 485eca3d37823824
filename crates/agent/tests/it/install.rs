//! The one line of "Add a server", run by a real shell with the real curl and the real agent.

use std::process::{Command, Stdio};

use crate::harness::{Server, until};

fn has_curl() -> bool {
    let curl = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    curl.is_ok_and(|status| status.success())
}

/// Ends whatever the installer has left running in the background.
struct Ended(std::path::PathBuf);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.0.join("agent.pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

#[test]
fn one_line_installs_enrols_and_starts_and_again_is_harmless() {
    if !has_curl() {
        println!("SKIPPED: curl");
        return;
    }
    let mut server = Server::new();
    server.kill();
    let arch = std::env::consts::ARCH.to_owned();
    server
        .programs
        .insert(arch, env!("CARGO_BIN_EXE_bongsu-agent").into());
    server.start();
    let dir = tempfile::tempdir().unwrap();
    let secret = server.token(2, 60_000);
    let line = server
        .fleet()
        .install_line(&server.address.to_string(), &secret);
    let me = Command::new("id").arg("-un").output().unwrap().stdout;
    let me = String::from_utf8(me).unwrap().trim().to_owned();
    let data_dir = dir.path().join("data");
    let _ended = Ended(data_dir.clone());
    let install = || {
        let output = Command::new("sh")
            .args(["-c", &line])
            .env("BONGSU_BIN_DIR", dir.path().join("bin"))
            .env("BONGSU_DATA_DIR", &data_dir)
            .env("BONGSU_NO_SERVICE", "1")
            .env("BONGSU_USER", &me)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        std::fs::read_to_string(data_dir.join("agent.pid")).unwrap()
    };
    let first = install();
    until("live batches", || server.batches().iter().any(|b| b.live));
    let second = install();
    assert_ne!(first, second, "the old agent was replaced");
    until("the agent is back", || server.fleet().connected() == 1);
    let rows = server.block_on(server.fleet().agents()).unwrap();
    assert_eq!(rows.len(), 1);
    let pid = second.trim().to_owned();
    Command::new("kill").arg(&pid).status().unwrap();
    until("it leaves on SIGTERM", || server.fleet().connected() == 0);
    let log = std::fs::read_to_string(data_dir.join("agent.log")).unwrap();
    assert!(
        log.contains("connected to") && log.trim_end().ends_with("stopped"),
        "{log}"
    );
}

#[test]
fn what_is_missing_is_said_by_the_installer() {
    if !has_curl() {
        println!("SKIPPED: curl");
        return;
    }
    let server = Server::new();
    let fetch = |path: &str, pin: &str| {
        let url = format!("https://{}{path}", server.address);
        let arguments = ["-sSk", "-w", " %{http_code}", "--pinnedpubkey", pin, &url];
        let output = Command::new("curl").args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let pin = server.fleet().pin().to_string();
    let missing = fetch("/agent/riscv64", &pin);
    assert!(missing.contains("no agent program for `riscv64`") && missing.ends_with("404"));
    let unknown = fetch("/i/nonsense", &pin);
    assert!(
        unknown.contains("not known here") && unknown.ends_with("403"),
        "{unknown}"
    );
    let people = fetch("/", &pin);
    assert!(people.contains("people use the console"), "{people}");
    let wrong = wire::Pin([9; 32]).to_string();
    assert_eq!(
        fetch("/i/nonsense", &wrong).trim(),
        "000",
        "curl checks the pin"
    );
}
