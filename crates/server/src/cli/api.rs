//! The API of a running server, as the command line asks it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde_json::Value;
use web::{OutgoingClient, OutgoingPolicy};

use super::Place;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Which server is asked, and as whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct Remote {
    /// The server's address [default: where this configuration listens].
    #[arg(long, env = "BONGSU_SERVER", value_name = "URL")]
    server: Option<String>,
    /// An API token; better in the environment than here, where other users see it.
    #[arg(long, env = "BONGSU_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file that holds the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

/// A client with its token.
pub(crate) struct Api {
    client: OutgoingClient,
    base: String,
    token: String,
}

impl Api {
    /// The client for what the command line says.
    pub(crate) fn new(remote: &Remote, place: &Place) -> Result<Self> {
        let base = match &remote.server {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", place.config()?.listen),
        };
        let token = match (&remote.token, &remote.token_file) {
            (Some(token), _) => token.trim().to_owned(),
            (None, Some(path)) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the token in {}", path.display()))?
                .trim()
                .to_owned(),
            (None, None) => bail!(
                "{base} wants a token: make one on the server's machine with `bongsu token create \
                 --label … --role administrator` and give it in BONGSU_TOKEN or --token-file"
            ),
        };
        let policy = OutgoingPolicy {
            allow_local: true,
            timeout: ANSWER_WITHIN,
            ..OutgoingPolicy::default()
        };
        let client = OutgoingClient::new(policy)?;
        Ok(Self {
            client,
            base,
            token,
        })
    }

    /// Posts a text and returns the JSON of the answer.
    ///
    /// # Errors
    /// When nobody answers, or the server refuses; the error carries its words.
    pub(crate) async fn post(&self, path: &str, kind: &str, body: String) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let request = self
            .client
            .post(&url)?
            .bearer_auth(&self.token)
            .header("content-type", kind)
            .body(body);
        let answer = request
            .send()
            .await
            .map_err(|error| anyhow!(error.without_url()))
            .with_context(|| format!("{} does not answer", self.base))?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        let json: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(json);
        }
        let detail = json.get("detail").and_then(Value::as_str);
        let detail = detail.unwrap_or(text.trim());
        bail!("{} refuses ({}): {detail}", self.base, status.as_u16());
    }
}

/// A query string of one parameter's value.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
