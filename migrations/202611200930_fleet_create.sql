-- Agents that may connect, and the tokens with which new ones enrol.
CREATE TABLE fleet_agent (
    id TEXT NOT NULL PRIMARY KEY,
    host_id TEXT NOT NULL, -- the configuration item it watches
    pin TEXT NOT NULL, -- sha256//… of its public key; the key is the agent
    version TEXT NOT NULL, -- of its program, as it said last
    address TEXT NOT NULL, -- where it last came from
    token_id TEXT, -- the token it enrolled with first
    enrolled_ms BIGINT NOT NULL,
    seen_ms BIGINT, -- when it was last connected; written now and then while it is
    retired_ms BIGINT -- agents are retired, never deleted
);
CREATE UNIQUE INDEX fleet_agent_pin ON fleet_agent (pin);
CREATE INDEX fleet_agent_host ON fleet_agent (host_id);

CREATE TABLE fleet_token (
    id TEXT NOT NULL PRIMARY KEY,
    label TEXT NOT NULL,
    secret_hash TEXT NOT NULL, -- blake3, hexadecimal; the secret itself is shown once
    host_groups TEXT NOT NULL, -- JSON list of group ids that hosts are put into
    host_labels TEXT NOT NULL, -- JSON list of [name, value] that hosts get
    uses_left BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT,
    revoked_ms BIGINT
);
CREATE UNIQUE INDEX fleet_token_secret ON fleet_token (secret_hash);

CREATE VIEW fleet_pub_agent AS
SELECT id, host_id, version, address, enrolled_ms, seen_ms FROM fleet_agent WHERE retired_ms IS NULL;
