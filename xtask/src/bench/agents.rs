//! What agents cost on this machine at an interval of ten seconds: ours, and the peers'.

use super::own_agent;
use super::peers::{NODE_EXPORTER, Peer, ZABBIX_AGENT};
use super::row::Row;
use crate::http::{free_port, request, wait_for};
use crate::process::{Running, Usage};
use anyhow::{Context as _, Result, ensure};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(10);
/// What the program of the agent may weigh, in MiB.
pub(super) const AGENT_MIB_MAX: f64 = 10.0;

/// What a Zabbix server asks a Linux host for most often (template "Linux by Zabbix agent").
const ZABBIX_ITEMS: [&str; 12] = [
    "agent.ping",
    "kernel.maxfiles",
    "net.if.discovery",
    "proc.num",
    "system.cpu.load[all,avg1]",
    "system.cpu.util[,user]",
    "system.swap.size[,pfree]",
    "system.uptime",
    "vfs.fs.discovery",
    "vfs.fs.size[/,pused]",
    "vm.memory.size[available]",
    "vm.memory.size[pavailable]",
];

/// Ours first, then each peer over the same window.
pub(super) fn run(context: &super::Context) -> Result<Vec<Row>> {
    let window = Duration::from_secs(context.options.seconds.max(INTERVAL.as_secs()));
    let own = own_agent::measure(context, window)?;
    let measured = [
        (NODE_EXPORTER, node_exporter(context, window)?),
        (ZABBIX_AGENT, zabbix_agent(context, window)?),
    ];
    let row = |what, unit, (ours, target), figure: fn(&(Usage, f64)) -> f64| Row {
        ours: Some(ours),
        target,
        peers: peers(&measured, figure),
        ..Row::less(&format!("agent at 10 s: {what}"), unit)
    };
    let alone = |what: &str, unit, ours, target| Row {
        ours: Some(ours),
        target: Some(target),
        ..Row::less(&format!("agent{what}"), unit)
    };
    let percent = own.cores * 100.0;
    Ok(vec![
        row(
            "RSS",
            "MiB",
            (own.usage.rss_mib, Some(8.0)),
            |(usage, _)| usage.rss_mib,
        ),
        row("PSS", "MiB", (own.usage.pss_mib, None), |(usage, _)| {
            usage.pss_mib
        }),
        row("CPU", "% of a core", (percent, Some(0.1)), |(_, cores)| {
            cores * 100.0
        }),
        alone(" at 10 s: TLS bytes a day", "MiB", own.mib_a_day, 4.0),
        alone(": the program", "MiB", own.program_mib, AGENT_MIB_MAX),
    ])
}

fn peers(
    measured: &[(Peer, (Usage, f64))],
    figure: fn(&(Usage, f64)) -> f64,
) -> Vec<(String, f64)> {
    measured
        .iter()
        .map(|(peer, cost)| (peer.name.to_owned(), figure(cost)))
        .collect()
}

fn node_exporter(context: &super::Context, window: Duration) -> Result<(Usage, f64)> {
    let port = free_port()?;
    let mut command = NODE_EXPORTER.command(context)?;
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let mut running = Running::start(&mut command)?;
    wait_for(port)?;
    running.watch(INTERVAL, window, || {
        let answer = request(port, "GET", "/metrics", "")?;
        ensure!(
            answer.status == 200,
            "node_exporter answered {}",
            answer.status
        );
        Ok(())
    })
}

fn zabbix_agent(context: &super::Context, window: Duration) -> Result<(Usage, f64)> {
    // It refuses ports of the range from which the kernel gives free ones.
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = (20_000..32_000)
        .find(free)
        .context("no free port below 32,000")?;
    let mut command = ZABBIX_AGENT.command(context)?;
    let folder = ZABBIX_AGENT.folder(context);
    let settings = folder.join("bench.conf");
    std::fs::write(
        &settings,
        format!(
            "LogType=console\nServer=127.0.0.1\nListenIP=127.0.0.1\nListenPort={port}\n\
             PidFile={}\nAllowRoot=1\n",
            folder.join("bench.pid").display()
        ),
    )?;
    command.arg("--foreground").arg("--config").arg(&settings);
    let mut running = Running::start(&mut command)?;
    wait_for(port)?;
    running.watch(INTERVAL, window, || {
        ZABBIX_ITEMS.iter().try_for_each(|item| {
            let answer = ask_zabbix(port, item)?;
            ensure!(
                answer.starts_with(b"ZBXD"),
                "zabbix_agentd did not answer {item}"
            );
            Ok(())
        })
    })
}

/// Asks for one item as a Zabbix server does: `ZBXD`, flags, eight bytes of length, the key.
fn ask_zabbix(port: u16, item: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"ZBXD\x01")?;
    stream.write_all(&(item.len() as u64).to_le_bytes())?;
    stream.write_all(item.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
