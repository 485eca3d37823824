//! Online backup of the SQLite file: one consistent copy while writing goes on.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::engine::sqlite;
use crate::error::{DbError, Result};
use crate::open::{Db, Pool};
use crate::params;
use crate::sql::Sql;

impl Db {
    /// Writes a compact, consistent copy of the store to `path`, which must not exist. Readers and
    /// the writer go on meanwhile. The copy appears under its name only when it is complete.
    ///
    /// # Errors
    /// When `path` exists or cannot be written, or the store is PostgreSQL.
    pub async fn backup_to(&self, path: &Path) -> Result<()> {
        let Pool::Sqlite { path: from, .. } = &self.0.pool else {
            return Err(DbError::BackupElsewhere);
        };
        let opened = sqlite::options(from)
            .create_if_missing(false)
            .connect()
            .await;
        let mut conn = opened.map_err(|error| DbError::statement_text("VACUUM INTO", error))?;
        let copied = copy(&mut conn, path).await;
        let closed = conn.close().await;
        copied?;
        closed.map_err(|error| DbError::statement_text("VACUUM INTO", error))
    }
}

/// Copies the open file to `path`: aside first, synced, then renamed.
pub(crate) async fn copy(conn: &mut SqliteConnection, path: &Path) -> Result<()> {
    let told = |what: &str| format!("{what} {}", path.display());
    if path.exists() {
        let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(DbError::file(told("write the backup"), error));
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".partial");
    let aside = PathBuf::from(aside);
    let _ = std::fs::remove_file(&aside);
    let done = fill(conn, &aside, path).await;
    if done.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    done
}

async fn fill(conn: &mut SqliteConnection, aside: &Path, path: &Path) -> Result<()> {
    let to = aside.to_string_lossy().into_owned();
    sqlite::execute(conn, &Sql::from("VACUUM INTO $1"), params![to]).await?;
    let settle = || {
        std::fs::File::open(aside)?.sync_all()?;
        std::fs::rename(aside, path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
    };
    settle().map_err(|error| DbError::file(format!("write the backup {}", path.display()), error))
}
