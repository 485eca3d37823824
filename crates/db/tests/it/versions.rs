//! Older stores are copied and migrated, newer ones refused, failed migrations leave nothing.

use db::{Db, DbError, Migration, Options, Query as _, params};
use stdx::Env;
use testkit::{Postgres, TempDir};

use crate::count;

const FIRST: Migration = Migration {
    name: "202601010000_a_create",
    sql: "-- One; two.\nCREATE TABLE a_one (id TEXT PRIMARY KEY); -- note\nCREATE TABLE a_two (id TEXT);\n\
          CREATE VIEW a_pub_one AS SELECT id FROM a_one;",
};
const SECOND: Migration = Migration {
    name: "202601020000_a_expand",
    sql: "-- Expand.\nALTER TABLE a_one ADD COLUMN size_bytes BIGINT;\n\
          INSERT INTO a_one (id, size_bytes) VALUES ('semi;colon', 1);",
};
const BROKEN: Migration = Migration {
    name: "202601020000_a_expand",
    sql: "-- Broken.\nCREATE TABLE a_three (id TEXT);\nCREATE TABLE a_one (id TEXT);",
};

/// Empty stores of both kinds, and what keeps them.
fn places() -> Vec<(String, Box<dyn std::any::Any>)> {
    let folder = TempDir::new();
    let sqlite = format!("sqlite://{}", folder.join("store.db").display());
    let mut places: Vec<(String, Box<dyn std::any::Any>)> = vec![(sqlite, Box::new(folder))];
    match Postgres::shared() {
        Ok(server) => {
            let database = server.empty_database();
            places.push((database.url.clone(), Box::new(database)));
        }
        Err(missing) => missing.skip(),
    }
    places
}

async fn open(url: &str, migrations: &'static [Migration]) -> Result<Db, DbError> {
    let mut options = Options::new(url, Env::system());
    (options.migrations, options.ballast_bytes) = (migrations, 0);
    Db::open(options).await
}

#[tokio::test]
async fn an_older_store_is_migrated_and_a_newer_one_refused() {
    for (url, _keep) in places() {
        open(&url, &[FIRST]).await.unwrap().close().await;
        let db = open(&url, &[FIRST, SECOND]).await.unwrap();
        assert_eq!(
            (count(&db, "a_one").await, count(&db, "a_two").await),
            (1, 0)
        );
        assert_eq!(count(&db, "a_pub_one").await, 1);
        db.close().await;
        open(&url, &[FIRST, SECOND]).await.unwrap().close().await;
        let newer = open(&url, &[FIRST]).await.unwrap_err();
        assert!(
            matches!(&newer, DbError::Newer { name } if name == SECOND.name),
            "{newer}"
        );
        let changed = open(&url, &[FIRST, BROKEN]).await.unwrap_err();
        assert!(matches!(changed, DbError::Changed { .. }));
        if let Some(path) = url.strip_prefix("sqlite://") {
            let copy = open(&format!("sqlite://{path}.before-{}", SECOND.name), &[FIRST])
                .await
                .unwrap();
            assert_eq!(count(&copy, "a_one").await, 0);
            copy.close().await;
        }
    }
}

#[tokio::test]
async fn a_failed_migration_leaves_the_store_as_it_was() {
    for (url, _keep) in places() {
        open(&url, &[FIRST]).await.unwrap().close().await;
        let failed = open(&url, &[FIRST, BROKEN]).await.unwrap_err();
        assert!(
            matches!(&failed, DbError::Migration { name, .. } if name == BROKEN.name),
            "{failed}"
        );
        let db = open(&url, &[FIRST]).await.unwrap();
        let half = db
            .reader()
            .fetch_all("SELECT id FROM a_three", params![])
            .await;
        assert!(half.is_err());
        db.close().await;
    }
}

#[tokio::test]
async fn two_servers_may_start_at_once_on_postgres() {
    let server = testkit::require_or_skip!(Postgres::shared());
    let database = server.empty_database();
    let starts = [(); 4].map(|()| open(&database.url, &[FIRST, SECOND]));
    let [a, b, c, d] = starts;
    for db in <[_; 4]>::from(tokio::join!(a, b, c, d)) {
        let db = db.unwrap();
        assert_eq!(count(&db, "a_one").await, 1);
        db.close().await;
    }
}

#[tokio::test]
async fn a_wrong_address_says_what_to_write() {
    let said = open("mysql://root:secret@db/x", &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("sqlite://<path>") && !said.contains("secret"),
        "{said}"
    );
    let gone = open("postgres://u:secret@127.0.0.1:1/x", &[])
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(gone, "cannot open the records store x on 127.0.0.1");
}
