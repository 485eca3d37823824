-- The sum of all migrations, dumped by a test; migrations/README.md says how.

CREATE TABLE account_attempt (
    subject TEXT NOT NULL PRIMARY KEY, -- `login:<name>` or `peer:<address>`
    failures BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    blocked_until_ms BIGINT NOT NULL
);

CREATE VIEW account_pub_user AS
SELECT id, login, display, role, lang, time_zone, disabled_ms FROM account_user;

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

CREATE TABLE cmdb_discovered (
    ci TEXT NOT NULL,
    kind TEXT NOT NULL, -- `filesystem`, `interface`, `listener`, `unit`
    item TEXT NOT NULL, -- its key within the host
    title TEXT NOT NULL,
    attributes TEXT NOT NULL, -- JSON object
    first_seen_ms BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    gone_ms BIGINT, -- no longer reported
    ignored_by TEXT,
    ignored_why TEXT,
    ignored_until_ms BIGINT, -- null while ignored = without end
    PRIMARY KEY (ci, kind, item)
);

CREATE TABLE cmdb_host (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL, -- unique among all hosts, the retired too: names in history stay clear
    machine TEXT NOT NULL, -- what the machine calls itself (machine-id); empty when unknown
    os_family TEXT NOT NULL, -- `linux`
    os_name TEXT NOT NULL, -- `Debian GNU/Linux 12 (bookworm)`
    kernel TEXT NOT NULL,
    arch TEXT NOT NULL,
    addresses TEXT NOT NULL, -- JSON list
    labels TEXT NOT NULL, -- JSON object
    cpus BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    booted_ms BIGINT, -- UTC
    retired_ms BIGINT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE INDEX cmdb_host_machine ON cmdb_host (machine);

CREATE UNIQUE INDEX cmdb_host_name ON cmdb_host (name);

CREATE VIEW cmdb_pub_host AS
SELECT id, name, os_family, labels, retired_ms FROM cmdb_host;

CREATE TABLE core_answer (
  actor TEXT NOT NULL,            -- whose key it is; two people may use the same one
  request_key TEXT NOT NULL,
  request TEXT NOT NULL,          -- a hash of method, path and body
  begun_ms BIGINT NOT NULL,
  status BIGINT,                  -- null while it is being worked on
  answer TEXT,                    -- headers and body, sealed by the server
  PRIMARY KEY (actor, request_key)
);

CREATE INDEX core_answer_age ON core_answer (begun_ms);

CREATE TABLE core_audit (
  id TEXT PRIMARY KEY,            -- aud_…, sorts by time of making
  seq BIGINT,                     -- 1, 2, 3 … without a gap, given by the sealing job
  at_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  outcome TEXT NOT NULL,          -- allowed, denied, failed
  ip TEXT,
  detail TEXT NOT NULL,           -- JSON
  prev_hash TEXT,
  hash TEXT
);

CREATE INDEX core_audit_actor ON core_audit (actor, id);

CREATE UNIQUE INDEX core_audit_seq ON core_audit (seq);

CREATE INDEX core_audit_unsealed ON core_audit (id) WHERE seq IS NULL;

CREATE TABLE core_change (
  id TEXT PRIMARY KEY,            -- rev_…, sorts by time of making
  at_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,            -- a user id, a token id or the name of a job
  object_kind TEXT NOT NULL,
  object_id TEXT NOT NULL,
  before_json TEXT,               -- JSON; null when the record was made
  after_json TEXT,                -- JSON; null when the record was retired
  why TEXT NOT NULL
);

CREATE INDEX core_change_object ON core_change (object_kind, object_id, id);

CREATE TABLE core_lease (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  epoch BIGINT NOT NULL,          -- grows with every new holder: a fence for late writers
  renewals BIGINT NOT NULL,       -- grows with every renewal: contenders watch it, not a clock
  until_ms BIGINT NOT NULL        -- shown to people only
);

CREATE TABLE core_meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE core_number (
  kind TEXT PRIMARY KEY,
  last BIGINT NOT NULL
);

CREATE TABLE core_outbox (
  id TEXT PRIMARY KEY,            -- msg_…
  topic TEXT NOT NULL,
  dedup_key TEXT NOT NULL,        -- a second message with the same key in a topic is not stored
  payload TEXT NOT NULL,          -- JSON
  state TEXT NOT NULL,            -- ready, leased, done, dead
  attempts BIGINT NOT NULL,       -- how often a worker has taken it; also fences late answers
  created_ms BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,         -- ready: not before; leased: when the lease may be taken over
  holder TEXT,                    -- the worker that holds the lease
  finished_ms BIGINT,             -- when it became done or dead
  error TEXT                      -- what the last attempt said
);

CREATE UNIQUE INDEX core_outbox_dedup ON core_outbox (topic, dedup_key);

CREATE INDEX core_outbox_due ON core_outbox (topic, due_ms, id) WHERE finished_ms IS NULL;

CREATE INDEX core_outbox_finished ON core_outbox (state, finished_ms) WHERE finished_ms IS NOT NULL;

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

CREATE INDEX fleet_agent_host ON fleet_agent (host_id);

CREATE UNIQUE INDEX fleet_agent_pin ON fleet_agent (pin);

CREATE VIEW fleet_pub_agent AS
SELECT id, host_id, version, address, enrolled_ms, seen_ms FROM fleet_agent WHERE retired_ms IS NULL;

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

CREATE TABLE notice_channel (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL, -- mail, slack, webhook
    name TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    sealed TEXT NOT NULL, -- the settings, encrypted under the installation's sealing key
    fallback TEXT, -- the channel that takes over when this one fails
    per_minute BIGINT NOT NULL, -- notices a minute to one recipient; what is more becomes a digest
    retired_ms BIGINT, -- channels are retired, never deleted
    version BIGINT NOT NULL
);

CREATE TABLE notice_event (
    problem TEXT NOT NULL,
    seq BIGINT NOT NULL,
    dispatch TEXT NOT NULL, -- JSON
    taken_ms BIGINT NOT NULL,
    PRIMARY KEY (problem, seq)
);

CREATE TABLE notice_health (
    channel TEXT NOT NULL PRIMARY KEY,
    last_ok_ms BIGINT NOT NULL, -- 0 for never
    last_fail_ms BIGINT NOT NULL,
    failing_since_ms BIGINT NOT NULL, -- 0 while it works
    failures BIGINT NOT NULL, -- in a row
    last_error TEXT NOT NULL
);

CREATE TABLE notice_ledger (
    id TEXT NOT NULL PRIMARY KEY, -- dlv_…, sorts by time of making
    problem TEXT NOT NULL,
    seq BIGINT NOT NULL,
    event TEXT NOT NULL,
    severity BIGINT NOT NULL,
    recipient TEXT NOT NULL, -- empty when the decision was for everybody
    channel TEXT NOT NULL, -- empty when it never came to a channel
    decided_ms BIGINT NOT NULL,
    reason TEXT NOT NULL, -- the code: sent, held_maintenance, outside_hours …
    detail TEXT NOT NULL, -- M-12, an error, another channel
    state TEXT NOT NULL, -- settled, waiting, sending
    due_ms BIGINT NOT NULL, -- waiting: not before; sending: when the lease may be taken over
    holder TEXT, -- the lane that sends it
    attempts BIGINT NOT NULL,
    first_try_ms BIGINT NOT NULL, -- 0 before the first try
    unsure BIGINT NOT NULL, -- 1 when a try may have arrived
    done_ms BIGINT,
    digest TEXT, -- the digest that told it together with others
    fallback_of TEXT -- the row of the channel that failed
);

CREATE INDEX notice_ledger_digest ON notice_ledger (digest) WHERE digest IS NOT NULL;

CREATE UNIQUE INDEX notice_ledger_key ON notice_ledger (problem, seq, recipient, channel);

CREATE INDEX notice_ledger_live ON notice_ledger (channel, due_ms, id) WHERE done_ms IS NULL;

CREATE INDEX notice_ledger_order ON notice_ledger (problem, recipient, channel, seq) WHERE done_ms IS NULL;

CREATE INDEX notice_ledger_problem ON notice_ledger (problem, id);

CREATE INDEX notice_ledger_recipient ON notice_ledger (recipient, id);

CREATE INDEX notice_ledger_undelivered ON notice_ledger (id) WHERE reason = 'undelivered';

CREATE VIEW notice_pub_health AS
SELECT channel, last_ok_ms, last_fail_ms, failing_since_ms, failures, last_error FROM notice_health;

CREATE TABLE notice_recipient (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    shared BIGINT NOT NULL, -- 1 for a shared box, 0 for a person
    user_id TEXT, -- the person's account, if any
    lang TEXT NOT NULL,
    zone TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    addresses TEXT NOT NULL, -- JSON: a channel's id or kind → the address there
    rules TEXT NOT NULL, -- JSON: what, when, where
    retired_ms BIGINT,
    version BIGINT NOT NULL
);

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

CREATE INDEX problem_maintenance_ends ON problem_maintenance (ends_ms);

CREATE UNIQUE INDEX problem_maintenance_number ON problem_maintenance (number);

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

CREATE INDEX problem_problem_host ON problem_problem (ci, opened_ms);

CREATE UNIQUE INDEX problem_problem_latest ON problem_problem (pair) WHERE latest = 1;

CREATE UNIQUE INDEX problem_problem_number ON problem_problem (number);

CREATE INDEX problem_problem_open ON problem_problem (severity, opened_ms, id) WHERE closed_ms IS NULL;

CREATE INDEX problem_problem_opened ON problem_problem (opened_ms, id);

CREATE INDEX problem_problem_pair ON problem_problem (pair, number);

CREATE INDEX problem_problem_rule ON problem_problem (rule, opened_ms);

CREATE INDEX problem_problem_waiting ON problem_problem (id) WHERE closed_ms IS NULL AND owed > 0;

CREATE VIEW problem_pub_open AS
SELECT id, number, rule, rule_key, title_ko, title_en, board_group, ci, host, kind, target_key, severity, highest,
    opened_ms, changed_ms, flapping, acked_by, acked_ms, assignee, snoozed_until_ms, maintenance, silence, last_seen_ms,
    cannot_judge, repair, told
FROM problem_problem WHERE closed_ms IS NULL;

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

CREATE TABLE remedy_binding (
    rule TEXT NOT NULL,
    script TEXT NOT NULL,
    from_severity BIGINT NOT NULL, -- started when the problem reaches it
    target_key TEXT NOT NULL, -- only this target; empty is every target of the rule
    holds_notice BIGINT NOT NULL, -- notices wait until the repair has failed
    by TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (rule, script, target_key)
);

CREATE TABLE remedy_run (
    id TEXT NOT NULL PRIMARY KEY,
    script TEXT NOT NULL,
    script_name TEXT NOT NULL,
    script_version BIGINT NOT NULL,
    problem TEXT, -- what it is to repair
    ci TEXT NOT NULL,
    target TEXT, -- JSON
    by TEXT, -- nobody when it started by itself
    dry_run BIGINT NOT NULL,
    state TEXT NOT NULL, -- running, verifying, verified, not_verified, succeeded, failed, refused, unreachable
    summary TEXT NOT NULL,
    transcript TEXT NOT NULL,
    exit_code BIGINT,
    ordered_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    verify_until_ms BIGINT
);

CREATE INDEX remedy_run_open ON remedy_run (state) WHERE state IN ('running', 'verifying');

CREATE INDEX remedy_run_ordered ON remedy_run (ordered_ms);

CREATE INDEX remedy_run_problem ON remedy_run (problem);

CREATE INDEX remedy_run_script ON remedy_run (script, ci, ordered_ms);

CREATE TABLE remedy_script (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    help TEXT NOT NULL,
    body TEXT NOT NULL, -- the script itself, with its `#!` line
    precondition TEXT NOT NULL, -- a script that must exit 0 first; empty when there is none
    run_as TEXT NOT NULL, -- empty is the unprivileged default user of the runner
    time_limit_ms BIGINT NOT NULL,
    max_runs BIGINT NOT NULL, -- at most so many runs on one host …
    window_ms BIGINT NOT NULL, -- … within this time
    cooldown_ms BIGINT NOT NULL, -- and never two within this time
    verify_ms BIGINT NOT NULL, -- the condition must clear within this time after the run
    mode TEXT NOT NULL, -- `automatic` or `off`
    version BIGINT NOT NULL,
    approved_version BIGINT NOT NULL, -- 0 until somebody approved one
    approved_by TEXT NOT NULL,
    approved_ms BIGINT,
    changed_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    retired_ms BIGINT
);

CREATE UNIQUE INDEX remedy_script_name ON remedy_script (name) WHERE retired_ms IS NULL;

CREATE TABLE remedy_switch (
    name TEXT NOT NULL PRIMARY KEY, -- `all`: the global kill switch
    off_by TEXT NOT NULL,
    off_why TEXT NOT NULL,
    off_ms BIGINT NOT NULL
);

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

CREATE VIEW watch_pub_group AS
SELECT id, name, selector, retired_ms FROM watch_group;

CREATE VIEW watch_pub_rule AS
SELECT id, rule_key, title, group_name, enabled, retired_ms FROM watch_rule;

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
