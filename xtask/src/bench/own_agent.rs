//! What our own agent costs: memory, processor, bytes on the wire, size of the program.

use super::server::{Server, Start};
use super::{Context, programs};
use crate::process::{Running, Usage};
use anyhow::{Result, ensure};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long it runs before it is measured: the first passes name every series.
const SETTLES: Duration = Duration::from_secs(35);
const DAY_S: f64 = 86_400.0;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Memory at the end.
    pub(super) usage: Usage,
    /// Cores used on average.
    pub(super) cores: f64,
    /// Bytes of TLS in both directions a day, TCP's own left out.
    pub(super) mib_a_day: f64,
    /// Size of the program as it was built.
    pub(super) program_mib: f64,
}

/// Runs the agent at its default interval against a real server, through a port that counts.
pub(super) fn measure(context: &Context, window: Duration) -> Result<Cost> {
    let server = Server::fresh(context, "agent", Start::default())?;
    let (pin, token) = server.token(1)?;
    let counted = Arc::new(AtomicU64::new(0));
    let port = counting_port(&server.agents_address(), Arc::clone(&counted))?;
    let program = programs::path(context, "bongsu-agent")?;
    let data = server.folder().join("agent");
    let mut enrol = Command::new(&program);
    enrol
        .args(["enrol", "--server", &format!("127.0.0.1:{port}")])
        .args(["--pin", &pin, "--token", &token, "--data-dir"])
        .arg(&data);
    crate::shell::run(&mut enrol)?;
    let mut run = Command::new(&program);
    run.args(["run", "--data-dir"]).arg(&data);
    let mut running = Running::start(&mut run)?;
    std::thread::sleep(SETTLES);
    let before = counted.load(Ordering::Relaxed);
    let (usage, cores) = running.watch(window, window, || Ok(()))?;
    let bytes = counted.load(Ordering::Relaxed) - before;
    ensure!(bytes > 0, "the agent sent nothing");
    println!("  the agent has {} series", server.metric("bongsu_series")?);
    let mib = |bytes: f64| bytes / f64::from(1024 * 1024);
    Ok(Cost {
        usage,
        cores,
        mib_a_day: mib(bytes as f64) * DAY_S / window.as_secs_f64(),
        program_mib: mib(std::fs::metadata(&program)?.len() as f64),
    })
}

/// A port that hands everything on to `to` and counts the bytes of both directions.
fn counting_port(to: &str, counted: Arc<AtomicU64>) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let to = to.to_owned();
    std::thread::spawn(move || {
        for agent in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(&to) else {
                continue;
            };
            if let (Ok(from), Ok(back)) = (agent.try_clone(), server.try_clone()) {
                let (there, here) = (Arc::clone(&counted), Arc::clone(&counted));
                std::thread::spawn(move || hand_on(from, server, &there));
                std::thread::spawn(move || hand_on(back, agent, &here));
            }
        }
    });
    Ok(port)
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, counted: &AtomicU64) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        let read = buffer.get(..count).unwrap_or_default();
        if count == 0 || to.write_all(read).is_err() {
            break;
        }
        counted.fetch_add(count as u64, Ordering::Relaxed);
    }
    // Whoever still reads learns that no more comes.
    let _ = to.shutdown(Shutdown::Write);
}
