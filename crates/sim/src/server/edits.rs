//! What people change while the server runs: rules and hosts, with everything that follows.

use model::{CiId, RuleId};
use watch::HostInfo;

use super::setup::PERSON;
use super::{Installation, apply};
use crate::ground::Known;
use crate::rules::RuleSpec;

impl Installation {
    /// Puts another form of a rule in force.
    pub(crate) async fn edit_rule(&mut self, id: RuleId, spec: &RuleSpec) {
        let edited = self
            .watch()
            .update_rule((id, None), spec.rule(), PERSON)
            .await;
        edited.map(drop).expect("an edited rule");
        for (known, old) in &mut self.rules {
            if *known == id {
                old.clone_from(spec);
            }
        }
        self.follow(&[], &[]).await;
    }

    /// Takes a host into service.
    pub(crate) async fn add_host(&mut self, info: HostInfo) {
        self.directory.put(Known {
            info: info.clone(),
            retired: false,
        });
        self.follow(&[info], &[]).await;
    }

    /// Takes a host out of service.
    pub(crate) async fn retire_host(&mut self, ci: CiId) {
        self.directory.retire(ci);
        self.follow(&[], &[ci]).await;
    }

    /// Brings the judge up to date with rules and hosts, as the server does after every edit.
    async fn follow(&mut self, changed: &[HostInfo], gone: &[CiId]) {
        let config = self.watch().config().await.expect("the rules");
        let (now_ms, ports) = (self.now_ms(), self.ports());
        let Some(running) = self.running.as_mut() else {
            return;
        };
        let mut updates = std::mem::take(&mut running.updates);
        for info in changed {
            updates.extend(running.driver.set_host(info.clone(), now_ms));
        }
        for ci in gone {
            updates.extend(running.driver.remove_host(*ci, now_ms));
        }
        updates.extend(running.driver.set_config(&config, now_ms));
        self.directory.learn(&config.rules);
        apply(&self.db, &ports, &running.driver, updates).await;
        // An edit is not in the log: without this a replay would judge old samples by new rules.
        self.keep();
    }
}
