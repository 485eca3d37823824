//! `cargo xtask new`: a plug-in or endpoint that compiles and passes its tests, ready to be filled.
//!
//! A template is a file of this folder; what it produces is ordinary code from the first day. The
//! family's list gets its line, so that nothing else has to be remembered.

mod insert;

use crate::shell::{Shell, run as run_command};
use anyhow::{Context as _, Result, bail, ensure};
use std::path::Path;

/// What to make.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Kind {
    /// A collector of the agent: `crates/collect/src/<name>/`.
    Collector {
        /// Its name in snake_case, as its folder is called.
        name: String,
    },
    /// A channel for notices: `crates/notify/src/<name>/`.
    Channel {
        /// Its name in snake_case, as its folder is called.
        name: String,
    },
    /// An endpoint of a slice's API: `crates/<slice>/src/routes/<name>.rs`.
    Endpoint {
        /// The slice and the endpoint's name, for example `problem/shift_report`.
        name: String,
    },
}

/// A file to be made: its path below the folder, its template.
type Template = (&'static str, &'static str);

const COLLECTOR: [Template; 7] = [
    ("mod.rs", include_str!("templates/collector/mod.rs.txt")),
    ("parse.rs", include_str!("templates/collector/parse.rs.txt")),
    ("probe.rs", include_str!("templates/collector/probe.rs.txt")),
    (
        "metrics.toml",
        include_str!("templates/collector/metrics.toml.txt"),
    ),
    (
        "rules.toml",
        include_str!("templates/collector/rules.toml.txt"),
    ),
    (
        "panel.toml",
        include_str!("templates/collector/panel.toml.txt"),
    ),
    ("tests.rs", include_str!("templates/collector/tests.rs.txt")),
];

const CHANNEL: [Template; 5] = [
    ("mod.rs", include_str!("templates/channel/mod.rs.txt")),
    ("fields.rs", include_str!("templates/channel/fields.rs.txt")),
    ("render.rs", include_str!("templates/channel/render.rs.txt")),
    ("send.rs", include_str!("templates/channel/send.rs.txt")),
    ("tests.rs", include_str!("templates/channel/tests.rs.txt")),
];

const ENDPOINT: &str = include_str!("templates/endpoint/route.rs.txt");
const WORDS_KO: &str = include_str!("templates/channel/words.ko.toml.txt");
const WORDS_EN: &str = include_str!("templates/channel/words.en.toml.txt");

/// Makes it, formats its crate and says what to do next.
pub(crate) fn make(shell: &Shell, kind: &Kind) -> Result<()> {
    let package = match kind {
        Kind::Collector { name } => collector(&shell.root, name)?,
        Kind::Channel { name } => channel(&shell.root, name)?,
        Kind::Endpoint { name } => endpoint(&shell.root, name)?,
    };
    run_command(&mut shell.cargo(["fmt", "--package", &package]))?;
    println!(
        "next: cargo nextest run -p {package}, then fill it and write its line in CHANGELOG.md"
    );
    Ok(())
}

fn collector(root: &Path, name: &str) -> Result<String> {
    let words = Words::new(name)?;
    let folder = root.join("crates/collect/src").join(name);
    write_all(&folder, &COLLECTOR, &words)?;
    write(
        &folder.join("fixtures/captured/proc/uptime"),
        "350.50 1200.25\n",
    )?;
    edit(&root.join("crates/collect/src/lib.rs"), |text| {
        let text = insert::module(text, &format!("pub mod {name};"))?;
        insert::item(&text, &format!("{name}::PLUGIN"))
    })?;
    Ok("collect".to_owned())
}

fn channel(root: &Path, name: &str) -> Result<String> {
    let words = Words::new(name)?;
    write_all(&root.join("crates/notify/src").join(name), &CHANNEL, &words)?;
    edit(&root.join("crates/notify/src/lib.rs"), |text| {
        let text = insert::module(text, &format!("mod {name};"))?;
        let text = insert::module(&text, &format!("pub use {name}::{};", words.type_name))?;
        insert::item(&text, &format!("&{}", words.type_name))
    })?;
    for (language, texts) in [("ko", WORDS_KO), ("en", WORDS_EN)] {
        let path = root.join("translations").join(language).join("notice.toml");
        edit(&path, |text| {
            Ok(format!("{}\n{}", text.trim_end(), words.fill(texts)))
        })?;
    }
    Ok("notify".to_owned())
}

fn endpoint(root: &Path, name: &str) -> Result<String> {
    let (slice, name) = name
        .split_once('/')
        .context("name the slice too: `problem/report`")?;
    let words = Words::new(name)?;
    let routes = root.join("crates").join(slice).join("src/routes");
    let list = routes.join("mod.rs");
    let text = std::fs::read_to_string(&list)
        .with_context(|| format!("slice `{slice}` has no src/routes/mod.rs"))?;
    let state = insert::state_of(&text).context("its `routes` takes no state to be added to")?;
    let filled = words
        .fill(ENDPOINT)
        .replace("__slice__", slice)
        .replace("__State__", state);
    write(&routes.join(format!("{name}.rs")), &filled)?;
    edit(&list, |text| {
        let text = insert::module(text, &format!("mod {name};"))?;
        insert::merged(&text, name)
    })?;
    Ok(slice.to_owned())
}

/// The forms in which a name stands in code.
struct Words {
    name: String,
    type_name: String,
}

impl Words {
    fn new(name: &str) -> Result<Self> {
        let is_word = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        ensure!(
            is_word,
            "`{name}` is no name: use snake_case, for example `redis` or `fc_hba`"
        );
        let capital = |part: &str| {
            let mut letters = part.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        };
        Ok(Self {
            name: name.to_owned(),
            type_name: name.split('_').map(capital).collect(),
        })
    }

    fn fill(&self, template: &str) -> String {
        let text = template
            .replace("__name__", &self.name)
            .replace("__Name__", &self.type_name);
        text.replace("__key__", &self.name.replace('_', "-"))
    }
}

fn write_all(folder: &Path, templates: &[Template], words: &Words) -> Result<()> {
    if folder.exists() {
        bail!("{} is there already", folder.display());
    }
    templates
        .iter()
        .try_for_each(|(file, text)| write(&folder.join(file), &words.fill(text)))
}

fn write(path: &Path, text: &str) -> Result<()> {
    ensure!(!path.exists(), "{} is there already", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}

fn edit(path: &Path, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = change(&text).with_context(|| format!("cannot change {}", path.display()))?;
    std::fs::write(path, text)?;
    println!("{} (changed)", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_the_forms_of_code() {
        let words = Words::new("fc_hba").unwrap();
        assert_eq!(
            words.fill("__name__ __Name__ __key__"),
            "fc_hba FcHba fc-hba"
        );
        for bad in ["", "Redis", "a-b", "9p", "a b"] {
            assert!(Words::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_template_opens_with_its_sentence_and_is_filled_completely() {
        let words = Words::new("fc_hba").unwrap();
        let files = COLLECTOR.iter().chain(&CHANNEL).map(|(_, text)| *text);
        for text in files {
            let filled = words.fill(text);
            let first = filled.lines().next().unwrap();
            assert!(
                first.starts_with("//! ") || first.starts_with("# "),
                "{first}"
            );
            assert!(first.ends_with('.'), "{first}");
            assert!(!filled.contains("__"), "{filled}");
        }
    }

    #[test]
    fn a_collector_is_made_listed_and_not_made_twice() {
        let root = std::env::temp_dir().join(format!("xtask-new-{}", std::process::id()));
        let folder = root.join("crates/collect/src");
        std::fs::create_dir_all(&folder).unwrap();
        let list = "pub mod cpu;\npub mod swap;\n\npub const ALL: &[Plugin] = &[cpu::PLUGIN];\n";
        std::fs::write(folder.join("lib.rs"), list).unwrap();
        assert_eq!(collector(&root, "redis").unwrap(), "collect");
        let changed = std::fs::read_to_string(folder.join("lib.rs")).unwrap();
        assert!(
            changed.contains("pub mod cpu;\npub mod redis;\npub mod swap;"),
            "{changed}"
        );
        assert!(
            changed.contains("&[cpu::PLUGIN, redis::PLUGIN]"),
            "{changed}"
        );
        assert!(collector(&root, "redis").is_err());
        std::fs::remove_dir_all(&root).unwrap();
    }
}
