//! PostgreSQL over TLS: `sslmode` in the address is obeyed, and a stranger's certificate refused.

use db::{Db, Options, Query as _, params};
use stdx::Env;
use testkit::Postgres;

#[tokio::test]
async fn the_server_is_verified_when_the_address_says_so() {
    let server = testkit::require_or_skip!(Postgres::start());
    let root = server.secure();
    let database = server.empty_database();
    let open = |how: &str| {
        let url = format!("{}?{how}", database.url);
        Db::open(Options::new(url, Env::system()))
    };
    let verified = format!("sslmode=verify-full&sslrootcert={}", root.display());
    let db = open(&verified).await.unwrap();
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = db.reader().fetch_one(sql, params![]).await.unwrap();
    assert_eq!(row.int("ssl").unwrap(), 1);
    db.close().await;

    let stranger = open("sslmode=verify-full").await.unwrap_err();
    let told = format!(
        "{:?}",
        std::error::Error::source(&stranger).unwrap().to_string()
    );
    assert!(told.contains("certificate"), "{told}");
    let plain = open("sslmode=disable").await.unwrap();
    let row = plain.reader().fetch_one(sql, params![]).await.unwrap();
    assert_eq!(row.int("ssl").unwrap(), 0);
    plain.close().await;
}
