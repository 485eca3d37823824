//! Answers kept for repeated requests: whoever sends one key twice gets one effect and one answer.

use crate::error::Result;
use crate::params;
use crate::query::Query;
use crate::tx::Tx;

/// How long an answer is kept, in milliseconds.
const KEEP_MS: i64 = 24 * 3_600_000;
/// How long a request may be worked on before its outcome counts as unknown, in milliseconds.
const WORK_MS_MAX: i64 = 60_000;
/// Old answers forgotten when a new request begins.
const FORGET_ROWS_MAX: i64 = 100;

/// What is known of a request that carries a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Begun {
    /// The key is new: do it, then call [`Tx::keep_answer`].
    Fresh,
    /// It was done; this is the answer.
    Done {
        /// The HTTP status.
        status: i64,
        /// What was kept, as it was given.
        answer: String,
    },
    /// It is being done right now.
    Busy,
    /// It was begun and its end is not known: the server stopped in the middle.
    Lost,
    /// The key belongs to another request.
    Other,
}

impl Tx {
    /// Begins a request: notes its key, or says what is known of it.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn begin_answer(&mut self, actor: &str, key: &str, request: &str) -> Result<Begun> {
        const KNOWN: &str = "SELECT request, begun_ms, status, answer FROM core_answer
            WHERE actor = $1 AND request_key = $2";
        const FORGET: &str = "DELETE FROM core_answer WHERE (actor, request_key) IN
            (SELECT actor, request_key FROM core_answer WHERE begun_ms < $1 LIMIT $2)";
        const NOTE: &str = "INSERT INTO core_answer (actor, request_key, request, begun_ms)
            VALUES ($1, $2, $3, $4)";
        let now_ms = self.now_ms();
        let oldest_ms = now_ms.saturating_sub(KEEP_MS);
        let known = self.fetch_opt(KNOWN, params![actor, key]).await?;
        if let Some(known) = known {
            let begun_ms = known.int("begun_ms")?;
            if begun_ms >= oldest_ms {
                if known.str("request")? != request {
                    return Ok(Begun::Other);
                }
                let answer = known.opt_text("answer")?.unwrap_or_default();
                return Ok(match known.opt_int("status")? {
                    Some(status) => Begun::Done { status, answer },
                    None if now_ms.saturating_sub(begun_ms) < WORK_MS_MAX => Begun::Busy,
                    None => Begun::Lost,
                });
            }
            self.drop_answer(actor, key).await?;
        }
        self.execute(FORGET, params![oldest_ms, FORGET_ROWS_MAX])
            .await?;
        self.execute(NOTE, params![actor, key, request, now_ms])
            .await?;
        Ok(Begun::Fresh)
    }

    /// Keeps the answer of a request that was begun.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn keep_answer(
        &mut self,
        (actor, key): (&str, &str),
        status: i64,
        answer: &str,
    ) -> Result<()> {
        const KEEP: &str = "UPDATE core_answer SET status = $3, answer = $4
            WHERE actor = $1 AND request_key = $2";
        let values = params![actor, key, status, answer];
        self.execute(KEEP, values).await.map(drop)
    }

    /// Forgets a request that had no effect, so that it may be sent again.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn drop_answer(&mut self, actor: &str, key: &str) -> Result<()> {
        const DROP: &str = "DELETE FROM core_answer WHERE actor = $1 AND request_key = $2";
        self.execute(DROP, params![actor, key]).await.map(drop)
    }
}
