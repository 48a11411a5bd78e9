//! Where front ends connect.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

/// What a peer is connected by.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Waits for peers.
pub(super) enum Listener {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

impl Listener {
    /// Listens at an endpoint as ZeroMQ writes it, `tcp://` or `ipc://`.
    ///
    /// # Errors
    /// When the endpoint is taken or unusable.
    pub(super) async fn bind(endpoint: &str) -> io::Result<Self> {
        let unknown = || io::Error::other("neither tcp:// nor ipc://");
        match endpoint.split_once("://").ok_or_else(unknown)? {
            ("tcp", address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            ("ipc", path) => Ok(Self::Ipc(UnixListener::bind(path)?)),
            _ => Err(unknown()),
        }
    }

    /// The next peer.
    ///
    /// # Errors
    /// When there are too many open files, for one.
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A line of text must not wait for the next one.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Ipc(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}
