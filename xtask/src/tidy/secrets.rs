//! Nothing in git opens a door or names somebody's machine.

use super::Violation;
use crate::source::Tree;

/// Beginnings of absolute paths that exist on one machine only.
///
/// Written in halves, so that this list does not find itself.
const MACHINES: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

/// Beginnings of credentials, with how many letters or digits must follow.
const CREDENTIALS: [(&str, usize); 8] = [
    (concat!("AK", "IA"), 16),
    (concat!("gh", "p_"), 36),
    (concat!("github_", "pat_"), 30),
    (concat!("xo", "xb-"), 20),
    (concat!("xo", "xp-"), 20),
    (concat!("hooks.slack", ".com/services/T"), 8),
    (concat!("sk_", "live_"), 16),
    (concat!("AI", "za"), 35),
];

const KEY: &str = concat!("-----BEG", "IN ");

/// No secret, and no path of a developer's machine.
pub(super) fn none(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        // Captured files show other machines' mounts, and lock files hold nothing by hand.
        let is_captured = file.is_exempt();
        for (index, line) in file.text.lines().enumerate() {
            let secret = secret(line);
            if let Some(what) = secret {
                let todo = "revoke it, make it at run time, and keep it out of git";
                found.push(Violation::new(file, index + 1, what, todo));
            }
            // Tests may try root's folder, which every Linux machine has.
            let is_root_tried = |path: &str| path == MACHINES[1] && file.is_test();
            let machine = MACHINES
                .iter()
                .find(|path| is_path(line, path) && !is_root_tried(path));
            if let Some(path) = machine.filter(|_| !is_captured) {
                let what = format!("a path of one machine (`{path}…`)");
                found.push(Violation::new(file, index + 1, what, "make it relative"));
            }
        }
    }
    found
}

fn secret(line: &str) -> Option<&'static str> {
    if line.contains(KEY) && line.contains("PRIVATE KEY") && line.trim().ends_with("-----") {
        return Some("a private key");
    }
    let is_credential = CREDENTIALS.iter().any(|(begin, length)| {
        line.split(begin).skip(1).any(|rest| {
            let word = rest
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_');
            word.count() >= *length
        })
    });
    is_credential.then_some("what looks like a credential")
}

/// Whether `path` begins an absolute path in the line and names something below itself.
fn is_path(line: &str, path: &str) -> bool {
    let mut start = 0;
    while let Some(at) = line.get(start..).and_then(|rest| rest.find(path)) {
        let begin = start + at;
        let end = begin + path.len();
        let before = line.get(..begin).and_then(|text| text.chars().last());
        let after = line.get(end..).and_then(|text| text.chars().next());
        let is_start = before.is_none_or(|c| !c.is_alphanumeric() && !"/.}_-$~>)".contains(c));
        if is_start && after.is_some_and(char::is_alphanumeric) {
            return true;
        }
        start = end;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    #[test]
    fn secrets_and_machine_paths_are_found() {
        let key = format!("{KEY}RSA PRIVATE KEY-----\n");
        let token = format!("let a = \"{}{}\";\n", CREDENTIALS[1].0, "a1".repeat(18));
        let tried = format!("touch {}x", MACHINES[1]);
        let path = format!("see {}someone/x\n", MACHINES[2]);
        let good = format!(
            "the folder {} and ../shared{}x and https://x{}y\n",
            MACHINES[2], MACHINES[0], MACHINES[1]
        );
        check_rule(
            none,
            &[
                ("a.md", &good),
                ("x/tests/it/main.rs", &tried),
                ("crates/x/fixtures/mounts", &path),
            ],
            &[
                ("a.pem", &key),
                ("b.rs", &token),
                ("c.md", &path),
                ("x/fixtures/k", &key),
            ],
            &["a.pem:1", "b.rs:1", "c.md:1", "x/fixtures/k:1"],
        );
    }
}
