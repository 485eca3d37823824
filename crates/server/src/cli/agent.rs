//! `bongsu agent …`: the agent of this machine, the same library as the program `bongsu-agent`.

use anyhow::Result;

/// Runs the agent with the arguments after `agent`; it ends when the server that started it ends.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let own = std::env::var_os(crate::child::STARTED_BY_SERVER).is_some();
    if own {
        let signal = rustix::process::Signal::TERM;
        rustix::process::set_parent_process_death_signal(Some(signal))?;
    }
    Ok(agent::main(arguments)?)
}
