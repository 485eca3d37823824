//! Rows of `notice_channel`; settings are sealed on the way in and opened on the way out.

use db::{Query, Row, Sql, Tx, params};
use model::ChannelId;
use notify::Settings;

use crate::error::{NoticeError, Result};
use crate::model::Channel;
use crate::seal::Sealer;

const SELECT: &str =
    "SELECT id, kind, name, enabled, sealed, fallback, per_minute, retired_ms, version
    FROM notice_channel";

/// A channel without its settings.
fn outline(row: &Row) -> db::Result<Channel> {
    let id: ChannelId = row.id("id")?;
    Ok(Channel {
        id,
        kind: row.text("kind")?,
        name: row.text("name")?,
        enabled: row.bool("enabled")?,
        settings: Settings::default(),
        fallback: row.opt_id("fallback")?,
        per_minute: row.int("per_minute")?,
        retired_ms: row.opt_int("retired_ms")?,
        version: row.int("version")?,
    })
}

fn open(row: &Row, sealer: &Sealer) -> db::Result<Option<Settings>> {
    let opened = sealer.open(row.str("id")?, row.str("sealed")?);
    Ok(opened.and_then(|json| serde_json::from_str(&json).ok()))
}

/// All channels by name, the retired ones too, without their settings: what decides on notices must
/// not stop because one channel cannot be opened.
pub(crate) async fn outlines(from: &mut impl Query) -> db::Result<Vec<Channel>> {
    let sql = Sql::assembled(format!("{SELECT} ORDER BY name, id"));
    from.fetch_all(sql, params![])
        .await?
        .iter()
        .map(outline)
        .collect()
}

/// All channels by name, the retired ones too; settings that cannot be opened are empty.
pub(crate) async fn all(from: &mut impl Query, sealer: &Sealer) -> Result<Vec<Channel>> {
    let sql = Sql::assembled(format!("{SELECT} ORDER BY name, id"));
    let rows = from.fetch_all(sql, params![]).await?;
    let read = |row: &Row| {
        let settings = open(row, sealer)?.unwrap_or_default();
        Ok(Channel {
            settings,
            ..outline(row)?
        })
    };
    rows.iter().map(read).collect()
}

/// One channel.
pub(crate) async fn one(from: &mut impl Query, sealer: &Sealer, id: ChannelId) -> Result<Channel> {
    let sql = Sql::assembled(format!("{SELECT} WHERE id = $1"));
    let row = from.fetch_opt(sql, params![id]).await?;
    let row = row.ok_or_else(|| NoticeError::NotFound {
        what: "channel",
        id: id.to_string(),
    })?;
    let settings = open(&row, sealer)?.ok_or_else(|| NoticeError::Sealed(id.to_string()))?;
    Ok(Channel {
        settings,
        ..outline(&row)?
    })
}

/// Keeps a channel, new or edited.
pub(crate) async fn save(tx: &mut Tx, sealer: &Sealer, channel: &Channel) -> Result<()> {
    const SQL: &str = "INSERT INTO notice_channel
        (id, kind, name, enabled, sealed, fallback, per_minute, retired_ms, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled,
            sealed = excluded.sealed, fallback = excluded.fallback,
            per_minute = excluded.per_minute, retired_ms = excluded.retired_ms,
            version = excluded.version";
    let id = channel.id.to_string();
    let json = serde_json::to_string(&channel.settings)
        .map_err(|error| NoticeError::Message(error.to_string()))?;
    let sealed = sealer.seal(tx.env(), &id, &json);
    let sealed = sealed.ok_or_else(|| NoticeError::Sealed(id))?;
    let values = params![
        channel.id,
        &channel.kind,
        &channel.name,
        channel.enabled,
        sealed,
        channel.fallback,
        channel.per_minute,
        channel.retired_ms,
        channel.version,
    ];
    tx.execute(SQL, values).await?;
    Ok(())
}
