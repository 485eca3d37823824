//! The door for agents of other machines: shut until the first "Add a server", then open for good.

use std::net::SocketAddr;
use std::sync::Arc;

use db::{BoxFuture, Db, DbError, Tx};
use fleet::Fleet;
use tokio::sync::Mutex;

/// Where the records remember that the door was opened.
const OPENED: &str = "agents_entrance";

/// The listener for agents of other machines.
#[derive(Clone)]
pub(crate) struct Entrance {
    fleet: Fleet,
    db: Db,
    address: SocketAddr,
    shown: String,
    open: Arc<Mutex<Option<SocketAddr>>>,
}

impl Entrance {
    /// A door at `address`; `shown` is how other machines write it.
    pub(crate) fn new(fleet: Fleet, db: Db, address: SocketAddr, shown: String) -> Self {
        Self {
            fleet,
            db,
            address,
            shown,
            open: Arc::default(),
        }
    }

    /// Opens the door at the start, when it was opened before or must be open.
    ///
    /// # Errors
    /// When the port cannot be had or the records cannot be read.
    pub(crate) async fn at_start(&self, must: bool) -> anyhow::Result<Option<SocketAddr>> {
        let opened: Result<Option<String>, DbError> = self
            .db
            .write(|tx: &mut Tx| Box::pin(async move { tx.meta(OPENED).await }))
            .await;
        if !must && opened?.is_none() {
            return Ok(None);
        }
        self.listen().await.map(Some).map_err(anyhow::Error::msg)
    }

    async fn listen(&self) -> Result<SocketAddr, String> {
        let mut open = self.open.lock().await;
        if let Some(address) = *open {
            return Ok(address);
        }
        let bound = self.fleet.listen(self.address).await.map_err(|error| {
            format!("{error}: free the port, or choose another with --agent-listen")
        })?;
        let kept: Result<(), DbError> = self
            .db
            .write(|tx: &mut Tx| Box::pin(async move { tx.set_meta(OPENED, "open").await }))
            .await;
        kept.map_err(|error| error.to_string())?;
        *open = Some(bound);
        Ok(bound)
    }
}

impl fleet::Entrance for Entrance {
    fn open(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let bound = self.listen().await?;
            let shown = self.shown.clone();
            // A port that was left to the kernel is known only now.
            Ok(if self.address.port() == 0 {
                bound.to_string()
            } else {
                shown
            })
        })
    }
}
