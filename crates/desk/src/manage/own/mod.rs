//! How Bongsu itself feels: checks, messages that wait or were given up, stores, the judge.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use db::Tx;
use jobs::{Backlog, DeadMessage};
use model::MessageId;
use ui::{Fact, Html, PageContext, PageHead};
use web::{Action, ApiError, Ctx, Endpoint, Role, Routes};

use super::asked::Sent;
use super::refusal::{self, Refusal};
use super::sheet::{self, Press};
use crate::{Desk, frame};

const READ: Action = Action::view("health.read");
const REVIVE: Action = Action::administer("health.revive");

/// Given-up messages shown.
const DEAD_MAX: usize = 100;

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/health", READ), health)
        .add(Endpoint::post("/health/revive", REVIVE), revive)
}

async fn health(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut reader = desk.db.reader();
    let backlog = jobs::backlog(&mut reader).await.map_err(refusal::store)?;
    let dead = jobs::dead(&mut reader, None, DEAD_MAX)
        .await
        .map_err(refusal::store)?;
    let administers = ctx.has(Role::Administrator);
    let parts = [
        sheet::flush(page.t("own.checks"), checks(&desk, &page)),
        waiting(&page, &backlog),
        given_up(&page, (&dead, administers)),
        sheet::panel(page.t("own.judge"), judge(&desk, &page)),
        sheet::panel(page.t("own.metrics"), metrics(&desk, &page)),
    ];
    let head = PageHead::new(page.t("nav.health"), page.t("own.intro"));
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}

fn checks(desk: &Desk, page: &PageContext) -> Html {
    let rows: Vec<Vec<Html>> = desk
        .health
        .lines()
        .iter()
        .map(|line| {
            let state = match line.ok {
                true => Html::text(page.t("own.ok")),
                false => sheet::alert_chip(page.t("own.not_ok")),
            };
            let key = format!("own.check_{}", line.name.replace('-', "_"));
            let name = i18n::find(page.lang, &key).unwrap_or(line.name);
            vec![Html::text(name), state, Html::text(&line.detail)]
        })
        .collect();
    let titles = ["own.check", "rule.state", "host.detail"];
    sheet::grid(&titles.map(|key| page.t(key)), &rows)
}

fn waiting(page: &PageContext, backlog: &[Backlog]) -> Html {
    let title = page.t("own.backlog");
    if backlog.is_empty() {
        return sheet::panel(title, sheet::muted(page.t("own.no_backlog")));
    }
    let number = |count: u64| Html::text(&i18n::integer(i64::try_from(count).unwrap_or(i64::MAX)));
    let rows: Vec<Vec<Html>> = backlog
        .iter()
        .map(|one| {
            let oldest = one.oldest_due_ms;
            vec![
                sheet::code(&one.topic),
                number(one.ready),
                number(one.leased),
                number(one.dead),
                oldest.map_or_else(|| Html::text("–"), |at_ms| page.ago(at_ms)),
            ]
        })
        .collect();
    let titles = [
        "own.topic",
        "own.ready",
        "own.leased",
        "own.dead",
        "own.oldest",
    ];
    sheet::flush(title, sheet::grid(&titles.map(|key| page.t(key)), &rows))
}

fn given_up(page: &PageContext, (dead, administers): (&[DeadMessage], bool)) -> Html {
    let title = page.t("own.given_up");
    if dead.is_empty() {
        return sheet::panel(title, sheet::muted(page.t("own.none_given_up")));
    }
    let rows: Vec<Vec<Html>> = dead
        .iter()
        .map(|one| {
            let revive = Press {
                to: "/health/revive",
                label: page.t("own.revive"),
                confirm: page.t("own.revive_confirm"),
                weight: "",
                values: &[("id", &one.id.to_string())],
            };
            let payload = Html::trusted(format!(
                "<details><summary>{}</summary>{}</details>",
                ui::escape(&one.error),
                sheet::block(&one.payload)
            ));
            vec![
                page.at(one.died_ms),
                sheet::code(&one.topic),
                Html::text(&one.attempts.to_string()),
                payload,
                if administers {
                    revive.draw(page)
                } else {
                    Html::empty()
                },
            ]
        })
        .collect();
    let titles = [
        "own.died",
        "own.topic",
        "own.attempts",
        "own.error",
        "script.what",
    ];
    sheet::flush(title, sheet::grid(&titles.map(|key| page.t(key)), &rows))
}

fn judge(desk: &Desk, page: &PageContext) -> Html {
    let counters = desk.driver.counters();
    let mut facts = vec![
        Fact::text(page.t("own.pairs"), &page.count(&desk.driver.pair_count())),
        Fact::text(page.t("own.agents"), &page.count(&desk.fleet.connected())),
    ];
    for (key, count) in [
        ("own.samples", counters.samples),
        ("own.judged", counters.evaluations),
        ("own.stale", counters.old),
        ("own.blind", counters.cannot_judge),
        ("own.transitions", counters.fired),
    ] {
        facts.push(Fact::text(page.t(key), &page.count(&count)));
    }
    ui::facts(&facts)
}

fn metrics(desk: &Desk, page: &PageContext) -> Html {
    let stats = desk.tsdb.stats();
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let bytes = |bytes: u64| i18n::bytes(bytes as f64);
    let mut facts = vec![
        Fact::text(page.t("own.series"), &page.count(&stats.series)),
        Fact::text(page.t("own.samples_kept"), &page.count(&stats.part_samples)),
        Fact::text(page.t("own.part_bytes"), &bytes(stats.part_bytes)),
        Fact::text(page.t("own.parts"), &page.count(&stats.parts)),
        Fact::text(page.t("own.wal_bytes"), &bytes(stats.wal_bytes)),
        Fact::text(
            page.t("own.memory_bytes"),
            &bytes(stats.memory_bytes + stats.index_bytes),
        ),
        Fact::text(page.t("own.refused"), &page.count(&stats.samples_refused)),
        Fact::text(
            page.t("own.fsync"),
            &format!("{} ms", i18n::number(stats.last_fsync_ms, 1)),
        ),
    ];
    let failures = [stats.wal_failure, stats.flush_failure, stats.merge_failure];
    let damaged = stats.quarantined.into_iter().chain(stats.damaged);
    for failure in failures.into_iter().flatten().chain(damaged) {
        facts.push(Fact::html(
            page.t("own.failure"),
            sheet::alert_chip(&failure),
        ));
    }
    ui::facts(&facts)
}

async fn revive(ctx: Ctx, State(desk): State<Desk>, sent: Sent) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<MessageId> = sent.ids("this message")?;
    let write = desk.db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            for id in ids {
                jobs::revive(tx, id).await?;
            }
            Ok(())
        })
    });
    let written: db::Result<()> = write.await;
    let done = written.map_err(|error| Refusal::Other(refusal::store(error)));
    refusal::settle(&ctx, &page, "/health", (done, page.t("own.revived")))
}
