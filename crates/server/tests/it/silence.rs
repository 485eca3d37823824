//! An agent falls silent and comes back: one problem on the host, gone with the first sample.

use rustix::process::{Pid, Signal, kill_process};
use testkit::TempDir;

use crate::program::{Program, problem_of};

#[test]
fn agent_silent_and_back() {
    let folder = TempDir::new();
    let server = Program::fresh(&folder.join("data"));
    let host = server.own_host();
    let agent = Pid::from_raw(server.agent_pid()).unwrap();
    kill_process(agent, Signal::STOP).unwrap();
    server.wait_for("the host counts as silent", "/api/v1/problems", |list| {
        let problem = problem_of(list, "agent-silent")?;
        assert_eq!(problem["severity"], "minor");
        assert_eq!(problem["target"]["host"], host.as_str());
        Some(())
    });
    kill_process(agent, Signal::CONT).unwrap();
    server.wait_for("the first sample ends it", "/api/v1/problems", |list| {
        problem_of(list, "agent-silent").is_none().then_some(())
    });
}
