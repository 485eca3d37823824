//! `cargo xtask screenshots`: pages as people see them: two languages, two widths, light and dark.

pub(crate) mod driver;

use crate::shell::Shell;
use anyhow::{Context as _, Result, ensure};
use driver::Browser;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Which pages, and how to get in.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Addresses of pages, for example `http://127.0.0.1:7700/board`.
    #[arg(required = true)]
    urls: Vec<String>,
    /// The user whose pages they are; the log-in form is filled in when one is shown.
    #[arg(long, default_value = "admin")]
    user: String,
    /// The file that holds the password.
    #[arg(long, default_value = "bongsu-data/initial-admin-password")]
    password_file: String,
    /// A cookie every page is asked with, `name=value`.
    #[arg(long)]
    cookie: Vec<String>,
    /// How long a page may go on drawing after it was loaded, in milliseconds.
    #[arg(long, default_value_t = 700)]
    settle_ms: u64,
    /// Only the first screen rather than the whole page.
    #[arg(long)]
    fold: bool,
}

/// One way of looking at a page.
#[derive(Clone, Copy, Debug)]
struct View {
    language: &'static str,
    width: u32,
    height: u32,
    scheme: &'static str,
}

/// Every combination of language, width and scheme.
fn views() -> Vec<View> {
    let mut views = Vec::new();
    for language in ["ko", "en"] {
        for (width, height) in [(1440, 900), (390, 844)] {
            for scheme in ["light", "dark"] {
                views.push(View {
                    language,
                    width,
                    height,
                    scheme,
                });
            }
        }
    }
    views
}

/// Takes every page in every view into `target/screenshots`, and tells what looks wrong.
pub(crate) fn take(shell: &Shell, options: &Options) -> Result<()> {
    let folder = shell.root.join("target/screenshots");
    std::fs::create_dir_all(&folder)?;
    let browser = Browser::start(&folder)?;
    for cookie in &options.cookie {
        let (name, value) = cookie.split_once('=').context("a cookie is `name=value`")?;
        let url = options.urls.first().context("no page")?;
        browser.devtools(
            "Network.setCookie",
            &json!({"name": name, "value": value, "url": url}),
        )?;
    }
    log_in(shell, &browser, options)?;
    for url in &options.urls {
        for view in views() {
            shoot(&browser, url, view, options, &folder)?;
        }
    }
    Ok(())
}

/// Fills the log-in form, when the first page turns out to be one.
fn log_in(shell: &Shell, browser: &Browser, options: &Options) -> Result<()> {
    let url = options.urls.first().context("no page")?;
    browser.open(url)?;
    let form = "return document.querySelector('input[type=password]') !== null";
    if browser.script(form, &json!([]))? != true {
        return Ok(());
    }
    let path = shell.root.join(&options.password_file);
    let password = std::fs::read_to_string(&path)
        .with_context(|| format!("the page asks for a password; {} has none", path.display()))?;
    let fill = "const p = document.querySelector('input[type=password]');
        const u = p.form.querySelector('input[autocomplete=username], input[type=text], \
        input[type=email], input:not([type])');
        u.value = arguments[0]; p.value = arguments[1]; p.form.requestSubmit();";
    browser.script(fill, &json!([options.user, password.trim()]))?;
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(100));
        if browser
            .script(form, &json!([]))
            .is_ok_and(|is_form| is_form == false)
        {
            return Ok(());
        }
    }
    anyhow::bail!("the log-in as {} was refused", options.user)
}

fn shoot(browser: &Browser, url: &str, view: View, options: &Options, folder: &Path) -> Result<()> {
    browser.look(view.language, view.width, view.height, view.scheme)?;
    browser.open(url)?;
    std::thread::sleep(Duration::from_millis(options.settle_ms));
    let View {
        language,
        width,
        scheme,
        ..
    } = view;
    let name = format!("{}-{language}-{width}-{scheme}.png", page_name(url));
    let png = browser.picture(!options.fold)?;
    ensure!(png.starts_with(b"\x89PNG"), "the browser sent no picture");
    std::fs::write(folder.join(&name), png)?;
    println!("target/screenshots/{name}");
    let over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    let over_px = browser.script(over, &json!([]))?.as_i64().unwrap_or(0);
    if over_px > 0 {
        println!("  wider than the screen by {over_px} px");
    }
    for complaint in browser.complaints()? {
        println!("  the browser says: {complaint}");
    }
    Ok(())
}

/// A file name from an address: its path, or `home`.
fn page_name(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = path.chars().map(letters).collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        "home".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_after_their_path() {
        assert_eq!(page_name("http://127.0.0.1:7700/"), "home");
        assert_eq!(page_name("http://127.0.0.1:7700"), "home");
        assert_eq!(
            page_name("http://h/problems?severity=4&x"),
            "problems-severity-4-x"
        );
    }

    #[test]
    fn a_page_is_seen_in_eight_ways() {
        assert_eq!(views().len(), 8);
    }

    #[test]
    fn a_page_on_this_machine_is_photographed_without_a_driver_left_behind() {
        if crate::shell::find_program("chromedriver").is_none() {
            println!("skipped: needs the package `chromium-driver`");
            return;
        }
        let folder = std::env::temp_dir().join(format!("xtask-browser-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let browser = Browser::start(&folder).unwrap();
        let page = "data:text/html,<meta name=viewport content='width=device-width'><p>x";
        browser.look("ko", 390, 844, "dark").unwrap();
        browser.open(page).unwrap();
        let seen = browser.script(
            "return [navigator.language, document.documentElement.clientWidth, \
             matchMedia('(prefers-color-scheme: dark)').matches]",
            &json!([]),
        );
        assert_eq!(seen.unwrap(), json!(["ko", 390, true]));
        assert!(browser.picture(true).unwrap().starts_with(b"\x89PNG"));
        drop(browser);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
