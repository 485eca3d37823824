//! The files of the repository: tracked ones and new ones that git does not ignore.

use super::{Kind, Lexed, Token, Workspace};
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::Command;

/// One file, read once.
#[derive(Debug)]
pub(crate) struct File {
    /// Path from the repository's root, with `/`.
    pub(crate) path: String,
    /// Content; empty for files that are not UTF-8.
    pub(crate) text: String,
    /// Size on disk.
    pub(crate) size_bytes: usize,
    /// Tokens; empty for anything but Rust.
    pub(crate) lexed: Lexed,
}

impl File {
    /// A file from its path and bytes.
    pub(crate) fn new(path: &str, bytes: Vec<u8>) -> Self {
        let size_bytes = bytes.len();
        let text = String::from_utf8(bytes).unwrap_or_default();
        let is_rust = path.ends_with(".rs");
        let lexed = if is_rust {
            Lexed::new(&text)
        } else {
            Lexed::default()
        };
        Self {
            path: path.to_owned(),
            text,
            size_bytes,
            lexed,
        }
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The part of the name after the last full stop, or nothing.
    pub(crate) fn extension(&self) -> &str {
        self.name()
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// Whether the house style leaves it alone: vendored, fixture, golden, snapshot, lock, JSON.
    pub(crate) fn is_exempt(&self) -> bool {
        let foreign = [
            "vendor",
            "fixtures",
            "snapshots",
            "golden",
            "testdata",
            "corpus",
        ];
        self.path.split('/').any(|part| foreign.contains(&part))
            || ["json", "lock", "snap", "svg"].contains(&self.extension())
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs" || part == "it")
    }

    /// A token's text.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.lexed
            .tokens
            .get(index)
            .map_or("", |token| self.at(token))
    }

    /// The text of a token or comment of this file.
    pub(crate) fn at(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// A token's line, or 0 behind the end.
    pub(crate) fn line(&self, index: usize) -> usize {
        self.lexed.tokens.get(index).map_or(0, |token| token.line)
    }

    /// Whether the tokens from `index` on read as `words`.
    pub(crate) fn reads(&self, index: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(ahead, word)| self.word(index + ahead) == *word)
    }

    /// The index of the bracket that closes the one at `open`, or the last token.
    pub(crate) fn close(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for index in open..self.lexed.tokens.len() {
            if self
                .lexed
                .tokens
                .get(index)
                .is_some_and(|t| t.kind != Kind::Punct)
            {
                continue;
            }
            match self.word(index) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return index;
            }
        }
        self.lexed.tokens.len().saturating_sub(1)
    }

    /// The token ranges of modules and functions under `#[cfg(test)]`.
    pub(crate) fn test_ranges(&self) -> Vec<std::ops::RangeInclusive<usize>> {
        let mut ranges = Vec::new();
        for index in 0..self.lexed.tokens.len() {
            if !self.reads(index, &["#", "[", "cfg", "(", "test", ")", "]"]) {
                continue;
            }
            let body =
                (index + 7..self.lexed.tokens.len()).find(|i| ["{", ";"].contains(&self.word(*i)));
            if let Some(open) = body.filter(|i| self.word(*i) == "{") {
                ranges.push(index..=self.close(open));
            }
        }
        ranges
    }
}

/// The repository.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Its files, sorted by path.
    pub(crate) files: Vec<File>,
    /// Its crates and their libraries.
    pub(crate) workspace: Workspace,
}

impl Tree {
    /// Reads the repository at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut paths = listed_by_git(root).unwrap_or_default();
        if paths.is_empty() {
            walk(root, root, &mut paths)?;
        }
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            let full = root.join(&path);
            // A file git knows may be gone from the disk; a link is judged where it points to.
            if full.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                let bytes = std::fs::read(&full).with_context(|| format!("cannot read {path}"))?;
                files.push(File::new(&path, bytes));
            }
        }
        Ok(Self {
            files,
            workspace: Workspace::read(root)?,
        })
    }

    /// The file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        let index = self
            .files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()?;
        self.files.get(index)
    }

    /// Whether a file or folder stands at `path`.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.file(path).is_some() || self.files.iter().any(|f| f.path.starts_with(&folder))
    }

    /// The Rust files that the house style speaks about.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(|file| file.is_rust() && !file.is_exempt())
    }

    /// A tree of these files alone, for a rule's tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut files: Vec<File> = files
            .iter()
            .map(|(path, text)| File::new(path, text.as_bytes().to_vec()))
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self {
            files,
            workspace: Workspace::default(),
        }
    }
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(
        names
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// Lists the files below `folder`, for a source tree that came without git.
fn walk(root: &Path, folder: &Path, paths: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(inside) = path.strip_prefix(root) else {
            continue;
        };
        let name = inside.to_string_lossy().into_owned();
        if [".git", "target", "bongsu-data"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            walk(root, &path, paths)?;
        } else {
            paths.push(name);
        }
    }
    Ok(())
}
