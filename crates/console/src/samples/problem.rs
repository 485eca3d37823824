//! A sample problem page: the disk of a batch host fills up at three in the morning.

use model::{Lang, Severity};
use ui::{Choice, Html, ListQuery, TimelineEntry};

use super::host::processes;
use super::{Size, fleet, pick, problem_lines};
use crate::host::{GraphSpec, Range};
use crate::problem::{NoticeDecision, ProblemView, RecentChange, ScriptRun};
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
    let rows = fleet(size);
    let lines = problem_lines(lang, &rows, now_ms);
    let disk = lines
        .iter()
        .find(|line| line.target == "/var")
        .or_else(|| lines.first());
    let mut line = disk?.clone();
    line.opened_ms = now_ms - 27 * 60_000;
    if closed {
        line.closed_ms = Some(now_ms - 60_000);
        line.acknowledged_by = Some(pick(lang, "박지훈", "Jihun Park").to_owned());
    }
    let range = Range {
        from_ms: now_ms - 6 * 3_600_000,
        to_ms: now_ms,
        preset: "6h",
    };
    let graph = GraphSpec {
        id: "history".to_owned(),
        title: pick(lang, "디스크 사용률 /var", "Disk used /var").to_owned(),
        url: format!("/api/v1/graph?name=disk_fill&lang={}", lang.code()),
        wide: true,
    };
    let id = line.id.clone();
    let siblings = lines
        .iter()
        .filter(|l| l.host == line.host && l.id != id)
        .cloned()
        .collect();
    let texts = |list: &[(&'static str, &'static str)]| {
        list.iter()
            .map(|(ko, en)| pick(lang, ko, en).to_owned())
            .collect::<Vec<_>>()
    };
    Some(ProblemView {
        measured: pick(lang, "98.3% (치명 98%, 5분)", "98.3% (Critical 98% for 5m)").to_owned(),
        advice: pick(
            lang,
            "로그 순환이 멈췄는지 먼저 보세요. /var가 가득 차면 정산 배치가 멈춥니다.",
            "Look at log rotation first. When /var is full, the settlement batch stops.",
        )
        .to_owned(),
        rule: pick(lang, "디스크 사용률 (기본)", "Disk used (default)").to_owned(),
        rule_href: "/rules/rul_1".to_owned(),
        hurts: texts(&[
            (
                "서비스 정산 (SVC-014), 2등급",
                "Service settlement (SVC-014), tier 2",
            ),
            (
                "배치 서버 그룹, 담당 인프라운영팀",
                "Batch servers, owned by infra operations",
            ),
        ]),
        tried: texts(&[(
            "clean-logs 실행: 4.1 GiB 확보, 복구되지 않음",
            "clean-logs ran: 4.1 GiB freed, not cleared",
        )]),
        changed: vec![RecentChange {
            at_ms: now_ms - 52 * 60_000,
            text: pick(
                lang,
                "settle-batch 2.14.0 배포",
                "settle-batch 2.14.0 deployed",
            )
            .to_owned(),
            by: pick(lang, "배포 서버", "deployer").to_owned(),
            href: "/audit".to_owned(),
        }],
        told: texts(&[
            (
                "3명에게 5건: 문자 2, 메일 3",
                "5 notices to 3 people: 2 SMS, 3 mail",
            ),
            ("보내지 않음 1건", "1 not sent"),
        ]),
        graph: Some(graph),
        range,
        timeline: timeline(lang, now_ms, closed),
        notices: notices(lang, now_ms),
        runs: vec![run(lang, now_ms)],
        processes: processes(),
        siblings,
        people: vec![
            Choice::owned(
                "usr_1".to_owned(),
                pick(lang, "박지훈", "Jihun Park").to_owned(),
            ),
            Choice::owned(
                "usr_2".to_owned(),
                pick(lang, "이하늘", "Haneul Lee").to_owned(),
            ),
        ],
        scripts: vec![
            Choice::new("scr_1", "clean-logs"),
            Choice::new("scr_2", "restart-rsyslog"),
        ],
        may_act: true,
        line,
    })
}

fn timeline(lang: Lang, now_ms: i64, closed: bool) -> Vec<TimelineEntry> {
    let at = |minutes: i64| now_ms - minutes * 60_000;
    let entry = |minutes, severity, kind, (ko, en): (&'static str, &'static str)| TimelineEntry {
        at_ms: at(minutes),
        severity,
        kind,
        text: Html::text(pick(lang, ko, en)),
        ..TimelineEntry::default()
    };
    let mut list = vec![
        TimelineEntry {
            by: pick(lang, "박지훈", "Jihun Park").to_owned(),
            detail: Html::trusted(format!(
                "<p class=\"quiet-text\">{}</p>",
                pick(
                    lang,
                    "새 배치 버전이 디버그 로그를 남깁니다. 개발팀에 되돌려 달라고 요청했습니다.",
                    "The new batch version writes debug logs. Asked the developers to roll back.",
                )
            )),
            ..entry(8, None, "person", ("메모", "Comment"))
        },
        entry(
            11,
            Some(Severity::Critical),
            "",
            ("치명으로 올라감: 98.1%", "Raised to Critical: 98.1%"),
        ),
        entry(
            19,
            None,
            "script",
            (
                "clean-logs 끝남: 복구되지 않음",
                "clean-logs ended: not cleared",
            ),
        ),
        entry(
            20,
            None,
            "script",
            ("clean-logs 자동 실행", "clean-logs started automatically"),
        ),
        entry(
            20,
            None,
            "notice",
            ("문자 2건, 메일 3건 발송", "2 SMS and 3 mails sent"),
        ),
        entry(
            20,
            Some(Severity::Major),
            "",
            ("긴급으로 올라감: 95.4%", "Raised to Major: 95.4%"),
        ),
        entry(
            27,
            Some(Severity::Minor),
            "",
            ("위험으로 발생: 90.2%", "Opened as Minor: 90.2%"),
        ),
    ];
    if closed {
        list.insert(
            0,
            entry(
                1,
                Some(Severity::Normal),
                "",
                ("복구: 71.0%", "Recovered: 71.0%"),
            ),
        );
    }
    list
}

fn notices(lang: Lang, now_ms: i64) -> Vec<NoticeDecision> {
    let row = |minutes: i64, who: (&'static str, &'static str), channel, about, sent, reason| {
        let text = |(ko, en): (&'static str, &'static str)| pick(lang, ko, en).to_owned();
        NoticeDecision {
            at_ms: now_ms - minutes * 60_000,
            recipient: text(who),
            channel: text(channel),
            about: text(about),
            sent,
            reason: text(reason),
        }
    };
    let raised = ("긴급으로 올라감", "raised to Major");
    let (sms, mail) = (("문자", "SMS"), ("메일", "Mail"));
    let jihun = ("박지훈", "Jihun Park");
    let delivered = ("전달됨, 1.2초", "delivered in 1.2 s");
    vec![
        row(
            11,
            jihun,
            sms,
            ("치명으로 올라감", "raised to Critical"),
            true,
            delivered,
        ),
        row(20, jihun, sms, raised, true, delivered),
        row(
            20,
            ("당직 메일", "Duty mail"),
            mail,
            raised,
            true,
            ("두 번째 시도에 전달됨", "delivered at the second try"),
        ),
        row(
            20,
            ("이하늘", "Haneul Lee"),
            sms,
            raised,
            false,
            (
                "보내지 않음: 수신 시간(09–18시) 밖",
                "not sent: outside hours (09–18)",
            ),
        ),
        row(
            27,
            jihun,
            sms,
            ("위험으로 발생", "opened as Minor"),
            false,
            (
                "보내지 않음: 긴급 이상만 통보",
                "not sent: told from Major upward",
            ),
        ),
    ]
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
