//! A real PostgreSQL server of Debian's package, under another user when the test runs as root.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::{Missing, TempDir, free_ports, server_files, wait_until};

/// The package that has the server.
const PACKAGE: &str = "postgresql";
/// Stops the server once no process uses it any more: `$1` the folder, the rest stops the server.
const WATCHDOG: &str = r#"folder=$1; shift
while sleep 3; do
  flock --exclusive --nonblock "$folder/users" true || continue
  exec 9>"$folder/lock"
  flock --exclusive --nonblock 9 || continue
  flock --exclusive --nonblock "$folder/users" true || { flock --unlock 9; continue; }
  "$@"; rm -rf "$folder/data" "$folder/port"; exit
done"#;

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    _user: File,
    /// Set for a server of one's own, which is stopped when dropped.
    own: Option<TempDir>,
}

/// A database on a server; dropped with its handle.
#[derive(Debug)]
pub struct Database {
    /// `postgres://…`
    pub url: String,
    name: String,
    admin: String,
    psql: PathBuf,
}

impl Postgres {
    /// A server of one's own, for tests that kill or starve it.
    ///
    /// # Errors
    /// When the package is missing.
    ///
    /// # Panics
    /// When the server does not start.
    pub fn start() -> Result<Self, Missing> {
        let bin = binaries()?;
        let own = TempDir::new();
        let folder = own.path().to_owned();
        let mut server = Self::join(bin, folder);
        server.own = Some(own);
        Ok(server)
    }

    /// The one server that all test processes of this user share; it stops a few seconds after the
    /// last of them.
    ///
    /// # Errors
    /// When the package is missing.
    ///
    /// # Panics
    /// When the server does not start.
    pub fn shared() -> Result<&'static Self, Missing> {
        static SHARED: OnceLock<Result<Postgres, Missing>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let bin = binaries()?;
            let uid = rustix::process::getuid().as_raw();
            let folder = std::env::temp_dir().join(format!("bongsu-test-postgres-{uid}"));
            fs::create_dir_all(&folder).expect("a folder for the shared server");
            Ok(Self::join(bin, folder))
        });
        shared.as_ref().map_err(|missing| *missing)
    }

    /// The address of a database on this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://bongsu@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn empty_database(&self) -> Database {
        self.database("template0")
    }

    /// A new database with the product's tables, copied from a template that was migrated once.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn cloned_database(&self) -> Database {
        let mut hasher = blake3::Hasher::new();
        for migration in db::migrations() {
            hasher
                .update(migration.name.as_bytes())
                .update(migration.sql.as_bytes());
        }
        let hash = hasher.finalize().to_hex();
        let template = format!("migrated_{}", hash.get(..16).unwrap_or_default());
        let lock = server_files::alone(&self.folder.join("template.lock"));
        let known = format!("SELECT count(*) FROM pg_database WHERE datname = '{template}'");
        if self.sql(&known).trim() == "0" {
            let raw = self.empty_database();
            let options = db::Options::new(raw.url.as_str(), stdx::Env::system());
            db::Db::open(options)
                .await
                .expect("migrations apply")
                .close()
                .await;
            self.sql(&format!("ALTER DATABASE {} RENAME TO {template}", raw.name));
        }
        drop(lock);
        self.database(&template)
    }

    /// Makes a server of one's own speak TLS, with a certificate for 127.0.0.1 that nobody knows;
    /// returns its file, for `sslrootcert`.
    ///
    /// # Panics
    /// When the server does not take it.
    #[must_use]
    pub fn secure(&self) -> PathBuf {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate");
        let (key, root) = (self.folder.join("tls.key"), self.folder.join("tls.crt"));
        fs::write(&root, made.cert.pem()).expect("the certificate is written");
        fs::write(&key, made.signing_key.serialize_pem()).expect("the key is written");
        let data = self.folder.join("data");
        for (from, name) in [(&key, "server.key"), (&root, "server.crt")] {
            let to = data.join(name);
            fs::copy(from, &to).expect("the server gets its certificate");
            run(Command::new("chmod").arg("600").arg(&to));
            if rustix::process::getuid().is_root() {
                run(Command::new("chown").arg("postgres:").arg(&to));
            }
        }
        self.sql("ALTER SYSTEM SET ssl = on");
        self.sql("SELECT pg_reload_conf()");
        let on = || self.sql("SHOW ssl").trim() == "on";
        assert!(wait_until(Duration::from_secs(20), on), "TLS is on");
        root
    }

    fn database(&self, template: &str) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        self.sql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        self.sql(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        let (url, admin) = (self.url(&name), self.url("postgres"));
        Database {
            url,
            name,
            admin,
            psql: self.bin.join("psql"),
        }
    }

    /// Runs one statement on the server's own database.
    fn sql(&self, sql: &str) -> String {
        psql(&self.bin.join("psql"), &self.url("postgres"), sql)
    }

    /// Uses the server in `folder`, started by whoever came first.
    fn join(bin: PathBuf, folder: PathBuf) -> Self {
        let _lock = server_files::alone(&folder.join("lock"));
        let user = server_files::beside(&folder.join("users"));
        let answers = |port: &u16| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let running = fs::read_to_string(folder.join("port")).ok();
        let running = running
            .and_then(|port| port.trim().parse().ok())
            .filter(answers);
        let port = running.unwrap_or_else(|| start(&bin, &folder));
        Self {
            bin,
            folder,
            port,
            _user: user,
            own: None,
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.own.is_some() {
            let data = self.folder.join("data");
            run(as_server(&self.bin.join("pg_ctl"))
                .arg("-D")
                .arg(&data)
                .args(STOP));
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = Command::new(&self.psql)
            .args(["-qAtc", &drop, &self.admin])
            .output();
    }
}

const STOP: [&str; 4] = ["-m", "immediate", "-W", "stop"];

/// The newest installed version's programs.
fn binaries() -> Result<PathBuf, Missing> {
    let missing = Missing { package: PACKAGE };
    let versions = fs::read_dir("/usr/lib/postgresql").map_err(|_| missing)?;
    versions
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .max()
        .map(|(_, bin)| bin)
        .ok_or(missing)
}

/// The server refuses to run as root: then it runs as the user that its package made.
fn as_server(program: &Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            "--",
        ])
        .arg(program);
    command
}

fn start(bin: &Path, folder: &Path) -> u16 {
    let data = folder.join("data");
    let _ = fs::remove_dir_all(&data);
    fs::create_dir(&data).expect("a folder for the server");
    if rustix::process::getuid().is_root() {
        run(Command::new("chown").arg("postgres:").arg(&data));
    }
    let mut initdb = as_server(&bin.join("initdb"));
    initdb.args([
        "-U",
        "bongsu",
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]);
    run(initdb.arg("--no-instructions").arg("-D").arg(&data));
    // Another process may take the port before the server does: then with another one.
    for _ in 0..5 {
        let port = free_ports(1);
        let options = format!(
            "-p {port} -h 127.0.0.1 -k '' -c fsync=off -c synchronous_commit=off \
             -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB"
        );
        let mut pg_ctl = as_server(&bin.join("pg_ctl"));
        pg_ctl
            .arg("-D")
            .arg(&data)
            .arg("-l")
            .arg(data.join("log"))
            .args(["-w", "-o", &options]);
        pg_ctl
            .arg("start")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if pg_ctl.status().is_ok_and(|status| status.success()) {
            fs::write(folder.join("port"), port.to_string()).expect("the port is written down");
            watch(bin, folder);
            return port;
        }
    }
    let log = fs::read_to_string(data.join("log")).unwrap_or_default();
    panic!("PostgreSQL does not start:\n{log}");
}

/// Leaves a process behind that stops the server when its last user is gone, however it went.
fn watch(bin: &Path, folder: &Path) {
    let data = folder.join("data");
    let stop = as_server(&bin.join("pg_ctl"));
    let mut shell = Command::new("sh");
    shell
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(folder)
        .arg(stop.get_program());
    shell.args(stop.get_args()).arg("-D").arg(data).args(STOP);
    // A group of its own: what ends the test process must not end the watchdog with it.
    shell
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let watchdog = shell.spawn().expect("a watchdog for the server");
    // The watchdog outlives this process on purpose; until then nobody waits for it.
    drop(watchdog);
}

fn run(command: &mut Command) {
    let told = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{told}: {error}"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}: {error}");
}

fn psql(program: &Path, url: &str, sql: &str) -> String {
    let mut answer = None;
    // The server may still be starting up, or another test may be copying the same template.
    let done = wait_until(Duration::from_secs(20), || {
        let flags = ["-v", "ON_ERROR_STOP=1", "-qAtc", sql, url];
        let output = Command::new(program).args(flags).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let passed = output.status.success();
        let text = if passed { output.stdout } else { output.stderr };
        answer = Some(String::from_utf8_lossy(&text).into_owned());
        passed
    });
    let answer = answer.unwrap_or_default();
    assert!(done, "{sql}: {answer}");
    answer
}
