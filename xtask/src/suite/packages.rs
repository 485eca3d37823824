//! What the tests need from the distribution, installed through apt when we may.

use crate::apt::{install, root_prefix};
use crate::shell::{Shell, find_program};
use std::path::Path;

/// A Debian package and what the tests use it for.
struct Package {
    name: &'static str,
    /// A file that shows it is there, on any distribution.
    file: &'static str,
    why: &'static str,
}

const NEEDED: [Package; 11] = [
    Package {
        name: "ca-certificates",
        file: "/etc/ssl/certs/ca-certificates.crt",
        why: "TLS",
    },
    Package {
        name: "chromium",
        file: "chromium",
        why: "the console's pages in a browser",
    },
    Package {
        name: "chromium-driver",
        file: "chromedriver",
        why: "driving that browser",
    },
    Package {
        name: "curl",
        file: "curl",
        why: "the one line that installs an agent",
    },
    Package {
        name: "fonts-noto-cjk",
        file: "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        why: "Korean text on pages and screenshots",
    },
    Package {
        name: "monitoring-plugins-basic",
        file: "/usr/lib/nagios/plugins/check_load",
        why: "check commands run unchanged",
    },
    Package {
        name: "iproute2",
        file: "ip",
        why: "network interfaces that a test unplugs",
    },
    Package {
        name: "openssl",
        file: "openssl",
        why: "certificates that a test lets expire",
    },
    Package {
        name: "postgresql",
        file: "/usr/lib/postgresql",
        why: "the records store's second database",
    },
    Package {
        name: "procps",
        file: "ps",
        why: "processes seen from outside",
    },
    Package {
        name: "util-linux",
        file: "unshare",
        why: "full disks in a namespace of their own",
    },
];

impl Package {
    fn is_there(&self) -> bool {
        if self.file.starts_with('/') {
            return Path::new(self.file).exists();
        }
        find_program(self.file).is_some()
    }
}

/// Installs what is missing when we may; otherwise names it and the command.
pub(super) fn provide(shell: &Shell, is_install_off: bool) {
    let missing: Vec<&Package> = NEEDED
        .iter()
        .filter(|package| !package.is_there())
        .collect();
    if missing.is_empty() {
        return;
    }
    println!("== Packages that tests need and this machine lacks");
    for package in &missing {
        println!("  {:26} {}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let root = if is_install_off { None } else { root_prefix() };
    let is_installed = root.is_some_and(|prefix| install(shell, prefix, &names));
    if !is_installed {
        println!(
            "  install them: sudo apt-get install --no-install-recommends {}",
            names.join(" ")
        );
        println!("  without them, the tests that need them say so and are counted as skipped");
    }
}
