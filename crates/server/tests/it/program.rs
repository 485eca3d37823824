//! A real server with the agent of this machine, asked over its API.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::HttpSink;

/// The password that the administrator chooses.
const PASSWORD: &str = "five fires on the hill 1";
/// How long anything may take before the scenario gives up; far more than it should.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The configuration of a scenario that wants no other.
const CONFIG: &str = "[outgoing]\nallow_local = true\n";

/// A running server.
pub(crate) struct Program {
    child: Child,
    folder: PathBuf,
    port: u16,
    cookie: String,
    csrf: String,
}

impl Program {
    /// Starts a server on fresh folders, logs in and changes the one-time password.
    pub(crate) fn fresh(folder: &Path) -> Self {
        let mut program = Self::start(folder, testkit::free_ports(3));
        let file = folder.join("initial-admin-password");
        assert!(
            testkit::wait_until(PATIENCE, || file.exists()),
            "the first password's file"
        );
        let first = std::fs::read_to_string(&file).unwrap().trim().to_owned();
        program.log_in(&first);
        let change = json!({ "old": first, "new": PASSWORD });
        program.call("PUT", "/api/v1/account/password", Some(&change));
        assert!(
            testkit::wait_until(PATIENCE, || !file.exists()),
            "it goes at the first log-in"
        );
        program
    }

    /// The same, with these keys at the top of its configuration.
    pub(crate) fn with_config(folder: &Path, keys: &str) -> Self {
        let config = format!("{keys}{CONFIG}");
        std::fs::write(folder.with_extension("toml"), config).unwrap();
        Self::fresh(folder)
    }

    /// Starts a server on a folder that has been used, as after a crash.
    pub(crate) fn again(folder: &Path, port: u16) -> Self {
        let mut program = Self::start(folder, port);
        program.log_in(PASSWORD);
        program
    }

    fn start(folder: &Path, port: u16) -> Self {
        let config = folder.with_extension("toml");
        // A scenario may have written one of its own.
        if !config.exists() {
            std::fs::write(&config, CONFIG).unwrap();
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.with_extension("log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_bongsu"))
            .arg("up")
            .arg("--data-dir")
            .arg(folder)
            .arg("--config")
            .arg(&config)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let (cookie, csrf) = (String::new(), String::new());
        let program = Self {
            child,
            folder: folder.to_owned(),
            port,
            cookie,
            csrf,
        };
        let up = || {
            program
                .raw("GET", "/healthz", None)
                .is_some_and(|(status, ..)| status == 200)
        };
        assert!(
            testkit::wait_until(PATIENCE, up),
            "the server comes up:\n{}",
            program.log()
        );
        program
    }

    fn log_in(&mut self, password: &str) {
        let body = json!({ "login": "admin", "password": password });
        let (status, head, text) = self.raw("POST", "/api/v1/session", Some(&body)).unwrap();
        assert_eq!(status, 200, "{text}");
        let cookie = header(&head, "set-cookie").unwrap();
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let (_, head, _) = self.raw("GET", "/api/v1/account", None).unwrap();
        self.csrf = header(&head, "x-csrf-token").unwrap().to_owned();
    }

    /// Asks the API; panics with the server's words when it refuses.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, _, text) = self.raw(method, path, body).unwrap();
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {text}\n{}",
            self.log()
        );
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// The status and the body of a `GET`; nothing when nobody answers.
    pub(crate) fn ask(&self, path: &str) -> Option<(u16, String)> {
        let (status, _, text) = self.raw("GET", path, None)?;
        Some((status, text))
    }

    /// The status and the body of a change.
    pub(crate) fn attempt(&self, path: &str, body: &Value) -> (u16, String) {
        let (status, _, text) = self.raw("POST", path, Some(body)).unwrap();
        (status, text)
    }

    /// A page as text.
    pub(crate) fn page(&self, path: &str) -> String {
        let (status, _, text) = self.raw("GET", path, None).unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    /// Waits until `found` sees what it looks for in the answer of a `GET`.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        path: &str,
        found: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let mut seen = None;
        let mut answer = Value::Null;
        testkit::wait_until(PATIENCE, || {
            answer = self.call("GET", path, None);
            seen = found(&answer);
            seen.is_some()
        });
        seen.unwrap_or_else(|| {
            let answer: String = format!("{answer:#}").chars().take(4_000).collect();
            panic!("{what}: {answer}\n{}", self.log())
        })
    }

    /// The id of this machine, once its agent is connected.
    pub(crate) fn own_host(&self) -> String {
        self.wait_for("the own agent connects", "/api/v1/agents", |agents| {
            let agent = agents["items"]
                .as_array()?
                .iter()
                .find(|a| a["connected"] == true)?;
            agent["host"].as_str().map(str::to_owned)
        })
    }

    /// Makes a webhook and a recipient who hears everything on it.
    pub(crate) fn webhook(&self, url: &str) {
        let channel = json!({ "kind": "webhook", "name": "hook", "settings": { "url": url } });
        let channel = self.call("POST", "/api/v1/channels", Some(&channel));
        let rule = json!({ "from": "info", "channels": [channel.get("id")] });
        let recipient = json!({
            "name": "control room", "shared": true, "lang": "en", "zone": "Asia/Seoul",
            "addresses": {}, "rules": [rule]
        });
        self.call("POST", "/api/v1/recipients", Some(&recipient));
    }

    /// Puts a script on the allow-list of this machine, as its administrator would.
    pub(crate) fn allow(&self, hash: &str) {
        let list = self.folder.join("agent").join("runner.toml");
        let user = exec::User::own().unwrap().name;
        let output = Command::new(env!("CARGO_BIN_EXE_bongsu"))
            .args(["agent", "allow", "--name", "scenario", "--hash", hash])
            .args(["--user", &user, "--keep-processes", "yes", "--allow"])
            .arg(list)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Where everything of the server is.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server at once, as a power cut would; its agent ends with it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The process of the own agent.
    pub(crate) fn agent_pid(&self) -> i32 {
        let file = self.folder.join("agent").join("agent.pid");
        let pid = || {
            std::fs::read_to_string(&file)
                .ok()?
                .trim()
                .parse::<i32>()
                .ok()
        };
        assert!(
            testkit::wait_until(PATIENCE, || pid().is_some()),
            "the agent's pid file"
        );
        pid().unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("log")).unwrap_or_default()
    }

    /// One request by curl: status, head, body; nothing when nobody listens.
    fn raw(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, String, String)> {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-i", "--max-time", "30", "-X", method]);
        curl.args(["-H", &format!("cookie: {}", self.cookie)]);
        curl.args(["-H", &format!("x-csrf-token: {}", self.csrf)]);
        if let Some(body) = body {
            curl.args([
                "-H",
                "content-type: application/json",
                "-d",
                &body.to_string(),
            ]);
        }
        let output = curl
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, head.to_owned(), body.to_owned()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The one problem of a rule, from the list of open ones.
pub(crate) fn problem_of<'a>(list: &'a Value, rule: &str) -> Option<&'a Value> {
    list["items"]
        .as_array()?
        .iter()
        .find(|problem| problem["rule_key"] == rule)
}

/// What arrived: event and problem id of every notice, one for each deduplication key.
pub(crate) fn told(sink: &HttpSink) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    let mut told = Vec::new();
    for request in sink.requests() {
        let key = request.header("idempotency-key").unwrap().to_owned();
        if keys.contains(&key) {
            continue;
        }
        keys.push(key);
        let notice: Value = serde_json::from_slice(&request.body).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        told.push((text(&notice["event"]), text(&notice["problem"]["id"])));
    }
    told
}

/// Waits until these events, and no others, were told of a problem.
pub(crate) fn wait_until_told(sink: &HttpSink, problem: &Value, events: &[&str]) {
    let id = problem["id"].as_str().unwrap();
    let of_problem = || -> Vec<String> {
        let all = told(sink).into_iter();
        all.filter(|(_, of)| of == id)
            .map(|(event, _)| event)
            .collect()
    };
    testkit::wait_until(PATIENCE, || of_problem().len() >= events.len());
    assert_eq!(of_problem(), events);
}
