//! One notice of every sort, for previews and for the tests that draw all of them.

use model::flow::{Dispatch, DispatchEvent, Observed};
use model::{CiId, Lang, ProblemId, RuleId, Severity, Target, TargetKind, Text};

use crate::text::{Digest, NoticeText, What};

/// 2026-11-20 03:12:07 in Seoul: when nobody wants to read twice.
const OPENED_MS: i64 = 1_795_111_927_000;

fn disk() -> Dispatch {
    Dispatch {
        problem: ProblemId::from_bits(1042),
        number: 1042,
        event: DispatchEvent::Opened,
        seq: 1,
        severity: Severity::Major,
        previous: Severity::Normal,
        rule: RuleId::from_bits(7),
        rule_key: "disk-used".to_owned(),
        title: Text {
            ko: "디스크 사용률".to_owned(),
            en: "Disk used".to_owned(),
        },
        target: Target {
            ci: CiId::from_bits(1),
            kind: TargetKind::new("filesystem"),
            key: "/var".to_owned(),
        },
        host: "web01".to_owned(),
        observed: vec![
            observed("used", 0.96, "ratio"),
            observed("free", 3.33e9, "bytes"),
        ],
        because: "used > 95% and free < 5GiB".to_owned(),
        at_ms: OPENED_MS,
        opened_ms: OPENED_MS,
        hold: None,
        note: String::new(),
    }
}

fn observed(signal: &str, value: f64, unit: &str) -> Observed {
    Observed {
        signal: signal.to_owned(),
        value,
        unit: unit.to_owned(),
    }
}

fn process() -> Dispatch {
    Dispatch {
        problem: ProblemId::from_bits(1043),
        number: 1043,
        event: DispatchEvent::RepairFailed,
        seq: 2,
        rule_key: "process-gone".to_owned(),
        title: Text {
            ko: "프로세스 <nginx> 중지".to_owned(),
            en: "Process <nginx> gone".to_owned(),
        },
        target: Target {
            ci: CiId::from_bits(2),
            kind: TargetKind::new("process"),
            key: "nginx: master & worker".to_owned(),
        },
        host: "웹서버-02".to_owned(),
        observed: vec![observed("count", 0.0, "count")],
        because: "count < 1".to_owned(),
        at_ms: OPENED_MS + 61_000,
        note: "nginx 재기동: 종료 코드 1, \"bind() failed\"".to_owned(),
        ..disk()
    }
}

fn silent() -> Dispatch {
    Dispatch {
        problem: ProblemId::from_bits(1044),
        number: 1044,
        severity: Severity::Critical,
        rule_key: "agent-silent".to_owned(),
        title: Text {
            ko: "에이전트 무응답".to_owned(),
            en: "Agent silent".to_owned(),
        },
        target: Target::host(CiId::from_bits(3)),
        host: "db01".to_owned(),
        observed: vec![observed("silent", 312.0, "seconds")],
        because: "silent > 5m".to_owned(),
        ..disk()
    }
}

fn happened(event: DispatchEvent, previous: Severity, after_ms: i64) -> Dispatch {
    Dispatch {
        event,
        seq: 2,
        previous,
        at_ms: OPENED_MS + after_ms,
        ..disk()
    }
}

/// Samples of every sort of notice, each in both languages.
#[must_use]
pub fn samples() -> Vec<NoticeText> {
    let lowered = Dispatch {
        severity: Severity::Warning,
        ..happened(DispatchEvent::Lowered, Severity::Major, 600_000)
    };
    let recovered = happened(DispatchEvent::Recovered, Severity::Major, 1_390_000);
    let problems = vec![
        disk(),
        happened(DispatchEvent::Raised, Severity::Minor, 192_000),
        lowered,
        happened(DispatchEvent::Flapping, Severity::Major, 600_000),
        recovered.clone(),
        happened(DispatchEvent::StillBad, Severity::Major, 7_200_000),
        process(),
        silent(),
    ];
    let digest = |count, recovered_count, first| {
        What::Digest(Digest {
            first,
            count,
            recovered: recovered_count,
            severity: Severity::Critical,
            at_ms: OPENED_MS + 90_000,
        })
    };
    let mut whats: Vec<What> = problems
        .into_iter()
        .map(|dispatch| What::Problem(Box::new(dispatch)))
        .collect();
    whats.push(digest(40, 7, vec![silent(), disk(), recovered.clone()]));
    whats.push(digest(2, 2, vec![recovered.clone(), recovered]));
    whats.push(What::Test {
        channel: "NOC 메일".to_owned(),
        at_ms: OPENED_MS,
    });
    Lang::ALL
        .into_iter()
        .flat_map(|lang| whats.iter().map(move |what| sample(lang, what)))
        .collect()
}

fn sample(lang: Lang, what: &What) -> NoticeText {
    NoticeText {
        key: "prb_00000000000000000000000142/1/rcp_00000000000000000000000003/\
              chn_00000000000000000000000004"
            .to_owned(),
        lang,
        zone: "Asia/Seoul".to_owned(),
        site: String::new(),
        console_url: "https://bongsu.example.com".to_owned(),
        what: what.clone(),
    }
}
