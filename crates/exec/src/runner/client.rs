//! The agent's side: hands a signed order to the runner and listens to what becomes of it.

use std::os::unix::net::UnixStream;
use std::path::Path;

use super::protocol::{Event, Request, Response, What, read_frame, write_frame};
use crate::order::SignedOrder;
use crate::run::Report;

/// A connection to the runner: good for one order.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was carried out.
    Finished(Report),
    /// It was not, for this reason.
    Refused(String),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No runner listens there.
    #[error("there is no runner on this host")]
    NoRunner(#[source] std::io::Error),
    /// The connection broke.
    #[error("the connection to the runner broke")]
    Broken(#[source] std::io::Error),
    /// The runner closed the connection: it did not accept this process, or it was stopped.
    #[error("the runner closed the connection without an answer")]
    Closed,
}

/// Cancels the order of a connection from another thread.
#[derive(Debug)]
pub struct Canceller(UnixStream);

impl Canceller {
    /// Asks the runner to end the run; the answer comes where the order was handed in.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn cancel(&mut self) -> Result<(), ClientError> {
        let request = Request {
            order: None,
            cancel: true,
        };
        write_frame(&mut self.0, &request).map_err(ClientError::Broken)
    }
}

impl Client {
    /// Connects to the runner's socket.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket).map_err(ClientError::NoRunner)?;
        Ok(Self { stream })
    }

    /// A handle to cancel the order with.
    ///
    /// # Errors
    /// When this process has no descriptor left.
    pub fn canceller(&self) -> Result<Canceller, ClientError> {
        self.stream
            .try_clone()
            .map(Canceller)
            .map_err(ClientError::Broken)
    }

    /// Hands in an order and waits until it is carried out or refused; `on_event` hears meanwhile.
    ///
    /// # Errors
    /// When the connection breaks: the run goes on, but its report is lost.
    pub fn run(
        mut self,
        order: &SignedOrder,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Answer, ClientError> {
        let request = Request {
            order: Some(order.clone()),
            cancel: false,
        };
        write_frame(&mut self.stream, &request).map_err(ClientError::Broken)?;
        loop {
            let response: Option<Response> =
                read_frame(&mut self.stream).map_err(ClientError::Broken)?;
            match response.and_then(|response| response.what) {
                None => return Err(ClientError::Closed),
                Some(What::Started(started)) => {
                    on_event(Event::Started {
                        name: started.name,
                        user: started.user,
                    });
                }
                Some(What::Output(chunk)) => on_event(Event::Output(chunk.into())),
                Some(What::Finished(finished)) => {
                    return Ok(Answer::Finished((*finished).into()));
                }
                Some(What::Refused(why)) => return Ok(Answer::Refused(why)),
            }
        }
    }
}
