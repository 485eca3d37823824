//! What agents discover, and what people ignore of it.

use db::Tx;
use model::CiId;

use super::Cmdb;
use crate::{CHANGED, CmdbError, Discovered, Ignore, Seen, store};

impl Cmdb {
    /// Keeps a host's complete report; what it no longer names is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn discover(&self, ci: CiId, seen: Vec<Seen>) -> Result<(), CmdbError> {
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let now_ms = tx.now_ms();
                    for thing in &seen {
                        store::upsert_seen(tx, ci, thing).await?;
                    }
                    store::forget_gone(tx, ci, now_ms).await?;
                    tx.hint(CHANGED);
                    Ok(())
                })
            })
            .await
    }

    /// What was discovered on one host, or on all hosts in service.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn discovered(&self, ci: Option<CiId>) -> Result<Vec<Discovered>, CmdbError> {
        let now_ms = self.env.clock.now_ms();
        let mut things = store::discovered(&mut self.db.reader(), ci).await?;
        for thing in &mut things {
            let over = |ignore: &Ignore| ignore.until_ms.is_some_and(|until| until <= now_ms);
            if thing.ignored.as_ref().is_some_and(over) {
                thing.ignored = None;
            }
        }
        Ok(things)
    }

    /// Ignores a thing with a reason, or (`None`) takes that back.
    ///
    /// # Errors
    /// When there is no such thing or no reason, or the store fails.
    pub async fn ignore(
        &self,
        ci: CiId,
        kind: &str,
        key: &str,
        ignore: Option<Ignore>,
    ) -> Result<(), CmdbError> {
        if ignore
            .as_ref()
            .is_some_and(|ignore| ignore.why.trim().is_empty())
        {
            return Err(CmdbError::NoReason(key.to_owned()));
        }
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    match store::ignore(tx, (ci, &kind, &key), ignore.as_ref()).await? {
                        true => {
                            tx.hint(CHANGED);
                            Ok(())
                        }
                        false => Err(CmdbError::NotFound("this discovered thing")),
                    }
                })
            })
            .await
    }
}
