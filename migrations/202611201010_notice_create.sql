-- Channels, recipients, and the ledger of every decision to tell somebody something or not.

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

-- How a channel does: kept apart from its settings, because it changes with every failure.
CREATE TABLE notice_health (
    channel TEXT NOT NULL PRIMARY KEY,
    last_ok_ms BIGINT NOT NULL, -- 0 for never
    last_fail_ms BIGINT NOT NULL,
    failing_since_ms BIGINT NOT NULL, -- 0 while it works
    failures BIGINT NOT NULL, -- in a row
    last_error TEXT NOT NULL
);

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

-- What happened, once, however many people hear of it.
CREATE TABLE notice_event (
    problem TEXT NOT NULL,
    seq BIGINT NOT NULL,
    dispatch TEXT NOT NULL, -- JSON
    taken_ms BIGINT NOT NULL,
    PRIMARY KEY (problem, seq)
);

-- One row per decision; those to send are delivered from here. Kept for a year and more.
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
CREATE UNIQUE INDEX notice_ledger_key ON notice_ledger (problem, seq, recipient, channel);
CREATE INDEX notice_ledger_problem ON notice_ledger (problem, id);
CREATE INDEX notice_ledger_live ON notice_ledger (channel, due_ms, id) WHERE done_ms IS NULL;
CREATE INDEX notice_ledger_order ON notice_ledger (problem, recipient, channel, seq) WHERE done_ms IS NULL;
CREATE INDEX notice_ledger_recipient ON notice_ledger (recipient, id);
CREATE INDEX notice_ledger_digest ON notice_ledger (digest) WHERE digest IS NOT NULL;
CREATE INDEX notice_ledger_undelivered ON notice_ledger (id) WHERE reason = 'undelivered';

-- What other parts may know: how many notices wait or were not delivered, per channel.
CREATE VIEW notice_pub_health AS
SELECT channel, last_ok_ms, last_fail_ms, failing_since_ms, failures, last_error FROM notice_health;
