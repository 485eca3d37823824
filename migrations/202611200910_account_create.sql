-- Accounts of people, their sessions and tokens, and the back-off after failed log-ins.
CREATE TABLE account_user (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL, -- lower case; what is typed at log-in and stands in records
    display TEXT NOT NULL,
    password_hash TEXT NOT NULL, -- argon2id, PHC string
    must_change BIGINT NOT NULL,
    role TEXT NOT NULL,
    lang TEXT, -- `ko` or `en`; null follows the browser
    time_zone TEXT, -- IANA; null is the server's
    disabled_ms BIGINT, -- accounts are disabled, never deleted
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_user_login ON account_user (login);

CREATE TABLE account_session (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL, -- blake3 of the cookie's secret, hexadecimal
    user_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    peer TEXT NOT NULL,
    agent TEXT NOT NULL -- the browser, as it names itself
);
CREATE UNIQUE INDEX account_session_secret ON account_session (secret_hash);
CREATE INDEX account_session_user ON account_session (user_id);

-- A token of a program: a secret that is kept as its hash.
CREATE TABLE account_token (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    label TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT,
    revoked_ms BIGINT
);
CREATE UNIQUE INDEX account_token_secret ON account_token (secret_hash);
CREATE INDEX account_token_user ON account_token (user_id);

CREATE TABLE account_attempt (
    subject TEXT NOT NULL PRIMARY KEY, -- `login:<name>` or `peer:<address>`
    failures BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    blocked_until_ms BIGINT NOT NULL
);

CREATE VIEW account_pub_user AS
SELECT id, login, display, role, lang, time_zone, disabled_ms FROM account_user;
