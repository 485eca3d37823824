//! What people do to a problem: take it, write, snooze, assign, close.

use model::Severity;
use model::flow::{Command, DispatchEvent, Hold};
use model::limits::COMMENT_CHARS_MAX;
use serde_json::json;

use super::Change;
use super::notice::{Draft, tell};
use super::step::end;
use crate::model::{Acknowledged, CloseReason, EntryKind, NewEntry, Problem};

/// Why a command was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CommandError {
    /// The problem is over; only comments are still taken.
    Closed,
    /// A field is wrong, with the catalogue key of the reason.
    Field(&'static str, &'static str),
}

/// Applies a command; nothing when it changes nothing, such as taking what one has taken.
///
/// # Errors
/// When the problem is closed or a field is wrong.
pub fn command(
    problem: &Problem,
    command: &Command,
    actor: &str,
    now_ms: i64,
) -> Result<Option<Change>, CommandError> {
    if !problem.is_open() && !matches!(command, Command::Comment { .. }) {
        return Err(CommandError::Closed);
    }
    check_fields(command, now_ms)?;
    let mut change = Change::of(problem.clone());
    let entry = |kind, text: &str, data| NewEntry {
        kind,
        at_ms: now_ms,
        actor: actor.to_owned(),
        text: text.trim().to_owned(),
        data,
    };
    let made = match command {
        Command::Acknowledge { comment, .. } => {
            let mine = problem
                .acknowledged
                .as_ref()
                .is_some_and(|taken| taken.by == actor);
            if mine && comment.trim().is_empty() {
                return Ok(None);
            }
            if !mine {
                let taken = Acknowledged {
                    by: actor.to_owned(),
                    at_ms: now_ms,
                };
                change.problem.acknowledged = Some(taken);
            }
            entry(EntryKind::Acknowledged, comment, json!({}))
        }
        Command::Unacknowledge { .. } => {
            if change.problem.acknowledged.take().is_none() {
                return Ok(None);
            }
            entry(EntryKind::Unacknowledged, "", json!({}))
        }
        Command::Comment { comment, .. } => entry(EntryKind::Comment, comment, json!({})),
        Command::Snooze {
            until_ms, comment, ..
        } => {
            snooze(&mut change.problem, *until_ms);
            entry(EntryKind::Snoozed, comment, json!({ "until_ms": until_ms }))
        }
        Command::Assign { to, .. } => {
            if problem.assignee == *to {
                return Ok(None);
            }
            change.problem.assignee = *to;
            match to {
                Some(to) => entry(EntryKind::Assigned, "", json!({ "to": to })),
                None => entry(EntryKind::Unassigned, "", json!({})),
            }
        }
        Command::Close { comment, .. } => {
            return Ok(Some(close(
                problem,
                CloseReason::Hand,
                (actor, comment),
                now_ms,
            )));
        }
    };
    change.entries.push(made);
    Ok(Some(change))
}

/// Ends a problem although its condition may hold; told people hear of it.
#[must_use]
pub fn close(
    problem: &Problem,
    reason: CloseReason,
    (actor, comment): (&str, &str),
    now_ms: i64,
) -> Change {
    let mut change = Change::of(problem.clone());
    end(&mut change, reason, now_ms);
    if let Some(entry) = change.entries.last_mut() {
        actor.clone_into(&mut entry.actor);
        comment.trim().clone_into(&mut entry.text);
    }
    let draft = Draft {
        event: DispatchEvent::Recovered,
        previous: problem.severity,
        at_ms: now_ms,
        now_ms,
        note: comment.trim().to_owned(),
    };
    tell(&mut change, draft);
    change
}

/// At the end of the snooze a still bad problem is told again.
fn snooze(problem: &mut Problem, until_ms: i64) {
    problem.snoozed_until_ms = Some(until_ms);
    if problem.severity >= problem.notify_from && problem.owed == Severity::Normal {
        problem.owed = problem.severity;
        problem.held = Some(Hold::Snoozed);
    }
}

/// Checks what is wrong with a command whatever the problem: its comment and its times.
///
/// # Errors
/// With the field that is wrong.
pub fn check_fields(command: &Command, now_ms: i64) -> Result<(), CommandError> {
    if matches!(command, Command::Snooze { until_ms, .. } if *until_ms <= now_ms) {
        return Err(CommandError::Field("until_ms", "problem.check.until_past"));
    }
    let (comment, required) = match command {
        Command::Acknowledge { comment, .. } | Command::Snooze { comment, .. } => (comment, false),
        Command::Comment { comment, .. } | Command::Close { comment, .. } => (comment, true),
        Command::Unacknowledge { .. } | Command::Assign { .. } => return Ok(()),
    };
    if required && comment.trim().is_empty() {
        return Err(CommandError::Field(
            "comment",
            "problem.check.comment_empty",
        ));
    }
    if comment.chars().count() > COMMENT_CHARS_MAX {
        return Err(CommandError::Field("comment", "problem.check.comment_long"));
    }
    Ok(())
}
