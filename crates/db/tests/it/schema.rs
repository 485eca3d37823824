//! The sum of all migrations is the committed `migrations/schema.sql`.

use std::path::Path;

use db::{Query as _, params};
use stdx::Env;
use testkit::sqlite_store;

const HEAD: &str =
    "-- The sum of all migrations, dumped by a test; migrations/README.md says how.\n";

#[tokio::test]
async fn schema_is_the_sum_of_the_migrations() {
    let store = sqlite_store(&Env::system()).await;
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL
        AND name <> 'core_migration' AND name NOT LIKE 'sqlite_%'
        ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 ELSE 1 END, name";
    let rows = store.db.reader().fetch_all(sql, params![]).await.unwrap();
    let dumped = rows
        .iter()
        .map(|row| format!("\n{};\n", row.str("sql").unwrap()));
    let dumped = format!("{HEAD}{}", dumped.collect::<String>());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/schema.sql");
    if std::env::var_os("BONGSU_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &dumped).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == dumped,
        "migrations/schema.sql is behind: BONGSU_WRITE_SCHEMA=1 cargo nextest run -p db schema"
    );
}

#[tokio::test]
async fn every_column_has_one_of_the_three_types() {
    let store = testkit::require_or_skip!(testkit::postgres_store(&Env::system()).await);
    let sql = "SELECT table_name, column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'public'
        AND data_type NOT IN ('bigint', 'double precision', 'text')";
    let rows = store.db.reader().fetch_all(sql, params![]).await.unwrap();
    let wrong: Vec<_> = rows
        .iter()
        .map(|row| format!("{:?}", row.columns().collect::<Vec<_>>()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
