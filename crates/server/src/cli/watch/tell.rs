//! A message about the server itself, in the form of every other notice.

use model::flow::{Dispatch, DispatchEvent};
use model::{CiId, ProblemId, RuleId, Severity, Target, TargetKind, Text};
use notify::{NoticeText, Outgoing, Peer, SendError, What};

use super::config::{Config, Tell};
use super::decide::{Fault, Kind, Say, Standing};

/// Stands for this program where other notices name a rule.
const RULE: RuleId = RuleId::from_bits(0x0190_0000_0000_7000_8000_0000_0000_0002);
const RULE_KEY: &str = "bongsu-watch";

/// Sends one message; the same failure carries the same key to the same receiver.
pub(super) async fn send(
    peer: &Peer,
    config: &Config,
    (tell, say): (&Tell, Say),
    standing: &Standing,
) -> Result<(), SendError> {
    let dispatch = dispatch(config, standing, say, peer.env.clock.now_ms());
    let notice = NoticeText {
        key: format!("watch/{}/{}/{}", dispatch.problem, dispatch.seq, tell.name),
        lang: config.lang,
        zone: config.time_zone.clone(),
        site: String::new(),
        console_url: String::new(),
        what: What::Problem(Box::new(dispatch)),
    };
    let outgoing = Outgoing {
        settings: &tell.settings,
        address: &tell.address,
        notice: &notice,
    };
    tell.channel.send(peer, outgoing).await
}

fn dispatch(config: &Config, standing: &Standing, say: Say, now_ms: i64) -> Dispatch {
    let opened_ms = standing.since_ms.unwrap_or(now_ms);
    let unknown = Fault {
        kind: Kind::Gone,
        why: String::new(),
    };
    let fault = standing.fault.as_ref().unwrap_or(&unknown);
    let event = match say {
        Say::Failing => DispatchEvent::Opened,
        Say::Still => DispatchEvent::StillBad,
        Say::Back => DispatchEvent::Recovered,
    };
    let seq = match say {
        Say::Failing => 1,
        Say::Still | Say::Back => 1 + now_ms.saturating_sub(opened_ms).max(1) / 1_000,
    };
    let severity = match fault.kind {
        Kind::Gone | Kind::Stuck => Severity::Critical,
        Kind::Unwell => Severity::Major,
    };
    Dispatch {
        problem: failure_id(&config.server, opened_ms),
        number: 0,
        event,
        seq,
        severity,
        previous: Severity::Normal,
        rule: RULE,
        rule_key: RULE_KEY.to_owned(),
        title: title(fault.kind),
        target: Target {
            ci: CiId::from_bits(0),
            kind: TargetKind::new(TargetKind::HOST),
            key: String::new(),
        },
        host: config.name.clone(),
        observed: Vec::new(),
        because: fault.why.clone(),
        at_ms: if say == Say::Failing {
            opened_ms
        } else {
            now_ms
        },
        opened_ms,
        hold: None,
        note: String::new(),
    }
}

/// The same for every message about one failure, so that receivers can put them together.
fn failure_id(server: &str, opened_ms: i64) -> ProblemId {
    let name = format!("{server} {opened_ms}");
    let sum = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let bits = sum
        .as_ref()
        .first_chunk::<16>()
        .copied()
        .unwrap_or_default();
    ProblemId::from_bits(u128::from_be_bytes(bits))
}

fn title(kind: Kind) -> Text {
    let (ko, en) = match kind {
        Kind::Gone => ("감시 서버 무응답", "Monitoring server does not answer"),
        Kind::Stuck => (
            "통보 경로 막힘",
            "Notices do not leave the monitoring server",
        ),
        Kind::Unwell => (
            "감시 서버 이상",
            "Monitoring server does not work as it should",
        ),
    };
    Text {
        ko: ko.to_owned(),
        en: en.to_owned(),
    }
}
