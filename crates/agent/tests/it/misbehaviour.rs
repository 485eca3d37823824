//! Who is turned away, and what it hears: tokens, pins, keys, versions, floods, broken frames.

use std::sync::atomic::Ordering;

use agent::swarm::{Swarm, SwarmOptions, misbehave};
use fleet::FleetEvent;
use stdx::Env;
use wire::{FrameDecoder, GoodbyeCode, Kind};

use crate::harness::{Server, start, until};

fn swarm(server: &Server, agents: usize, series: usize) -> SwarmOptions {
    SwarmOptions {
        prefix: "swarm".to_owned(),
        server: server.address.to_string(),
        pin: server.fleet().pin(),
        token: server.token(agents as u32, 60_000),
        agents,
        series,
        interval_ms: 1_000,
        env: Env::system(),
    }
}

/// The farewell among the frames that came back.
fn goodbye(bytes: &[u8]) -> wire::Goodbye {
    let mut decoder = FrameDecoder::new(1 << 20);
    decoder.push(bytes);
    while let Some(frame) = decoder.next_frame().unwrap() {
        if frame.kind == Kind::Goodbye as u8 {
            return frame.message(Kind::Goodbye).unwrap();
        }
    }
    panic!("no Goodbye in {} bytes", bytes.len());
}

/// Writes what an odd agent sends.
type Frames<'a> = &'a dyn Fn(&mut Vec<u8>);

fn hello(min: u32, max: u32, out: &mut Vec<u8>) {
    let hello = wire::Hello {
        protocol_min: min,
        protocol_max: max,
        ..wire::Hello::default()
    };
    wire::encode_message(Kind::Hello, &hello, out).unwrap();
}

#[test]
fn tokens_are_used_up_expire_and_are_told_apart() {
    let server = Server::new();
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let enrol = |n: usize, token: &str| {
        let options = server.enrol_options(dirs[n].path(), token.to_owned());
        agent::enrol(&options).map_err(|error| error.to_string())
    };
    let once = server.token(1, 60_000);
    enrol(0, &once).unwrap();
    assert!(enrol(1, &once).unwrap_err().contains("used up"));
    let late = server.token(1, -1);
    assert!(enrol(1, &late).unwrap_err().contains("expired"));
    assert!(enrol(1, "nonsense").unwrap_err().contains("not known here"));
    // Again with the same key: the same agent and host.
    enrol(0, &server.token(1, 60_000)).unwrap();
    let rows = server.block_on(server.fleet().agents()).unwrap();
    assert_eq!(
        (rows.len(), server.memory.hosts.lock().unwrap().len()),
        (1, 1)
    );
    let text = std::fs::read_to_string(dirs[0].path().join("agent.toml")).unwrap();
    assert!(text.contains(&rows[0].id.to_string()), "{text}");
}

#[test]
fn another_server_than_the_pinned_one_is_not_told_the_token() {
    let server = Server::new();
    let dir = tempfile::tempdir().unwrap();
    let mut options = server.enrol_options(dir.path(), server.token(1, 60_000));
    options.pin = wire::Pin([7; 32]);
    let error = agent::enrol(&options).unwrap_err().to_string();
    assert!(error.contains("not the server that was pinned"), "{error}");
    assert!(server.memory.hosts.lock().unwrap().is_empty());
}

#[test]
fn a_retired_agent_stays_out_until_it_enrols_again() {
    let server = Server::new();
    let dir = server.enrolled();
    let agent = start(dir.path());
    until("connected", || server.fleet().connected() == 1);
    let id = server.block_on(server.fleet().agents()).unwrap()[0].id;
    server
        .block_on(
            server
                .db
                .write(move |tx| Box::pin(async move { fleet::retire(tx, id).await })),
        )
        .unwrap();
    server.fleet().disconnect(id);
    until("disconnected", || server.fleet().connected() == 0);
    agent.stop();
    let agent = start(dir.path());
    until("a pass is kept", || agent.queue().2 >= 1);
    assert_eq!(server.fleet().connected(), 0);
    agent.stop();
    let options = server.enrol_options(dir.path(), server.token(1, 60_000));
    agent::enrol(&options).unwrap();
    let agent = start(dir.path());
    until("connected again", || server.fleet().connected() == 1);
    agent.stop();
}

#[test]
fn a_wrong_version_and_broken_frames_are_answered_in_words() {
    let server = Server::new();
    let options = swarm(&server, 9, 1);
    let say = |frames: Frames<'_>| goodbye(&misbehave(&options, frames, 3_000).unwrap());
    let newer = say(&|out| hello(99, 100, out));
    assert_eq!(newer.code(), GoodbyeCode::Version);
    assert!(
        newer.reason.contains("update the server first"),
        "{}",
        newer.reason
    );
    let cases: [(Frames<'_>, &str); 5] = [
        (
            &|out| wire::encode_frame(Kind::Samples, b"x", out).unwrap(),
            "first frame must be Hello",
        ),
        (
            &|out| out.extend([0xFF, 0xFF, 0xFF, 0x7F]),
            "the limit is 65536",
        ),
        (
            &|out| {
                hello(1, 1, out);
                out.extend([0xFF, 0xFF, 0xFF, 0x7F]);
            },
            "the limit is 4194304",
        ),
        (
            &|out| {
                hello(1, 1, out);
                out.extend([2, 5, 1, 0, 0, 0, 0]);
            },
            "checksum",
        ),
        (
            &|out| {
                hello(1, 1, out);
                wire::encode_frame(Kind::Samples, &[0xFF; 9], out).unwrap();
            },
            "unknown to this version",
        ),
    ];
    for (frames, part) in cases {
        let goodbye = say(frames);
        assert_eq!(goodbye.code(), GoodbyeCode::Protocol, "{part}");
        assert!(goodbye.reason.contains(part), "{} / {part}", goodbye.reason);
    }
    until("nobody is left", || server.fleet().connected() == 0);
}

#[test]
fn a_repeated_batch_is_acknowledged_and_not_taken_twice() {
    let server = Server::new();
    let options = swarm(&server, 1, 1);
    let now_ms = Env::system().clock.now_ms();
    let heard = misbehave(
        &options,
        &|out| {
            hello(1, 1, out);
            for _ in 0..3 {
                let mut encoder = wire::Encoder::new();
                encoder.define("up", std::iter::empty()).unwrap();
                let mut block = Vec::new();
                let head = wire::BlockHead {
                    seq: 7,
                    time_ms: now_ms,
                    ..Default::default()
                };
                encoder.block(&head, [(0, 1.0)], &mut block).unwrap();
                wire::encode_frame(Kind::Samples, &block, out).unwrap();
            }
        },
        1_000,
    );
    let heard = heard.unwrap();
    let mut decoder = FrameDecoder::new(1 << 20);
    decoder.push(&heard);
    let mut acks = Vec::new();
    while let Some(frame) = decoder.next_frame().unwrap() {
        if frame.kind == Kind::Ack as u8 {
            acks.extend(frame.message::<wire::Ack>(Kind::Ack).unwrap().seqs);
        }
    }
    assert_eq!(acks, [7, 7, 7]);
    assert_eq!(server.batches().len(), 1);
}

#[test]
fn a_flood_of_series_is_cut_and_its_metric_named_to_the_operator() {
    let server = Server::new();
    server.memory.series_max.store(50, Ordering::Relaxed);
    let mut swarm = Swarm::connect(swarm(&server, 1, 80)).unwrap();
    swarm.run(2_500, &Default::default());
    let report = swarm.report();
    assert!(report.acknowledged >= 1 && report.broken == 0, "{report:?}");
    assert!(server.batches().iter().all(|b| b.samples.len() == 50));
    let rows = server.block_on(server.fleet().agents()).unwrap();
    let warning = &rows[0].warnings[0];
    assert_eq!(warning.code, "series-limit");
    assert!(warning.subject.starts_with("bench_metric_"), "{warning:?}");
    assert!(
        server
            .events()
            .iter()
            .any(|e| matches!(e, FleetEvent::Warned(..)))
    );
}

#[test]
fn a_swarm_is_served() {
    let server = Server::new();
    let mut swarm = Swarm::connect(swarm(&server, 20, 50)).unwrap();
    swarm.run(2_500, &Default::default());
    let report = swarm.report();
    assert_eq!(report.broken, 0);
    assert!(
        report.acknowledged >= 20,
        "{} of {}",
        report.acknowledged,
        report.sent
    );
    assert_eq!(server.fleet().connected(), 20);
}
