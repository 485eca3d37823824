//! Opening the store: its address, its connections, its migrations, and closing it again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgPool, SqlitePool};
use stdx::Env;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::ballast::{self, Ballast};
use crate::engine::{postgres, sqlite};
use crate::error::{DbError, Result};
use crate::hint::{Hinted, Hints, relay};
use crate::limits::{ACQUIRE_MS_MAX, WRITE_QUEUE_MAX};
use crate::migrate::{self, Migration, migrations};
use crate::serial::Serial;
use crate::tx::{Dialect, Shared};
use crate::writer::{UseCase, Writer};

/// Where the store is and how it is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite://<path>` or `postgres://<user>:<password>@<host>/<name>`.
    pub url: String,
    /// The clock and the randomness.
    pub env: Env,
    /// Connections of the read side (SQLite) or of the whole store (PostgreSQL).
    pub connections: u32,
    /// Bytes of the file that is given up when the disk is full; 0 for none. SQLite only.
    pub ballast_bytes: u64,
    /// What the store must look like: the product's own migrations, or a test's.
    pub migrations: &'static [Migration],
}

impl Options {
    /// The store at `url` with the product's migrations.
    #[must_use]
    pub fn new(url: impl Into<String>, env: Env) -> Self {
        Self {
            url: url.into(),
            env,
            connections: 8,
            ballast_bytes: crate::limits::BALLAST_BYTES,
            migrations: migrations(),
        }
    }

    /// The store in the SQLite file at `path`.
    #[must_use]
    pub fn sqlite(path: &Path, env: Env) -> Self {
        Self::new(format!("sqlite://{}", path.display()), env)
    }
}

/// An open records store; cheap to clone, every clone is the same store.
#[derive(Clone, Debug)]
pub struct Db(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ballast: Option<Arc<Ballast>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    minder: Option<JoinHandle<()>>,
}

pub(crate) enum Pool {
    Sqlite {
        writer: mpsc::Sender<Box<dyn UseCase>>,
        readers: SqlitePool,
        path: PathBuf,
    },
    Postgres(PgPool),
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path, .. } => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres"),
        }
    }
}

impl Db {
    /// Opens the store, makes it if need be, and applies what migrations are pending.
    ///
    /// # Errors
    /// When it cannot be reached, was made by a newer version, or a migration fails.
    pub async fn open(options: Options) -> Result<Self> {
        if let Some(path) = options.url.strip_prefix("sqlite://") {
            let path = PathBuf::from(path);
            return Self::open_sqlite(&path, &options).await;
        }
        if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
            return Self::open_postgres(&options).await;
        }
        Err(DbError::Url(
            options
                .url
                .split('@')
                .next_back()
                .unwrap_or_default()
                .to_owned(),
        ))
    }

    async fn open_sqlite(path: &Path, options: &Options) -> Result<Self> {
        let refused = |source| DbError::Open {
            store: path.display().to_string(),
            source: Arc::new(source),
        };
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder)
            .map_err(|error| DbError::file(format!("make {}", folder.display()), error))?;
        let ballast = Arc::new(Ballast::new(folder.join("ballast"), options.ballast_bytes));
        let how = sqlite::options(path);
        let mut conn = how
            .clone()
            .thread_name(|_| "db-writer".into())
            .connect()
            .await
            .map_err(refused)?;
        migrate::sqlite(&mut conn, path, options).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(Duration::from_millis(ACQUIRE_MS_MAX))
            .test_before_acquire(false)
            .connect_with(how.read_only(true).create_if_missing(false))
            .await
            .map_err(refused)?;
        let (writer, queue) = mpsc::channel(WRITE_QUEUE_MAX);
        let (stop, stopped) = oneshot::channel();
        let shared = shared(options, Dialect::Sqlite);
        let conn = Some(conn);
        let task = Writer {
            conn,
            queue,
            shared: shared.clone(),
            ballast: ballast.clone(),
        };
        let tasks = vec![tokio::spawn(task.serve(stopped))];
        let minder = tokio::spawn(ballast::mind(Arc::downgrade(&ballast)));
        Ok(Self(Arc::new(Inner {
            pool: Pool::Sqlite {
                writer,
                readers,
                path: path.to_owned(),
            },
            shared,
            ballast: Some(ballast),
            stop: Mutex::new(Some(stop)),
            tasks: Mutex::new(tasks),
            minder: Some(minder),
        })))
    }

    async fn open_postgres(options: &Options) -> Result<Self> {
        let how = postgres::options(&options.url).map_err(|source| DbError::Open {
            store: "at the given postgres:// address".to_owned(),
            source: Arc::new(source),
        })?;
        let store = format!(
            "{} on {}",
            how.get_database().unwrap_or("?"),
            how.get_host()
        );
        let refused = |source| DbError::Open {
            store: store.clone(),
            source: Arc::new(source),
        };
        // The pool would try a server that refuses until its time is up; a start tells at once.
        let first = how.connect().await.map_err(refused)?;
        first.close().await.map_err(refused)?;
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(2))
            .acquire_timeout(Duration::from_millis(ACQUIRE_MS_MAX))
            .connect_with(how)
            .await
            .map_err(refused)?;
        migrate::postgres(&pool, options).await?;
        let shared = shared(options, Dialect::Postgres);
        let minder = tokio::spawn(relay(pool.clone(), Arc::downgrade(&shared.hints)));
        Ok(Self(Arc::new(Inner {
            pool: Pool::Postgres(pool),
            shared,
            ballast: None,
            stop: Mutex::new(None),
            tasks: Mutex::new(Vec::new()),
            minder: Some(minder),
        })))
    }

    /// Finishes what is queued, then closes every connection; later calls get [`DbError::Closed`].
    pub async fn close(&self) {
        let stop = self
            .0
            .stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(stop);
        let tasks =
            std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        match &self.0.pool {
            Pool::Sqlite { readers, .. } => readers.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
        for task in tasks {
            // A panic of the writer has already been logged by the runtime.
            let _ = task.await;
        }
    }

    /// Which database is behind the store; for the `jobs` crate alone.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.0.shared.dialect
    }

    /// The clock and the randomness of the store.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.0.shared.env
    }

    /// Waits for hints on a topic from now on.
    #[must_use]
    pub fn listen(&self, topic: &str) -> Hinted {
        self.0.shared.hints.listen(topic)
    }

    /// Wakes those in this process who wait for a topic, outside any use case.
    pub fn hint(&self, topic: &str) {
        self.0.shared.hints.send(topic);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(minder) = &self.minder {
            minder.abort();
        }
    }
}

fn shared(options: &Options, dialect: Dialect) -> Arc<Shared> {
    Arc::new(Shared {
        env: options.env.clone(),
        dialect,
        hints: Arc::new(Hints::default()),
        serial: Serial::default(),
    })
}
