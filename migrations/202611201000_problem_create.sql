-- Problems with their timelines, and the maintenances and silences that keep their notices back.

-- One row per problem; the newest of each rule × target has `latest` = 1, and only it may be open.
CREATE TABLE problem_problem (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL, -- people say P-1042
    latest BIGINT NOT NULL, -- 1 for the newest problem of its pair
    pair TEXT NOT NULL, -- rule/ci/kind/key
    rule TEXT NOT NULL,
    rule_key TEXT NOT NULL,
    title_ko TEXT NOT NULL,
    title_en TEXT NOT NULL,
    board_group TEXT NOT NULL,
    ci TEXT NOT NULL,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    target_key TEXT NOT NULL,
    severity BIGINT NOT NULL, -- 1 to 5; the last one when closed
    highest BIGINT NOT NULL,
    opened_ms BIGINT NOT NULL, -- sample time
    changed_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL, -- transitions that are not newer are ignored
    closed_ms BIGINT,
    close_reason TEXT,
    observed TEXT NOT NULL, -- JSON
    because TEXT NOT NULL,
    notify_from BIGINT NOT NULL,
    notify_on_fall BIGINT NOT NULL,
    flapping BIGINT NOT NULL,
    acked_by TEXT,
    acked_ms BIGINT,
    assignee TEXT,
    snoozed_until_ms BIGINT,
    maintenance TEXT, -- M-12, while it covers
    silence TEXT, -- S-3, while it covers
    last_seen_ms BIGINT, -- while the host is silent
    cannot_judge TEXT NOT NULL,
    repair TEXT, -- JSON
    told BIGINT NOT NULL, -- the highest severity that left to be told, 0 for none
    told_ms BIGINT NOT NULL,
    owed BIGINT NOT NULL, -- the severity of a held notice that must still be told, 0 for none
    held TEXT, -- JSON: why the last notice was held
    flap_held_ms BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    search TEXT NOT NULL -- what the search field looks in, lower case
);
CREATE UNIQUE INDEX problem_problem_number ON problem_problem (number);
CREATE UNIQUE INDEX problem_problem_latest ON problem_problem (pair) WHERE latest = 1;
CREATE INDEX problem_problem_pair ON problem_problem (pair, number);
CREATE INDEX problem_problem_open ON problem_problem (severity, opened_ms, id) WHERE closed_ms IS NULL;
CREATE INDEX problem_problem_waiting ON problem_problem (id) WHERE closed_ms IS NULL AND owed > 0;
CREATE INDEX problem_problem_opened ON problem_problem (opened_ms, id);
CREATE INDEX problem_problem_host ON problem_problem (ci, opened_ms);
CREATE INDEX problem_problem_rule ON problem_problem (rule, opened_ms);

-- What happened to a problem, in order, append-only.
CREATE TABLE problem_entry (
    problem TEXT NOT NULL,
    n BIGINT NOT NULL, -- 1, 2, 3 …
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL, -- empty when it happened by itself
    note TEXT NOT NULL,
    data TEXT NOT NULL, -- JSON
    PRIMARY KEY (problem, n)
);

CREATE TABLE problem_maintenance (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL, -- people say M-12
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    reason TEXT NOT NULL,
    schedule TEXT NOT NULL, -- JSON: once, or days, time, length and zone
    scope TEXT NOT NULL, -- JSON: hosts, groups, labels, rules
    begins_ms BIGINT NOT NULL, -- no window begins before
    ends_ms BIGINT NOT NULL, -- no window ends after
    cancelled_ms BIGINT,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX problem_maintenance_number ON problem_maintenance (number);
CREATE INDEX problem_maintenance_ends ON problem_maintenance (ends_ms);

CREATE TABLE problem_silence (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL, -- people say S-3
    selector TEXT NOT NULL,
    owner TEXT NOT NULL,
    reason TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    cancelled_ms BIGINT,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX problem_silence_number ON problem_silence (number);
CREATE INDEX problem_silence_to ON problem_silence (to_ms);

-- What other parts may know of open problems, e.g. the board and the host page.
CREATE VIEW problem_pub_open AS
SELECT id, number, rule, rule_key, title_ko, title_en, board_group, ci, host, kind, target_key, severity, highest,
    opened_ms, changed_ms, flapping, acked_by, acked_ms, assignee, snoozed_until_ms, maintenance, silence, last_seen_ms,
    cannot_judge, repair, told
FROM problem_problem WHERE closed_ms IS NULL;
