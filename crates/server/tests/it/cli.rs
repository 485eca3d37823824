//! The command line as an operator uses it: tokens, and rules in and out of force.

use std::path::Path;
use std::process::{Command, Output};

use testkit::TempDir;

use crate::program::Program;

/// Runs one command of the program; without a token of the machine that the tests run on.
pub(crate) fn bongsu(arguments: &[&str], token: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bongsu"));
    command.args(arguments).env_remove("BONGSU_TOKEN");
    if let Some(token) = token {
        command.env("BONGSU_TOKEN", token);
    }
    command.output().unwrap()
}

pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn document(threshold: u32) -> String {
    format!(
        r#"version: 1
rules:
  - key: my-load
    title: {{ ko: "부하", en: "Load" }}
    group: cpu
    target: {{ kind: host }}
    signals: {{ load: {{ series: node_load1, unit: count }} }}
    levels:
      - {{ severity: major, any: [{{ all: ["load > {threshold}"] }}], for: 1m }}
tests:
  - name: a load of 200
    rule: my-load
    values: {{ load: "1 200x10" }}
    expect: [{{ at: 80s, severity: major }}]
"#
    )
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn rules_are_tested_without_a_server() {
    let folder = TempDir::new();
    let good = write(folder.path(), "good.yaml", &document(100));
    let passed = bongsu(&["rules", "test", &good], None);
    assert!(passed.status.success(), "{}", complained(&passed));
    assert!(told(&passed).contains("ok    a load of 200"), "{passed:?}");

    let failing = write(folder.path(), "failing.yaml", &document(500));
    let failed = bongsu(&["rules", "test", &failing], None);
    assert!(!failed.status.success());
    assert!(
        told(&failed).contains("at 1m20s: expected major, it is normal"),
        "{failed:?}"
    );

    let unknown = document(100).replace("    group: cpu\n", "    grupe: cpu\n");
    let unknown = write(folder.path(), "unknown.yaml", &unknown);
    let refused = complained(&bongsu(&["rules", "test", &unknown], None));
    assert!(
        refused.contains("unknown.yaml: line ") && refused.contains("unknown field `grupe`"),
        "{refused}"
    );

    let both = bongsu(&["rules", "test", &good, &failing], None);
    let both = complained(&both);
    assert!(both.contains("rule `my-load` is given by"), "{both}");

    let shipped = "version: 1\ntests:\n  - { name: calm, rule: cpu-used, values: { used: '1%' }, \
                   expect: [{ at: 0s, severity: normal }] }\n";
    let shipped = write(folder.path(), "shipped.yaml", shipped);
    let alone = bongsu(&["rules", "test", &shipped], None);
    assert!(alone.status.success(), "{}", complained(&alone));
}

#[test]
fn rules_are_applied_with_a_token_of_the_command_line() {
    let folder = TempDir::new();
    let data = folder.join("data");
    let server = Program::fresh(&data);
    let data = data.to_str().unwrap();
    let url = format!("http://127.0.0.1:{}", server.port());
    let file = write(folder.path(), "rules.yaml", &document(100));
    let apply = |more: &[&str], token: Option<&str>| {
        let mut arguments = vec!["rules", "apply", &file, "--server", &url];
        arguments.extend_from_slice(more);
        bongsu(&arguments, token)
    };
    let none = complained(&apply(&[], None));
    assert!(none.contains("bongsu token create"), "{none}");

    let create = |role: &str| {
        let label = format!("for {role}s");
        let of = ["--label", &label, "--role", role, "--data-dir", data];
        let made = bongsu(&[&["token", "create"], &of[..]].concat(), None);
        assert!(made.status.success(), "{}", complained(&made));
        told(&made).trim().to_owned()
    };
    let viewer = create("viewer");
    let refused = complained(&apply(&[], Some(&viewer)));
    assert!(refused.contains("403"), "{refused}");

    let token = create("administrator");
    let dry = told(&apply(&["--dry-run"], Some(&token)));
    assert!(dry.starts_with("+ my-load\n1 would be created"), "{dry}");
    let done = told(&apply(&[], Some(&token)));
    assert!(done.starts_with("+ my-load\n1 created"), "{done}");
    let again = told(&apply(&[], Some(&token)));
    assert!(
        again.contains("0 changed") && again.contains("1 unchanged"),
        "{again}"
    );
    write(folder.path(), "rules.yaml", &document(90));
    let changed = told(&apply(&[], Some(&token)));
    assert!(
        changed.contains("~ my-load\n    levels.major.any:"),
        "{changed}"
    );

    let list = told(&bongsu(&["token", "list", "--data-dir", data], None));
    let line = list
        .lines()
        .find(|line| line.contains("for administrators"));
    let id = line.unwrap().split_whitespace().next().unwrap();
    let revoked = bongsu(&["token", "revoke", id, "--data-dir", data], None);
    assert!(revoked.status.success(), "{}", complained(&revoked));
    let after = complained(&apply(&[], Some(&token)));
    assert!(after.contains("401"), "{after}");
    let audit = server.page("/audit.csv");
    assert!(
        audit.contains("token.create") && audit.contains("token.revoke"),
        "{audit}"
    );
}

#[test]
fn a_folder_without_an_installation_is_refused_by_name() {
    let folder = TempDir::new();
    let nothing = folder.join("nothing");
    let nothing = nothing.to_str().unwrap();
    let refused = bongsu(&["token", "list", "--data-dir", nothing], None);
    let refused = complained(&refused);
    assert!(refused.contains("there is no installation in"), "{refused}");
    assert!(!Path::new(nothing).exists(), "and is not made");
}
