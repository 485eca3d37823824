//! Restarts: what the snapshot, the records and the log leave open between them.

use judge::{Snapshot, WalPosition};
use model::Labels;

use super::super::Driver;
use super::{Ground, OWN, WEB, short, transitions};

#[test]
fn a_series_found_again_at_the_start_is_bound_once() {
    let ground = Ground::new();
    let labels = Labels::metric("used_ratio", &[("mountpoint", "/")]).unwrap();
    ground.driver.on_new_series(0, WEB, &labels, ground.now_ms);
    let states = ground.driver.state_of(WEB);
    let root = states.iter().find(|state| state.target.key == "/").unwrap();
    assert_eq!(root.series, 1);
}

#[test]
fn a_silence_that_ended_after_the_snapshot_is_told_again_when_it_comes_again() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.5, 0.5]);
    let quiet = |ground: &mut Ground| {
        let mut said = Vec::new();
        for _ in 0..40 {
            ground.now_ms += 1_000;
            let updates = ground.driver.tick(ground.mono_ms(), ground.now_ms);
            let found = transitions(updates)
                .into_iter()
                .filter(|t| t.target.ci == WEB);
            said.extend(found);
        }
        short(&said)
    };
    let told = ["agent-silent  normal>minor missed >= 3"];
    assert_eq!(quiet(&mut ground), told);
    let bytes = ground
        .driver
        .snapshot(WalPosition::default(), ground.now_ms);
    assert_eq!(
        ground.send(WEB, [0.5, 0.5]).len(),
        1,
        "it is over, and recorded as such"
    );

    // Killed here: the snapshot still has it open, the records do not.
    ground.driver = Driver::new(ground.known.clone(), Some(OWN));
    ground.driver.restore(Snapshot::decode(&bytes).unwrap());
    assert_eq!(short(&ground.start()), [""; 0]);
    let said = ground.driver.reconcile(Vec::new(), ground.now_ms);
    assert_eq!(short(&transitions(said)), [""; 0]);
    assert_eq!(quiet(&mut ground), told);
}
