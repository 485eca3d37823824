//! Compiles `translations/<lang>/<area>.toml` into one sorted table per language.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../translations");
    println!("cargo::rerun-if-changed=build.rs");
    let mut code = String::new();
    for lang in ["ko", "en"] {
        let folder = root.join(lang);
        println!("cargo::rerun-if-changed={}", folder.display());
        let table = read_folder(&folder)?;
        writeln!(
            code,
            "pub(crate) static {}: &[(&str, &str)] = &[",
            lang.to_uppercase()
        )?;
        for (key, text) in table {
            writeln!(code, "    ({key:?}, {text:?}),")?;
        }
        writeln!(code, "];")?;
    }
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("catalogue.rs"),
        code,
    )?;
    Ok(())
}

/// Every key of every file of one language; the file's name is the key's first part.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut table = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        println!("cargo::rerun-if-changed={}", path.display());
        let area = path
            .file_stem()
            .ok_or("a file without a name")?
            .to_string_lossy()
            .into_owned();
        let parsed: toml::Table = fs::read_to_string(&path)?
            .parse()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        flatten(&area, parsed, &mut table)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(table)
}

fn flatten(
    prefix: &str,
    from: toml::Table,
    into: &mut BTreeMap<String, String>,
) -> Result<(), Box<dyn Error>> {
    for (key, value) in from {
        let key = format!("{prefix}.{key}");
        match value {
            toml::Value::String(text) => {
                if into.insert(key.clone(), text).is_some() {
                    return Err(format!("`{key}` is given twice").into());
                }
            }
            toml::Value::Table(table) => flatten(&key, table, into)?,
            _ => return Err(format!("`{key}` must be a text or a table of texts").into()),
        }
    }
    Ok(())
}
