//! The API of accounts: session, own account, users, tokens.

mod session;
mod tokens;
mod users;

use web::{Action, Endpoint, Mounted, Routes};

use crate::Accounts;

/// Who may see and change accounts of others.
const MANAGE: Action = Action::administer("account.manage");
/// Logging in needs nothing.
const LOG_IN: Action = Action::public("account.log-in");
/// What everybody may do about the own account, even before the one-time password was changed.
const OWN: Action = Action::own("account.own");
/// Tokens of one's own; not before the one-time password was changed.
const OWN_TOKENS: Action = Action::own("account.token");

/// All endpoints of accounts.
pub fn routes(accounts: Accounts) -> Mounted {
    session_routes()
        .merge(user_routes())
        .merge(token_routes())
        .with_state(accounts)
}

fn session_routes() -> Routes<Accounts> {
    Routes::new()
        .add(
            Endpoint::post("/api/v1/session", LOG_IN)
                .summary("Log in: sets the session cookie")
                .body::<session::LogIn>()
                .returns::<users::UserBody>(200),
            session::log_in,
        )
        .add(
            Endpoint::delete("/api/v1/session", OWN)
                .summary("Log out: ends this session")
                .returns_nothing(),
            session::log_out,
        )
        .add(
            Endpoint::get("/api/v1/account", OWN)
                .summary("The own account")
                .returns::<users::UserBody>(200),
            session::own,
        )
        .add(
            Endpoint::put("/api/v1/account/password", OWN)
                .summary("Change the own password; ends all other sessions")
                .body::<session::ChangePassword>()
                .returns_nothing(),
            session::change_password,
        )
        .add(
            Endpoint::get("/api/v1/account/sessions", OWN)
                .summary("The own live sessions")
                .returns::<web::Page<session::SessionBody>>(200),
            session::sessions,
        )
        .add(
            Endpoint::delete("/api/v1/account/sessions/{id}", OWN)
                .summary("End one of the own sessions")
                .returns_nothing(),
            session::end,
        )
}

fn user_routes() -> Routes<Accounts> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/users", MANAGE)
                .summary("All accounts, by log-in name")
                .returns::<web::Page<users::UserBody>>(200),
            users::list,
        )
        .add(
            Endpoint::post("/api/v1/users", MANAGE)
                .summary("Make an account; answers with its one-time password")
                .body::<users::NewUserBody>()
                .returns::<users::NewUserAnswer>(201),
            users::create,
        )
        .add(
            Endpoint::get("/api/v1/users/{id}", MANAGE)
                .summary("One account")
                .returns::<users::UserBody>(200),
            users::get,
        )
        .add(
            Endpoint::patch("/api/v1/users/{id}", MANAGE)
                .summary("Change an account; `If-Match` guards against overwriting others' edits")
                .body::<users::UserChangeBody>()
                .returns::<users::UserBody>(200),
            users::change,
        )
        .add(
            Endpoint::post("/api/v1/users/{id}/reset-password", MANAGE)
                .summary("Give an account a new one-time password")
                .returns::<users::OneTime>(200),
            users::reset_password,
        )
}

fn token_routes() -> Routes<Accounts> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/tokens", OWN_TOKENS)
                .summary("The own tokens; administrators may ask for everybody's")
                .query::<tokens::TokenQuery>()
                .returns::<web::Page<tokens::TokenBody>>(200),
            tokens::list,
        )
        .add(
            Endpoint::post("/api/v1/tokens", OWN_TOKENS)
                .summary("Make a token; the secret is in this answer and never again")
                .body::<tokens::NewTokenBody>()
                .returns::<tokens::NewTokenAnswer>(201),
            tokens::create,
        )
        .add(
            Endpoint::delete("/api/v1/tokens/{id}", OWN_TOKENS)
                .summary("Revoke a token")
                .returns_nothing(),
            tokens::revoke,
        )
}
