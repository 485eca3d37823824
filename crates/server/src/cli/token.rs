//! `bongsu token`: API tokens, made and revoked on the server's own machine.
//!
//! Whoever may read the records store owns the installation, so no log-in is asked for; what is done
//! stands in the audit as done on this machine.

use account::{Accounts, NewToken, Token, User};
use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use db::{Audit, Db, DbError, Outcome, Tx};
use stdx::Env;
use web::Role;

use super::Place;

/// Who the audit says it was.
const ACTOR: &str = "local";

/// What can be done with tokens.
#[derive(Subcommand)]
pub(crate) enum Tokens {
    /// Make a token; the secret is printed once, alone on standard output.
    Create {
        /// What it is for.
        #[arg(long)]
        label: String,
        /// `viewer`, `operator` or `administrator`; at most the account's own role.
        #[arg(long, default_value = "viewer")]
        role: String,
        /// Whose token it is.
        #[arg(long, default_value = "admin", value_name = "LOGIN")]
        user: String,
        /// How many days it lives, 1 to 730.
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// List tokens; never their secrets.
    List {
        /// Also those that are revoked or have ended.
        #[arg(long)]
        all: bool,
    },
    /// Revoke a token at once.
    Revoke {
        /// Its id, `tok_…`.
        id: String,
    },
}

pub(crate) fn run(command: &Tokens, place: &Place) -> Result<()> {
    super::runtime()?.block_on(async {
        let env = Env::system();
        let db = super::records::open(&place.config()?, &env).await?;
        let accounts = Accounts::new(db.clone(), env.clone());
        let done = match command {
            Tokens::Create {
                label,
                role,
                user,
                days,
            } => {
                let given = (label.as_str(), role.as_str(), *days);
                create(&db, &accounts, user, given).await
            }
            Tokens::List { all } => list(&accounts, *all, env.clock.now_ms()).await,
            Tokens::Revoke { id } => revoke(&db, &accounts, id).await,
        };
        db.close().await;
        done
    })
}

async fn create(
    db: &Db,
    accounts: &Accounts,
    login: &str,
    (label, role, days): (&str, &str, u32),
) -> Result<()> {
    let users = accounts.users().await.map_err(|error| anyhow!(error))?;
    let user = users.iter().find(|user| user.login == login);
    let user = user.with_context(|| no_user(login, &users))?;
    if user.disabled_ms.is_some() {
        bail!("the account `{login}` is disabled");
    }
    let role = Role::from_name(role)
        .with_context(|| format!("`{role}` is no role: viewer, operator or administrator"))?;
    let new = NewToken {
        user: user.id,
        label: label.to_owned(),
        role,
        days,
    };
    let (token, secret) = accounts
        .issue_token(new)
        .await
        .map_err(|error| anyhow!(error))?;
    let detail = serde_json::json!({ "token": token.id, "user": login, "role": role.name() });
    audit(db, "token.create", token.id.to_string(), detail).await?;
    eprintln!(
        "{} for `{login}`, role {}, until {}. The secret is shown here and never again:",
        token.id,
        role.name(),
        moment(token.expires_ms)
    );
    println!("{secret}");
    Ok(())
}

fn no_user(login: &str, users: &[User]) -> String {
    let names: Vec<&str> = users.iter().map(|user| user.login.as_str()).collect();
    format!(
        "there is no account `{login}`; there are: {}",
        names.join(", ")
    )
}

async fn list(accounts: &Accounts, all: bool, now_ms: i64) -> Result<()> {
    let tokens = accounts
        .tokens(None)
        .await
        .map_err(|error| anyhow!(error))?;
    let shown: Vec<Token> = tokens
        .into_iter()
        .filter(|token| all || state(token, now_ms) == "live")
        .collect();
    if shown.is_empty() {
        eprintln!("no tokens; `bongsu token create --label …` makes one");
        return Ok(());
    }
    println!(
        "{:<40}  {:<12}  {:<13}  {:<7}  {:<16}  {:<16}  LABEL",
        "ID", "USER", "ROLE", "STATE", "ENDS (UTC)", "USED (UTC)"
    );
    for token in shown {
        println!(
            "{:<40}  {:<12}  {:<13}  {:<7}  {:<16}  {:<16}  {}",
            token.id.to_string(),
            token.login,
            token.role.name(),
            state(&token, now_ms),
            moment(token.expires_ms),
            token.used_ms.map_or_else(|| "never".to_owned(), moment),
            token.label
        );
    }
    Ok(())
}

const fn state(token: &Token, now_ms: i64) -> &'static str {
    if token.revoked_ms.is_some() {
        "revoked"
    } else if token.expires_ms <= now_ms {
        "ended"
    } else {
        "live"
    }
}

async fn revoke(db: &Db, accounts: &Accounts, id: &str) -> Result<()> {
    let token = id
        .parse()
        .map_err(|_| anyhow!("`{id}` is no token id: `bongsu token list` shows them"))?;
    accounts
        .revoke_token(token, None)
        .await
        .map_err(|error| anyhow!(error))?;
    audit(db, "token.revoke", id.to_owned(), serde_json::json!({})).await?;
    println!("{id} is revoked; the next request with it is refused");
    Ok(())
}

async fn audit(
    db: &Db,
    action: &'static str,
    object: String,
    detail: serde_json::Value,
) -> Result<()> {
    db.write(move |tx: &mut Tx| {
        let (object, detail) = (object.clone(), detail.clone());
        Box::pin(async move {
            let line = Audit {
                actor: ACTOR,
                action,
                object: &object,
                outcome: Outcome::Allowed,
                ip: None,
                detail,
            };
            tx.audit(line).await.map(drop)
        })
    })
    .await
    .map_err(|error: DbError| anyhow!(error).context("it was done, but the audit was not kept"))
}

/// `2026-11-20 09:00`.
pub(super) fn moment(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(
        |_| at_ms.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}
