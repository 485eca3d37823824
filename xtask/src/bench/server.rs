//! A real server that a row starts, asks over its API as a user would, kills and starts again.

use super::{Context, programs};
use crate::http::{Answer, request_with};
use crate::process::{Running, Usage};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PASSWORD: &str = "five fires on the hill 1";
/// How long anything may take before a row gives up; far more than it should.
const PATIENCE_S: f64 = 180.0;

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    /// Whether it watches this machine with an agent of its own.
    pub(super) watches_self: bool,
    /// Libraries loaded before all others.
    pub(super) preload: Option<PathBuf>,
}

/// A running server.
pub(super) struct Server<'a> {
    context: &'a Context<'a>,
    running: Option<Running>,
    start: Start,
    folder: PathBuf,
    port: u16,
    cookie: String,
    csrf: String,
}

impl<'a> Server<'a> {
    /// Starts a server on an empty folder, logs in and changes the one-time password.
    pub(super) fn fresh(context: &'a Context<'a>, name: &str, start: Start) -> Result<Self> {
        let folder = programs::folder(context, name)?;
        let port = three_ports()?;
        let settings = format!(
            "watch_self = {}\nagent_listen = \"127.0.0.1:{}\"\n\
             agent_address = \"127.0.0.1:{}\"\n[outgoing]\nallow_local = true\n",
            start.watches_self,
            port + 1,
            port + 1
        );
        std::fs::write(folder.join("config.toml"), settings)?;
        let mut server = Self {
            context,
            running: None,
            start,
            folder,
            port,
            cookie: String::new(),
            csrf: String::new(),
        };
        server.start_again()?;
        server.wait("the server lives", |server| Ok(server.is_alive()))?;
        let first = server.folder.join("data/initial-admin-password");
        let password = std::fs::read_to_string(&first)?.trim().to_owned();
        server.log_in(&password)?;
        let change = json!({"old": password, "new": PASSWORD});
        server.call("PUT", "/api/v1/account/password", &change)?;
        Ok(server)
    }

    /// Starts the program on its folder; does not wait for anything.
    pub(super) fn start_again(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log.txt"))?;
        let mut command = Command::new(programs::path(self.context, "bongsu")?);
        command
            .arg("up")
            .arg("--data-dir")
            .arg(self.folder.join("data"));
        command
            .arg("--config")
            .arg(self.folder.join("config.toml"))
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some(library) = &self.start.preload {
            command.env("LD_PRELOAD", library);
        }
        self.running = Some(Running::start_loud(&mut command)?);
        Ok(())
    }

    /// Ends the program as a power cut would.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.running.take().context("the server runs")?.kill()
    }

    /// Logs in after a start, with the password that was chosen.
    pub(super) fn enter(&mut self) -> Result<()> {
        self.log_in(PASSWORD)
    }

    fn log_in(&mut self, password: &str) -> Result<()> {
        let body = json!({"login": "admin", "password": password});
        let answer = self.ask(("POST", "/api/v1/session"), &body.to_string())?;
        ensure!(answer.status == 200, "the log-in gave {}", answer.status);
        let cookie = answer.header("set-cookie").context("no session cookie")?;
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let answer = self.ask(("GET", "/api/v1/account"), "")?;
        let csrf = answer.header("x-csrf-token").context("no CSRF token")?;
        self.csrf = csrf.to_owned();
        Ok(())
    }

    /// The session's cookie, `name=value`.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Where the console listens.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server and its children cost now.
    pub(super) fn usage(&mut self) -> Result<Usage> {
        self.running.as_mut().context("the server runs")?.usage()
    }

    /// The most memory it ever had, in MiB.
    pub(super) fn peak_rss_mib(&self) -> Option<f64> {
        self.running.as_ref()?.peak_rss_mib()
    }

    /// Whether it answers at all.
    pub(super) fn is_alive(&self) -> bool {
        self.ask(("GET", "/healthz"), "")
            .is_ok_and(|answer| answer.status == 200)
    }

    /// Asks the API; what is not a success is an error with the server's words.
    pub(super) fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self.ask((method, path), &body)?;
        let text = String::from_utf8_lossy(&answer.body);
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {text}", answer.status);
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Asks anything; returns whatever is answered.
    pub(super) fn ask(&self, asked: (&str, &str), body: &str) -> Result<Answer> {
        let headers = [("cookie", &*self.cookie), ("x-csrf-token", &*self.csrf)];
        request_with(self.port, asked, &headers, body)
    }

    /// Waits until `is_so`; gives up after minutes.
    pub(super) fn wait(
        &self,
        what: &str,
        mut is_so: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        let start_s = self.context.shell.elapsed_s();
        while !is_so(self)? {
            if self.context.shell.elapsed_s() - start_s > PATIENCE_S {
                let log = std::fs::read_to_string(self.folder.join("log.txt"));
                let log = log.unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(10).collect();
                bail!("{what}: not after {PATIENCE_S} s; its log, last line first: {last:#?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// A number of its own metrics.
    pub(super) fn metric(&self, name: &str) -> Result<f64> {
        let answer = self.ask(("GET", "/metrics"), "")?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .and_then(|value| value.parse().ok())
            .with_context(|| format!("no metric {name}"))
    }

    /// A webhook channel, and a recipient in English who hears everything on it.
    pub(super) fn webhook(&self, url: &str, per_minute: Option<u32>) -> Result<()> {
        let name = format!("hook {url}");
        let mut channel = json!({"kind": "webhook", "name": name, "settings": {"url": url}});
        if let (Some(per_minute), Some(fields)) = (per_minute, channel.as_object_mut()) {
            fields.insert("per_minute".to_owned(), json!(per_minute));
        }
        let channel = self.call("POST", "/api/v1/channels", &channel)?;
        let rule = json!({"from": "info", "channels": [channel.get("id")]});
        let recipient = json!({
            "name": name, "shared": true, "lang": "en", "zone": "Asia/Seoul",
            "addresses": {}, "rules": [rule],
        });
        self.call("POST", "/api/v1/recipients", &recipient)?;
        Ok(())
    }

    /// A token for so many agents: the server's key, and the token.
    pub(super) fn token(&self, uses: usize) -> Result<(String, String)> {
        let body = json!({"label": "bench", "uses": uses});
        let answer = self.call("POST", "/api/v1/enrolment-tokens", &body)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let line = text("install_line").context("no install line")?;
        let pin = line.split('\'').nth(1).context("no key in the line")?;
        Ok((
            pin.to_owned(),
            text("secret").context("no secret")?.to_owned(),
        ))
    }

    /// How many targets of the rule `key` are at this severity.
    pub(super) fn targets(&self, key: &str, severity: &str) -> Result<u64> {
        let rules = self.call("GET", "/api/v1/rules", &Value::Null)?;
        let rules = rules.get("items").and_then(Value::as_array);
        let named = |rule: &&Value| {
            rule.pointer("/rule/key")
                .or_else(|| rule.get("key"))
                .and_then(Value::as_str)
                == Some(key)
        };
        let rule = rules.into_iter().flatten().find(named);
        let id = rule.and_then(|rule| rule.get("id")).and_then(Value::as_str);
        let id = id.with_context(|| format!("no rule {key}"))?;
        let status = self.call("GET", &format!("/api/v1/rules/{id}/status"), &Value::Null)?;
        let count = status.pointer(&format!("/by_severity/{severity}"));
        Ok(count.and_then(Value::as_u64).unwrap_or(0))
    }

    /// Where agents connect.
    pub(super) fn agents_address(&self) -> String {
        format!("127.0.0.1:{}", self.port + 1)
    }

    /// A rule for each of the first metrics of pretended agents: major, at once, above
    /// [`super::swarm::LINE`].
    pub(super) fn bench_rules(&self, metrics: usize) -> Result<()> {
        for metric in 0..metrics {
            let rule = json!({
                "key": format!("bench-{metric}"),
                "title": {"ko": "시험", "en": "Bench"},
                "group": "disk",
                "target": {"kind": "disk", "by": ["device"]},
                "signals": {"v": {"series": format!("bench_metric_{metric}"), "unit": "count"}},
                "levels": [{
                    "severity": "major",
                    "any": [{"all": [format!("v > {}", super::swarm::LINE)]}],
                }],
            });
            let body = json!({"why": "bench", "rule": rule});
            self.call("POST", "/api/v1/rules", &body)?;
        }
        Ok(())
    }
}

/// The first of three free ports in a row, below those that the kernel gives to others.
fn three_ports() -> Result<u16> {
    let free = |port: &u16| {
        let mut three = *port..=*port + 2;
        three.all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    };
    (21_000..32_000)
        .step_by(7)
        .find(free)
        .context("no three free ports")
}
