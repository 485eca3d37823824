//! How long, how large and how rough a simulation is, and what is broken on purpose.

/// The shape of one run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Fake hosts at the start.
    pub hosts: u32,
    /// Steps of five virtual seconds with trouble; then everything heals and is looked at.
    pub steps: u32,
    /// Kills of the server in a thousand steps.
    pub kills_permille: u64,
    /// Acts of operators in a thousand steps: maintenances, silences, edits, retirements.
    pub acts_permille: u64,
    /// Faults of links in a thousand batches: drops, repeats, reorderings, lost acknowledgements.
    pub link_faults_permille: u64,
    /// Changes of the channels' moods in a thousand steps.
    pub moods_permille: u64,
    /// Minutes between two troubles of one series, on average.
    pub trouble_every_min: i64,
    /// What is broken on purpose, to prove that it is noticed.
    pub sabotage: Option<Sabotage>,
    /// Prints every event as it happens.
    pub verbose: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hosts: 150,
            steps: 500,
            kills_permille: 25,
            acts_permille: 150,
            link_faults_permille: 20,
            moods_permille: 40,
            trouble_every_min: 180,
            sabotage: None,
            verbose: false,
        }
    }
}

/// A fault planted into the product's records or calls; each must be found by an invariant.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Sabotage {
    /// A dispatch disappears before anybody is told.
    LoseDispatch,
    /// A recovery is marked as sent and never sent.
    DropRecovery,
    /// A maintenance that people made is not kept.
    ForgetMaintenance,
    /// What was held back is forgotten at the end of a hold.
    ForgetOwed,
    /// A notice that arrived is sent again.
    DoubleSend,
    /// A recovery leaves before its problem notice.
    RecoveryFirst,
    /// A pair gets a second open problem.
    SecondProblem,
    /// A restart begins without what the server knew.
    ForgetState,
    /// A restart closes a problem.
    ResolveAtRestart,
    /// Nobody watches for silence.
    IgnoreSilence,
    /// What a returning agent kept is judged as if it were fresh.
    JudgeBacklog,
    /// The board shows what was long ago.
    StaleBoard,
    /// The ledger loses rows.
    EraseLedger,
    /// One sample in a hundred is not judged.
    SkipSamples,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::LoseDispatch,
        Self::DropRecovery,
        Self::ForgetMaintenance,
        Self::ForgetOwed,
        Self::DoubleSend,
        Self::RecoveryFirst,
        Self::SecondProblem,
        Self::ForgetState,
        Self::ResolveAtRestart,
        Self::IgnoreSilence,
        Self::JudgeBacklog,
        Self::StaleBoard,
        Self::EraseLedger,
        Self::SkipSamples,
    ];
}

/// The promise of alerting.md that was broken.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Invariant {
    /// What should be told reached a person or is visibly undelivered.
    Told,
    /// Whoever was told of a problem was told of its end, there.
    Paired,
    /// Nothing is told inside a maintenance or a silence; what is still bad is told after it.
    Covered,
    /// Repeats are bounded and known by their key; no recovery before its problem.
    Bounded,
    /// Rule × target has at most one open problem.
    OneOpen,
    /// A restart neither opens nor resolves nor repeats.
    Restart,
    /// A silent host is one problem, the rest is frozen; late data never pages.
    Silence,
    /// The board shows the worst of what is open.
    Board,
    /// Every decision is a row of the ledger.
    Ledger,
    /// Judging comes to what a simple model comes to.
    Judged,
}

/// One broken promise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Which promise.
    pub invariant: Invariant,
    /// The step at which it was noticed.
    pub step: u32,
    /// What was seen.
    pub what: String,
}

/// What happened in a run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Batches that the server took.
    pub batches: u64,
    /// Samples that were judged live.
    pub samples: u64,
    /// Problems that opened.
    pub problems: u64,
    /// Rows of the ledger.
    pub decisions: u64,
    /// Messages that reached a receiver.
    pub receipts: u64,
    /// Messages of these that were recoveries or digests with them.
    pub repeats: u64,
    /// Kills of the server.
    pub kills: u64,
    /// Acts of operators.
    pub acts: u64,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed that repeats it.
    pub seed: u64,
    /// How far it came.
    pub steps: u32,
    /// Broken promises, the first one first; empty when all were kept.
    pub violations: Vec<Violation>,
    /// The events before the first broken promise.
    pub events: Vec<String>,
    /// What happened.
    pub tally: Tally,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            seed,
            steps,
            violations,
            events,
            tally,
        } = self;
        writeln!(f, "seed {seed}, {steps} steps: {tally:?}")?;
        for Violation {
            invariant,
            step,
            what,
        } in violations
        {
            writeln!(f, "  step {step}: {invariant:?}: {what}")?;
        }
        if !violations.is_empty() {
            writeln!(f, "the last events before:")?;
            for event in events {
                writeln!(f, "  {event}")?;
            }
            let again = "cargo run -p sim --example run --";
            write!(f, "again: {again} --seed {seed} --steps {steps}")?;
        }
        Ok(())
    }
}
