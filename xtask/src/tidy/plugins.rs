//! A plug-in folder holds everything of its plug-in, and its family lists it.

use super::Violation;
use crate::source::Tree;

/// A family: where its plug-ins live, what each folder must hold, where they are listed.
struct Family {
    folder: &'static str,
    files: &'static [&'static str],
    /// A file that only plug-in folders have; other folders of the crate are its own modules.
    mark: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        folder: "crates/collect/src/",
        files: &[
            "mod.rs",
            "probe.rs",
            "metrics.toml",
            "rules.toml",
            "panel.toml",
            "tests.rs",
        ],
        mark: "metrics.toml",
    },
    Family {
        folder: "crates/notify/src/",
        files: &["mod.rs", "fields.rs", "render.rs", "send.rs", "tests.rs"],
        mark: "send.rs",
    },
];

/// Every plug-in folder is complete and stands in its family's `ALL`, in alphabetic order.
pub(super) fn complete(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for family in &FAMILIES {
        let names = names(tree, family);
        for name in &names {
            for file in family.files {
                let path = format!("{}{name}/{file}", family.folder);
                if tree.file(&path).is_none() {
                    let what = format!("plug-in `{name}` lacks {file}");
                    let todo = "add it; `cargo xtask new` shows what belongs in it";
                    found.push(Violation::at(&path, 1, what, todo));
                }
            }
        }
        found.extend(unlisted(tree, family, &names));
    }
    found
}

fn names<'a>(tree: &'a Tree, family: &Family) -> Vec<&'a str> {
    let inside = tree
        .files
        .iter()
        .filter_map(|file| file.path.strip_prefix(family.folder));
    inside
        .filter_map(|path| path.split_once('/'))
        .filter(|(_, file)| *file == family.mark)
        .map(|(name, _)| name)
        .collect()
}

fn unlisted(tree: &Tree, family: &Family, names: &[&str]) -> Vec<Violation> {
    let list = tree.rust().find(|file| {
        file.path.starts_with(family.folder)
            && (0..file.lexed.tokens.len()).any(|i| {
                file.reads(i, &["ALL", ":"])
                    && ["static", "const"].contains(&file.word(i.saturating_sub(1)))
            })
    });
    let Some(list) = list else {
        let path = format!("{}lib.rs", family.folder);
        let what = "the family has no `ALL` list";
        return names
            .first()
            .map(|_| Violation::at(&path, 1, what, "add it"))
            .into_iter()
            .collect();
    };
    let tokens = 0..list.lexed.tokens.len();
    let start = tokens
        .clone()
        .find(|i| list.reads(*i, &["ALL", ":"]))
        .unwrap_or(0);
    let value = tokens
        .clone()
        .skip(start)
        .find(|i| list.word(*i) == "=")
        .unwrap_or(start);
    let open = tokens
        .skip(value)
        .find(|i| list.word(*i) == "[")
        .unwrap_or(value);
    let words: Vec<&str> = (open..list.close(open)).map(|i| list.word(i)).collect();
    let mut found = Vec::new();
    let mut last = 0;
    for name in names {
        let todo = "list it, in alphabetic order";
        match words.iter().position(|word| is_named(word, name)) {
            None => {
                let what = format!("plug-in `{name}` is not in `ALL`");
                found.push(Violation::new(list, list.line(start), what, todo));
            }
            Some(at) if at < last => {
                let what = format!("plug-in `{name}` is out of order in `ALL`");
                found.push(Violation::new(list, list.line(open + at), what, todo));
            }
            Some(at) => last = at,
        }
    }
    found
}

/// Whether a word of the list is the plug-in's module, or the type it is named after.
fn is_named(word: &str, name: &str) -> bool {
    word == name
        || word.starts_with(char::is_uppercase) && word.to_lowercase() == name.replace('_', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    const LIST: &str = "pub static ALL: &[Plugin] = &[\n  cpu::PLUGIN,\n  &DiskIo,\n];";

    fn folder(name: &str, files: &[&str]) -> Vec<String> {
        files
            .iter()
            .map(|file| format!("crates/collect/src/{name}/{file}"))
            .collect()
    }

    #[test]
    fn incomplete_and_unlisted_plugins_are_found() {
        let all = [
            "mod.rs",
            "probe.rs",
            "metrics.toml",
            "rules.toml",
            "panel.toml",
            "tests.rs",
        ];
        let good = [folder("cpu", &all), folder("disk_io", &all)].concat();
        let bad = [
            folder("cpu", &all[..5]),
            folder("disk_io", &all),
            folder("net", &all),
        ]
        .concat();
        let tree = |paths: &[String], list| -> Vec<(String, String)> {
            let mut files: Vec<_> = paths.iter().map(|p| (p.clone(), String::new())).collect();
            files.push(("crates/collect/src/lib.rs".to_owned(), list));
            files
        };
        let reversed = "pub static ALL: &[Plugin] = &[\n  &DiskIo,\n  cpu::PLUGIN,\n];";
        let (good, bad, disordered) = (
            tree(&good, LIST.to_owned()),
            tree(&bad, LIST.to_owned()),
            tree(&good, reversed.to_owned()),
        );
        fn refs(files: &[(String, String)]) -> Vec<(&str, &str)> {
            files
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str()))
                .collect()
        }
        check_rule(
            complete,
            &refs(&good),
            &refs(&bad),
            &[
                "crates/collect/src/cpu/tests.rs:1",
                "crates/collect/src/lib.rs:1",
            ],
        );
        check_rule(
            complete,
            &refs(&good),
            &refs(&disordered),
            &["crates/collect/src/lib.rs:2"],
        );
    }
}
