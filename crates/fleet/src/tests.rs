//! Every statement of the fleet, on both record stores.

use model::{AgentId, CiId, GroupId};
use stdx::Env;
use testkit::Store;
use wire::Pin;

use crate::agents::{self, Enrolled};
use crate::grant::{TokenRefused, TokenSpec};
use crate::{agent_rows, make_token, retire, revoke_token, token_rows, tokens};

fn spec(uses: u32) -> TokenSpec {
    TokenSpec {
        label: "web".into(),
        groups: vec![GroupId::from_bits(7)],
        labels: vec![("env".into(), "prod".into())],
        uses,
        valid_ms: 60_000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_expire_and_are_revoked() {
    let (env, clock) = Env::simulated(1_700_000_000_000, 5);
    testkit::on_both_stores(&env, async |store: &Store| {
        let db = &store.db;
        let made = db.write(|tx| Box::pin(async move { make_token(tx, &spec(2)).await }));
        let made = made.await.unwrap();
        let now_ms = env.clock.now_ms();
        let mut reader = db.reader();
        let find = async |now_ms| tokens::find(&mut db.reader(), &made.secret, now_ms).await;
        let found = find(now_ms).await.unwrap().unwrap();
        assert_eq!((found.grant.id, found.uses_left), (made.id, 2));
        assert_eq!(found.grant.labels, spec(2).labels);
        assert_eq!(found.grant.groups, spec(2).groups);
        assert_eq!(
            find(now_ms + 60_000).await.unwrap(),
            Err(TokenRefused::Expired)
        );
        let unknown = tokens::find(&mut reader, "nonsense", now_ms).await.unwrap();
        assert_eq!(unknown, Err(TokenRefused::Unknown));
        let id = made.id;
        let mut used = Vec::new();
        for _ in 0..3 {
            let use_up = db.write(move |tx| Box::pin(async move { tokens::use_up(tx, id).await }));
            used.push(use_up.await.unwrap());
        }
        assert_eq!(used, [true, true, false]);
        assert_eq!(find(now_ms).await.unwrap(), Err(TokenRefused::UsedUp));
        assert_eq!(token_rows(&mut reader).await.unwrap()[0].uses_left, 0);
        let revoke = || db.write(move |tx| Box::pin(async move { revoke_token(tx, id).await }));
        assert_eq!(
            (revoke().await.unwrap(), revoke().await.unwrap()),
            (true, false)
        );
        assert_eq!(find(now_ms).await.unwrap(), Err(TokenRefused::Unknown));
        assert!(token_rows(&mut reader).await.unwrap().is_empty());
        clock.advance_ms(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_its_key_and_comes_back_from_retirement_by_enrolling() {
    let (env, _) = Env::simulated(1_700_000_000_000, 6);
    testkit::on_both_stores(&env, async |store: &Store| {
        let db = &store.db;
        let pin = Pin([9; 32]);
        let agent = Enrolled {
            id: AgentId::from_bits(1),
            host: CiId::from_bits(2),
            pin,
            version: "0.1.0".into(),
            address: "10.0.0.1:5".into(),
            token: model::TokenId::from_bits(3),
        };
        let enrol = |agent: Enrolled| {
            db.write(move |tx| {
                let agent = agent.clone();
                Box::pin(async move { agents::enrol(tx, &agent).await })
            })
        };
        enrol(agent.clone()).await.unwrap();
        let mut reader = db.reader();
        let known = agents::find(&mut reader, pin).await.unwrap().unwrap();
        assert_eq!(
            (known.id, known.host, known.retired),
            (agent.id, agent.host, false)
        );
        assert_eq!(agents::find(&mut reader, Pin([8; 32])).await.unwrap(), None);
        let id = agent.id;
        let retired = db.write(move |tx| Box::pin(async move { retire(tx, id).await }));
        assert!(retired.await.unwrap());
        assert!(
            agents::find(&mut reader, pin)
                .await
                .unwrap()
                .unwrap()
                .retired
        );
        let seen = vec![(id, "0.2.0".to_owned(), "10.0.0.2:6".to_owned())];
        let noted = db.write::<_, db::DbError, _>(move |tx| {
            let seen = seen.clone();
            Box::pin(async move { agents::seen(tx, &seen).await })
        });
        noted.await.unwrap();
        let again = Enrolled {
            host: CiId::from_bits(4),
            ..agent
        };
        enrol(again).await.unwrap();
        let rows = agent_rows(&mut reader).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].host, rows[0].retired), (CiId::from_bits(4), false));
        assert_eq!(
            (rows[0].version.as_str(), rows[0].seen_ms.is_some()),
            ("0.1.0", true)
        );
    })
    .await;
}
