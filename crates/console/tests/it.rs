//! Every page renders for every sample in both languages, complete and without anything inline.

use console::samples::{self, Size};
use console::views::{BoardFilter, LoginView, PasswordView, Range};
use model::Lang;
use ui::{FieldErrors, Html, ListQuery, PageContext, Theme};

const NOW_MS: i64 = 1_795_143_600_000;

fn context(lang: Lang, size: Size, path: &str) -> PageContext {
    samples::context(lang, Theme::Auto, size, path, NOW_MS)
}

/// Every page with its name, for one language and size.
fn pages(lang: Lang, size: Size) -> Vec<(&'static str, Html)> {
    let range = Range {
        from_ms: NOW_MS - 3_600_000,
        to_ms: NOW_MS,
        preset: "1h",
    };
    let board = |view: &str, wall| {
        let filter = BoardFilter {
            view: view.to_owned(),
            ..BoardFilter::default()
        };
        let mut view = samples::board(lang, size, filter, NOW_MS);
        view.wall = wall;
        console::board(&context(lang, size, "/"), &view)
    };
    let list = samples::problems(lang, size, ListQuery::default(), NOW_MS);
    let wrong = LoginView {
        error: "<b>".to_owned(),
        ..LoginView::default()
    };
    let mut errors = FieldErrors::default();
    errors.add("again", "x");
    let password = PasswordView {
        errors,
        first: true,
        chars_min: 12,
    };
    let ctx = context(lang, size, "/x");
    let mut pages = vec![
        ("board", board("", false)),
        ("tiles", board("tiles", false)),
        ("wall", board("", true)),
        (
            "host",
            console::host(&ctx, &samples::host(lang, size, range, NOW_MS)),
        ),
        ("problems", console::problems(&ctx, &list)),
        ("login", console::login(&ctx, &wrong)),
        ("password", console::password(&ctx, &password)),
        (
            "failure",
            ui::failure_page(&ctx, ui::Failure::Forbidden, "rule.edit"),
        ),
    ];
    for closed in [false, true] {
        if let Some(view) = samples::problem(lang, size, closed, NOW_MS) {
            pages.push(("problem", console::problem(&ctx, &view)));
        }
    }
    pages.extend(samples::generic_pages(&ctx, size));
    pages
}

fn every_page(mut check: impl FnMut(&str, Lang, &str)) {
    for lang in Lang::ALL {
        for size in Size::ALL {
            for (name, page) in pages(lang, size) {
                check(
                    &format!("{name} {} {}", lang.code(), size.name()),
                    lang,
                    page.as_str(),
                );
            }
        }
    }
}

#[test]
fn no_page_has_anything_inline() {
    every_page(|name, _, html| {
        assert!(!html.contains(" style="), "{name}: an inline style");
        assert!(!html.contains("<style"), "{name}: a style element");
        let handlers = [
            " onclick=",
            " onload=",
            " onchange=",
            " onsubmit=",
            "javascript:",
        ];
        assert!(
            !handlers.iter().any(|h| html.contains(h)),
            "{name}: an inline handler"
        );
        for script in html.split("<script").skip(1) {
            let head = script.split('>').next().unwrap();
            assert!(
                head.contains("src=\"/assets/"),
                "{name}: a script without address: {head}"
            );
        }
        let foreign = ["src=\"http", "href=\"http", "src=\"//", "href=\"//"];
        assert!(
            !foreign.iter().any(|a| html.contains(a)),
            "{name}: a foreign address"
        );
    });
}

#[test]
fn no_page_shows_a_key_or_the_other_language() {
    let areas: Vec<&str> = i18n::keys(Lang::Ko)
        .filter_map(|(key, _)| key.split('.').next())
        .collect();
    let key = |word: &str| {
        word.split_once('.').is_some_and(|(area, rest)| {
            areas.contains(&area)
                && rest.len() > 2
                && rest.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        })
    };
    every_page(|name, lang, html| {
        let text: String = html
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|p| p.1)
            .collect();
        for word in text.split(|c: char| c.is_whitespace()) {
            assert!(!key(word), "{name} shows the key {word}");
        }
        if lang == Lang::En {
            let text = text.replace("한국어", "");
            let korean = text.chars().find(|c| ('가'..='힣').contains(c));
            assert_eq!(korean, None, "{name}: Korean in an English page");
        }
    });
}

#[test]
fn every_page_has_one_heading_and_named_fields() {
    every_page(|name, lang, html| {
        assert_eq!(
            html.matches("<h1").count(),
            1,
            "{name}: headings of the first level"
        );
        assert!(
            html.contains(&format!("<html lang=\"{}\"", lang.code())),
            "{name}"
        );
        for input in html.split("<input").skip(1) {
            let tag = input.split('>').next().unwrap();
            let hidden = tag.contains("type=\"hidden\"");
            let before = html.split(tag).next().unwrap();
            let labelled = before.matches("<label").count() > before.matches("</label>").count();
            let named = tag.contains("aria-label=") || tag.contains(" id=\"f-") || labelled;
            assert!(
                hidden || named || tag.contains("name=\"id\""),
                "{name}: {tag}"
            );
        }
        for post in html.split("method=\"post\"").skip(1) {
            let form = post.split("</form>").next().unwrap();
            let public = form.contains("/preferences") && name.starts_with("login");
            assert!(
                public || form.contains("name=\"csrf\""),
                "{name}: a form without token"
            );
        }
    });
}

#[test]
fn what_people_typed_is_escaped() {
    let mut view = samples::problems(Lang::Ko, Size::Ten, ListQuery::default(), NOW_MS);
    view.lines[0].title = "<script>alert(1)</script>".to_owned();
    view.lines[0].host = "\"><img>".to_owned();
    let html = console::problems(&context(Lang::Ko, Size::Ten, "/problems"), &view).into_string();
    assert!(!html.contains("<script>alert") && !html.contains("\"><img>"));
}

#[test]
fn the_board_of_ten_thousand_hosts_stays_small() {
    let rows = samples::fleet(Size::Large);
    let snapshot = console::encode_snapshot(&rows, 1, 1);
    assert!(
        snapshot.len() < 360 * 1024,
        "snapshot of {} bytes",
        snapshot.len()
    );
    let view = samples::board(Lang::Ko, Size::Large, BoardFilter::default(), NOW_MS);
    assert_eq!(view.rows.len(), console::FIRST_ROWS);
    let page = console::board(&context(Lang::Ko, Size::Large, "/"), &view);
    assert!(
        page.as_str().len() < 280 * 1024,
        "page of {} bytes",
        page.as_str().len()
    );
}
