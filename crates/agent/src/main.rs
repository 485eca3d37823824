//! The program `bongsu-agent`.

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match agent::main(&arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            let mut stderr = std::io::stderr().lock();
            // Without a terminal nobody can be told.
            let _ = std::io::Write::write_fmt(&mut stderr, format_args!("bongsu-agent: {error}\n"));
            std::process::ExitCode::FAILURE
        }
    }
}
