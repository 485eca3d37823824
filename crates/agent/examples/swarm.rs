//! Pretended agents that a bench steers line by line: they load a server, and cross thresholds.
//!
//! `swarm SERVER PIN TOKEN AGENTS SERIES INTERVAL_MS PREFIX` enrols and connects them and says
//! `{"ready": AGENTS}`. Passes go out at the interval. Then, a line each on the standard input:
//! `hold AGENT SERIES VALUE` gives a series a value from the next pass on (`*` for all agents),
//! `send AGENT` sends a pass at once (`*` as well), `reconnect AGENT` connects again and says
//! `{"connected": AGENTS}`, `report` says what was sent. The end of the input ends it.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use agent::swarm::{Swarm, SwarmOptions};
use stdx::{Clock as _, Env, SystemClock};

/// How long passes go on before it is looked whether a line came, in milliseconds: a few agents
/// answer at once, many are not to be asked a thousand times a second.
const ROUND_MS: [u64; 2] = [1, 20];
/// What counts as a few.
const FEW: usize = 10;
/// How long a gone server is tried, in milliseconds.
const RECONNECT_MS: u64 = 60_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [server, pin, token, agents, series, interval_ms, prefix] = arguments else {
        return Err("give SERVER PIN TOKEN AGENTS SERIES INTERVAL_MS PREFIX".into());
    };
    let options = SwarmOptions {
        server: server.clone(),
        pin: pin.parse()?,
        token: token.clone(),
        agents: agents.parse()?,
        series: series.parse()?,
        interval_ms: interval_ms.parse()?,
        prefix: prefix.clone(),
        env: Env::system(),
    };
    let mut swarm = Swarm::connect(options)?;
    say(&format!("{{\"ready\": {}}}", swarm.agents()));
    let lines = lines();
    let never = AtomicBool::new(false);
    let [few_ms, many_ms] = ROUND_MS;
    let round_ms = if swarm.agents() <= FEW {
        few_ms
    } else {
        many_ms
    };
    loop {
        match lines.try_recv() {
            Ok(line) => obey(&mut swarm, &line)?,
            Err(TryRecvError::Empty) => swarm.run(round_ms, &never),
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
    }
}

/// The lines of the standard input, as they come.
fn lines() -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

fn obey(swarm: &mut Swarm, line: &str) -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let agents = |word: &str, swarm: &Swarm| -> Result<_, std::num::ParseIntError> {
        Ok(match word {
            "*" => 0..swarm.agents(),
            one => one.parse().map(|n: usize| n..n + 1)?,
        })
    };
    match words.as_slice() {
        ["hold", who, series, value] => {
            let (series, value) = (series.parse()?, value.parse()?);
            agents(who, swarm)?.for_each(|agent| swarm.hold(agent, series, value));
        }
        ["send", who] => agents(who, swarm)?.for_each(|agent| swarm.send_now(agent)),
        ["reconnect", who] => {
            let clock = SystemClock::new();
            for agent in agents(who, swarm)? {
                while let Err(error) = swarm.reconnect(agent) {
                    if clock.mono_ns() > RECONNECT_MS * 1_000_000 {
                        return Err(error.into());
                    }
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            }
            say(&format!("{{\"connected\": {}}}", swarm.agents()));
        }
        ["report"] => {
            let report = swarm.report();
            say(&format!(
                "{{\"sent\": {}, \"acknowledged\": {}, \"broken\": {}, \"bytes\": {}, \
                 \"ack_ms_p50\": {}, \"ack_ms_p99\": {}}}",
                report.sent,
                report.acknowledged,
                report.broken,
                report.bytes,
                report.ack_ms_at(0.5),
                report.ack_ms_at(0.99)
            ));
        }
        _ => return Err(format!("`{line}` is no command").into()),
    }
    Ok(())
}

fn say(line: &str) {
    println!("{line}");
    // Whoever steers waits for the line.
    let _ = std::io::stdout().flush();
}
