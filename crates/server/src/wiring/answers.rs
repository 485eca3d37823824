//! Answers to requests with an `Idempotency-Key`, kept in the records store, sealed: some hold secrets.

use db::{Begun, Db, DbError, Tx};
use notice::Sealer;
use web::{Answers, ApiError, BoxFuture, Known};

/// Keeps answers.
pub(crate) struct AnswerBook {
    db: Db,
    sealer: Sealer,
}

impl AnswerBook {
    pub(crate) const fn new(db: Db, sealer: Sealer) -> Self {
        Self { db, sealer }
    }

    fn opened(&self, of: &str, begun: Begun) -> Result<Known, ApiError> {
        Ok(match begun {
            Begun::Fresh => Known::Nothing,
            Begun::Busy => Known::Busy,
            Begun::Lost => Known::Lost,
            Begun::Other => Known::Other,
            Begun::Done { status, answer } => {
                let opened = self.sealer.open(of, &answer);
                let answer = opened.ok_or_else(|| {
                    ApiError::internal("the kept answer was sealed with another key")
                })?;
                Known::Done(u16::try_from(status).unwrap_or(200), answer)
            }
        })
    }
}

/// What an answer is sealed for: only there it can be opened again.
fn of(who: &str, key: &str) -> String {
    format!("answer/{who}/{key}")
}

fn refused(error: DbError) -> ApiError {
    ApiError::unavailable(format!("the answer cannot be kept: {error}"))
}

impl Answers for AnswerBook {
    fn begin<'a>(
        &'a self,
        who: &'a str,
        key: &'a str,
        request: &'a str,
    ) -> BoxFuture<'a, Result<Known, ApiError>> {
        Box::pin(async move {
            let given = (who.to_owned(), key.to_owned(), request.to_owned());
            let begun: Result<Begun, DbError> = self
                .db
                .write(move |tx: &mut Tx| {
                    let (who, key, request) = given.clone();
                    Box::pin(async move { tx.begin_answer(&who, &key, &request).await })
                })
                .await;
            self.opened(&of(who, key), begun.map_err(refused)?)
        })
    }

    fn keep<'a>(
        &'a self,
        who: &'a str,
        key: &'a str,
        answer: Option<(u16, String)>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let sealed = match answer {
                None => None,
                Some((status, answer)) => {
                    let sealed = self.sealer.seal(self.db.env(), &of(who, key), &answer);
                    let failed = || ApiError::internal("the answer cannot be sealed");
                    Some((i64::from(status), sealed.ok_or_else(failed)?))
                }
            };
            let given = (who.to_owned(), key.to_owned(), sealed);
            let kept: Result<(), DbError> = self
                .db
                .write(move |tx: &mut Tx| {
                    let (who, key, sealed) = given.clone();
                    Box::pin(async move {
                        match sealed {
                            Some((status, answer)) => {
                                tx.keep_answer((&who, &key), status, &answer).await
                            }
                            None => tx.drop_answer(&who, &key).await,
                        }
                    })
                })
                .await;
            kept.map_err(refused)
        })
    }
}
