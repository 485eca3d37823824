//! The board and how rules do.

use serde_json::json;

use super::Ground;

#[tokio::test]
async fn the_board_and_a_rules_status_show_what_is_judged() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    ground.judge().await;
    let board = ground.get("/api/v1/board").await;
    let columns = board["columns"].as_array().unwrap();
    let disk = columns.iter().position(|column| column == "disk").unwrap();
    let hosts: Vec<_> = board["hosts"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&hosts[0]["name"], &hosts[1]["name"]),
        (&json!("db01"), &json!("web01"))
    );
    assert_eq!(hosts[1]["cells"][disk], json!({"state": "major"}));
    assert_eq!(hosts[0]["cells"][disk], json!({"state": "unregistered"}));
    let status = ground.get("/api/v1/rules/disk-used/status").await;
    assert_eq!(
        (&status["hosts"], &status["targets"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(status["by_severity"]["major"], 1);
    assert_eq!(status["empty_signals"], json!([]));
    ground
        .asked
        .stranger()
        .get("/api/v1/board")
        .await
        .refused(401, "unauthenticated", &[]);
}
