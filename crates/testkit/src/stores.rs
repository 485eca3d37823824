//! Both record stores, migrated and empty: one test body runs on each.

use db::{Db, Options};
use stdx::Env;

use crate::{Database, Missing, Postgres, TempDir};

/// An open, empty records store with the product's tables.
#[derive(Debug)]
pub struct Store {
    /// The store.
    pub db: Db,
    /// Its address, to open it a second time as another server would.
    pub url: String,
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    _keep: (Option<TempDir>, Option<Database>),
}

/// An empty SQLite store in a temporary folder.
///
/// # Panics
/// When it cannot be opened.
pub async fn sqlite_store(env: &Env) -> Store {
    let folder = TempDir::new();
    let mut options = Options::sqlite(&folder.join("bongsu.db"), env.clone());
    options.ballast_bytes = 0;
    let url = options.url.clone();
    let db = Db::open(options).await.expect("an SQLite store");
    Store {
        db,
        url,
        name: "sqlite",
        _keep: (Some(folder), None),
    }
}

/// An empty store on the shared PostgreSQL server.
///
/// # Errors
/// When the package is missing.
///
/// # Panics
/// When it cannot be opened.
pub async fn postgres_store(env: &Env) -> Result<Store, Missing> {
    let database = Postgres::shared()?.cloned_database().await;
    let url = database.url.clone();
    let options = Options::new(url.as_str(), env.clone());
    let db = Db::open(options).await.expect("a PostgreSQL store");
    Ok(Store {
        db,
        url,
        name: "postgres",
        _keep: (None, Some(database)),
    })
}

/// Runs `test` on SQLite and on PostgreSQL, each empty. Without PostgreSQL that half is skipped, and
/// fails in CI.
///
/// # Panics
/// When the test does; the store's name is printed before.
pub async fn on_both_stores(env: &Env, test: impl AsyncFn(&Store)) {
    let sqlite = sqlite_store(env).await;
    eprintln!("on {}", sqlite.name);
    test(&sqlite).await;
    sqlite.db.close().await;
    match postgres_store(env).await {
        Ok(postgres) => {
            eprintln!("on {}", postgres.name);
            test(&postgres).await;
            postgres.db.close().await;
        }
        Err(missing) => missing.skip(),
    }
}
