-- Hosts are configuration items from the first day; what agents discover on them, and its coverage.
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
CREATE UNIQUE INDEX cmdb_host_name ON cmdb_host (name);
CREATE INDEX cmdb_host_machine ON cmdb_host (machine);

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

CREATE VIEW cmdb_pub_host AS
SELECT id, name, os_family, labels, retired_ms FROM cmdb_host;
