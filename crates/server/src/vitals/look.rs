//! A look at each part of the server: does it do its work, and how far behind is it.

use std::time::Duration;

use db::{DbError, Tx};

use super::{Body, Finding};

/// Every part that is looked at; the metrics store answers for itself.
pub(super) const PARTS: [&str; 6] = ["records", "ingest", "outbox", "notices", "channels", "disk"];

/// Where the records keep the proof that they can be written.
const ALIVE: &str = "alive_ms";
/// How long a message may be due before its path counts as stuck, in milliseconds.
const DUE_MS_MAX: i64 = 60_000;
/// Messages that were given up count for this long, in milliseconds.
const DEAD_MS: i64 = 24 * 3_600_000;
/// How long a channel may fail before it is told, in milliseconds.
const FAILING_MS: i64 = 60_000;
/// How long samples may wait to be judged, in milliseconds.
const INGEST_MS_MAX: u64 = 5_000;
/// Free space under which a disk counts as full, in bytes; on small disks a twentieth of them.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

/// Looks at one part.
pub(super) async fn at(name: &str, body: &Body) -> Finding {
    let looked = match name {
        "records" => records(body).await,
        "ingest" => Ok(ingest(body).await),
        "outbox" => outbox(body).await,
        "notices" => notices(body).await,
        "channels" => channels(body).await,
        _ => Ok(disk(body)),
    };
    looked.unwrap_or_else(|error| Finding {
        wrong: chain(&error),
        numbers: Vec::new(),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Whether the records can be written, and how long that takes.
async fn records(body: &Body) -> Result<Finding, DbError> {
    let begun_ns = body.env.clock.mono_ns();
    body.db
        .write(|tx: &mut Tx| {
            Box::pin(async move {
                let now_ms = tx.now_ms().to_string();
                tx.set_meta(ALIVE, &now_ms).await
            })
        })
        .await?;
    let took_ns = body.env.clock.mono_ns().saturating_sub(begun_ns);
    Ok(Finding {
        wrong: String::new(),
        numbers: vec![(
            "bongsu_records_commit_seconds",
            "Duration of the last probing commit of the records.",
            Duration::from_nanos(took_ns).as_secs_f64(),
        )],
    })
}

/// How long what comes in waits before it is judged.
async fn ingest(body: &Body) -> Finding {
    let begun_ns = body.env.clock.mono_ns();
    body.intake.reach().await;
    let took_ms = body.env.clock.mono_ns().saturating_sub(begun_ns) / 1_000_000;
    let stats = body.tsdb.stats();
    let wrong = if took_ms > INGEST_MS_MAX {
        format!("samples wait {took_ms} ms before they are judged")
    } else {
        String::new()
    };
    Finding {
        wrong,
        numbers: vec![
            (
                "bongsu_ingest_wait_seconds",
                "How long a batch waits before it is judged.",
                Duration::from_millis(took_ms).as_secs_f64(),
            ),
            (
                "bongsu_ingest_unsynced_bytes",
                "Bytes of samples taken in and not yet acknowledged.",
                count(stats.wal_unsynced_bytes),
            ),
        ],
    }
}

/// Messages between the parts: waiting, late, given up.
async fn outbox(body: &Body) -> Result<Finding, DbError> {
    let now_ms = body.env.clock.now_ms();
    let mut reader = body.db.reader();
    let topics = jobs::backlog(&mut reader).await?;
    let waiting: u64 = topics.iter().map(|topic| topic.ready + topic.leased).sum();
    let dead: u64 = topics.iter().map(|topic| topic.dead).sum();
    let oldest_ms = topics.iter().filter_map(|topic| topic.oldest_due_ms).min();
    let late_ms = oldest_ms.map_or(0, |due_ms| now_ms.saturating_sub(due_ms).max(0));
    let died = jobs::died_since(&mut reader, now_ms.saturating_sub(DEAD_MS)).await?;
    let mut wrong = Vec::new();
    if late_ms > DUE_MS_MAX {
        let late_s = late_ms / 1_000;
        wrong.push(format!(
            "{waiting} messages wait, the oldest is {late_s} s late"
        ));
    }
    if died > 0 {
        wrong.push(format!(
            "{died} messages were given up within a day: the health page shows them"
        ));
    }
    Ok(Finding {
        wrong: wrong.join("; "),
        numbers: vec![
            (
                "bongsu_outbox_waiting",
                "Messages that are not delivered yet.",
                count(waiting),
            ),
            (
                "bongsu_outbox_dead",
                "Messages that were given up.",
                count(dead),
            ),
            (
                "bongsu_outbox_late_seconds",
                "How long the oldest due message has been due.",
                count(late_ms.unsigned_abs()) / 1_000.0,
            ),
        ],
    })
}

/// Notices that should have left by now, whatever their channels do.
async fn notices(body: &Body) -> Result<Finding, DbError> {
    let now_ms = body.env.clock.now_ms();
    let mut reader = body.db.reader();
    let before_ms = now_ms.saturating_sub(DUE_MS_MAX);
    let looked = notice::service::overdue(&mut reader, before_ms).await;
    let (overdue, oldest_ms) = match looked {
        Ok(found) => found,
        Err(error) => {
            return Ok(Finding {
                wrong: chain(&error),
                numbers: Vec::new(),
            });
        }
    };
    let late_s = oldest_ms.map_or(0, |due_ms| now_ms.saturating_sub(due_ms) / 1_000);
    let wrong = if overdue > 0 {
        format!("{overdue} notices should have left, the oldest {late_s} s ago")
    } else {
        String::new()
    };
    Ok(Finding {
        wrong,
        numbers: vec![(
            "bongsu_notices_overdue",
            "Notices that should have left more than a minute ago.",
            count(overdue),
        )],
    })
}

/// Channels that fail, by name.
async fn channels(body: &Body) -> Result<Finding, DbError> {
    let now_ms = body.env.clock.now_ms();
    let mut reader = body.db.reader();
    let all = notice::service::channels(&mut reader, &body.notices).await;
    let health = notice::service::health(&mut reader).await;
    let (all, health) = match (all, health) {
        (Ok(all), Ok(health)) => (all, health),
        (Err(error), _) | (_, Err(error)) => {
            return Ok(Finding {
                wrong: chain(&error),
                numbers: Vec::new(),
            });
        }
    };
    let failing = all
        .iter()
        .filter(|channel| channel.enabled && channel.retired_ms.is_none());
    let failing = failing.filter_map(|channel| {
        let health = health.iter().find(|one| one.channel == channel.id)?;
        let since_ms = health.failing_since_ms;
        let is_failing = since_ms > 0 && now_ms.saturating_sub(since_ms) > FAILING_MS;
        is_failing.then(|| format!("`{}` fails: {}", channel.name, health.last_error))
    });
    let failing: Vec<String> = failing.collect();
    Ok(Finding {
        numbers: vec![(
            "bongsu_channels_failing",
            "Channels that have failed for more than a minute.",
            count(failing.len() as u64),
        )],
        wrong: failing.join("; "),
    })
}

/// Free space where everything is kept.
fn disk(body: &Body) -> Finding {
    let folder = &body.data_dir;
    let stat = match rustix::fs::statvfs(folder) {
        Ok(stat) => stat,
        Err(error) => {
            return Finding {
                wrong: format!("{} cannot be asked: {error}", folder.display()),
                numbers: Vec::new(),
            };
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let total = stat.f_blocks.saturating_mul(stat.f_frsize);
    let wrong = if free < FREE_BYTES_MIN.min(total / 20) {
        let what = if body.embedded {
            "records and samples"
        } else {
            "samples"
        };
        format!(
            "only {} MiB are free under {}: {what} cannot be kept when it is full; free space",
            free / (1024 * 1024),
            folder.display()
        )
    } else {
        String::new()
    };
    Finding {
        wrong,
        numbers: vec![
            (
                "bongsu_disk_free_bytes",
                "Free bytes under the data folder.",
                count(free),
            ),
            (
                "bongsu_disk_bytes",
                "Bytes of the disk under the data folder.",
                count(total),
            ),
        ],
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
const fn count(number: u64) -> f64 {
    number as f64
}
