//! The one outgoing HTTP client: refuses loopback and link-local addresses unless allowed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What the client may reach and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingPolicy {
    /// Whether 127.0.0.0/8, `::1`, link-local and unspecified addresses may be reached. Off by default:
    /// otherwise anybody who may edit a webhook could talk to services of this machine.
    pub allow_local: bool,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long a whole request may take.
    pub timeout: Duration,
}

impl Default for OutgoingPolicy {
    fn default() -> Self {
        Self {
            allow_local: false,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
        }
    }
}

/// Why a request was not even begun.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// Not a URL.
    #[error("`{0}` is not an http or https URL")]
    Url(String),
    /// The address is local and local addresses are not allowed.
    #[error(
        "`{0}` is an address of this machine; allow it with `outgoing.allow_local = true` in the configuration"
    )]
    Local(String),
    /// The TLS library could not be set up.
    #[error("the outgoing HTTP client cannot be made")]
    Setup(#[source] reqwest::Error),
}

/// The client; cheap to clone, one for the whole program.
#[derive(Clone, Debug)]
pub struct OutgoingClient {
    client: reqwest::Client,
    policy: OutgoingPolicy,
}

impl OutgoingClient {
    /// Makes the client: no redirects, no proxy, TLS by rustls with ring.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that makes a client"
    )]
    pub fn new(policy: OutgoingPolicy) -> Result<Self, OutgoingError> {
        // A second installation is refused by rustls and harmless: the first one stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(policy.connect_timeout)
            .timeout(policy.timeout)
            .user_agent(concat!("bongsu/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Resolver {
                allow_local: policy.allow_local,
            }))
            .build()
            .map_err(OutgoingError::Setup)?;
        Ok(Self { client, policy })
    }

    /// Begins a `POST`.
    ///
    /// # Errors
    /// When the URL is malformed or names a local address that is not allowed.
    pub fn post(&self, url: &str) -> Result<reqwest::RequestBuilder, OutgoingError> {
        Ok(self.client.post(self.checked(url)?))
    }

    /// Begins a `GET`.
    ///
    /// # Errors
    /// As [`OutgoingClient::post`].
    pub fn get(&self, url: &str) -> Result<reqwest::RequestBuilder, OutgoingError> {
        Ok(self.client.get(self.checked(url)?))
    }

    fn checked(&self, text: &str) -> Result<reqwest::Url, OutgoingError> {
        let bad = || OutgoingError::Url(text.to_owned());
        let url = reqwest::Url::parse(text).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad());
        }
        let host = url.host_str().ok_or_else(bad)?.trim_matches(['[', ']']);
        let literal = host.parse::<IpAddr>().ok();
        if !self.policy.allow_local && (literal.is_some_and(is_local) || host == "localhost") {
            return Err(OutgoingError::Local(host.to_owned()));
        }
        Ok(url)
    }
}

fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            let mapped = v6
                .to_ipv4_mapped()
                .is_some_and(|v4| is_local(IpAddr::V4(v4)));
            mapped || v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local()
        }
    }
}

/// Resolves names and drops local addresses, so that a name cannot lead where an address may not.
struct Resolver {
    allow_local: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_local = self.allow_local;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept: Vec<SocketAddr> = found
                .filter(|address| allow_local || !is_local(address.ip()))
                .collect();
            if kept.is_empty() {
                return Err(Box::new(OutgoingError::Local(name.as_str().to_owned())).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_refused_unless_allowed() {
        let strict = OutgoingClient::new(OutgoingPolicy::default()).unwrap();
        for url in [
            "http://127.0.0.1/x",
            "http://localhost:80/",
            "http://[::1]/",
            "http://169.254.169.254/latest",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0/",
        ] {
            assert!(
                matches!(strict.post(url), Err(OutgoingError::Local(_))),
                "{url}"
            );
        }
        assert!(strict.post("https://hooks.example.com/x").is_ok());
        assert!(matches!(strict.post("ftp://x"), Err(OutgoingError::Url(_))));
        let open = OutgoingPolicy {
            allow_local: true,
            ..OutgoingPolicy::default()
        };
        assert!(
            OutgoingClient::new(open)
                .unwrap()
                .post("http://127.0.0.1:9/")
                .is_ok()
        );
    }
}
