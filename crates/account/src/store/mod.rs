//! The SQL of accounts; nothing but statements and rows.

mod attempts;
mod sessions;
mod tokens;
mod users;

pub(crate) use attempts::{attempt, clear_attempts, save_attempt};
pub(crate) use sessions::{
    delete_session, delete_sessions_of, insert_session, session_by_secret, sessions_of,
    touch_session,
};
pub(crate) use tokens::{insert_token, revoke_token, token_by_secret, tokens, touch_token};
pub(crate) use users::{
    count_administrators, insert_user, password_hash, save_password, save_user, user,
    user_by_login, users,
};
