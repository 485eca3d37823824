//! What people, tokens and later stages do to problems, one by one and in bulk.

use std::collections::BTreeMap;
use std::sync::Arc;

use db::Db;
use model::ProblemId;
use model::flow::Command;
use model::limits::BULK_ROWS_MAX;

use crate::decide::{CommandError, command};
use crate::error::{ProblemError, Result};
use crate::model::Problem;
use crate::service::save;
use crate::store;

impl From<(CommandError, &Problem)> for ProblemError {
    fn from((error, problem): (CommandError, &Problem)) -> Self {
        match error {
            CommandError::Closed => Self::Closed(problem.label()),
            CommandError::Field(field, reason) => Self::Field { field, reason },
        }
    }
}

/// The problem that a command is about.
const fn subject(command: &Command) -> ProblemId {
    match command {
        Command::Acknowledge { problem, .. }
        | Command::Unacknowledge { problem }
        | Command::Comment { problem, .. }
        | Command::Snooze { problem, .. }
        | Command::Assign { problem, .. }
        | Command::Close { problem, .. } => *problem,
    }
}

/// The same command about another problem.
fn about(command: &Command, id: ProblemId) -> Command {
    let mut command = command.clone();
    match &mut command {
        Command::Acknowledge { problem, .. }
        | Command::Unacknowledge { problem }
        | Command::Comment { problem, .. }
        | Command::Snooze { problem, .. }
        | Command::Assign { problem, .. }
        | Command::Close { problem, .. } => *problem = id,
    }
    command
}

/// Carries out a command; the problem as it is then.
///
/// # Errors
/// When there is no such problem, it is closed, or a field is wrong.
pub async fn act(db: &Db, order: Command, actor: &str) -> Result<Problem> {
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let id = subject(&order);
            let found = store::problem::by_ids(tx, &[id]).await?.remove(&id);
            let not_found = || ProblemError::NotFound {
                what: "problem",
                id: id.to_string(),
            };
            let problem = found.ok_or_else(not_found)?;
            let decided = command(&problem, &order, &actor, tx.now_ms());
            match decided.map_err(|error| ProblemError::from((error, &problem)))? {
                None => Ok(problem),
                Some(change) => {
                    let after = change.problem.clone();
                    save(tx, vec![change]).await?;
                    Ok(after)
                }
            }
        })
    })
    .await
}

/// What an action on many rows did.
#[derive(Clone, Debug, Default)]
pub struct Bulk {
    /// Those it was carried out on.
    pub done: Vec<ProblemId>,
    /// Those it was not, and why.
    pub refused: BTreeMap<ProblemId, String>,
}

/// Carries out the same command on many problems, all in one transaction; refused ones do not stop
/// the others.
///
/// # Errors
/// When there are too many, or the store fails.
pub async fn act_on_many(
    db: &Db,
    order: Command,
    ids: Vec<ProblemId>,
    actor: &str,
) -> Result<Bulk> {
    if ids.len() > BULK_ROWS_MAX {
        return Err(ProblemError::Field {
            field: "ids",
            reason: "problem.check.too_many",
        });
    }
    let (actor, ids): (_, Arc<[ProblemId]>) = (actor.to_owned(), ids.into());
    db.write(move |tx| {
        Box::pin(async move {
            let found = store::problem::by_ids(tx, &ids).await?;
            let (mut bulk, mut changes) = (Bulk::default(), Vec::new());
            for &id in ids.iter() {
                let Some(problem) = found.get(&id) else {
                    let error = ProblemError::NotFound {
                        what: "problem",
                        id: id.to_string(),
                    };
                    bulk.refused.insert(id, error.to_string());
                    continue;
                };
                match command(problem, &about(&order, id), &actor, tx.now_ms()) {
                    Ok(change) => {
                        bulk.done.push(id);
                        changes.extend(change);
                    }
                    Err(error) => {
                        let error = ProblemError::from((error, problem));
                        bulk.refused.insert(id, error.to_string());
                    }
                }
            }
            save(tx, changes).await?;
            Ok(bulk)
        })
    })
    .await
}
