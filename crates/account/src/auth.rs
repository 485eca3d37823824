//! The two answers the gate needs: who is it, and may they.

use std::sync::Arc;

use db::Db;
use model::{SessionId, TokenId};
use web::{
    Action, Actor, ActorKind, ApiError, Authenticator, Authorizer, BoxFuture, Credentials, Need,
};

use crate::{AccountError, secret, store};

/// How often a use is noted in the store, in milliseconds; more would be a write per request.
const NOTE_USE_EVERY_MS: i64 = 60_000;

/// Recognises sessions and tokens, and decides by role.
pub struct Gatekeeper {
    db: Db,
    csrf_key: [u8; 32],
    env: stdx::Env,
}

impl Gatekeeper {
    /// A gatekeeper on these records; `csrf_key` must outlive restarts, or forms must be reloaded.
    #[must_use]
    pub fn new(db: Db, csrf_key: [u8; 32], env: stdx::Env) -> Arc<Self> {
        Arc::new(Self { db, csrf_key, env })
    }

    async fn by_session(&self, shown: &str) -> Result<Option<Actor>, AccountError> {
        let now_ms = self.env.clock.now_ms();
        let hash = secret::hash(shown);
        let found = store::session_by_secret(&mut self.db.reader(), &hash).await?;
        let Some((session, user)) = found else {
            return Ok(None);
        };
        if session.expires_ms <= now_ms || user.disabled_ms.is_some() {
            return Ok(None);
        }
        if now_ms - session.seen_ms >= NOTE_USE_EVERY_MS {
            self.note_session(session.id, now_ms);
        }
        Ok(Some(Actor {
            kind: ActorKind::Session,
            user: user.id,
            name: user.login,
            role: user.role,
            credential: session.id.to_string(),
            must_change_password: user.must_change,
            lang: user.lang,
            time_zone: user.time_zone,
        }))
    }

    async fn by_token(&self, shown: &str) -> Result<Option<Actor>, AccountError> {
        let now_ms = self.env.clock.now_ms();
        let hash = secret::hash(shown);
        let found = store::token_by_secret(&mut self.db.reader(), &hash).await?;
        let Some((token, user)) = found else {
            return Ok(None);
        };
        let live =
            token.revoked_ms.is_none() && token.expires_ms > now_ms && user.disabled_ms.is_none();
        if !live {
            return Ok(None);
        }
        if token
            .used_ms
            .is_none_or(|used_ms| now_ms - used_ms >= NOTE_USE_EVERY_MS)
        {
            self.note_token(token.id, now_ms);
        }
        Ok(Some(Actor {
            kind: ActorKind::Token,
            user: user.id,
            name: user.login,
            role: token.role.min(user.role),
            credential: token.id.to_string(),
            must_change_password: false,
            lang: user.lang,
            time_zone: user.time_zone,
        }))
    }

    /// Noted beside the request: a use that is not noted is no reason to let it wait or fail.
    fn note_session(&self, id: SessionId, now_ms: i64) {
        let db = self.db.clone();
        tokio::spawn(async move {
            let noted: Result<(), AccountError> = db
                .write(move |tx| Box::pin(store::touch_session(tx, id, now_ms)))
                .await;
            if let Err(error) = noted {
                tracing::debug!(%error, session.id = %id, "the use of a session was not noted");
            }
        });
    }

    fn note_token(&self, id: TokenId, now_ms: i64) {
        let db = self.db.clone();
        tokio::spawn(async move {
            let noted: Result<(), AccountError> = db
                .write(move |tx| Box::pin(store::touch_token(tx, id, now_ms)))
                .await;
            if let Err(error) = noted {
                tracing::debug!(%error, token.id = %id, "the use of a token was not noted");
            }
        });
    }
}

impl Authenticator for Gatekeeper {
    fn authenticate<'a>(
        &'a self,
        credentials: &'a Credentials,
    ) -> BoxFuture<'a, Result<Option<Actor>, ApiError>> {
        Box::pin(async move {
            if let Some(token) = &credentials.bearer {
                return match self.by_token(token).await? {
                    Some(actor) => Ok(Some(actor)),
                    None => Err(ApiError::new(
                        axum::http::StatusCode::UNAUTHORIZED,
                        "bad_token",
                        "the token is unknown, expired or revoked",
                    )),
                };
            }
            match &credentials.session {
                Some(session) => Ok(self.by_session(session).await?),
                None => Ok(None),
            }
        })
    }

    fn csrf_token(&self, actor: &Actor) -> String {
        blake3::keyed_hash(&self.csrf_key, actor.credential.as_bytes())
            .to_hex()
            .to_string()
    }
}

impl Authorizer for Gatekeeper {
    fn authorize(&self, actor: Option<&Actor>, action: Action) -> bool {
        match action.need {
            Need::Nothing => true,
            Need::LoggedIn => actor.is_some(),
            Need::Role(role) => actor.is_some_and(|actor| actor.has(role)),
        }
    }
}
