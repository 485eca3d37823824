//! The connecting thread: one server at a time, again and again, with patience.
//!
//! Takes: fresh passes, the queue's backlog, what there is to tell. Leaves: acknowledgements in the
//! queue, the server's time and wishes. Never: measures anything.

mod conn;
mod talk;

use std::sync::Arc;

use rustls::ClientConfig;
use stdx::Backoff;

use crate::error::AgentError;
use crate::facts;
use crate::http;
use crate::shared::{Shared, readable, wait};
pub(crate) use conn::Conn;
use talk::{Over, Talk};

/// Waits between attempts.
const BACKOFF: Backoff = Backoff {
    first_ms: 500,
    cap_ms: 30_000,
};
/// A connection that held this long was a good one: the next attempt comes soon.
const GOOD_MS: u64 = 30_000;
/// When the server does not want this agent, asking often does not help.
const REFUSED_MS: u64 = 60_000;
/// When the server cannot take samples now.
const NOT_NOW_MS: u64 = 5_000;

/// Connects and talks until the agent stops.
pub(crate) fn run(shared: &Arc<Shared>, config: &Arc<ClientConfig>) {
    let clock = shared.env.clock.clone();
    let (mut attempt, mut number) = (0, 0);
    let mut said = String::new();
    while !shared.is_stopping() {
        number += 1;
        let start_ns = clock.mono_ns();
        let over = connect(shared, config).and_then(|conn| converse(shared, conn, number));
        shared.hand().connected = false;
        drop_fresh(shared);
        let over = over.err().unwrap_or(Over::Stopped);
        if matches!(over, Over::Stopped) {
            return;
        }
        if clock.mono_ns().saturating_sub(start_ns) / 1_000_000 >= GOOD_MS {
            (attempt, said) = (0, String::new());
        }
        let wait_ms = match &over {
            Over::Refused(_) => REFUSED_MS.max(BACKOFF.wait_ms(attempt, &*shared.env.entropy)),
            Over::NotNow(_) => NOT_NOW_MS.max(BACKOFF.wait_ms(attempt, &*shared.env.entropy)),
            Over::Broken(_) | Over::Stopped => BACKOFF.wait_ms(attempt, &*shared.env.entropy),
        };
        attempt = attempt.saturating_add(1);
        let text = over.to_string();
        if text != said {
            // Said once, not with every attempt of a long night.
            shared.log("WARN", format_args!("{}: {text}", shared.settings.server));
            said = text;
        }
        rest(shared, wait_ms);
    }
}

/// Waits, but not longer than the agent runs.
fn rest(shared: &Shared, wait_ms: u64) {
    let clock = &*shared.env.clock;
    let until_ns = clock.mono_ns().saturating_add(wait_ms * 1_000_000);
    while !shared.is_stopping() {
        let left_ms = until_ns.saturating_sub(clock.mono_ns()) / 1_000_000;
        if left_ms == 0 {
            return;
        }
        wait(&mut [readable(shared.link.fd())], left_ms);
        shared.link.settle();
    }
}

fn connect(shared: &Shared, config: &Arc<ClientConfig>) -> Result<Conn, Over> {
    let server = &shared.settings.server;
    let mut stream = http::connect(server, config)?;
    let answer = http::upgrade(&mut stream, server)?;
    match answer.status {
        101 => Ok(Conn::new(stream, &answer.body)?),
        401 | 403 | 410 | 426 => Err(Over::Refused(answer.text())),
        _ => Err(Over::Broken(answer.text())),
    }
}

/// Fresh passes that were not sent before the connection ended.
fn drop_fresh(shared: &Shared) {
    let fresh = std::mem::take(&mut shared.hand().fresh);
    for missed in fresh {
        shared.missed(&missed);
    }
}

fn converse(shared: &Arc<Shared>, mut conn: Conn, number: u64) -> Result<(), Over> {
    let mut talk = Talk::new(shared.clone(), number);
    talk.hello(&facts::boot_id(&shared.root), conn.out())?;
    let ended = exchange(shared, &mut conn, &mut talk);
    talk.end();
    let (sent, received) = conn.bytes();
    shared.log(
        "INFO",
        format_args!("connection over: {sent} bytes sent, {received} received"),
    );
    if matches!(ended, Err(Over::Stopped)) {
        talk.goodbye(conn.out());
        conn.close();
    }
    ended
}

fn exchange(shared: &Shared, conn: &mut Conn, talk: &mut Talk) -> Result<(), Over> {
    loop {
        while let Some(frame) = conn
            .frames
            .next_frame()
            .map_err(|e| Over::Broken(e.to_string()))?
        {
            talk.frame(frame)?;
        }
        if shared.is_stopping() {
            return Err(Over::Stopped);
        }
        let room = conn.has_room();
        let wait_ms = talk.fill(room, conn.out())?;
        conn.flush()?;
        wait(&mut [conn.poll_fd(), readable(shared.link.fd())], wait_ms);
        shared.link.settle();
        if conn.receive()? {
            talk.heard();
        }
    }
}

/// Asks the server to take this host in; the key of `config` is what it will know us by.
pub(crate) fn enrol(
    server: &str,
    config: &Arc<ClientConfig>,
    request: &wire::EnrolRequest,
) -> Result<wire::EnrolReply, AgentError> {
    let failed = |what: String| AgentError::Server {
        server: server.to_owned(),
        what,
    };
    let body = prost::Message::encode_to_vec(request);
    let answer = http::connect(server, config)
        .and_then(|mut stream| http::post(&mut stream, server, "/enrol", &body))
        .map_err(|error| failed(error.to_string()))?;
    if answer.status != 200 {
        return Err(failed(answer.text()));
    }
    prost::Message::decode(answer.body.as_slice()).map_err(|error| failed(error.to_string()))
}
