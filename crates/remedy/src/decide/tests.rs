//! The guards, one by one and in their order.

use model::ScriptId;

use super::*;
use crate::ScriptDraft;

const NOW: i64 = 10_000_000;

fn script() -> Script {
    Script {
        id: ScriptId::from_bits(1),
        draft: ScriptDraft {
            name: "restart".into(),
            help: String::new(),
            body: "#!/bin/sh\n".into(),
            precondition: String::new(),
            run_as: String::new(),
            time_limit_ms: 60_000,
            max_runs: 3,
            window_ms: 3_600_000,
            cooldown_ms: 60_000,
            verify_ms: 60_000,
            mode: Mode::Automatic,
        },
        version: 2,
        approved_version: 2,
        approved_by: "kim".into(),
        approved_ms: Some(1),
        changed_by: "lee".into(),
        retired_ms: None,
    }
}

fn situation<'a>(script: &'a Script, ordered_ms: &'a [i64]) -> Situation<'a> {
    Situation {
        script,
        switch: None,
        automatic: true,
        at_work: false,
        ordered_ms,
        now_ms: NOW,
        dry_run: false,
    }
}

#[test]
fn an_approved_script_that_did_not_run_lately_may_start() {
    assert_eq!(
        admit(situation(&script(), &[NOW - 60_000, NOW - 3_600_000])),
        Ok(())
    );
}

#[test]
fn the_kill_switch_wins_over_everything() {
    let switch = KillSwitch {
        by: "kim".into(),
        why: "audit".into(),
        at_ms: 1,
    };
    let script = script();
    let pulled = Situation {
        switch: Some(&switch),
        dry_run: true,
        ..situation(&script, &[])
    };
    assert!(matches!(admit(pulled), Err(Refusal::KillSwitch { .. })));
}

#[test]
fn an_edit_takes_the_approval_away() {
    let edited = Script {
        version: 3,
        ..script()
    };
    assert_eq!(admit(situation(&edited, &[])), Err(Refusal::NotApproved(3)));
    let retired = Script {
        retired_ms: Some(1),
        ..script()
    };
    assert_eq!(admit(situation(&retired, &[])), Err(Refusal::Retired));
}

#[test]
fn mode_off_stops_automatic_runs_only() {
    let mut off = script();
    off.draft.mode = Mode::Off;
    assert_eq!(admit(situation(&off, &[])), Err(Refusal::ModeOff));
    assert_eq!(
        admit(Situation {
            automatic: false,
            ..situation(&off, &[])
        }),
        Ok(())
    );
}

#[test]
fn cooldown_and_number_of_runs_hold_for_everybody_but_dry_runs() {
    let script = script();
    let ran = [NOW - 59_000];
    let cooldown = Err(Refusal::Cooldown {
        since_s: 59,
        wait_s: 1,
    });
    assert_eq!(
        admit(Situation {
            automatic: false,
            ..situation(&script, &ran)
        }),
        cooldown
    );
    assert_eq!(
        admit(Situation {
            dry_run: true,
            ..situation(&script, &ran)
        }),
        Ok(())
    );
    let often = [NOW - 3_599_000, NOW - 1_000_000, NOW - 60_000];
    let too_often = Err(Refusal::TooOften {
        runs: 3,
        window_min: 60,
    });
    assert_eq!(admit(situation(&script, &often)), too_often);
    let at_work = Situation {
        at_work: true,
        ..situation(&script, &[])
    };
    assert_eq!(admit(at_work), Err(Refusal::AtWork));
}
