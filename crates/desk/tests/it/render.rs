//! Every page renders in both languages, empty and with data, and only for who may see it.

use web::{EndpointSpec, Need, Role};

use crate::filling::{channel, filled};
use crate::ground::Ground;

/// Every endpoint of these pages.
fn endpoints(ground: &Ground) -> Vec<EndpointSpec> {
    desk::routes(ground.desk.clone()).specs
}

/// Pages that need nothing but their address.
fn plain_pages(ground: &Ground) -> Vec<&'static str> {
    let plain = |spec: &EndpointSpec| {
        spec.method == "GET"
            && !spec.path.contains('{')
            && !["/coverage/thing", "/agents/arrived", "/login", "/me"].contains(&spec.path)
            && !["/api/", "/board/", "/assets/"]
                .iter()
                .any(|start| spec.path.starts_with(start))
    };
    let specs = endpoints(ground).into_iter();
    specs.filter(plain).map(|spec| spec.path).collect()
}

/// Texts that stand alone in an element and look like a key of the catalogue.
fn keys_shown(html: &str) -> Vec<&str> {
    let words = html.split(['<', '>', '"']);
    let is_key = |text: &&str| {
        text.split_once('.').is_some_and(|(area, rest)| {
            let plain = |part: &str| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c == '_' || c == '.')
            };
            plain(area)
                && plain(rest)
                && i18n::keys(i18n::Lang::Ko).any(|(key, _)| key.split('.').next() == Some(area))
        })
    };
    // The one selector among the attributes that looks like a key.
    words
        .filter(is_key)
        .filter(|text| *text != "form.form")
        .collect()
}

fn check(path: &str, html: &str) {
    assert!(!html.contains("render: "), "{path}");
    if path.starts_with("/audit") {
        return; // Actions are named like keys.
    }
    let shown = keys_shown(html);
    assert!(shown.is_empty(), "{path} shows keys: {shown:?}");
}

#[tokio::test]
async fn every_page_renders_empty_in_both_languages() {
    let ground = Ground::empty().await;
    for path in plain_pages(&ground) {
        for lang in ["ko", "en"] {
            let answer = ground.get((Role::Administrator, lang), path).await;
            assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
            check(path, &answer.text);
        }
    }
}

#[tokio::test]
async fn every_page_renders_with_data_in_both_languages() {
    let ground = Ground::with_host().await;
    let mut paths = filled(&ground).await;
    paths.extend(plain_pages(&ground).into_iter().map(str::to_owned));
    for path in &paths {
        for lang in ["ko", "en"] {
            let answer = ground.get((Role::Administrator, lang), path).await;
            assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
            check(path, &answer.text);
        }
        // A viewer's page is another one: without what they may not do.
        let answer = ground.get((Role::Viewer, "ko"), path).await;
        assert!(
            [200, 403].contains(&answer.status.as_u16()),
            "{path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn nobody_sees_or_changes_more_than_the_role_allows() {
    let ground = Ground::empty().await;
    let specs = endpoints(&ground);
    for spec in &specs {
        let Need::Role(needed) = spec.action.need else {
            continue;
        };
        let path = spec.path.replace("{id}", "none").replace("{kind}", "none");
        for role in Role::ALL.into_iter().filter(|role| *role < needed) {
            let answer = match spec.method == "GET" {
                true => ground.get((role, "en"), &path).await,
                false => ground.send(role, &path, &[]).await,
            };
            assert_eq!(
                answer.status.as_u16(),
                403,
                "{} {path} as {}",
                spec.method,
                role.name()
            );
        }
        let stranger = ground.asked.stranger().get(&path).await;
        assert_ne!(stranger.status.as_u16(), 200, "{path} as nobody");
    }
    assert!(specs.len() > 90, "{} endpoints", specs.len());
}

#[tokio::test]
async fn a_list_is_filtered_sorted_and_exported_by_its_address() {
    let ground = Ground::with_host().await;
    for name in ["beta", "alpha", "=gamma"] {
        channel(&ground, name).await;
    }
    let page = ground.page("/channels?sort=name").await;
    let at = |name: &str| page.find(&format!(">{name}<")).unwrap_or(usize::MAX);
    assert!(at("alpha") < at("beta"), "{page}");
    let page = ground.page("/channels?sort=-name").await;
    let at = |name: &str| page.find(&format!(">{name}<")).unwrap_or(usize::MAX);
    assert!(at("beta") < at("alpha"), "{page}");
    let page = ground.page("/channels?q=alph").await;
    assert!(
        page.contains(">alpha<") && !page.contains(">beta<"),
        "{page}"
    );
    let page = ground.page("/channels?state=failing").await;
    assert!(
        page.contains("href=\"/channels\"") && !page.contains(">alpha<"),
        "{page}"
    );
    let file = ground
        .get((Role::Viewer, "en"), "/channels.csv?q=gamma")
        .await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        file.text.contains("\"'=gamma\"") && !file.text.contains("alpha"),
        "{}",
        file.text
    );
}
