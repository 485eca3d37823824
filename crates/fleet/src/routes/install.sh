#!/bin/sh
# Installs bongsu-agent on this machine, enrols it and starts it. Running it again is harmless.
#
# Settings, as variables in front of `sh`:
#   BONGSU_FOREGROUND=1   stay in the foreground instead of running as a service
#   BONGSU_NO_START=1     install and enrol only
#   BONGSU_NO_SERVICE=1   in the background without systemd, even where it is
#   BONGSU_USER=name      run as this user; as root the default is bongsu-agent, made if need be
#   BONGSU_RUNNER=1      also installs the runner of recovery scripts; only as root
#   BONGSU_BIN_DIR, BONGSU_DATA_DIR   other folders than the usual ones
set -eu

SERVER='@SERVER@'
TOKEN='@TOKEN@'
PIN='@PIN@'
ORDER_KEYS='@ORDER_KEYS@'

say() { printf 'bongsu: %s\n' "$*"; }
die() { printf 'bongsu: %s\n' "$*" >&2; exit 1; }

main() {
    [ "$(uname -s)" = Linux ] || die "the agent runs on Linux; this is $(uname -s)"
    arch=$(uname -m)
    case $arch in
        x86_64 | amd64) arch=x86_64 ;;
        aarch64 | arm64) arch=aarch64 ;;
    esac
    root=false
    [ "$(id -u)" = 0 ] && root=true
    if $root; then
        bin_dir=${BONGSU_BIN_DIR:-/usr/local/bin}
        data_dir=${BONGSU_DATA_DIR:-/var/lib/bongsu-agent}
    else
        bin_dir=${BONGSU_BIN_DIR:-$HOME/.local/bin}
        data_dir=${BONGSU_DATA_DIR:-$HOME/.local/share/bongsu-agent}
    fi
    agent=$bin_dir/bongsu-agent
    service=false
    if $root && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
        [ "${BONGSU_NO_SERVICE:-}" = 1 ] || service=true
    fi

    mkdir -p "$bin_dir" "$data_dir"
    download
    owner
    as_owner "$agent" enrol --server "$SERVER" --pin "$PIN" --token "$TOKEN" \
        --data-dir "$data_dir" || die "enrolment failed, see above"
    [ "${BONGSU_RUNNER:-}" = 1 ] && runner
    [ "${BONGSU_NO_START:-}" = 1 ] && { say "installed and enrolled, not started"; return; }
    if [ "${BONGSU_FOREGROUND:-}" = 1 ]; then
        stop_old
        say "running in the foreground, Ctrl-C ends it"
        foreground
    elif $service; then
        stop_old
        start_service
    else
        stop_old
        start_alone
    fi
}

download() {
    new=$bin_dir/.bongsu-agent.new
    trap 'rm -f "$new"' EXIT
    say "fetching the agent for $arch"
    curl -fsSk --pinnedpubkey "$PIN" -o "$new" "https://$SERVER/agent/$arch" || {
        curl -sSk --pinnedpubkey "$PIN" "https://$SERVER/agent/$arch" >&2 || true
        die "the agent program could not be fetched"
    }
    chmod 755 "$new"
    "$new" version >/dev/null || die "the agent program does not run on this machine"
    mv -f "$new" "$agent"
    trap - EXIT
}

# The agent needs no privilege: as root it gets a user of its own where one can be made.
owner() {
    user=$(id -un)
    $root || return 0
    if [ -n "${BONGSU_USER:-}" ]; then
        id "$BONGSU_USER" >/dev/null 2>&1 || die "there is no user $BONGSU_USER"
        user=$BONGSU_USER
        chown -R "$user" "$data_dir"
        chmod 700 "$data_dir"
        return 0
    fi
    if ! id bongsu-agent >/dev/null 2>&1; then
        shell=/usr/sbin/nologin
        [ -x $shell ] || shell=/bin/false
        useradd --system --no-create-home --home-dir "$data_dir" --shell $shell bongsu-agent \
            2>/dev/null ||
            adduser -S -D -H -h "$data_dir" -s $shell bongsu-agent 2>/dev/null ||
            say "cannot add the user bongsu-agent: the agent will run as $user"
    fi
    if id bongsu-agent >/dev/null 2>&1; then
        user=bongsu-agent
        chown -R "$user" "$data_dir"
    fi
    chmod 700 "$data_dir"
}

as_owner() {
    if [ "$user" = "$(id -un)" ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
    else
        su -s /bin/sh "$user" -c 'exec "$0" "$@"' -- "$@"
    fi
}

stop_old() {
    if $service && systemctl is-active --quiet bongsu-agent 2>/dev/null; then
        systemctl stop bongsu-agent
    fi
    pid=$(cat "$data_dir/agent.pid" 2>/dev/null || true)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = bongsu-agent ]; then
        kill "$pid" 2>/dev/null || true
        n=0
        while [ -d "/proc/$pid" ] && [ $n -lt 50 ]; do
            sleep 0.1 2>/dev/null || sleep 1
            n=$((n + 1))
        done
    fi
    rm -f "$data_dir/agent.pid"
}

start_service() {
    cat >/etc/systemd/system/bongsu-agent.service <<UNIT
[Unit]
Description=Bongsu agent
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=$agent run --data-dir $data_dir
User=$user
Restart=always
RestartSec=2
NoNewPrivileges=true
ProtectSystem=strict
ReadWritePaths=$data_dir
MemoryMax=64M
TasksMax=64

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable --quiet bongsu-agent
    systemctl restart bongsu-agent
    say "running as the service bongsu-agent (journalctl -u bongsu-agent shows its log)"
}

# The runner starts approved scripts, and only those that root of this machine puts on its list
# (`bongsu-agent allow`). It believes the server's signature alone; its files are root's.
runner() {
    $root || die "the runner of recovery scripts can only be installed as root"
    mkdir -p /etc/bongsu
    printf '%s\n' "$ORDER_KEYS" >/etc/bongsu/runner.keys
    [ -e /etc/bongsu/runner.toml ] ||
        printf '# Scripts that may run here; `bongsu-agent allow` adds them.\n' >/etc/bongsu/runner.toml
    chmod 644 /etc/bongsu/runner.keys /etc/bongsu/runner.toml
    agent_id=$(sed -n 's/^agent_id = "\(.*\)"$/\1/p' "$data_dir/agent.toml")
    [ -n "$agent_id" ] || die "the agent has no id in $data_dir/agent.toml"
    if ! $service; then
        say "no systemd: start the runner at boot yourself, as root:"
        say "  $agent runner --agent-id $agent_id --agent-user $user"
        return 0
    fi
    cat >/etc/systemd/system/bongsu-runner.service <<UNIT
[Unit]
Description=Bongsu runner of recovery scripts

[Service]
ExecStart=$agent runner --agent-id $agent_id --agent-user $user
Restart=always
RestartSec=2
# What a script was allowed to leave behind outlives a restart of the runner.
KillMode=process
Delegate=yes

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable --quiet bongsu-runner
    systemctl restart bongsu-runner
    say "the runner of recovery scripts is running; nothing is on its list yet but what you put there"
}

foreground() {
    if [ "$user" = "$(id -un)" ]; then
        exec "$agent" run --data-dir "$data_dir"
    fi
    as_owner "$agent" run --data-dir "$data_dir"
}

# Without systemd: in the background now; what starts it after a reboot is for the machine's owner.
start_alone() {
    log=$data_dir/agent.log
    as_owner sh -c 'nohup "$0" run --data-dir "$1" >>"$1/agent.log" 2>&1 </dev/null &' \
        "$agent" "$data_dir"
    n=0
    while [ ! -s "$data_dir/agent.pid" ] && [ $n -lt 50 ]; do
        sleep 0.1 2>/dev/null || sleep 1
        n=$((n + 1))
    done
    pid=$(cat "$data_dir/agent.pid" 2>/dev/null || true)
    [ -n "$pid" ] && [ -d "/proc/$pid" ] || { tail -n 5 "$log" >&2; die "the agent ended at once"; }
    say "running in the background as process $pid, its log is $log"
    say "systemd is not running here: to start it at boot, add this to the boot scripts:"
    say "  $agent run --data-dir $data_dir"
}

main "$@"
