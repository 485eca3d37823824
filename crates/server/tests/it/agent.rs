//! An agent beside the server, enrolled with a token as on another machine.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::program::Program;

/// An agent of another machine, as far as the server knows.
pub(crate) struct Agent {
    child: Child,
}

impl Agent {
    pub(crate) fn run(folder: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_bongsu"))
            .args(["agent", "run", "--data-dir", folder.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Enrols an agent that will reach the server over this port of the machine.
pub(crate) fn enrol(folder: &Path, server: &Program, port: u16) {
    let token = json!({ "label": "scenario", "uses": 1 });
    let token = server.call("POST", "/api/v1/enrolment-tokens", Some(&token));
    let line = token["install_line"].as_str().unwrap();
    let at = line.find("sha256//").unwrap();
    let pin = line[at..].split(['\'', '"', ' ']).next().unwrap();
    let enrolled = Command::new(env!("CARGO_BIN_EXE_bongsu"))
        .args(["agent", "enrol", "--pin", pin])
        .args(["--server", &format!("127.0.0.1:{port}")])
        .args(["--token", token["secret"].as_str().unwrap()])
        .args(["--data-dir", folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(enrolled.status.success(), "{enrolled:?}");
}
