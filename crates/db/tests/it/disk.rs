//! A full disk and a backup under load: reads go on, nothing half-kept, room comes back.

use std::path::Path;
use std::time::Duration;

use db::{Db, DbError, Options, params};
use stdx::Env;
use testkit::{TempDir, on_small_disk};

use crate::{count, keep, make};

const MIB: u64 = 1024 * 1024;

async fn open(folder: &Path, ballast_bytes: u64) -> Db {
    let mut options = Options::sqlite(&folder.join("bongsu.db"), Env::system());
    options.ballast_bytes = ballast_bytes;
    Db::open(options).await.unwrap()
}

async fn fill(db: &Db, number: i64) -> Result<u64, DbError> {
    let filler = "x".repeat(200_000);
    db.write(move |tx| {
        Box::pin(async move {
            tx.execute(
                "INSERT INTO big (id, text) VALUES ($1, $2)",
                params![number, filler],
            )
            .await
        })
    })
    .await
}

async fn full_disk(folder: &Path) {
    let ballast = folder.join("ballast");
    let db = open(folder, MIB).await;
    // A disk of 40 MiB has no room for ballast and its margin: lay it by hand.
    std::fs::write(&ballast, vec![0; 4 * 1024 * 1024]).unwrap();
    let others = folder.join("somebody-elses.log");
    std::fs::write(&others, vec![0; 6 * 1024 * 1024]).unwrap();
    make(&db, "CREATE TABLE big (id BIGINT PRIMARY KEY, text TEXT)").await;
    let mut kept = 0;
    let error = loop {
        // Several at once, so that a group meets the full disk.
        let (a, b, c) = tokio::join!(
            fill(&db, kept * 3),
            fill(&db, kept * 3 + 1),
            fill(&db, kept * 3 + 2)
        );
        match a.and(b).and(c) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1_000, "the disk never fills");
    };
    assert!(error.is_disk_full() && error.is_passing(), "{error:?}");
    assert!(!ballast.exists(), "the ballast is given up");
    let rows = count(&db, "big").await;
    assert!(
        (kept * 3..kept * 3 + 3).contains(&rows),
        "{rows} rows of {kept} groups"
    );
    keep(&db, "after the ballast").await.unwrap();
    while fill(&db, kept * 3 + 10_000).await.is_ok() {
        kept += 1;
    }
    assert!(count(&db, "big").await >= rows, "reads go on");
    std::fs::remove_file(&others).unwrap();
    keep(&db, "room again").await.unwrap();
    make(&db, "DELETE FROM big").await;
    db.close().await;
    let db = open(folder, 0).await;
    assert_eq!(count(&db, "core_meta").await, 2);
    db.close().await;
}

#[test]
fn a_full_disk_is_told_and_passes() {
    on_small_disk(40, |folder| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(full_disk(folder));
    });
}

#[tokio::test]
async fn the_ballast_is_real_and_comes_back() {
    let folder = TempDir::new();
    let db = open(folder.path(), MIB).await;
    let blocks = || {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(folder.join("ballast")).map_or(0, |file| file.blocks() * 512)
    };
    assert!(blocks() >= MIB);
    std::fs::remove_file(folder.join("ballast")).unwrap();
    assert!(db.restore_ballast() && blocks() >= MIB);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_consistent_and_opens() {
    let folder = TempDir::new();
    let db = open(folder.path(), 0).await;
    make(&db, "CREATE TABLE pair (id TEXT)").await;
    let writing = db.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let load = tokio::spawn(async move {
        let mut pairs = 0;
        while stopped.try_recv().is_err() {
            let told = writing.write(|tx| {
                Box::pin(async move {
                    tx.execute("INSERT INTO pair (id) VALUES ('a')", params![])
                        .await?;
                    tx.execute("INSERT INTO pair (id) VALUES ('b')", params![])
                        .await
                })
            });
            told.await.unwrap();
            pairs += 1;
        }
        pairs
    });
    let grown = async || (count(&db, "pair").await > 20).then_some(());
    testkit::wait_for("some load", Duration::from_secs(20), grown).await;
    let copy = folder.join("copy/bongsu.db");
    std::fs::create_dir(folder.join("copy")).unwrap();
    db.backup_to(&copy).await.unwrap();
    stop.send(()).unwrap();
    assert!(load.await.unwrap() > 10);
    let again = db.backup_to(&copy).await.unwrap_err();
    assert!(
        matches!(again, DbError::File { .. }),
        "an existing file is not overwritten"
    );
    db.close().await;
    let restored = open(&folder.join("copy"), 0).await;
    let rows = count(&restored, "pair").await;
    assert!(rows > 20 && rows % 2 == 0, "{rows}");
    restored.close().await;
}
