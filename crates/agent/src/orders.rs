//! Orders: handed to the runner, which alone decides; what becomes of them goes back to the server.

use std::sync::Arc;

use exec::runner::{Answer, Client, Event};
use exec::{Chunk, Ended, Report, SignedOrder, Stream};
use prost::Message as _;
use wire::{Kind, OrderEnd, OrderEvent, OrderFinished, OrderOutput, OrderResult, OrderStarted};

use crate::shared::Shared;

/// Hands an order over in a thread of its own.
pub(crate) fn carry_out(shared: &Arc<Shared>, connection: u64, order: wire::Order) {
    let id = order.order;
    let thread_shared = shared.clone();
    let thread = std::thread::Builder::new()
        .name("order".into())
        .stack_size(128 * 1024);
    let started = thread.spawn(move || {
        let shared = thread_shared;
        let mut tell = |event: OrderEvent| send(&shared, connection, id, event);
        let last = hand_over(&shared, &order.signed, &mut tell);
        tell(last);
    });
    if let Err(error) = started {
        let why = format!("the agent has no thread for it: {error}");
        send(shared, connection, id, OrderEvent::Refused(why));
    }
}

fn send(shared: &Shared, connection: u64, order: u64, event: OrderEvent) {
    let result = OrderResult {
        order,
        event: Some(event),
    };
    shared.answer(connection, Kind::OrderResult, result.encode_to_vec());
}

fn hand_over(shared: &Shared, signed: &[u8], tell: &mut dyn FnMut(OrderEvent)) -> OrderEvent {
    let Ok(signed) = SignedOrder::decode(signed) else {
        return OrderEvent::Refused("the order cannot be read".to_owned());
    };
    let answer = Client::connect(&shared.settings.runner_socket)
        .and_then(|client| client.run(&signed, &mut |event| tell(event_to_wire(event))));
    match answer {
        Ok(Answer::Finished(report)) => OrderEvent::Finished(Box::new(report_to_wire(&report))),
        Ok(Answer::Refused(why)) => OrderEvent::Refused(why),
        Err(error) => OrderEvent::Refused(error.to_string()),
    }
}

fn event_to_wire(event: Event) -> OrderEvent {
    match event {
        Event::Started { name, user } => OrderEvent::Started(OrderStarted { name, user }),
        Event::Output(chunk) => OrderEvent::Output(chunk_to_wire(&chunk)),
    }
}

fn chunk_to_wire(chunk: &Chunk) -> OrderOutput {
    OrderOutput {
        at_ms: chunk.at_ms,
        stderr: chunk.stream == Stream::Err,
        bytes: chunk.bytes.clone(),
    }
}

fn report_to_wire(report: &Report) -> OrderFinished {
    let (end, code) = match report.ended {
        Ended::Exit(code) => (OrderEnd::Exit, code),
        Ended::Signal(signal) => (OrderEnd::Signal, signal),
        Ended::TimeLimit { killed: false } => (OrderEnd::TimeLimit, 0),
        Ended::TimeLimit { killed: true } => (OrderEnd::Killed, 0),
        Ended::OutputLimit => (OrderEnd::OutputLimit, 0),
        Ended::Cancelled => (OrderEnd::Cancelled, 0),
    };
    OrderFinished {
        end: end as i32,
        code,
        started_ms: report.started_at_ms,
        duration_ms: report.duration_ms,
        user_s: report.usage.user_s,
        system_s: report.usage.system_s,
        memory_bytes_max: report.usage.memory_bytes_max,
        leftovers_killed: report.leftovers_killed,
        survivors: report.survivors,
        containment: report.containment.to_owned(),
        transcript: report
            .transcript
            .head()
            .iter()
            .chain(report.transcript.tail())
            .map(chunk_to_wire)
            .collect(),
        dropped_bytes: report.transcript.dropped_bytes(),
    }
}
