//! The open problems of a sample fleet.

use model::{CellState, Lang, Severity};

use super::{Dice, pick};
use crate::board::{BoardRow, Cell, SignalGroup};
use crate::problem::ProblemLine;

/// One line per troubled cell, worst and untaken first.
#[must_use]
pub fn problem_lines(lang: Lang, rows: &[BoardRow], now_ms: i64) -> Vec<ProblemLine> {
    let mut dice = Dice::new(11);
    let mut lines = Vec::new();
    for row in rows {
        for (group, cell) in SignalGroup::ALL.into_iter().zip(row.cells) {
            if let CellState::Judged(severity) = cell.state()
                && severity > Severity::Normal
            {
                lines.push(line(lang, row, (group, cell, severity), now_ms, &mut dice));
            }
        }
    }
    lines.sort_by_key(|line| {
        (
            std::cmp::Reverse(line.severity),
            line.acknowledged_by.is_some(),
            -line.opened_ms,
        )
    });
    for (at, line) in lines.iter_mut().enumerate() {
        line.number = format!("P-{}", 1042 + at);
    }
    lines
}

/// How many lines there are of each severity, `Info` first.
pub(super) fn counts(rows: &[BoardRow]) -> [u32; 5] {
    let mut counts = [0; 5];
    for cell in rows.iter().flat_map(|row| row.cells) {
        if let CellState::Judged(severity) = cell.state()
            && severity > Severity::Normal
            && let Some(count) = counts.get_mut(usize::from(severity.code()) - 1)
        {
            *count += 1;
        }
    }
    counts
}

fn line(
    lang: Lang,
    row: &BoardRow,
    (group, cell, severity): (SignalGroup, Cell, Severity),
    now_ms: i64,
    dice: &mut Dice,
) -> ProblemLine {
    let (title, target) = wording(lang, group, severity);
    let age_s = 30
        + dice.roll(600)
        + if dice.roll(3) == 0 {
            dice.roll(200_000)
        } else {
            0
        };
    let opened_ms = now_ms - i64::try_from(age_s).unwrap_or(0) * 1_000;
    let mut marks = Vec::new();
    if cell.has(Cell::MAINTENANCE) {
        marks.push(("maintenance", "M-12 DB 패치".to_owned()));
    }
    if cell.has(Cell::FLAPPING) {
        marks.push(("flapping", String::new()));
    }
    let name = match dice.roll(2) {
        0 => pick(lang, "박지훈", "Jihun Park").to_owned(),
        _ => pick(lang, "이하늘", "Haneul Lee").to_owned(),
    };
    ProblemLine {
        id: model::ProblemId::from_bits(row.id_bits ^ u128::from(group.name().len() as u32))
            .to_string(),
        number: String::new(),
        severity,
        title: title.to_owned(),
        target: target.to_owned(),
        host: row.name.clone(),
        host_href: row.href(),
        opened_ms,
        changed_ms: opened_ms + 20_000,
        closed_ms: None,
        acknowledged_by: cell.has(Cell::ACKNOWLEDGED).then_some(name),
        assigned_to: None,
        marks,
    }
}

fn wording(lang: Lang, group: SignalGroup, severity: Severity) -> (&'static str, &'static str) {
    let high = severity >= Severity::Major;
    match (group, high) {
        (SignalGroup::Cpu, true) => (pick(lang, "CPU 사용률 98.4%", "CPU at 98.4%"), ""),
        (SignalGroup::Cpu, false) => (pick(lang, "CPU 사용률 86.1%", "CPU at 86.1%"), ""),
        (SignalGroup::Memory, true) => (pick(lang, "메모리 사용률 97.2%", "Memory at 97.2%"), ""),
        (SignalGroup::Memory, false) => (pick(lang, "메모리 사용률 88.0%", "Memory at 88.0%"), ""),
        (SignalGroup::Disk, true) => (
            pick(
                lang,
                "디스크 사용률 98.3%, 41분 뒤 가득 참",
                "Disk at 98.3%, full in 41m",
            ),
            "/var",
        ),
        (SignalGroup::Disk, false) => (pick(lang, "디스크 사용률 87.5%", "Disk at 87.5%"), "/data"),
        (SignalGroup::Network, true) => (
            pick(lang, "수신 오류 312/s", "Receive errors 312/s"),
            "ens3",
        ),
        (SignalGroup::Network, false) => {
            (pick(lang, "패킷 손실 0.4%", "Packet drops 0.4%"), "ens3")
        }
        (SignalGroup::Process, _) => (
            pick(lang, "프로세스가 사라짐", "Process is gone"),
            "nginx: master",
        ),
        (SignalGroup::Check, _) => (
            pick(
                lang,
                "URL 체크 실패 (HTTP 503)",
                "URL check failed (HTTP 503)",
            ),
            "https://pay.example.co.kr/health",
        ),
        (SignalGroup::Agent, true) => (
            pick(lang, "에이전트 5분째 미수신", "Agent silent for 5m"),
            "",
        ),
        (SignalGroup::Agent, false) => (pick(lang, "시계 오차 1.8초", "Clock offset 1.8 s"), ""),
    }
}
