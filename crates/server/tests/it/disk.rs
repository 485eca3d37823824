//! A disk fills up, the server is killed over it, and room is made again.

use std::fs;
use std::io::Write;
use std::path::Path;

use testkit::{HttpSink, TempDir};

use crate::program::{Program, problem_of, wait_until_told};

/// Writes until nothing more fits.
fn fill(disk: &Path) {
    let mut file = fs::File::create(disk.join("filler")).unwrap();
    let block = vec![0_u8; 64 * 1024];
    while file.write_all(&block).is_ok() {}
}

#[test]
fn disk_full() {
    testkit::on_small_machine(32, |disk| {
        let sink = HttpSink::start();
        let folder = TempDir::new();
        let data = folder.join("data");
        let server = Program::fresh(&data);
        let host = server.own_host();
        server.webhook(&sink.url("/hook"));
        fill(disk);
        let full = server.wait_for("the problem opens", "/api/v1/problems", |list| {
            problem_of(list, "disk-used").cloned()
        });
        assert_eq!(full["severity"], "critical");
        assert_eq!(full["target"]["key"], disk.to_str().unwrap());
        assert_eq!(full["target"]["host"], host.as_str());
        wait_until_told(&sink, &full, &["opened"]);
        let port = server.port();
        server.kill();

        let server = Program::again(&data, port);
        fs::remove_file(disk.join("filler")).unwrap();
        let over = server.wait_for("it ends", "/api/v1/problems?state=closed", |list| {
            problem_of(list, "disk-used").cloned()
        });
        assert_eq!(over["id"], full["id"], "the same problem, across the crash");
        wait_until_told(&sink, &full, &["opened", "recovered"]);
    });
}
