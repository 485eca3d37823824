//! Carrying out run orders, and verifying that they helped.

use std::sync::Arc;

use db::{Db, Tx};
use jobs::{Delivery, Failure, Handler};
use model::flow::{Outcome, RunOrder, RunResult, decode};
use stdx::Env;

use crate::decide::{Situation, admit};
use crate::ports::{Ended, Hands, NotCarriedOut, RunReport, RunRequest};
use crate::service::leave;
use crate::{RemedyError, Run, RunState, Script, store};

/// How long a run may stay `running` beyond its time limit before it counts as lost: an order's
/// whole life, and the way back.
const LOST_AFTER_MS: i64 = 2 * model::limits::ORDER_EXPIRY_MS_MAX;

/// Takes orders, and brings runs to their end.
#[derive(Clone)]
pub struct Surgeon {
    db: Db,
    env: Env,
    hands: Arc<dyn Hands>,
}

impl Surgeon {
    /// A surgeon with these hands.
    #[must_use]
    pub fn new(db: Db, env: Env, hands: Arc<dyn Hands>) -> Self {
        Self { db, env, hands }
    }

    /// Writes the run down, refused or running; nothing when it was begun before.
    async fn begin(&self, order: RunOrder) -> Result<Option<(Run, Script)>, RemedyError> {
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let Some(script) = store::script(tx, order.script).await? else {
                        return Err(RemedyError::NotFound("this script"));
                    };
                    let now_ms = tx.now_ms();
                    let refusal = judge(tx, &order, &script, now_ms).await?;
                    let refused = refusal.is_some();
                    let run = run_of(&order, &script, refusal, now_ms);
                    if !store::insert_run(tx, &run).await? {
                        return Ok(None);
                    }
                    let result = if refused {
                        RunResult::Refused
                    } else {
                        RunResult::Started
                    };
                    tell(tx, &run, result, now_ms).await?;
                    Ok((!refused).then_some((run, script)))
                })
            })
            .await
    }

    async fn operate(&self, run: &Run, script: &Script) -> Result<RunReport, NotCarriedOut> {
        let request = |body: &str| RunRequest {
            run: run.id,
            body: body.to_owned(),
            environment: environment(run),
            run_as: script.draft.run_as.clone(),
            time_limit_ms: script.draft.time_limit_ms,
            dry_run: run.dry_run,
        };
        let precondition = &script.draft.precondition;
        if !precondition.is_empty() {
            let report = self
                .hands
                .carry_out(run.host, request(precondition))
                .await?;
            if report.ended != Ended::Exit(0) {
                let why = format!("its precondition does not hold ({})", said(report.ended));
                return Err(NotCarriedOut::Refused(why));
            }
        }
        self.hands
            .carry_out(run.host, request(&script.draft.body))
            .await
    }

    async fn finish(
        &self,
        mut run: Run,
        ended: Result<RunReport, NotCarriedOut>,
        script: Script,
    ) -> Result<(), RemedyError> {
        let now_ms = self.env.clock.now_ms();
        let verify_ms = i64::try_from(script.draft.verify_ms).unwrap_or(i64::MAX);
        let result = settle(&mut run, ended, now_ms, verify_ms);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    store::save_run(tx, &run).await?;
                    tell(tx, &run, result, now_ms).await
                })
            })
            .await
    }

    /// Ends the runs that were under way when this server died; to be called once at its start, before
    /// any order is handled. What they did is unknown, and whoever waits for them must hear of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover(&self) -> Result<(), RemedyError> {
        let now_ms = self.env.clock.now_ms();
        for mut run in store::open_runs(&mut self.db.reader()).await? {
            if run.state != RunState::Running {
                continue;
            }
            run.state = RunState::Unreachable;
            run.ended_ms = Some(now_ms);
            "the server restarted while it ran; what it did is unknown"
                .clone_into(&mut run.summary);
            self.db
                .write(move |tx: &mut Tx| {
                    Box::pin(async move {
                        store::save_run(tx, &run).await?;
                        tell(tx, &run, RunResult::Unreachable, now_ms).await
                    })
                })
                .await?;
        }
        Ok(())
    }

    /// Ends runs that wait: verified when their problem is closed, not verified when their time is
    /// over, unreachable when their server died. To be called often; takes no input.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reconcile(&self) -> Result<(), RemedyError> {
        for run in store::open_runs(&mut self.db.reader()).await? {
            let now_ms = self.env.clock.now_ms();
            let open = match run.problem {
                Some(problem) => store::open_problem(&mut self.db.reader(), problem).await?,
                None => false,
            };
            let Some((run, result)) = reviewed(run, open, now_ms) else {
                continue;
            };
            self.db
                .write(move |tx: &mut Tx| {
                    Box::pin(async move {
                        store::save_run(tx, &run).await?;
                        tell(tx, &run, result, now_ms).await
                    })
                })
                .await?;
        }
        Ok(())
    }
}

impl Handler for Surgeon {
    /// One order from the outbox. A run that was begun before (the server died in between) is not
    /// sent a second time.
    async fn handle(&self, delivery: Delivery) -> Result<(), Failure> {
        let order: RunOrder = decode(&delivery.payload).map_err(|error| Failure::never(&error))?;
        let begun = self
            .begin(order)
            .await
            .map_err(|error| Failure::retry(&error))?;
        let Some((run, script)) = begun else {
            return Ok(());
        };
        let ended = self.operate(&run, &script).await;
        self.finish(run, ended, script)
            .await
            .map_err(|error| Failure::retry(&error))
    }
}

async fn judge(
    tx: &mut Tx,
    order: &RunOrder,
    script: &Script,
    now_ms: i64,
) -> Result<Option<String>, RemedyError> {
    let window_ms = script.draft.window_ms.max(script.draft.cooldown_ms);
    let since_ms = now_ms.saturating_sub_unsigned(window_ms);
    let switch = store::kill_switch(tx).await?;
    let at_work = store::at_work(tx, script.id, order.host).await?;
    let ordered_ms = store::lately_ordered(tx, script.id, order.host, since_ms).await?;
    let situation = Situation {
        script,
        switch: switch.as_ref(),
        automatic: order.by.is_none(),
        at_work,
        ordered_ms: &ordered_ms,
        now_ms,
        dry_run: order.dry_run,
    };
    Ok(admit(situation).err().map(|refusal| refusal.to_string()))
}

fn run_of(order: &RunOrder, script: &Script, refusal: Option<String>, now_ms: i64) -> Run {
    let state = if refusal.is_some() {
        RunState::Refused
    } else {
        RunState::Running
    };
    Run {
        id: order.run,
        script: script.id,
        script_name: script.draft.name.clone(),
        script_version: script.version,
        problem: order.problem,
        host: order.host,
        target: order.target.clone(),
        by: order.by.map(|user| user.to_string()),
        dry_run: order.dry_run,
        state,
        summary: refusal.clone().unwrap_or_default(),
        transcript: String::new(),
        exit_code: None,
        ordered_ms: now_ms,
        ended_ms: refusal.map(|_| now_ms),
        verify_until_ms: None,
    }
}

/// What the end of the program means for the run.
fn settle(
    run: &mut Run,
    ended: Result<RunReport, NotCarriedOut>,
    now_ms: i64,
    verify_ms: i64,
) -> RunResult {
    run.ended_ms = Some(now_ms);
    let report = match ended {
        Ok(report) => report,
        Err(error) => {
            run.summary = error.to_string();
            let refused = matches!(error, NotCarriedOut::Refused(_));
            run.state = if refused {
                RunState::Refused
            } else {
                RunState::Unreachable
            };
            return if refused {
                RunResult::Refused
            } else {
                RunResult::Unreachable
            };
        }
    };
    run.transcript = report.transcript;
    run.summary = format!("{} after {} ms", said(report.ended), report.duration_ms);
    run.exit_code = match report.ended {
        Ended::Exit(code) => Some(code),
        _ => None,
    };
    if report.ended != Ended::Exit(0) {
        run.state = RunState::Failed;
        return RunResult::Failed;
    }
    if run.problem.is_none() || run.dry_run {
        run.state = RunState::Succeeded;
    } else {
        run.state = RunState::Verifying;
        run.verify_until_ms = Some(now_ms.saturating_add(verify_ms));
    }
    RunResult::Succeeded
}

/// The next state of a waiting run, if it has one now.
fn reviewed(mut run: Run, problem_open: bool, now_ms: i64) -> Option<(Run, RunResult)> {
    match run.state {
        RunState::Verifying if !problem_open => {
            run.state = RunState::Verified;
            run.summary.push_str("; verified: the problem is over");
            Some((run, RunResult::Verified))
        }
        RunState::Verifying if run.verify_until_ms.is_none_or(|until| until <= now_ms) => {
            run.state = RunState::NotVerified;
            run.summary
                .push_str("; not verified: the problem is still open");
            Some((run, RunResult::NotVerified))
        }
        RunState::Running => {
            let limit_ms = i64::try_from(model::limits::RUN_TIME_MS_MAX).unwrap_or(i64::MAX);
            let lost_ms = run
                .ordered_ms
                .saturating_add(limit_ms)
                .saturating_add(LOST_AFTER_MS);
            if now_ms < lost_ms {
                return None;
            }
            run.state = RunState::Unreachable;
            run.ended_ms = Some(now_ms);
            run.summary = "its answer never came; what it did is unknown".to_owned();
            Some((run, RunResult::Unreachable))
        }
        _ => None,
    }
}

fn said(ended: Ended) -> String {
    match ended {
        Ended::Exit(code) => format!("exit code {code}"),
        Ended::Signal(signal) => format!("ended by signal {signal}"),
        Ended::TimeLimit => "stopped at its time limit".to_owned(),
        Ended::OutputLimit => "stopped at its output limit".to_owned(),
        Ended::Cancelled => "cancelled".to_owned(),
    }
}

fn environment(run: &Run) -> Vec<(String, String)> {
    let mut environment = vec![("BONGSU_RUN".to_owned(), run.id.to_string())];
    if let Some(problem) = run.problem {
        environment.push(("BONGSU_PROBLEM".to_owned(), problem.to_string()));
    }
    if let Some(target) = &run.target {
        environment.push(("BONGSU_TARGET_KIND".to_owned(), target.kind.to_string()));
        environment.push(("BONGSU_TARGET_KEY".to_owned(), target.key.clone()));
    }
    if run.dry_run {
        environment.push(("BONGSU_DRY_RUN".to_owned(), "1".to_owned()));
    }
    environment
}

/// Leaves the outcome for the problem; a run without one leaves nothing.
async fn tell(tx: &mut Tx, run: &Run, result: RunResult, at_ms: i64) -> Result<(), RemedyError> {
    tx.hint(crate::CHANGED);
    if run.problem.is_none() {
        return Ok(());
    }
    let outcome = Outcome::Run {
        run: run.id,
        script: run.script_name.clone(),
        problem: run.problem,
        result,
        summary: run.summary.clone(),
        at_ms,
    };
    leave(tx, &format!("{}/{}", run.id, run.state.name()), &outcome).await
}
