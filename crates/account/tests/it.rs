//! Accounts on both record stores: log-in, back-off, roles, tokens, the last administrator.

use account::{AccountError, Accounts, Gatekeeper, NewToken, NewUser, UserChange};
use stdx::Env;
use testkit::Store;
use web::{Authenticator, Authorizer, Credentials, Role};

const PASSWORD: &str = "strong enough 1";

fn new_user(login: &str, role: Role) -> NewUser {
    NewUser {
        login: login.into(),
        display: String::new(),
        role,
        lang: None,
        time_zone: None,
    }
}

async fn on_both(test: impl AsyncFn(&Accounts, &Gatekeeper, &stdx::VirtualClock)) {
    let (env, clock) = Env::simulated(1_700_000_000_000, 5);
    testkit::on_both_stores(&env, async |store: &Store| {
        let accounts = Accounts::new(store.db.clone(), env.clone());
        let gate = Gatekeeper::new(store.db.clone(), [7; 32], env.clone());
        test(&accounts, &gate, &clock).await;
    })
    .await;
}

fn session(secret: &str) -> Credentials {
    Credentials {
        session: Some(secret.into()),
        ..Credentials::default()
    }
}

fn bearer(secret: &str) -> Credentials {
    Credentials {
        bearer: Some(secret.into()),
        ..Credentials::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_must_change_the_one_time_password() {
    on_both(async |accounts, gate, _| {
        let (login, one_time) = accounts.bootstrap().await.unwrap().unwrap();
        assert!(
            accounts.bootstrap().await.unwrap().is_none(),
            "a second start makes nobody"
        );
        let done = accounts
            .log_in(&login, &one_time, "127.0.0.1", "test")
            .await
            .unwrap();
        let actor = gate
            .authenticate(&session(&done.secret))
            .await
            .unwrap()
            .unwrap();
        assert!(actor.must_change_password && actor.role == Role::Administrator);
        let keep = actor.credential.parse().ok();
        let weak = accounts
            .change_password(actor.user, keep, &one_time, "short")
            .await;
        assert!(matches!(weak, Err(AccountError::WeakPassword(_))));
        accounts
            .change_password(actor.user, keep, &one_time, PASSWORD)
            .await
            .unwrap();
        let actor = gate
            .authenticate(&session(&done.secret))
            .await
            .unwrap()
            .unwrap();
        assert!(
            !actor.must_change_password,
            "the session that changed it lives on"
        );
        assert!(
            accounts
                .log_in("ADMIN ", PASSWORD, "127.0.0.1", "test")
                .await
                .is_ok()
        );
        assert_eq!(gate.csrf_token(&actor), gate.csrf_token(&actor));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_whether_the_name_exists_or_not() {
    on_both(async |accounts, _, clock| {
        accounts.bootstrap().await.unwrap();
        for login in ["admin", "nobody"] {
            let peer = format!("10.0.0.{}", login.len());
            for _ in 0..5 {
                let refused = accounts.log_in(login, "wrong", &peer, "test").await;
                assert!(
                    matches!(refused, Err(AccountError::WrongLogin)),
                    "{refused:?}"
                );
            }
            let blocked = accounts.log_in(login, "wrong", &peer, "test").await;
            assert!(
                matches!(blocked, Err(AccountError::Blocked { wait_s: 2 })),
                "{blocked:?}"
            );
        }
        clock.advance_ms(2_001);
        let refused = accounts.log_in("admin", "wrong", "10.0.0.99", "test").await;
        assert!(
            matches!(refused, Err(AccountError::WrongLogin)),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays() {
    on_both(async |accounts, _, _| {
        accounts.bootstrap().await.unwrap();
        let admin = accounts.users().await.unwrap().remove(0);
        let demote = UserChange {
            role: Some(Role::Viewer),
            ..UserChange::default()
        };
        let refused = accounts
            .change(admin.id, None, demote.clone(), "admin")
            .await;
        assert!(
            matches!(refused, Err(AccountError::LastAdministrator(_))),
            "{refused:?}"
        );
        accounts
            .create(new_user("kim", Role::Administrator), "admin")
            .await
            .unwrap();
        let changed = accounts
            .change(admin.id, Some(1), demote, "kim")
            .await
            .unwrap();
        assert_eq!((changed.role, changed.version), (Role::Viewer, 2));
        let stale = accounts
            .change(admin.id, Some(1), UserChange::default(), "kim")
            .await;
        assert!(matches!(
            stale,
            Err(AccountError::ChangedMeanwhile { found: 2, .. })
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_checked_and_unique() {
    on_both(async |accounts, _, _| {
        accounts
            .create(new_user(" Kim ", Role::Viewer), "admin")
            .await
            .unwrap();
        let taken = accounts
            .create(new_user("kim", Role::Viewer), "admin")
            .await;
        assert!(matches!(taken, Err(AccountError::LoginTaken(_))));
        let bad = accounts
            .create(new_user("k m", Role::Viewer), "admin")
            .await;
        assert!(matches!(bad, Err(AccountError::BadLogin(_))));
        let zone = NewUser {
            time_zone: Some("Asia/Soul".into()),
            ..new_user("lee", Role::Viewer)
        };
        assert!(matches!(
            accounts.create(zone, "admin").await,
            Err(AccountError::BadTimeZone(_))
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_until_it_ends_and_never_above_its_owner() {
    on_both(async |accounts, gate, clock| {
        let (user, _) = accounts
            .create(new_user("op", Role::Operator), "admin")
            .await
            .unwrap();
        let want = |role, days| NewToken {
            user: user.id,
            label: "cron".into(),
            role,
            days,
        };
        let over = accounts.issue_token(want(Role::Administrator, 1)).await;
        assert!(matches!(over, Err(AccountError::BadToken(_))));
        assert!(accounts.issue_token(want(Role::Viewer, 0)).await.is_err());
        let (token, secret) = accounts.issue_token(want(Role::Operator, 1)).await.unwrap();
        let actor = gate.authenticate(&bearer(&secret)).await.unwrap().unwrap();
        assert_eq!((actor.role, actor.name.as_str()), (Role::Operator, "op"));
        let change = web::Action::administer("x.y");
        assert!(!gate.authorize(Some(&actor), change));
        let demote = UserChange {
            role: Some(Role::Viewer),
            ..UserChange::default()
        };
        accounts
            .change(user.id, None, demote, "admin")
            .await
            .unwrap();
        let actor = gate.authenticate(&bearer(&secret)).await.unwrap().unwrap();
        assert_eq!(actor.role, Role::Viewer, "a token falls with its owner");
        accounts
            .revoke_token(token.id, Some(user.id))
            .await
            .unwrap();
        assert!(gate.authenticate(&bearer(&secret)).await.is_err());
        let (_, second) = accounts.issue_token(want(Role::Viewer, 1)).await.unwrap();
        clock.advance_ms(86_400_001);
        assert!(gate.authenticate(&bearer(&second)).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_out_at_once() {
    on_both(async |accounts, gate, _| {
        let (user, one_time) = accounts
            .create(new_user("op", Role::Operator), "a")
            .await
            .unwrap();
        let done = accounts
            .log_in("op", &one_time, "127.0.0.1", "test")
            .await
            .unwrap();
        assert!(
            gate.authenticate(&session(&done.secret))
                .await
                .unwrap()
                .is_some()
        );
        let disable = UserChange {
            disabled: Some(true),
            ..UserChange::default()
        };
        accounts
            .change(user.id, None, disable, "admin")
            .await
            .unwrap();
        assert!(
            gate.authenticate(&session(&done.secret))
                .await
                .unwrap()
                .is_none()
        );
        let refused = accounts.log_in("op", &one_time, "127.0.0.1", "test").await;
        assert!(matches!(refused, Err(AccountError::WrongLogin)));
    })
    .await;
}
