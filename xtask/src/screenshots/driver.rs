//! Headless Chromium through chromedriver: WebDriver's few calls that pictures need, over HTTP.

use crate::http::{free_port, request, wait_for};
use crate::process::Running;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A browser with one page; it ends when this value goes.
#[derive(Debug)]
pub(crate) struct Browser {
    /// Ended with the browser it started, also when that never answered.
    driver: Option<Running>,
    port: u16,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// Starts a browser with an empty profile below `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let driver = Running::start(Command::new("chromedriver").arg(format!("--port={port}")))
            .context("install the package chromium-driver")?;
        let profile = folder.join(format!("profile-{port}"));
        let mut browser = Self {
            driver: Some(driver),
            port,
            session: String::new(),
            profile,
        };
        wait_for(port)?;
        let profile = format!("--user-data-dir={}", browser.profile.display());
        let options = json!({"capabilities": {"alwaysMatch": {
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                // Root has no sandbox; what is opened here is our own.
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                // Never ask anything of the internet.
                "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", profile,
            ]},
        }}});
        let value = browser.call("POST", "/session", &options)?;
        let id = value.get("sessionId").and_then(Value::as_str);
        browser.session = format!("/session/{}", id.context("chromedriver gave no session")?);
        Ok(browser)
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) fn open(&self, url: &str) -> Result<()> {
        self.ask("/url", &json!({"url": url})).map(|_| ())
    }

    /// Sets how pages are looked at from now on.
    pub(crate) fn look(&self, language: &str, width: u32, height: u32, scheme: &str) -> Result<()> {
        let is_phone = width < 600;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}),
        )?;
        let scheme = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": scheme}))?;
        let agent = self.script("return navigator.userAgent", &json!([]))?;
        let agent = json!({"userAgent": agent, "acceptLanguage": language});
        self.devtools("Emulation.setUserAgentOverride", &agent)?;
        Ok(())
    }

    /// Runs a script in the page and returns what it returns.
    pub(crate) fn script(&self, script: &str, args: &Value) -> Result<Value> {
        self.ask("/execute/sync", &json!({"script": script, "args": args}))
    }

    /// Sends one command of the DevTools protocol.
    pub(crate) fn devtools(&self, command: &str, params: &Value) -> Result<Value> {
        self.ask(
            "/goog/cdp/execute",
            &json!({"cmd": command, "params": params}),
        )
    }

    /// The page as PNG, whole or its first screen.
    pub(crate) fn picture(&self, is_whole: bool) -> Result<Vec<u8>> {
        let params = json!({"format": "png", "captureBeyondViewport": is_whole});
        let value = self.devtools("Page.captureScreenshot", &params)?;
        let data = value
            .get("data")
            .and_then(Value::as_str)
            .context("no picture")?;
        decoded(data).context("the picture is not base64")
    }

    /// What the browser complained about since the last call: errors and refused content.
    pub(crate) fn complaints(&self) -> Result<Vec<String>> {
        let log = self.ask("/se/log", &json!({"type": "browser"}))?;
        let entries = log.as_array().into_iter().flatten();
        let text =
            |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let severe = entries.filter(|entry| text(entry, "level").as_deref() == Some("SEVERE"));
        Ok(severe.filter_map(|entry| text(entry, "message")).collect())
    }

    fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", &format!("{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = request(self.port, method, path, &body.to_string())?;
        let mut json: Value = serde_json::from_slice(&answer.body)?;
        let value = json.get_mut("value").map(Value::take).unwrap_or_default();
        if answer.status != 200 {
            let message = value
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("no reason");
            bail!(
                "the browser refused: {}",
                message.lines().next().unwrap_or_default()
            );
        }
        Ok(value)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.call("DELETE", &self.session, &json!({}));
        }
        drop(self.driver.take());
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// Standard base64 with padding; none when a letter is not of its alphabet.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decoded("aGVsbG8=").unwrap(), b"hello");
        assert_eq!(decoded("iVBORw0KGgo=").unwrap(), b"\x89PNG\r\n\x1a\n");
        assert_eq!(decoded("a b"), None);
    }
}
