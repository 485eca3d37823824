//! Rules from their forms and documents: edited by two, tried over the past, exported, imported.

use crate::filling::{ADMIN, RULE, rule};
use crate::ground::Ground;

#[tokio::test]
async fn the_second_of_two_editors_learns_what_the_first_changed() {
    let ground = Ground::with_host().await;
    let page = rule(&ground).await;
    let edit = format!("{page}/edit");
    let mut form: Vec<(&str, &str)> = RULE.to_vec();
    form.push(("revision", "1"));
    let first: Vec<(&str, &str)> = form
        .iter()
        .map(|(k, v)| {
            if *k == "level_major" {
                (*k, "55")
            } else {
                (*k, *v)
            }
        })
        .collect();
    Ground::taken(&ground.send(ADMIN, &edit, &first).await);
    let second: Vec<(&str, &str)> = form
        .iter()
        .map(|(k, v)| {
            if *k == "title_en" {
                (*k, "Mine")
            } else {
                (*k, *v)
            }
        })
        .collect();
    let answer = ground.send(ADMIN, &edit, &second).await;
    assert_eq!(answer.status.as_u16(), 422);
    assert!(
        answer.text.contains("Changed meanwhile by administrator"),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains("value &#62; 50 → value &#62; 55"),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains("Mine"),
        "what was typed is still there"
    );
    assert!(
        answer.text.contains("name=\"revision\" value=\"2\""),
        "{}",
        answer.text
    );
    // Knowing that, the second may save over it.
    let again: Vec<(&str, &str)> = second
        .iter()
        .map(|(k, v)| {
            if *k == "revision" {
                (*k, "2")
            } else {
                (*k, *v)
            }
        })
        .collect();
    Ground::taken(&ground.send(ADMIN, &edit, &again).await);
    let history = ground.page(&page).await;
    assert!(history.contains("level Major condition"), "{history}");
}

#[tokio::test]
async fn a_rule_is_tried_over_the_past_before_it_is_saved() {
    let ground = Ground::with_host().await;
    let mut form: Vec<(&str, &str)> = RULE.to_vec();
    form.push(("try", "1"));
    let answer = ground.send(ADMIN, "/rules/new", &form).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    assert!(
        answer.text.contains("Problems: 1 (1 between"),
        "{}",
        answer.text
    );
    assert!(
        !ground.page("/rules").await.contains("queue"),
        "it was not saved"
    );
    // The form shows a rule of its own making again, value by value.
    let page = rule(&ground).await;
    let html = ground.page(&format!("{page}/edit")).await;
    for value in [
        "value=\"queue_length\"",
        "value=\"30\"",
        "value=\"50\"",
        "value=\"5m\"",
    ] {
        assert!(html.contains(value), "{value}: {html}");
    }
}

#[tokio::test]
async fn rules_are_exported_and_imported_after_a_look() {
    let ground = Ground::with_host().await;
    rule(&ground).await;
    let file = ground.page("/rules.yaml").await;
    assert!(file.contains("key: queue"), "{file}");
    let changed = file.replace("value > 50", "value > 60");
    let look = ground
        .send(ADMIN, "/rules/import", &[("yaml", &changed)])
        .await;
    assert!(
        look.text.contains(&ui::escape("value > 60")),
        "{}",
        look.text
    );
    assert!(
        ground.page("/rules.yaml").await.contains("value > 50"),
        "a look changes nothing"
    );
    let form = [("yaml", changed.as_str()), ("apply", "1")];
    Ground::taken(&ground.send(ADMIN, "/rules/import", &form).await);
    assert!(ground.page("/rules.yaml").await.contains("value > 60"));
}
