//! The two stores: records and metrics.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use db::{Db, DbError, Tx};
use stdx::Env;
use tsdb::Tsdb;

use crate::config::Config;
use crate::routes::{Check, Health};

/// Both stores, open.
pub(crate) struct Stores {
    pub(crate) db: Db,
    pub(crate) tsdb: Arc<Tsdb>,
}

/// Opens both stores and says what a crash left behind.
pub(crate) async fn open(config: &Config, env: &Env) -> Result<Stores> {
    let folder = config.data_dir.join("metrics");
    let tsdb = open_metrics(&folder, config, env)?;
    let db = Db::open(db::Options::new(config.database_url(), env.clone())).await?;
    if config.is_embedded() {
        free_leases(&db).await?;
    }
    Ok(Stores { db, tsdb })
}

/// Makes the data folder, for this user alone: it holds keys and what people wrote.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// What a server that was killed here held in its hands is free at once.
async fn free_leases(db: &Db) -> Result<()> {
    let freed = db.write(|tx: &mut Tx| {
        Box::pin(async move {
            let messages = jobs::free_leases(tx).await?;
            Ok::<_, DbError>((messages, notice::service::free_leases(tx).await?))
        })
    });
    let (messages, notices) = freed.await?;
    if messages + notices > 0 {
        tracing::info!(
            messages,
            notices,
            "what was under way at the last end goes on"
        );
    }
    Ok(())
}

fn open_metrics(folder: &Path, config: &Config, env: &Env) -> Result<Arc<Tsdb>> {
    let retention_ms = i64::try_from(config.retention_ms).unwrap_or(i64::MAX);
    let options = tsdb::Options {
        retention_ms,
        future_ms_max: model::limits::SAMPLE_FUTURE_MS_MAX,
        ..tsdb::Options::default()
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let (tsdb, report) = Tsdb::open(folder, options, env.clone())?;
    tracing::info!(
        series = report.series,
        parts = report.parts,
        log.samples = report.wal_samples,
        took_ms = report.took_ms,
        "the metrics store is open"
    );
    if report.wal_lost_bytes > 0 || report.series_lost > 0 || !report.quarantined.is_empty() {
        tracing::error!(
            log.lost_bytes = report.wal_lost_bytes,
            series.lost = report.series_lost,
            quarantined = ?report.quarantined,
            "the metrics store is damaged; the rest is served"
        );
    }
    Ok(Arc::new(tsdb))
}

/// What the health page says about the stores.
pub(crate) fn watch_over(health: &Health, stores: &Stores) {
    let tsdb = stores.tsdb.clone();
    health.add(move || {
        let stats = tsdb.stats();
        let failures = [stats.wal_failure, stats.flush_failure, stats.merge_failure];
        let detail = failures
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ");
        Check {
            name: "metrics-store",
            ok: detail.is_empty(),
            detail,
        }
    });
}
