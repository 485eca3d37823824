//! Asks the kernel for all TCP sockets (`sock_diag`, RFC 3549 framing) and counts their states.

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

use super::parse::{self, Listener};

/// Bytes of answers read in one pass: about 100,000 sockets.
const ANSWER_BYTES_MAX: usize = 12 * 1024 * 1024;
/// State number of a listening socket.
const LISTEN: u8 = 10;

/// Whether all sockets were counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dump {
    Complete,
    /// More sockets than the budget allows.
    Cut,
}

/// Counts the states of IPv4 and IPv6 sockets into `states`, and calls `listener` for each listener
/// when only those are wanted.
pub(super) fn dump(
    only_listeners: bool,
    states: &mut [u64; parse::STATES.len()],
    listener: &mut dyn FnMut(Listener),
) -> Result<Dump, Errno> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    // The kernel answers at once; should it ever not, the pass goes on without.
    let timeout = Some(std::time::Duration::from_millis(500));
    rustix::net::sockopt::set_socket_timeout(
        &socket,
        rustix::net::sockopt::Timeout::Recv,
        timeout,
    )?;
    let mut buffer = vec![0; 64 * 1024];
    let mut budget = ANSWER_BYTES_MAX;
    for family in [2_u8, 10] {
        let wanted = if only_listeners {
            1_u32 << LISTEN
        } else {
            u32::MAX
        };
        rustix::net::send(&socket, &request(family, wanted), SendFlags::empty())?;
        loop {
            let (count, _) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty())?;
            let answer = buffer.get(..count).unwrap_or_default();
            let end = parse::diag(answer, &mut |found| {
                if let Some(state) = states.get_mut(usize::from(found.state)) {
                    *state += 1;
                }
                if found.state == LISTEN {
                    listener(found);
                }
            });
            match end {
                Some(0) => break,
                Some(error) => return Err(Errno::from_raw_os_error(error)),
                None => {}
            }
            budget = budget.saturating_sub(count);
            if budget == 0 {
                return Ok(Dump::Cut);
            }
        }
    }
    Ok(Dump::Complete)
}

/// A netlink header (16 bytes) and `inet_diag_req_v2` (56 bytes): family, TCP, states.
fn request(family: u8, states: u32) -> [u8; 72] {
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const REQUEST_DUMP: u16 = 0x301;
    const TCP: u8 = 6;
    let mut bytes = [0; 72];
    let parts: [(usize, &[u8]); 5] = [
        (0, &72_u32.to_ne_bytes()),
        (4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes()),
        (6, &REQUEST_DUMP.to_ne_bytes()),
        (16, &[family, TCP]),
        (20, &states.to_ne_bytes()),
    ];
    for (at, part) in parts {
        if let Some(room) = bytes.get_mut(at..at + part.len()) {
            room.copy_from_slice(part);
        }
    }
    bytes
}
