-- Recovery scripts, what starts them, every run with its transcript, and the global kill switch.
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
CREATE INDEX remedy_run_script ON remedy_run (script, ci, ordered_ms);
CREATE INDEX remedy_run_problem ON remedy_run (problem);
CREATE INDEX remedy_run_open ON remedy_run (state) WHERE state IN ('running', 'verifying');
CREATE INDEX remedy_run_ordered ON remedy_run (ordered_ms);

CREATE TABLE remedy_switch (
    name TEXT NOT NULL PRIMARY KEY, -- `all`: the global kill switch
    off_by TEXT NOT NULL,
    off_why TEXT NOT NULL,
    off_ms BIGINT NOT NULL
);
