//! The account at the end: everything decided, everything where the ledger says, every end told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::flow::DispatchEvent;
use model::{ChannelId, RecipientId};
use notice::model::{LedgerRow, Reason};
use problem::model::Problem;

use super::Checks;
use crate::config::{Invariant, Tally};
use crate::facts::Facts;
use crate::people::name;
use crate::server::Installation;

/// Problems read at once.
const PAGE_ROWS: usize = model::limits::PAGE_ROWS_MAX;
/// People of the simulation: each gets a decision on everything that is told.
const PEOPLE: usize = 4;

/// When the messages of each key arrived, and their places among all.
type Arrivals = HashMap<String, Vec<(i64, usize)>>;

impl Checks {
    /// Takes stock of everything.
    pub(crate) async fn account(
        &mut self,
        installation: &Installation,
        facts: &Facts,
        tally: &mut Tally,
    ) {
        let mut arrivals = Arrivals::new();
        for receipt in &self.receipts {
            let arrival = (receipt.at_ms, receipt.nth);
            arrivals
                .entry(receipt.key.clone())
                .or_default()
                .push(arrival);
        }
        tally.receipts = self.receipts.len() as u64;
        tally.repeats = tally.receipts - arrivals.len() as u64;
        for problem in all_problems(installation).await {
            tally.problems += 1;
            let mut reader = installation.db.reader();
            let rows = notice::service::of_problem(&mut reader, problem.id).await;
            let rows = rows.expect("the ledger of a problem");
            tally.decisions += rows.len() as u64;
            if problem.is_open() {
                let what = format!("{} is open although all is calm", name(&problem));
                self.broken(Invariant::Judged, what);
            }
            self.decided(&problem, &rows);
            self.truthful(&problem, &rows, &arrivals);
            self.paired(&problem, &rows, &arrivals);
        }
        let hosts = facts.judged_ms.len();
        if hosts == 0 {
            self.broken(Invariant::Judged, "nothing was ever judged".to_owned());
        }
    }

    /// Every event of a problem is decided, for everybody.
    fn decided(&mut self, problem: &Problem, rows: &[LedgerRow]) {
        for seq in 1..=problem.seq {
            let mine: Vec<&LedgerRow> = rows.iter().filter(|row| row.seq == seq).collect();
            if mine.is_empty() {
                let what = format!("{} event {seq} has no row in the ledger", name(problem));
                self.broken(Invariant::Ledger, what);
                continue;
            }
            let told = self
                .dispatches
                .get(&(problem.id, seq))
                .is_some_and(|one| one.hold.is_none() && one.event != DispatchEvent::Recovered);
            let people: BTreeSet<RecipientId> =
                mine.iter().filter_map(|row| row.recipient).collect();
            if told && people.len() != PEOPLE {
                let what = format!(
                    "{} event {seq} was decided for {} of {PEOPLE} people",
                    name(problem),
                    people.len()
                );
                self.broken(Invariant::Ledger, what);
            }
        }
    }

    /// What the ledger says was sent did arrive, nothing waits for ever, and one row has one key.
    fn truthful(&mut self, problem: &Problem, rows: &[LedgerRow], arrivals: &Arrivals) {
        for row in rows {
            let (single, digest) = receipts_of(row, arrivals);
            let what = match (row.reason, row.done_ms) {
                (Reason::Sent, _) if single.is_empty() && digest.is_empty() => {
                    "the ledger says sent, and nobody got it"
                }
                (Reason::Pending, _) | (_, None) => "it still waits although all is calm",
                _ if !single.is_empty() && !digest.is_empty() => {
                    "it left under two keys: nobody can know the repeat"
                }
                _ => continue,
            };
            let invariant = match row.reason {
                _ if !single.is_empty() && !digest.is_empty() => Invariant::Bounded,
                _ => Invariant::Told,
            };
            self.broken(
                invariant,
                format!("{}: {what}: {}", name(problem), brief(row)),
            );
        }
    }

    /// Whoever was told was told of the end, there and afterwards.
    fn paired(&mut self, problem: &Problem, rows: &[LedgerRow], arrivals: &Arrivals) {
        let mut lines: BTreeMap<(RecipientId, ChannelId), (Vec<usize>, Vec<usize>)> =
            BTreeMap::new();
        for row in rows {
            let (Some(recipient), Some(channel)) = (row.recipient, row.channel) else {
                continue;
            };
            let (single, digest) = receipts_of(row, arrivals);
            let line = lines.entry((recipient, channel)).or_default();
            let side = match row.event {
                DispatchEvent::Recovered => &mut line.1,
                _ => &mut line.0,
            };
            side.extend(single.into_iter().chain(digest));
        }
        for ((recipient, channel), (told, ended)) in lines {
            let Some(first) = told.iter().min() else {
                // A recovery of something that never arrived: the sender could not know.
                continue;
            };
            let line = format!("{} for {recipient} on {channel}", name(problem));
            if ended.is_empty() {
                let visible = rows.iter().any(|row| {
                    let mine = (row.recipient, row.channel) == (Some(recipient), Some(channel));
                    mine && row.event == DispatchEvent::Recovered && is_visible(row, rows)
                });
                if !visible && !problem.is_open() {
                    let rows: Vec<String> = rows.iter().map(brief).collect();
                    let rows = rows.join("\n    ");
                    let what = format!("{line}: told, never told of the end:\n    {rows}");
                    self.broken(Invariant::Paired, what);
                }
                continue;
            }
            if ended.iter().min() < Some(first) {
                let what = format!("{line}: the recovery came before the problem");
                self.broken(Invariant::Bounded, what);
            }
            if ended.iter().max() < told.iter().max() {
                let what = format!("{line}: the problem came again after its recovery");
                self.broken(Invariant::Bounded, what);
            }
        }
    }
}

/// Where a row's message arrived: alone, and within a digest. A digest that arrived after the row
/// was settled was sent without it.
fn receipts_of(row: &LedgerRow, arrivals: &Arrivals) -> (Vec<usize>, Vec<usize>) {
    let of = |key: &str| arrivals.get(key).map(Vec::as_slice).unwrap_or_default();
    let nth = |(_, nth): &(i64, usize)| *nth;
    let single = of(&row.key()).iter().map(nth).collect();
    let Some(digest) = &row.digest else {
        return (single, Vec::new());
    };
    let done_ms = row.done_ms.unwrap_or(i64::MAX);
    let with_it = of(&format!("digest/{digest}"))
        .iter()
        .filter(|(at_ms, _)| *at_ms <= done_ms);
    (single, with_it.map(nth).collect())
}

/// Whether the ledger shows that a recovery could not be delivered, or where it went instead.
fn is_visible(row: &LedgerRow, rows: &[LedgerRow]) -> bool {
    let elsewhere = |one: &&LedgerRow| {
        (one.recipient, one.event, one.seq) == (row.recipient, row.event, row.seq)
            && one.channel != row.channel
    };
    match row.reason {
        Reason::Undelivered | Reason::ChannelDisabled => true,
        Reason::Fallback => rows
            .iter()
            .filter(elsewhere)
            .any(|next| matches!(next.reason, Reason::Sent | Reason::Undelivered)),
        _ => false,
    }
}

/// A row in one line.
fn brief(row: &LedgerRow) -> String {
    let LedgerRow {
        seq,
        event,
        recipient,
        channel,
        reason,
        state,
        detail,
        ..
    } = row;
    let LedgerRow {
        attempts,
        unsure,
        decided_ms,
        done_ms,
        digest,
        ..
    } = row;
    format!(
        "{seq} {event:?} to {recipient:?} on {channel:?}: {reason:?} {detail} ({state:?}, {attempts} \
         tries, unsure {unsure}, {decided_ms} to {done_ms:?}, digest {digest:?})"
    )
}

async fn all_problems(installation: &Installation) -> Vec<Problem> {
    let filter = problem::Filter::default();
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let mut reader = installation.db.reader();
        let list = (&filter, problem::Sort::Opened);
        let now_ms = installation.now_ms();
        let page = problem::service::list(&mut reader, list, cursor.as_ref(), PAGE_ROWS, now_ms);
        let page = page.await.expect("the problems");
        all.extend(page.rows);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return all,
        }
    }
}
