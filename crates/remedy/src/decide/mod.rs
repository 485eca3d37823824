//! Whether a run may start: the guards, as pure functions.

use crate::{KillSwitch, Mode, Script};

/// Why a guard refused a run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Everything is off.
    #[error("all recovery scripts are switched off by {by}: {why}")]
    KillSwitch {
        /// Who pulled the switch.
        by: String,
        /// Why.
        why: String,
    },
    /// The script is retired.
    #[error("the script is retired")]
    Retired,
    /// It does not start by itself.
    #[error("the script does not start by itself (mode off)")]
    ModeOff,
    /// Nobody approved this version.
    #[error("version {0} of the script is not approved")]
    NotApproved(i64),
    /// Another run of it is at work on this host.
    #[error("another run of the script is at work on this host")]
    AtWork,
    /// It ran here a moment ago.
    #[error("cooldown: it ran on this host {since_s} s ago, the next run may start in {wait_s} s")]
    Cooldown {
        /// Seconds since the last run.
        since_s: i64,
        /// Seconds until the next may start.
        wait_s: i64,
    },
    /// It ran too often here.
    #[error(
        "it ran {runs} times on this host within {window_min} min, which is the limit: repair the cause"
    )]
    TooOften {
        /// How often.
        runs: u32,
        /// Within how many minutes.
        window_min: u64,
    },
}

/// What is known when a run is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The script.
    pub script: &'a Script,
    /// The kill switch, when it is pulled.
    pub switch: Option<&'a KillSwitch>,
    /// It would start by itself.
    pub automatic: bool,
    /// Another run of it is running or waits for its verification on this host.
    pub at_work: bool,
    /// When it was ordered on this host lately, UTC milliseconds; refused and dry runs not counted.
    pub ordered_ms: &'a [i64],
    /// Now, UTC milliseconds.
    pub now_ms: i64,
    /// Only to say what would be done: cooldown and number of runs do not matter.
    pub dry_run: bool,
}

/// Whether the run may start.
///
/// # Errors
/// The first guard that refuses it.
pub fn admit(situation: Situation<'_>) -> Result<(), Refusal> {
    let Situation {
        script,
        switch,
        automatic,
        at_work,
        ordered_ms,
        now_ms,
        dry_run,
    } = situation;
    if let Some(switch) = switch {
        return Err(Refusal::KillSwitch {
            by: switch.by.clone(),
            why: switch.why.clone(),
        });
    }
    if script.retired_ms.is_some() {
        return Err(Refusal::Retired);
    }
    if automatic && script.draft.mode == Mode::Off {
        return Err(Refusal::ModeOff);
    }
    if !script.is_approved() {
        return Err(Refusal::NotApproved(script.version));
    }
    if dry_run {
        return Ok(());
    }
    if at_work {
        return Err(Refusal::AtWork);
    }
    let millis = |span: u64| i64::try_from(span).unwrap_or(i64::MAX);
    let cooldown_ms = millis(script.draft.cooldown_ms);
    let last = ordered_ms.iter().max().copied();
    if let Some(since_ms) = last
        .map(|last| now_ms - last)
        .filter(|since| *since < cooldown_ms)
    {
        let wait_s = (cooldown_ms - since_ms + 999) / 1_000;
        return Err(Refusal::Cooldown {
            since_s: since_ms / 1_000,
            wait_s,
        });
    }
    let window_ms = millis(script.draft.window_ms);
    let within = ordered_ms
        .iter()
        .filter(|at| now_ms - **at < window_ms)
        .count();
    let runs = u32::try_from(within).unwrap_or(u32::MAX);
    if runs >= script.draft.max_runs {
        return Err(Refusal::TooOften {
            runs,
            window_min: script.draft.window_ms / 60_000,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
