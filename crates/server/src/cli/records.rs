//! The records store of an installation, opened beside its server.

use anyhow::{Context, Result, bail};
use db::Db;
use stdx::Env;

use crate::config::Config;

/// Opens the records store of an existing installation; the server may run meanwhile.
///
/// # Errors
/// When there is none, or it cannot be opened.
pub(crate) async fn open(config: &Config, env: &Env) -> Result<Db> {
    let file = config.data_dir.join("records.db");
    if config.database == "sqlite" && !file.is_file() {
        bail!(
            "there is no installation in {}: name its folder with --data-dir, or start one with \
             `bongsu up`",
            config.data_dir.display()
        );
    }
    let mut options = db::Options::new(config.database_url(), env.clone());
    options.connections = 2;
    // The ballast is the server's.
    options.ballast_bytes = 0;
    Db::open(options).await.context("cannot open the records")
}
