//! Runs: listed, and started by hand.

use db::Tx;
use jobs::Post;
use model::flow::{Message, RunOrder, encode};
use model::{CiId, ProblemId, RunId, ScriptId, Target, UserId};

use super::Remedies;
use crate::{RemedyError, Run, RunFilter, store};

/// What a person asks for.
#[derive(Clone, Debug)]
pub struct ManualRun {
    /// Which script.
    pub script: ScriptId,
    /// Where.
    pub host: CiId,
    /// What it is to repair.
    pub problem: Option<ProblemId>,
    /// What it is about.
    pub target: Option<Target>,
    /// Only to say what would be done.
    pub dry_run: bool,
    /// Who asks.
    pub by: UserId,
}

impl Remedies {
    /// Runs, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>, RemedyError> {
        Ok(store::runs(&mut self.db.reader(), filter).await?)
    }

    /// One run with its transcript.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn run(&self, id: RunId) -> Result<Run, RemedyError> {
        let found = store::run(&mut self.db.reader(), id).await?;
        found.ok_or(RemedyError::NotFound("this run"))
    }

    /// Leaves the order for a run by hand; the guards decide when it is taken up.
    ///
    /// # Errors
    /// When the script does not exist, or the store fails.
    pub async fn start(&self, wanted: ManualRun) -> Result<RunId, RemedyError> {
        self.script(wanted.script).await?;
        let order = RunOrder {
            run: RunId::new(&self.env),
            script: wanted.script,
            problem: wanted.problem,
            host: wanted.host,
            target: wanted.target,
            by: Some(wanted.by),
            dry_run: wanted.dry_run,
            at_ms: self.env.clock.now_ms(),
        };
        let run = order.run;
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move { leave(tx, &run.to_string(), &order).await })
            })
            .await?;
        Ok(run)
    }
}

/// Leaves a message for a later stage in the same transaction.
pub(crate) async fn leave<T: Message>(
    tx: &mut Tx,
    key: &str,
    message: &T,
) -> Result<(), RemedyError> {
    let text = encode(message).map_err(|error| RemedyError::Message(error.to_string()))?;
    let payload: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| RemedyError::Message(error.to_string()))?;
    jobs::put(tx, Post::new(T::KIND, &payload)?.key(key)).await?;
    Ok(())
}
