//! Pages by keyset: nothing twice, nothing skipped, also when rows are added meanwhile.

use db::{Cursor, Direction, Keyset, Kind, List, Query as _, Value, params};
use stdx::Env;
use testkit::{Store, on_both_stores};

use crate::make;

const ORDER: &[(&str, Kind)] = &[("at_ms", Kind::Int), ("id", Kind::Text)];

async fn add(store: &Store, at_ms: i64, id: String) {
    let told = store.db.write(move |tx| {
        Box::pin(async move {
            tx.execute(
                "INSERT INTO event (at_ms, id) VALUES ($1, $2)",
                params![at_ms, id],
            )
            .await
        })
    });
    told.await.unwrap();
}

async fn page(store: &Store, keyset: &Keyset, cursor: Option<&Cursor>) -> db::Page<String> {
    let list = List {
        select: "SELECT at_ms, id FROM event WHERE at_ms >= $1".to_owned(),
        values: params![0_i64],
        filtered: true,
    };
    let (sql, values) = keyset.complete(list, cursor, 4).unwrap();
    let rows = store.db.reader().fetch_all(sql, values).await.unwrap();
    keyset.page(rows, 4, |row| row.text("id")).unwrap()
}

#[tokio::test]
async fn pages_follow_each_other_both_ways() {
    on_both_stores(&Env::system(), async |store| {
        make(
            &store.db,
            "CREATE TABLE event (at_ms BIGINT NOT NULL, id TEXT PRIMARY KEY)",
        )
        .await;
        // Three rows share each time: the second column decides.
        for n in 0..11 {
            add(store, n / 3, format!("e{n:02}")).await;
        }
        for direction in [Direction::Ascending, Direction::Descending] {
            let keyset = Keyset::new(ORDER, direction);
            let (mut ids, mut cursor) = (Vec::new(), None);
            loop {
                let page = page(store, &keyset, cursor.as_ref()).await;
                ids.extend(page.rows);
                let Some(next) = page.next else { break };
                // A row before the place behind us changes nothing.
                cursor = Some(Cursor::decode(&next.encode()).unwrap());
                assert_eq!(cursor, Some(next));
            }
            let mut wanted: Vec<_> = (0..11).map(|n| format!("e{n:02}")).collect();
            if direction == Direction::Descending {
                wanted.reverse();
            }
            assert_eq!(ids, wanted);
        }
    })
    .await;
}

#[tokio::test]
async fn a_row_that_comes_meanwhile_shifts_nothing() {
    on_both_stores(&Env::system(), async |store| {
        make(
            &store.db,
            "CREATE TABLE event (at_ms BIGINT NOT NULL, id TEXT PRIMARY KEY)",
        )
        .await;
        for n in 0..6 {
            add(store, n, format!("e{n}")).await;
        }
        let keyset = Keyset::new(ORDER, Direction::Descending);
        let first = page(store, &keyset, None).await;
        assert_eq!(first.rows, ["e5", "e4", "e3", "e2"]);
        add(store, 9, "new".into()).await;
        let second = page(store, &keyset, first.next.as_ref()).await;
        assert_eq!(
            (second.rows, second.next),
            (vec!["e1".to_owned(), "e0".to_owned()], None)
        );
    })
    .await;
}

#[test]
fn a_cursor_of_another_list_is_refused() {
    let keyset = Keyset::new(ORDER, Direction::Ascending);
    let list = || List {
        select: "SELECT".into(),
        values: Vec::new(),
        filtered: false,
    };
    let hex = |json: &str| {
        json.bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    for text in ["[1]", "[\"a\",\"b\"]", "[1,2]", "[1,\"a\",2]"] {
        let cursor = Cursor::decode(&hex(text)).unwrap();
        assert!(keyset.complete(list(), Some(&cursor), 5).is_err(), "{text}");
    }
    for text in ["zz", "5", "5b", &hex("{}"), "é", &hex("[null]")] {
        assert!(Cursor::decode(text).is_err(), "{text}");
    }
    let cursor = Cursor::decode(&hex("[5,\"a'; DROP\"]")).unwrap();
    let (sql, values) = keyset.complete(list(), Some(&cursor), 5).unwrap();
    assert_eq!(
        sql.as_str(),
        "SELECT WHERE (at_ms, id) > ($1, $2) ORDER BY at_ms ASC, id ASC LIMIT $3"
    );
    assert_eq!(
        values,
        [Value::Int(5), Value::Text("a'; DROP".into()), Value::Int(6)]
    );
}
