//! Recovery scripts on both record stores, with hands that record what they were asked to do.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where its ground gives way"
)]

use std::sync::{Arc, Mutex};

use db::BoxFuture;
use model::{CiId, RuleId, Severity, Target, UserId};
use remedy::{
    Binding, Ended, Hands, ManualRun, Mode, NotCarriedOut, Plan, Remedies, RemedyError, Run,
    RunReport, RunRequest, RunState, ScriptDraft, Surgeon,
};
use stdx::Env;
use testkit::Store;

/// Hands that answer what the test says; the road to a real runner is tried in the scenarios.
#[derive(Default)]
struct Scripted {
    asked: Mutex<Vec<RunRequest>>,
    answer: Mutex<Option<Result<RunReport, NotCarriedOut>>>,
}

impl Hands for Scripted {
    fn carry_out(
        &self,
        _: CiId,
        request: RunRequest,
    ) -> BoxFuture<'_, Result<RunReport, NotCarriedOut>> {
        self.asked.lock().unwrap().push(request);
        let answer = self.answer.lock().unwrap().clone();
        let well = RunReport {
            ended: Ended::Exit(0),
            transcript: "done".into(),
            duration_ms: 5,
        };
        Box::pin(async move { answer.unwrap_or(Ok(well)) })
    }
}

struct Room {
    remedies: Remedies,
    hands: Arc<Scripted>,
    trigger: jobs::Trigger,
    db: db::Db,
}

fn draft(name: &str) -> ScriptDraft {
    ScriptDraft {
        name: name.into(),
        help: String::new(),
        body: "#!/bin/sh\nsystemctl restart nginx\n".into(),
        precondition: String::new(),
        run_as: String::new(),
        time_limit_ms: 30_000,
        max_runs: 2,
        window_ms: 3_600_000,
        cooldown_ms: 60_000,
        verify_ms: 30_000,
        mode: Mode::Automatic,
    }
}

async fn on_both(test: impl AsyncFn(&Room, &stdx::VirtualClock)) {
    let (env, clock) = Env::simulated(1_700_000_000_000, 5);
    testkit::on_both_stores(&env, async |store: &Store| {
        let hands = Arc::new(Scripted::default());
        let surgeon = Surgeon::new(store.db.clone(), env.clone(), hands.clone());
        let (trigger, shutdown) = jobs::shutdown();
        let worker = jobs::Worker::new(
            store.db.clone(),
            "run-order",
            surgeon,
            jobs::Policy {
                period_ms: 50,
                ..jobs::Policy::default()
            },
        );
        let running = tokio::spawn(worker.run(shutdown));
        let remedies = Remedies::new(store.db.clone(), env.clone());
        let room = Room {
            remedies,
            hands,
            trigger,
            db: store.db.clone(),
        };
        test(&room, &clock).await;
        room.trigger.fire();
        running.await.unwrap();
    })
    .await;
}

impl Room {
    async fn run(&self, script: &remedy::Script, dry_run: bool) -> Run {
        let wanted = ManualRun {
            script: script.id,
            host: CiId::from_bits(9),
            problem: None,
            target: None,
            dry_run,
            by: UserId::from_bits(1),
        };
        let id = self.remedies.start(wanted).await.unwrap();
        testkit::wait_for(
            "the run's end",
            std::time::Duration::from_secs(10),
            async || {
                let run = self.remedies.run(id).await.ok()?;
                (run.state != RunState::Running).then_some(run)
            },
        )
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_before_its_version_is_approved() {
    on_both(async |room, _| {
        let script = room
            .remedies
            .create_script(draft("restart"), "kim")
            .await
            .unwrap();
        let refused = room.run(&script, false).await;
        assert_eq!(refused.state, RunState::Refused, "{}", refused.summary);
        assert!(room.hands.asked.lock().unwrap().is_empty());
        let stale = room.remedies.approve_script(script.id, 0, "lee").await;
        assert!(matches!(stale, Err(RemedyError::ChangedMeanwhile { .. })));
        room.remedies
            .approve_script(script.id, 1, "lee")
            .await
            .unwrap();
        let ran = room.run(&script, false).await;
        assert_eq!(
            (ran.state, ran.exit_code),
            (RunState::Succeeded, Some(0)),
            "{}",
            ran.summary
        );
        assert_eq!(ran.transcript, "done");
        let edit = ScriptDraft {
            body: "#!/bin/sh\nreboot\n".into(),
            ..draft("restart")
        };
        let edited = room
            .remedies
            .change_script(script.id, Some(1), edit, "kim")
            .await
            .unwrap();
        assert!(!edited.is_approved());
        let refused = room.run(&edited, true).await;
        assert!(
            refused
                .summary
                .contains("version 2 of the script is not approved")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cooldown_window_and_kill_switch_hold() {
    on_both(async |room, clock| {
        let script = room
            .remedies
            .create_script(draft("restart"), "kim")
            .await
            .unwrap();
        room.remedies
            .approve_script(script.id, 1, "lee")
            .await
            .unwrap();
        assert_eq!(room.run(&script, false).await.state, RunState::Succeeded);
        assert!(
            room.run(&script, false)
                .await
                .summary
                .starts_with("cooldown")
        );
        assert_eq!(
            room.run(&script, true).await.state,
            RunState::Succeeded,
            "dry runs are free"
        );
        clock.advance_ms(61_000);
        assert_eq!(room.run(&script, false).await.state, RunState::Succeeded);
        clock.advance_ms(61_000);
        let often = room.run(&script, false).await;
        assert!(
            often.summary.contains("repair the cause"),
            "{}",
            often.summary
        );
        clock.advance_ms(3_600_000);
        let silent = room.remedies.set_kill_switch(Some(" "), "kim").await;
        assert!(matches!(
            silent,
            Err(RemedyError::Invalid { field: "why", .. })
        ));
        room.remedies
            .set_kill_switch(Some("audit"), "kim")
            .await
            .unwrap();
        assert!(
            room.run(&script, false)
                .await
                .summary
                .contains("switched off by kim: audit")
        );
        room.remedies.set_kill_switch(None, "kim").await.unwrap();
        assert_eq!(room.run(&script, false).await.state, RunState::Succeeded);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_precondition_a_bad_exit_and_a_lost_host_are_told_apart() {
    on_both(async |room, clock| {
        let with = ScriptDraft {
            precondition: "#!/bin/sh\nexit 1\n".into(),
            ..draft("restart")
        };
        let script = room.remedies.create_script(with, "kim").await.unwrap();
        room.remedies
            .approve_script(script.id, 1, "lee")
            .await
            .unwrap();
        let answer = |ended| {
            Ok(RunReport {
                ended,
                transcript: "no".into(),
                duration_ms: 1,
            })
        };
        *room.hands.answer.lock().unwrap() = Some(answer(Ended::Exit(1)));
        let refused = room.run(&script, false).await;
        assert_eq!(refused.state, RunState::Refused);
        assert_eq!(
            room.hands.asked.lock().unwrap().len(),
            1,
            "the script itself never ran"
        );
        let plain = room
            .remedies
            .create_script(draft("plain"), "kim")
            .await
            .unwrap();
        room.remedies
            .approve_script(plain.id, 1, "lee")
            .await
            .unwrap();
        let failed = room.run(&plain, false).await;
        assert_eq!(
            (failed.state, failed.exit_code),
            (RunState::Failed, Some(1))
        );
        clock.advance_ms(120_000);
        let lost = NotCarriedOut::Unreachable("the agent is not connected".into());
        *room.hands.answer.lock().unwrap() = Some(Err(lost));
        assert_eq!(room.run(&plain, false).await.state, RunState::Unreachable);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_knows_approved_automatic_scripts_and_prefers_the_exact_target() {
    on_both(async |room, _| {
        let (rule, host) = (RuleId::from_bits(3), CiId::from_bits(9));
        let script = room
            .remedies
            .create_script(draft("restart"), "kim")
            .await
            .unwrap();
        let other = room
            .remedies
            .create_script(draft("other"), "kim")
            .await
            .unwrap();
        let binding = |script: &remedy::Script, key: &str| Binding {
            rule,
            script: script.id,
            from_severity: Severity::Major,
            target_key: key.into(),
            holds_notice: true,
            by: "kim".into(),
        };
        room.remedies.bind(binding(&script, "")).await.unwrap();
        room.remedies.bind(binding(&other, "nginx")).await.unwrap();
        let plan = Plan::default();
        plan.reload(&room.remedies).await.unwrap();
        let target = Target {
            key: "nginx".into(),
            ..Target::host(host)
        };
        assert!(
            plan.binding_for(rule, Severity::Critical, &target)
                .is_none(),
            "not approved"
        );
        room.remedies
            .approve_script(script.id, 1, "lee")
            .await
            .unwrap();
        room.remedies
            .approve_script(other.id, 1, "lee")
            .await
            .unwrap();
        plan.reload(&room.remedies).await.unwrap();
        let found = plan.binding_for(rule, Severity::Critical, &target).unwrap();
        assert_eq!(found.script, other.id);
        let all = plan
            .binding_for(rule, Severity::Major, &Target::host(host))
            .unwrap();
        assert_eq!(all.script, script.id);
        assert!(plan.binding_for(rule, Severity::Minor, &target).is_none());
        room.remedies
            .unbind(rule, other.id, "nginx", "kim")
            .await
            .unwrap();
        room.remedies
            .retire_script(script.id, "old", "kim")
            .await
            .unwrap();
        plan.reload(&room.remedies).await.unwrap();
        assert!(
            plan.binding_for(rule, Severity::Critical, &target)
                .is_none()
        );
        drop(room.db.clone());
    })
    .await;
}
