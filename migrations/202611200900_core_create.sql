-- The tables every slice leans on: change rows, audit, outbox, leases, numbers and settings of the store.

-- Settings of the store itself, such as the head of the audit chain.
CREATE TABLE core_meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- Numbers that people say (P-1042): the last one given out per kind; a rolled-back use case may leave a gap.
CREATE TABLE core_number (
  kind TEXT PRIMARY KEY,
  last BIGINT NOT NULL
);

-- One row per edit of any record, append-only: who, when, before, after, why.
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

-- Who did what, chained by one sealing job; unsealed rows have no seq, prev_hash and hash yet.
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
CREATE UNIQUE INDEX core_audit_seq ON core_audit (seq);
CREATE INDEX core_audit_unsealed ON core_audit (id) WHERE seq IS NULL;
CREATE INDEX core_audit_actor ON core_audit (actor, id);

-- Messages that left in the same transaction as the state change they tell; delivered by leased jobs.
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

-- Who may do which periodic work; a lease that is not renewed is taken over.
CREATE TABLE core_lease (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  epoch BIGINT NOT NULL,          -- grows with every new holder: a fence for late writers
  renewals BIGINT NOT NULL,       -- grows with every renewal: contenders watch it, not a clock
  until_ms BIGINT NOT NULL        -- shown to people only
);
