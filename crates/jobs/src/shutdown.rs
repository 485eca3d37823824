//! The one signal that ends every loop: finish what is under way, begin nothing new.

use tokio::sync::watch;

/// Fires the signal; dropping it fires too.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Hears the signal; cheap to clone, one for each loop.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// A signal and whoever hears it.
#[must_use]
pub fn shutdown() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Tells every loop to end.
    pub fn fire(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits for the signal.
    pub async fn wait(&mut self) {
        // An error means that the trigger is gone, which is the signal too.
        let _ = self.0.wait_for(|down| *down).await;
    }

    /// Whether the signal was given.
    #[must_use]
    pub fn is_down(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
