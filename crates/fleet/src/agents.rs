//! Agents in the records store: one row a key.

use db::{Query, Row, Tx};
use model::{AgentId, CiId, TokenId};
use wire::Pin;

use crate::words::AgentRow;

const COLUMNS: &str =
    "id, host_id, version, address, enrolled_ms, seen_ms, retired_ms FROM fleet_agent";

/// An agent as a connection needs it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Known {
    pub(crate) id: AgentId,
    pub(crate) host: CiId,
    pub(crate) retired: bool,
}

/// All agents; which of them are connected and what is wrong with them [`crate::Fleet`] adds.
///
/// # Errors
/// When the store cannot be read.
pub async fn agent_rows(reader: &mut impl Query) -> db::Result<Vec<AgentRow>> {
    let sql = format!("SELECT {COLUMNS} ORDER BY id");
    reader
        .fetch_all(db::Sql::assembled(sql), Vec::new())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The agents of one host, the last seen first.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn agent_rows_of(
    reader: &mut impl Query,
    host: CiId,
) -> db::Result<Vec<AgentRow>> {
    let sql = format!("SELECT {COLUMNS} WHERE host_id = $1 ORDER BY seen_ms DESC, id DESC");
    let rows = reader
        .fetch_all(db::Sql::assembled(sql), vec![host.into()])
        .await?;
    rows.iter().map(read).collect()
}

/// Refuses an agent from now on; its key stays known, so that it cannot enrol as somebody else.
///
/// The caller then ends its connection with [`crate::Fleet::disconnect`].
///
/// # Errors
/// When the store refuses it.
pub async fn retire(tx: &mut Tx, id: AgentId) -> db::Result<bool> {
    let sql = "UPDATE fleet_agent SET retired_ms = $2 WHERE id = $1 AND retired_ms IS NULL";
    Ok(tx.execute(sql, vec![id.into(), tx.now_ms().into()]).await? == 1)
}

/// The agent with this key.
pub(crate) async fn find(reader: &mut impl Query, pin: Pin) -> db::Result<Option<Known>> {
    let sql = "SELECT id, host_id, retired_ms FROM fleet_agent WHERE pin = $1";
    let row = reader.fetch_opt(sql, vec![pin.to_string().into()]).await?;
    row.map(|row| {
        Ok(Known {
            id: row.id("id")?,
            host: row.id("host_id")?,
            retired: row.opt_int("retired_ms")?.is_some(),
        })
    })
    .transpose()
}

/// What enrolment writes.
#[derive(Clone, Debug)]
pub(crate) struct Enrolled {
    pub(crate) id: AgentId,
    pub(crate) host: CiId,
    pub(crate) pin: Pin,
    pub(crate) version: String,
    pub(crate) address: String,
    pub(crate) token: TokenId,
}

/// Keeps an enrolled agent; one that enrols again comes back from retirement.
pub(crate) async fn enrol(tx: &mut Tx, agent: &Enrolled) -> db::Result<()> {
    let values = vec![
        agent.id.into(),
        agent.host.into(),
        agent.pin.to_string().into(),
        agent.version.as_str().into(),
        agent.address.as_str().into(),
        agent.token.into(),
        tx.now_ms().into(),
    ];
    tx.execute(
        "INSERT INTO fleet_agent (id, host_id, pin, version, address, token_id, enrolled_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (pin) DO UPDATE SET host_id = $2, \
         version = $4, address = $5, enrolled_ms = $7, retired_ms = NULL",
        values,
    )
    .await?;
    Ok(())
}

/// Notes that agents were seen just now, and where.
pub(crate) async fn seen(tx: &mut Tx, list: &[(AgentId, String, String)]) -> db::Result<()> {
    let now_ms = tx.now_ms();
    for (id, version, address) in list {
        tx.execute(
            "UPDATE fleet_agent SET seen_ms = $2, version = $3, address = $4 WHERE id = $1",
            vec![id.into(), now_ms.into(), version.into(), address.into()],
        )
        .await?;
    }
    Ok(())
}

fn read(row: &Row) -> db::Result<AgentRow> {
    Ok(AgentRow {
        id: row.id("id")?,
        host: row.id("host_id")?,
        version: row.text("version")?,
        address: row.text("address")?,
        enrolled_ms: row.int("enrolled_ms")?,
        seen_ms: row.opt_int("seen_ms")?,
        retired: row.opt_int("retired_ms")?.is_some(),
        connected: false,
        warnings: Vec::new(),
    })
}
