//! The way of a recovery script to its host: an order, signed here, carried by the fleet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use db::BoxFuture;
use ed25519_dalek::SigningKey;
use exec::{Order, OrderKind, Stream, Transcript};
use fleet::{Fleet, NotReached};
use model::{CiId, limits};
use prost::Message;
use remedy::{Ended, Hands, NotCarriedOut, RunReport, RunRequest};
use stdx::Env;
use wire::{OrderEnd, OrderEvent, OrderFinished};

/// The id of the key that signs; agents learn its public half with their configuration.
pub(crate) const ORDER_KEY_ID: &str = "server-1";
/// How long an order may be carried out after it was signed, in milliseconds.
const ORDER_LIFE_MS: i64 = 60_000;
const _: () = assert!(ORDER_LIFE_MS <= limits::ORDER_EXPIRY_MS_MAX);
/// How much longer than its time limit a run may take to answer: precondition of the road, not of the
/// script.
const ANSWER_GRACE: Duration = Duration::from_secs(30);

/// Signs and sends.
#[derive(Clone)]
pub(crate) struct Signer {
    fleet: Fleet,
    key: SigningKey,
    env: Env,
    sequence: Arc<AtomicU64>,
}

impl Signer {
    /// A signer whose sequence goes on after everything signed before: it is the clock's
    /// milliseconds, and never less than the last plus one.
    pub(crate) fn new(fleet: Fleet, key: SigningKey, env: Env) -> Self {
        Self {
            fleet,
            key,
            env,
            sequence: Arc::default(),
        }
    }

    fn next_sequence(&self) -> u64 {
        let now = u64::try_from(self.env.clock.now_ms()).unwrap_or(0);
        let step = |last: u64| Some(now.max(last.saturating_add(1)));
        let before = self
            .sequence
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .unwrap_or(0);
        now.max(before.saturating_add(1))
    }

    fn signed(&self, agent: model::AgentId, request: &RunRequest) -> Vec<u8> {
        let order = Order {
            key_id: ORDER_KEY_ID.to_owned(),
            agent_id: agent.to_string(),
            sequence: self.next_sequence(),
            expires_at_ms: self.env.clock.now_ms().saturating_add(ORDER_LIFE_MS),
            kind: OrderKind::Script.into(),
            run: request.run.to_string(),
            script: request.body.clone().into_bytes(),
            environment: request.environment.iter().cloned().collect(),
            user: request.run_as.clone(),
            time_ms: request.time_limit_ms,
            dry_run: request.dry_run,
            ..Order::default()
        };
        order.sign(&self.key).encode_to_vec()
    }

    async fn send(&self, host: CiId, request: RunRequest) -> Result<RunReport, NotCarriedOut> {
        let lost = |why: &str| NotCarriedOut::Unreachable(why.to_owned());
        let agent = self
            .fleet
            .agent_of(host)
            .ok_or_else(|| lost("the agent is not connected"))?;
        let signed = self.signed(agent, &request);
        let mut events = self
            .fleet
            .send_order(host, signed)
            .map_err(|error| match error {
                NotReached::Refused(why) => NotCarriedOut::Refused(why),
                other => NotCarriedOut::Unreachable(other.to_string()),
            })?;
        while let Some(event) = events.recv().await {
            match event {
                OrderEvent::Finished(finished) => return Ok(told(*finished)),
                OrderEvent::Refused(why) => return Err(NotCarriedOut::Refused(why)),
                OrderEvent::Started(_) | OrderEvent::Output(_) => {}
            }
        }
        Err(lost(
            "the connection was lost while it ran; what it did is unknown",
        ))
    }
}

impl Hands for Signer {
    fn carry_out(
        &self,
        host: CiId,
        request: RunRequest,
    ) -> BoxFuture<'_, Result<RunReport, NotCarriedOut>> {
        Box::pin(async move {
            let patience = Duration::from_millis(request.time_limit_ms) + ANSWER_GRACE;
            let sent = tokio::time::timeout(patience, self.send(host, request)).await;
            sent.unwrap_or_else(|_| {
                let why = "its answer did not come in time; what it did is unknown";
                Err(NotCarriedOut::Unreachable(why.to_owned()))
            })
        })
    }
}

fn told(finished: OrderFinished) -> RunReport {
    let ended = match finished.end() {
        OrderEnd::Exit | OrderEnd::Unspecified => Ended::Exit(finished.code),
        OrderEnd::Signal => Ended::Signal(finished.code),
        OrderEnd::TimeLimit | OrderEnd::Killed => Ended::TimeLimit,
        OrderEnd::OutputLimit => Ended::OutputLimit,
        OrderEnd::Cancelled => Ended::Cancelled,
    };
    let mut transcript = Transcript::new(limits::RUN_OUTPUT_BYTES_MAX);
    for output in finished.transcript {
        let stream = if output.stderr {
            Stream::Err
        } else {
            Stream::Out
        };
        transcript.push(output.at_ms, stream, &output.bytes);
    }
    let mut text = transcript.to_text();
    if finished.dropped_bytes > 0 {
        text.push_str(&format!(
            "\n… {} bytes left out in the middle …\n",
            finished.dropped_bytes
        ));
    }
    RunReport {
        ended,
        transcript: text,
        duration_ms: finished.duration_ms,
    }
}
