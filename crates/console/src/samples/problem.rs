//! A sample problem page: the disk of a batch host fills up at three in the morning.

use model::{Lang, Severity};
use ui::{Choice, Html, ListQuery, TimelineEntry};

use super::host::processes;
use super::{Size, fleet, pick, problem_lines};
use crate::host::{GraphSpec, Range};
use crate::problem::{NoticeDecision, ProblemLine, ProblemView, RecentChange, ScriptRun};
use crate::problems::ProblemsView;

/// The list of problems of a fleet.
#[must_use]
pub fn problems(lang: Lang, size: Size, query: ListQuery, now_ms: i64) -> ProblemsView {
    let mut lines = problem_lines(lang, &fleet(size), now_ms);
    let severity = query.get("severity").to_owned();
    let text = query.get("q").to_owned();
    lines.retain(|line| {
        (severity.is_empty() || line.severity.name() == severity)
            && (line.host.contains(&text) || line.title.contains(&text))
    });
    let page_size = 50;
    let total = lines.len();
    let lines = lines
        .into_iter()
        .skip((query.page() - 1) * page_size)
        .take(page_size)
        .collect();
    ProblemsView {
        lines,
        total,
        page_size,
        query,
        host_groups: Vec::new(),
        may_act: true,
    }
}

/// The page of a fleet's worst problem; `closed` shows it after it ended.
#[must_use]
pub fn problem(lang: Lang, size: Size, closed: bool, now_ms: i64) -> Option<ProblemView> {
    let lines = problem_lines(lang, &fleet(size), now_ms);
    let disk = lines.iter().find(|line| line.target == "/var");
    let mut line = disk.or_else(|| lines.first())?.clone();
    line.opened_ms = now_ms - 27 * 60_000;
    if closed {
        line.closed_ms = Some(now_ms - 60_000);
        line.acknowledged_by = Some(pick(lang, "박지훈", "Jihun Park").to_owned());
    }
    let id = line.id.clone();
    let sibling = |other: &&ProblemLine| other.host == line.host && other.id != id;
    let named = |id, ko, en| Choice::owned(id, pick(lang, ko, en).to_owned());
    Some(ProblemView {
        graph: Some(GraphSpec {
            id: "history".to_owned(),
            title: pick(lang, "디스크 사용률 /var", "Disk used /var").to_owned(),
            url: format!("/api/v1/graph?name=disk_fill&lang={}", lang.code()),
            wide: true,
        }),
        range: Range {
            from_ms: now_ms - 6 * 3_600_000,
            to_ms: now_ms,
            preset: "6h",
        },
        timeline: timeline(lang, now_ms, closed),
        notices: notices(lang, now_ms),
        runs: vec![run(lang, now_ms)],
        processes: processes(),
        siblings: lines.iter().filter(sibling).cloned().collect(),
        people: vec![
            named("usr_1".to_owned(), "박지훈", "Jihun Park"),
            named("usr_2".to_owned(), "이하늘", "Haneul Lee"),
        ],
        scripts: vec![
            Choice::new("scr_1", "clean-logs"),
            Choice::new("scr_2", "restart-rsyslog"),
        ],
        may_act: true,
        line,
        ..situation(lang, now_ms)
    })
}

/// The answers to the four questions, and the rule's words.
fn situation(lang: Lang, now_ms: i64) -> ProblemView {
    let text = |ko, en| pick(lang, ko, en).to_owned();
    ProblemView {
        measured: text("98.3% (치명 98%, 5분)", "98.3% (Critical 98% for 5m)"),
        advice: text(
            "로그 순환이 멈췄는지 먼저 보세요. /var가 가득 차면 정산 배치가 멈춥니다.",
            "Look at log rotation first. When /var is full, the settlement batch stops.",
        ),
        rule: text("디스크 사용률 (기본)", "Disk used (default)"),
        rule_href: "/rules/rul_1".to_owned(),
        hurts: vec![
            text(
                "서비스 정산 (SVC-014), 2등급",
                "Service settlement (SVC-014), tier 2",
            ),
            text(
                "배치 서버 그룹, 담당 인프라운영팀",
                "Batch servers, owned by infra operations",
            ),
        ],
        tried: vec![text(
            "clean-logs 실행: 4.1 GiB 확보, 복구되지 않음",
            "clean-logs ran: 4.1 GiB freed, not cleared",
        )],
        changed: vec![RecentChange {
            at_ms: now_ms - 52 * 60_000,
            text: text("settle-batch 2.14.0 배포", "settle-batch 2.14.0 deployed"),
            by: text("배포 서버", "deployer"),
            href: "/audit".to_owned(),
        }],
        told: vec![
            text(
                "2명에게 3건: 문자 2, 메일 1",
                "3 notices to 2 people: 2 SMS, 1 mail",
            ),
            text("보내지 않음 2건, 사유는 아래", "2 not sent, reasons below"),
        ],
        ..ProblemView::default()
    }
}

/// Minutes ago, severity, kind of mark, what happened.
const ENTRIES: [(i64, Option<Severity>, &str, Words); 7] = [
    (8, None, "person", ("메모", "Comment")),
    (
        11,
        Some(Severity::Critical),
        "",
        ("치명으로 올라감: 98.1%", "Raised to Critical: 98.1%"),
    ),
    (
        19,
        None,
        "script",
        (
            "clean-logs 끝남: 복구되지 않음",
            "clean-logs ended: not cleared",
        ),
    ),
    (
        20,
        None,
        "script",
        ("clean-logs 자동 실행", "clean-logs started automatically"),
    ),
    (
        20,
        None,
        "notice",
        ("문자 1건, 메일 1건 발송", "1 SMS and 1 mail sent"),
    ),
    (
        20,
        Some(Severity::Major),
        "",
        ("긴급으로 올라감: 95.4%", "Raised to Major: 95.4%"),
    ),
    (
        27,
        Some(Severity::Minor),
        "",
        ("위험으로 발생: 90.2%", "Opened as Minor: 90.2%"),
    ),
];
const RECOVERED: (i64, Option<Severity>, &str, Words) = (
    1,
    Some(Severity::Normal),
    "",
    ("복구: 71.0%", "Recovered: 71.0%"),
);
const COMMENT: Words = (
    "새 배치 버전이 디버그 로그를 남깁니다. 개발팀에 되돌려 달라고 요청했습니다.",
    "The new batch version writes debug logs. Asked the developers to roll back.",
);

fn timeline(lang: Lang, now_ms: i64, closed: bool) -> Vec<TimelineEntry> {
    let text = |(ko, en): Words| pick(lang, ko, en);
    let recovered = closed.then_some(RECOVERED);
    let entries = recovered.into_iter().chain(ENTRIES);
    let mut list: Vec<TimelineEntry> = entries
        .map(|(minutes, severity, kind, words)| TimelineEntry {
            at_ms: now_ms - minutes * 60_000,
            severity,
            kind,
            text: Html::text(text(words)),
            ..TimelineEntry::default()
        })
        .collect();
    if let Some(comment) = list.iter_mut().find(|entry| entry.kind == "person") {
        comment.by = text(JIHUN).to_owned();
        let quoted = format!("<p class=\"quiet-text\">{}</p>", text(COMMENT));
        comment.detail = Html::trusted(quoted);
    }
    list
}

type Words = (&'static str, &'static str);

/// Minutes ago, recipient, channel, about, whether it was sent, outcome or reason.
const DECISIONS: [(i64, Words, Words, Words, bool, Words); 5] = [
    (
        11,
        JIHUN,
        SMS,
        ("치명으로 올라감", "raised to Critical"),
        true,
        DELIVERED,
    ),
    (20, JIHUN, SMS, RAISED, true, DELIVERED),
    (
        20,
        DUTY,
        ("메일", "Mail"),
        RAISED,
        true,
        ("두 번째 시도에 전달됨", "delivered, second try"),
    ),
    (
        20,
        ("이하늘", "Haneul Lee"),
        SMS,
        RAISED,
        false,
        OUTSIDE_HOURS,
    ),
    (
        27,
        JIHUN,
        SMS,
        ("위험으로 발생", "opened as Minor"),
        false,
        BELOW_LEVEL,
    ),
];
const JIHUN: Words = ("박지훈", "Jihun Park");
const DUTY: Words = ("당직 메일", "Duty mail");
const SMS: Words = ("문자", "SMS");
const RAISED: Words = ("긴급으로 올라감", "raised to Major");
const DELIVERED: Words = ("전달됨, 1.2초", "delivered in 1.2 s");
const OUTSIDE_HOURS: Words = (
    "보내지 않음: 수신 시간(09–18시) 밖",
    "not sent: outside hours (09–18)",
);
const BELOW_LEVEL: Words = (
    "보내지 않음: 긴급 이상만 통보",
    "not sent: told from Major upward",
);

fn notices(lang: Lang, now_ms: i64) -> Vec<NoticeDecision> {
    let text = |(ko, en): Words| pick(lang, ko, en).to_owned();
    DECISIONS
        .map(
            |(minutes, who, channel, about, sent, reason)| NoticeDecision {
                at_ms: now_ms - minutes * 60_000,
                recipient: text(who),
                recipient_href: "/recipients/rcp_1".to_owned(),
                channel: text(channel),
                channel_href: "/channels/chn_1".to_owned(),
                about: text(about),
                sent,
                reason: text(reason),
            },
        )
        .into()
}

fn run(lang: Lang, now_ms: i64) -> ScriptRun {
    ScriptRun {
        at_ms: now_ms - 20 * 60_000,
        name: "clean-logs".to_owned(),
        href: "/scripts/scr_1".to_owned(),
        by: pick(lang, "자동 (긴급)", "automatic (Major)").to_owned(),
        state: "run.not_cleared",
        good: false,
        duration_ms: 41_300,
        exit_code: Some(0),
        transcript: "$ clean-logs --older-than 7d /var/log\n\
                     removed 212 files, 4.1 GiB\n\
                     journal: vacuumed 380 MiB\n\
                     /var: 95.4% -> 93.2%\n\
                     [verify] disk_used{mount=\"/var\"} < 90% within 60 s: not met (93.9%)"
            .to_owned(),
    }
}
