-- Rules with what ships and what people made of it, groups, overrides, and watched things.
CREATE TABLE watch_rule (
    id TEXT NOT NULL PRIMARY KEY,
    rule_key TEXT NOT NULL, -- the permanent name in documents and URLs
    origin TEXT NOT NULL, -- `default` or `user`
    source TEXT NOT NULL, -- the collector that ships it; empty for a user's rule
    shipped TEXT, -- JSON: the rule as it ships; an upgrade replaces it
    edited TEXT, -- JSON: what a person made of it; an upgrade never touches it
    edited_over TEXT, -- JSON: what shipped when it was edited
    group_name TEXT NOT NULL, -- the board column, for lists
    title TEXT NOT NULL, -- both languages in lower case, for searching
    enabled BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    retired_ms BIGINT
);
CREATE UNIQUE INDEX watch_rule_key ON watch_rule (rule_key);

CREATE TABLE watch_group (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL, -- unique, the retired too: names in history stay clear
    note TEXT NOT NULL,
    selector TEXT NOT NULL, -- JSON
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    retired_ms BIGINT
);
CREATE UNIQUE INDEX watch_group_name ON watch_group (name);

CREATE TABLE watch_override (
    id TEXT NOT NULL PRIMARY KEY,
    rule_id TEXT NOT NULL,
    whom_kind TEXT NOT NULL, -- `group` or `host`
    whom_id TEXT NOT NULL,
    target_key TEXT, -- null = every target of the rule there
    value_changes TEXT NOT NULL, -- JSON
    why TEXT NOT NULL,
    made_by TEXT NOT NULL,
    until_ms BIGINT, -- null = without end
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    ended_ms BIGINT -- taken back or expired
);
CREATE INDEX watch_override_rule ON watch_override (rule_id, ended_ms);
CREATE INDEX watch_override_whom ON watch_override (whom_id, ended_ms);

CREATE TABLE watch_watched (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL, -- `process`, `unit`, `file`, `directory`, `check`
    what TEXT NOT NULL, -- JSON
    whom_kind TEXT NOT NULL, -- `group` or `host`
    whom_id TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    retired_ms BIGINT
);
CREATE INDEX watch_watched_whom ON watch_watched (whom_id, retired_ms);

CREATE VIEW watch_pub_group AS
SELECT id, name, selector, retired_ms FROM watch_group;

CREATE VIEW watch_pub_rule AS
SELECT id, rule_key, title, group_name, enabled, retired_ms FROM watch_rule;
