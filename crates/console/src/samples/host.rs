//! A sample host page.

use model::{CellState, Lang, Severity};
use ui::Tag;

use super::{Size, fleet, pick, problem_lines, worst_first};
use crate::host::{Discovered, GraphSpec, HostHead, HostView, Range, RuleInForce, TopProcess};

/// The host page of a fleet's worst host; of an empty fleet a host whose agent has sent nothing yet.
#[must_use]
pub fn host(lang: Lang, size: Size, range: Range, now_ms: i64) -> HostView {
    if size == Size::Empty {
        return silent(lang, range);
    }
    let rows = fleet(size);
    let Some(row) = worst_first(&rows).first().map(|row| (*row).clone()) else {
        return silent(lang, range);
    };
    let mut problems = problem_lines(lang, &rows, now_ms);
    problems.retain(|line| line.host == row.name);
    let id = model::CiId::from_bits(row.id_bits).to_string();
    HostView {
        head: HostHead {
            id: id.clone(),
            name: row.name.clone(),
            state: row.worst().state(),
            marks: Vec::new(),
            tags: ["batch", "site=sel1", "env=prod"].map(tag).into(),
            os: "Debian GNU/Linux 12".to_owned(),
            kernel: "6.1.0-28-amd64".to_owned(),
            hardware: "16 CPU · 62.8 GiB".to_owned(),
            addresses: vec!["10.21.4.31".to_owned(), "fd00:21:4::31".to_owned()],
            agent_version: "0.1.0".to_owned(),
            agent_outdated: false,
            booted_ms: Some(now_ms - 41 * 86_400_000 - 5 * 3_600_000),
            last_sample_ms: Some(now_ms - 6_000),
            path: pick(lang, "직접 연결", "direct").to_owned(),
        },
        problems,
        graphs: graphs(lang, &id),
        range,
        rules: rules(lang, now_ms),
        discovered: discovered(lang),
        has_agent: true,
        may_act: true,
        may_register: true,
    }
}

fn tag(text: &str) -> Tag {
    Tag {
        text: text.to_owned(),
        href: format!("/hosts?q={}", ui::encode(text)),
    }
}

fn silent(lang: Lang, range: Range) -> HostView {
    HostView {
        head: HostHead {
            id: "ci_00000000000000000000000001".to_owned(),
            name: "web-01".to_owned(),
            state: CellState::Unknown,
            marks: Vec::new(),
            tags: Vec::new(),
            os: pick(lang, "아직 모름", "not known yet").to_owned(),
            kernel: String::new(),
            hardware: "–".to_owned(),
            addresses: Vec::new(),
            agent_version: String::new(),
            agent_outdated: false,
            booted_ms: None,
            last_sample_ms: None,
            path: String::new(),
        },
        problems: Vec::new(),
        graphs: Vec::new(),
        range,
        rules: Vec::new(),
        discovered: Vec::new(),
        has_agent: false,
        may_act: true,
        may_register: true,
    }
}

/// The graphs of a host.
fn graphs(lang: Lang, id: &str) -> Vec<GraphSpec> {
    let all = [
        ("cpu", "CPU 사용률 (모드별)", "CPU by mode"),
        ("load", "부하 (CPU당)", "Load per CPU"),
        ("memory", "메모리", "Memory"),
        ("swap", "스왑", "Swap"),
        ("disk_space", "디스크 사용률", "Disk used"),
        ("disk_io", "디스크 입출력", "Disk I/O"),
        ("disk_await", "디스크 응답 시간", "Disk await"),
        ("network", "네트워크", "Network"),
        (
            "network_errors",
            "네트워크 오류·손실",
            "Network errors and drops",
        ),
        ("tcp", "TCP 상태", "TCP states"),
        ("pressure", "자원 압박 (PSI)", "Pressure (PSI)"),
    ];
    let spec = |(name, ko, en): (&str, &'static str, &'static str)| GraphSpec {
        id: name.to_owned(),
        title: pick(lang, ko, en).to_owned(),
        url: format!("/api/v1/graph?host={id}&name={name}&lang={}", lang.code()),
        wide: false,
    };
    all.into_iter().map(spec).collect()
}

fn rule(
    lang: Lang,
    (ko, en): (&'static str, &'static str),
    target: &str,
    now: &str,
) -> RuleInForce {
    RuleInForce {
        name: pick(lang, ko, en).to_owned(),
        href: "/rules/rul_1".to_owned(),
        target: target.to_owned(),
        value: now.to_owned(),
        state: Some(CellState::Judged(Severity::Normal)),
        origin: pick(lang, "기본값", "Defaults").to_owned(),
        ..RuleInForce::default()
    }
}

fn levels(texts: [&str; 5]) -> Vec<(Severity, String)> {
    let pairs = Severity::LEVELS.into_iter().zip(texts.map(str::to_owned));
    pairs.filter(|(_, text)| !text.is_empty()).collect()
}

fn rules(lang: Lang, now_ms: i64) -> Vec<RuleInForce> {
    let percents = ["70%", "80%", "90%", "95%", "98%"];
    vec![
        RuleInForce {
            levels: levels(percents),
            ..rule(lang, ("CPU 사용률", "CPU used"), "", "42.6%")
        },
        RuleInForce {
            levels: levels(["1", "1.5", "2", "4", "8"]),
            ..rule(lang, ("CPU당 부하", "Load per CPU"), "", "0.71")
        },
        RuleInForce {
            levels: levels(["75%", "85%", "92%", "96%", "98%"]),
            state: Some(CellState::Judged(Severity::Warning)),
            origin: pick(lang, "그룹: 배치 서버", "Group: batch servers").to_owned(),
            origin_href: "/groups/grp_1".to_owned(),
            reason: pick(
                lang,
                "이하늘 · 야간 배치가 메모리를 많이 씀",
                "Haneul Lee · night batches",
            )
            .to_owned(),
            ..rule(lang, ("메모리 사용률", "Memory used"), "", "88.0%")
        },
        RuleInForce {
            levels: levels(percents),
            state: Some(CellState::Judged(Severity::Critical)),
            ..rule(lang, ("디스크 사용률", "Disk used"), "/var", "98.3%")
        },
        RuleInForce {
            levels: levels(["", "", "95%", "97%", "99%"]),
            origin: pick(lang, "이 호스트", "This host").to_owned(),
            origin_href: "/hosts/ci_1/settings".to_owned(),
            reason: pick(
                lang,
                "박지훈 · 이전 작업 동안만",
                "Jihun Park · during the move",
            )
            .to_owned(),
            until_ms: Some(now_ms + 3 * 86_400_000),
            ..rule(lang, ("디스크 사용률", "Disk used"), "/data", "91.2%")
        },
        RuleInForce {
            levels: levels(["", "", "", "✓", "5m"]),
            ..rule(lang, ("프로세스 사라짐", "Process gone"), "batchd", "3")
        },
    ]
}

fn discovered(lang: Lang) -> Vec<Discovered> {
    let thing = |kind, name: &str, detail: &str| Discovered {
        kind,
        name: name.to_owned(),
        detail: detail.to_owned(),
        state: "coverage.monitored",
        reason: String::new(),
        found_as: kind.trim_start_matches("kind.").to_owned(),
        key: name.to_owned(),
    };
    vec![
        thing("kind.filesystem", "/", "ext4 · 40 GiB"),
        thing("kind.filesystem", "/var", "xfs · 200 GiB"),
        thing("kind.filesystem", "/data", "xfs · 2 TiB"),
        thing("kind.interface", "ens3", "10 Gb/s"),
        Discovered {
            state: "coverage.ignored",
            reason: pick(
                lang,
                "박지훈 · 백업망, 평소 꺼 둠",
                "Jihun Park · backup network, off",
            )
            .to_owned(),
            ..thing("kind.interface", "ens4", "1 Gb/s")
        },
        thing("kind.unit", "batchd.service", "running"),
        Discovered {
            state: "coverage.unregistered",
            ..thing("kind.unit", "redis-server.service", "running · 6379/tcp")
        },
        Discovered {
            state: "coverage.unregistered",
            ..thing("kind.listener", "8081/tcp", "java (pid 20113)")
        },
    ]
}

/// The busiest processes of a host.
pub(super) fn processes() -> Vec<TopProcess> {
    [
        (
            20_113,
            "batch",
            "java -Xmx24g -jar settle-batch.jar",
            6.42,
            25.1,
        ),
        (871, "root", "rsyslogd -n", 0.93, 0.4),
        (1_204, "batch", "batchd --workers 8", 0.41, 1.9),
        (
            33_020,
            "postgres",
            "postgres: settle settle_db SELECT",
            0.22,
            2.7,
        ),
        (1, "root", "/sbin/init", 0.01, 0.012),
    ]
    .map(
        |(pid, user, command, cpu_ratio, gib): (u32, &str, &str, f64, f64)| TopProcess {
            pid,
            user: user.to_owned(),
            command: command.to_owned(),
            cpu_ratio,
            memory_bytes: gib * 1_073_741_824.0,
        },
    )
    .into()
}
