//! Numbers that people say, such as P-1042.

use crate::error::Result;
use crate::params;
use crate::query::Query;
use crate::tx::Tx;

impl Tx {
    /// The next number of a kind of record: 1, 2, 3 … A rolled-back use case gives its number back
    /// or leaves a gap, but no number is ever given out twice.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn next_number(&mut self, kind: &str) -> Result<i64> {
        const SQL: &str = "INSERT INTO core_number (kind, last) VALUES ($1, 1)
            ON CONFLICT (kind) DO UPDATE SET last = core_number.last + 1 RETURNING last";
        self.fetch_one(SQL, params![kind]).await?.int("last")
    }

    /// A setting of the store itself.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn meta(&mut self, key: &str) -> Result<Option<String>> {
        let row = self
            .fetch_opt("SELECT value FROM core_meta WHERE key = $1", params![key])
            .await?;
        row.map(|row| row.text("value")).transpose()
    }

    /// Keeps a setting of the store itself.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        const SQL: &str = "INSERT INTO core_meta (key, value) VALUES ($1, $2)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.execute(SQL, params![key, value]).await.map(|_| ())
    }
}
