//! Rows of `cmdb_host`.

use db::{Query, Result, Row, Sql, Tx, Value, params};
use model::CiId;

use crate::{Host, HostFacts, HostFilter};

const COLUMNS: &str = "id, name, machine, os_family, os_name, kernel, arch, addresses, labels, \
     cpus, memory_bytes, booted_ms, retired_ms, created_ms, version";

fn read(row: &Row) -> Result<Host> {
    Ok(Host {
        id: row.id("id")?,
        name: row.text("name")?,
        labels: row.json("labels")?,
        facts: HostFacts {
            hostname: row.text("name")?,
            machine: row.text("machine")?,
            os_family: row.text("os_family")?,
            os_name: row.text("os_name")?,
            kernel: row.text("kernel")?,
            arch: row.text("arch")?,
            addresses: row.json("addresses")?,
            cpus: row.number("cpus")?,
            memory_bytes: row.number("memory_bytes")?,
            booted_ms: row.opt_int("booted_ms")?,
        },
        retired_ms: row.opt_int("retired_ms")?,
        created_ms: row.int("created_ms")?,
        version: row.int("version")?,
    })
}

pub(crate) async fn host(from: &mut impl Query, id: CiId) -> Result<Option<Host>> {
    let sql = Sql::assembled(format!("SELECT {COLUMNS} FROM cmdb_host WHERE id = $1"));
    from.fetch_opt(sql, params![id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

pub(crate) async fn host_by_name(from: &mut impl Query, name: &str) -> Result<Option<Host>> {
    let sql = Sql::assembled(format!("SELECT {COLUMNS} FROM cmdb_host WHERE name = $1"));
    from.fetch_opt(sql, params![name])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

pub(crate) async fn host_by_machine(from: &mut impl Query, machine: &str) -> Result<Option<Host>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM cmdb_host WHERE machine = $1 ORDER BY created_ms"
    ));
    from.fetch_opt(sql, params![machine])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Hosts by name; labels are matched by the caller, for the store keeps them as JSON text.
pub(crate) async fn hosts(from: &mut impl Query, filter: &HostFilter) -> Result<Vec<Host>> {
    let text = format!(
        "%{}%",
        filter.text.to_lowercase().replace(['%', '_', '\\'], " ")
    );
    let after = filter.after.clone().unwrap_or_default();
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM cmdb_host WHERE name > $1 \
         AND ($2 = 1 OR retired_ms IS NULL) \
         AND (lower(name) LIKE $3 OR lower(addresses) LIKE $3 OR lower(os_name) LIKE $3) \
         ORDER BY name LIMIT $4"
    ));
    let values: Vec<Value> = params![after, filter.retired, text, filter.limit];
    from.fetch_all(sql, values)
        .await?
        .iter()
        .map(read)
        .collect()
}

pub(crate) async fn insert_host(tx: &mut Tx, host: &Host) -> Result<()> {
    let sql = "INSERT INTO cmdb_host (id, name, machine, os_family, os_name, kernel, arch, \
         addresses, labels, cpus, memory_bytes, booted_ms, retired_ms, created_ms, updated_ms, \
         version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let mut values = columns(host)?;
    values.extend(params![host.created_ms, tx.now_ms(), host.version]);
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn save_host(tx: &mut Tx, host: &Host) -> Result<()> {
    let sql = "UPDATE cmdb_host SET name = $2, machine = $3, os_family = $4, os_name = $5, \
         kernel = $6, arch = $7, addresses = $8, labels = $9, cpus = $10, memory_bytes = $11, \
         booted_ms = $12, retired_ms = $13, updated_ms = $14, version = $15 WHERE id = $1";
    let mut values = columns(host)?;
    values.extend(params![tx.now_ms(), host.version]);
    tx.execute(sql, values).await.map(drop)
}

/// The values of `$1` to `$13`, the same in both statements.
fn columns(host: &Host) -> Result<Vec<Value>> {
    let facts = &host.facts;
    Ok(params![
        host.id,
        &host.name,
        &facts.machine,
        &facts.os_family,
        &facts.os_name,
        &facts.kernel,
        &facts.arch,
        Value::json(&facts.addresses)?,
        Value::json(&host.labels)?,
        facts.cpus,
        facts.memory_bytes,
        facts.booted_ms,
        host.retired_ms,
    ])
}
