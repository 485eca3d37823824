//! What people do with problems on their pages, and what a page says to whom it belongs.

use web::Role;
use web::testing::CSRF;

use crate::filling::{ADMIN, OPERATOR};
use crate::ground::Ground;

/// A problem page in Korean.
async fn korean(ground: &Ground, path: &str) -> String {
    ground.get((OPERATOR, "ko"), path).await.text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_taken_talked_about_given_back_and_closed() {
    let ground = Ground::with_host().await;
    let page = ground.problem(1).await;
    for (act, form, told) in [
        ("acknowledge", vec![], "수신확인"),
        (
            "comment",
            vec![("comment", "디스크 정리 중")],
            "디스크 정리 중",
        ),
        (
            "snooze",
            vec![("for", "1h"), ("reason", "교체 예정")],
            "교체 예정",
        ),
        ("unacknowledge", vec![], "수신확인"),
        ("close", vec![("reason", "장비 철수")], "장비 철수"),
    ] {
        let answer = ground.send(OPERATOR, &format!("{page}/{act}"), &form).await;
        assert_eq!(Ground::taken(&answer), page, "{act}");
        let html = korean(&ground, &page).await;
        assert!(html.contains(told), "{act}: {html}");
    }
    assert!(
        !korean(&ground, "/problems").await.contains(&page),
        "it is over"
    );
    assert!(korean(&ground, "/problems?state=all").await.contains(&page));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_problems_are_taken_at_once() {
    let ground = Ground::with_host().await;
    let (one, two) = (ground.problem(1).await, ground.problem(2).await);
    let id = |page: &str| page.trim_start_matches("/problems/").to_owned();
    let (first, second) = (id(&one), id(&two));
    let form = [
        ("id", first.as_str()),
        ("id", second.as_str()),
        ("action", "acknowledge"),
        ("comment", "확인 중"),
    ];
    Ground::taken(&ground.send(OPERATOR, "/problems/bulk", &form).await);
    for page in [one, two] {
        let html = korean(&ground, &page).await;
        assert!(html.contains(&format!("{page}/unacknowledge")), "{html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_a_problem_and_changes_nothing() {
    let ground = Ground::with_host().await;
    let page = ground.problem(1).await;
    let html = ground.get((Role::Viewer, "ko"), &page).await.text;
    assert!(
        html.contains("디스크 사용률") && !html.contains("/acknowledge"),
        "{html}"
    );
    let answer = ground
        .send(Role::Viewer, &format!("{page}/acknowledge"), &[])
        .await;
    assert_eq!(answer.status.as_u16(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_elsewhere_changes_nothing() {
    let ground = Ground::with_host().await;
    let page = ground.problem(1).await;
    let act = format!("{page}/acknowledge");
    for token in ["", "guessed"] {
        let answer = ground.browse(ADMIN, &act, token).await;
        assert_eq!(answer.status.as_u16(), 403, "{token:?}: {}", answer.text);
    }
    assert!(!korean(&ground, &page).await.contains("/unacknowledge"));
    Ground::taken(&ground.browse(ADMIN, &act, CSRF).await);
    assert!(korean(&ground, &page).await.contains("/unacknowledge"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_shows_what_ran_when_it_opened() {
    let ground = Ground::with_host().await;
    let page = ground.problem(1).await;
    let id = page.trim_start_matches("/problems/").parse().unwrap();
    let process = serde_json::json!({
        "pid": 4711, "user": "app", "name": "java", "command": "/opt/jdk/bin/java -jar shop.jar",
        "cpu_ratio": 1.5, "memory_bytes": 1_073_741_824_u64,
    });
    let seen = serde_json::json!({"by_cpu": [process], "by_memory": [process]});
    problem::service::witness(&ground.desk.db, vec![id], seen)
        .await
        .unwrap();
    let html = korean(&ground, &page).await;
    assert_eq!(html.matches("4711").count(), 1, "{html}");
    assert!(
        html.contains(">java -jar shop.jar<") && html.contains("1 GiB"),
        "{html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_exported_as_they_are_filtered() {
    let ground = Ground::with_host().await;
    ground.problem(1).await;
    let file = ground
        .get((Role::Viewer, "en"), "/problems.csv?severity=major")
        .await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        file.text.contains("P-1") && file.text.contains("web01"),
        "{}",
        file.text
    );
    let none = ground
        .get((Role::Viewer, "en"), "/problems.csv?severity=critical")
        .await;
    assert!(!none.text.contains("P-1"), "{}", none.text);
}
