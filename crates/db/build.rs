//! Lists the migrations at build time, so that a slice adds one file and nothing else.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let folder = here.join("../../migrations");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".sql") && name != "schema.sql" {
            check(&name)?;
            names.push(name);
        }
    }
    names.sort();
    let mut code = String::from("&[\n");
    for name in &names {
        let path = folder.join(name).canonicalize()?;
        println!("cargo:rerun-if-changed={}", path.display());
        let stem = name.trim_end_matches(".sql");
        let _ = writeln!(
            code,
            "    Migration {{ name: {stem:?}, sql: include_str!({path:?}) }},"
        );
    }
    code.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("migrations.rs");
    fs::write(out, code)
}

/// `YYYYMMDDHHMM_<slice>_<verb>.sql`, in lower case.
fn check(name: &str) -> io::Result<()> {
    let stem = name.trim_end_matches(".sql");
    let (stamp, words) = stem.split_once('_').unwrap_or((stem, ""));
    let stamped = stamp.len() == 12 && stamp.bytes().all(|b| b.is_ascii_digit());
    let worded = words.contains('_')
        && words
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if stamped && worded {
        return Ok(());
    }
    let text = format!("migrations/{name}: a name is YYYYMMDDHHMM_<slice>_<verb>.sql");
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}
