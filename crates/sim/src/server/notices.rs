//! Decisions on notices, and the faults that sabotage plants around them.

use db::{Db, Sql, params};

use super::Installation;
use crate::config::Sabotage;

/// Decides on everything that waits.
pub(super) async fn decide_all(db: &Db, context: &notice::Context) {
    while notice::service::take_waiting(db, context)
        .await
        .expect("notices decided")
        > 0
    {}
}

impl Installation {
    /// A statement that the product would never run.
    async fn spoil(&self, sql: &'static str) {
        let now_ms = self.now_ms();
        let done: db::Result<u64> = self
            .db
            .write(move |tx| {
                Box::pin(async move { tx.execute(Sql::from(sql), params![now_ms]).await })
            })
            .await;
        done.map(drop).expect("a planted fault");
    }

    pub(super) async fn lose_dispatch(&self) {
        const LOSE: &str = "UPDATE core_outbox SET state = 'done', finished_ms = $1
            WHERE topic = 'dispatch' AND finished_ms IS NULL
              AND payload LIKE '%\"opened\"%' AND payload LIKE '%\"hold\":null%'";
        if self.sabotage == Some(Sabotage::LoseDispatch) && self.dice.permille(100) {
            self.spoil(LOSE).await;
        }
    }

    pub(super) async fn spoil_ledger(&self) {
        const DROP: &str =
            "UPDATE notice_ledger SET state = 'settled', reason = 'sent', done_ms = $1
            WHERE event = 'recovered' AND state = 'waiting'";
        const AGAIN: &str = "UPDATE notice_ledger SET state = 'waiting', reason = 'pending',
            done_ms = NULL, due_ms = $1 WHERE id IN (SELECT id FROM notice_ledger
              WHERE reason = 'sent' AND digest IS NULL ORDER BY id DESC LIMIT 1)";
        // What opened is taken for sent, and sent once its recovery was.
        const HIDE: &str = "UPDATE notice_ledger SET state = 'settled', reason = 'sent',
            detail = 'hidden', done_ms = $1
            WHERE state = 'waiting' AND event = 'opened' AND attempts = 0 AND detail <> 'hidden'";
        const SHOW: &str = "UPDATE notice_ledger SET state = 'waiting', reason = 'pending',
            done_ms = NULL, due_ms = $1 WHERE detail = 'hidden' AND reason = 'sent' AND EXISTS (
              SELECT 1 FROM notice_ledger r WHERE r.problem = notice_ledger.problem
                AND r.recipient = notice_ledger.recipient AND r.channel = notice_ledger.channel
                AND r.event = 'recovered' AND r.reason = 'sent')";
        const ERASE: &str = "DELETE FROM notice_ledger WHERE decided_ms = $1 AND recipient = ''";
        let permille = |chance| self.dice.permille(chance);
        match self.sabotage {
            Some(Sabotage::DropRecovery) if permille(200) => self.spoil(DROP).await,
            Some(Sabotage::DoubleSend) if permille(50) => self.spoil(AGAIN).await,
            Some(Sabotage::RecoveryFirst) => {
                self.spoil(HIDE).await;
                self.spoil(SHOW).await;
            }
            Some(Sabotage::EraseLedger) if permille(100) => self.spoil(ERASE).await,
            _ => {}
        }
    }

    /// Faults in the records of problems, planted between two steps.
    pub(crate) async fn spoil_problems(&self) {
        const FORGET: &str = "UPDATE problem_problem SET owed = 0, held = NULL
            WHERE closed_ms IS NULL AND owed > 0 AND $1 > 0";
        const COLUMNS: &str = "rule, rule_key, title_ko, title_en, board_group, ci, host, kind,
            target_key, severity, highest, opened_ms, changed_ms, last_at_ms, closed_ms,
            close_reason, observed, because, notify_from, notify_on_fall, flapping, acked_by,
            acked_ms, assignee, snoozed_until_ms, maintenance, silence, last_seen_ms, cannot_judge,
            repair, told, told_ms, owed, held, flap_held_ms, seq, entries, search";
        match self.sabotage {
            Some(Sabotage::ForgetOwed) => self.spoil(FORGET).await,
            Some(Sabotage::SecondProblem) if self.dice.permille(50) => {
                let sql = format!(
                    "INSERT INTO problem_problem (id, number, latest, pair, {COLUMNS})
                     SELECT 'prb_00000000000000000000' || substr(id, 25), number + 100000, 0, pair,
                       {COLUMNS} FROM problem_problem
                     WHERE closed_ms IS NULL AND latest = 1 ORDER BY id LIMIT 1"
                );
                let done: db::Result<u64> = self
                    .db
                    .write(move |tx| {
                        Box::pin(async move { tx.execute(Sql::assembled(sql), params![]).await })
                    })
                    .await;
                // The same problem may be picked twice; once is enough.
                drop(done);
            }
            _ => {}
        }
    }
}
