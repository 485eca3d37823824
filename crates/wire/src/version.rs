//! Protocol versions: two back are spoken, anything else is refused with what to do.

/// The oldest protocol version this program speaks.
pub const PROTOCOL_MIN: u32 = 1;
/// The newest protocol version this program speaks.
pub const PROTOCOL_MAX: u32 = 1;

/// The two ends have no protocol version in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the agent speaks protocol {agent_min} to {agent_max}, this server {PROTOCOL_MIN} to \
     {PROTOCOL_MAX}: {}", self.remedy()
)]
pub struct VersionRefused {
    /// The agent's oldest.
    pub agent_min: u32,
    /// The agent's newest.
    pub agent_max: u32,
}

impl VersionRefused {
    const fn remedy(self) -> &'static str {
        if self.agent_max < PROTOCOL_MIN {
            "update the agent with the line from \"Add a server\""
        } else {
            "update the server first"
        }
    }
}

/// The newest version that both ends speak.
///
/// # Errors
/// When there is none; the message says which end to update.
pub fn negotiate(agent_min: u32, agent_max: u32) -> Result<u32, VersionRefused> {
    let common = agent_max.min(PROTOCOL_MAX);
    if agent_min <= agent_max && common >= agent_min.max(PROTOCOL_MIN) {
        Ok(common)
    } else {
        Err(VersionRefused {
            agent_min,
            agent_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_chosen() {
        assert_eq!(negotiate(1, 9), Ok(PROTOCOL_MAX));
        assert_eq!(negotiate(PROTOCOL_MIN, PROTOCOL_MAX), Ok(PROTOCOL_MAX));
    }

    #[test]
    fn without_one_the_message_says_which_end_to_update() {
        let newer = negotiate(PROTOCOL_MAX + 1, PROTOCOL_MAX + 3).unwrap_err();
        assert!(newer.to_string().contains("update the server first"));
        let older = negotiate(0, 0).unwrap_err();
        assert!(older.to_string().contains("update the agent"));
        assert!(negotiate(5, 1).is_err());
    }
}
