//! A gate before the sockets of the zeromq crate, which believe what a peer says of the length of a frame, and reserve
//! as much memory: nine bytes from somebody who does not even know the key would end the kernel. So peers come in
//! here, their lengths are looked at as they pass, and whoever lies is cut off.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rustix::fs::{Mode, OFlags};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use zeromq::Socket;

use super::after_error;
use super::listener::{Listener, Stream};

/// The largest message that is let in, all its frames together, in bytes.
const LARGEST: u64 = 1 << 30;

/// What the first bytes of ZMTP 3 take, before the first frame.
const GREETING: u64 = 64;

/// What a frame costs whatever its length is, in bytes: empty ones may come without end.
const FRAME: u64 = 64;

/// Bytes that are moved at a time.
const PIECE: usize = 1 << 16;

/// Opens a socket at an endpoint as ZeroMQ writes it, `tcp://` or `ipc://`, behind a gate.
///
/// # Errors
/// When the endpoint is taken or unusable, or no temporary file can be made.
pub(super) async fn open<S: Socket>(endpoint: &str) -> Result<S> {
    let outside = Listener::bind(endpoint).await?;
    let (listener, inside) = Inside::make()?;
    let mut socket = S::new();
    socket.bind_listener(listener).await?;
    tokio::spawn(keep(outside, Arc::new(inside)));
    Ok(socket)
}

/// Where the socket listens, which nobody else can reach: its file has been removed.
struct Inside(OwnedFd);

impl Inside {
    fn make() -> io::Result<(UnixListener, Self)> {
        let room = tempfile::Builder::new().prefix("cvstudy-").tempdir()?;
        let folder = File::open(room.path())?;
        // By this name, since that of a socket may have a hundred letters and no more.
        let file = PathBuf::from(format!("/proc/self/fd/{}/socket", folder.as_raw_fd()));
        let listener = UnixListener::bind(&file)?;
        let inside = rustix::fs::open(&file, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        Ok((listener, Self(inside)))
    }

    async fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(format!("/proc/self/fd/{}", self.0.as_raw_fd())).await
    }
}

/// Lets peers in, each in a task of its own, until the kernel ends.
async fn keep(outside: Listener, inside: Arc<Inside>) {
    loop {
        match outside.accept().await {
            Ok(peer) => drop(tokio::spawn(serve(peer, inside.clone()))),
            Err(error) => after_error("gate", &error).await,
        }
    }
}

/// Moves bytes both ways until one side hangs up, or the peer says what cannot be.
async fn serve(peer: Box<dyn Stream>, inside: Arc<Inside>) {
    let socket = match inside.connect().await {
        Ok(socket) => socket,
        Err(error) => return after_error("gate", &error).await,
    };
    let (from_peer, mut to_peer) = tokio::io::split(peer);
    let (mut from_socket, to_socket) = socket.into_split();
    let ended = tokio::select! {
        ended = let_in(from_peer, to_socket) => ended,
        ended = tokio::io::copy(&mut from_socket, &mut to_peer) => ended.map(drop),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a peer is gone");
    }
}

/// Hands on what is said, as long as it is possible.
async fn let_in(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut lengths = Lengths::default();
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        lengths.follow(&piece[..read])?;
        to.write_all(&piece[..read]).await?;
    }
}

/// Follows a stream of ZMTP 3 from frame to frame.
#[derive(Debug)]
struct Lengths {
    at: At,
    /// Bytes of the message so far.
    message: u64,
    /// Whether the frame has another one after it.
    more: bool,
}

/// What comes next in the stream.
#[derive(Debug, Clone, Copy)]
enum At {
    /// So many bytes that say nothing of lengths; then a frame.
    Body(u64),
    /// The bits that begin a frame.
    Flags,
    /// A length: how many bytes of it are still to come, and what it is by now.
    Length(u8, u64),
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            at: At::Body(GREETING),
            message: 0,
            more: false,
        }
    }
}

impl Lengths {
    /// # Errors
    /// When a message is longer than any can be.
    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((&first, rest)) = bytes.split_first() {
            match self.at {
                At::Body(0) => self.at = At::Flags,
                At::Body(left) => {
                    let here = left.min(bytes.len() as u64);
                    self.at = At::Body(left - here);
                    bytes = &bytes[here as usize..];
                }
                At::Flags => {
                    self.more = first & 1 != 0;
                    self.at = At::Length(if first & 2 != 0 { 8 } else { 1 }, 0);
                    bytes = rest;
                }
                At::Length(left, length) => {
                    let length = length << 8 | u64::from(first);
                    self.at = match left {
                        1 => At::Body(self.frame(length)?),
                        _ => At::Length(left - 1, length),
                    };
                    bytes = rest;
                }
            }
        }
        Ok(())
    }

    /// Takes notice of a frame, and says how long it is.
    fn frame(&mut self, length: u64) -> io::Result<u64> {
        let message = self.message.saturating_add(length.saturating_add(FRAME));
        if message > LARGEST {
            return Err(io::Error::other(format!("a message of {message} bytes")));
        }
        self.message = if self.more { message } else { 0 };
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame as it is on the wire.
    fn frame(length: u64, more: bool) -> Vec<u8> {
        let mut bytes = vec![u8::from(more)];
        if let Ok(short) = u8::try_from(length) {
            bytes.push(short);
        } else {
            bytes[0] |= 2;
            bytes.extend(length.to_be_bytes());
        }
        bytes
    }

    fn with_body(length: u64, more: bool) -> Vec<u8> {
        [frame(length, more), vec![0xff; length as usize]].concat()
    }

    fn greeted() -> Lengths {
        let mut lengths = Lengths::default();
        lengths.follow(&[0xff; GREETING as usize]).unwrap();
        lengths
    }

    proptest! {
        #[test]
        fn every_message_that_can_be_is_let_in(
            frames in proptest::collection::vec((0_u64..700, any::<bool>()), 1..20),
            piece in 1_usize..300,
        ) {
            let mut said = vec![0xff; GREETING as usize];
            frames.iter().for_each(|&(length, more)| said.extend(with_body(length, more)));
            let mut lengths = Lengths::default();
            for piece in said.chunks(piece) {
                prop_assert!(lengths.follow(piece).is_ok());
            }
            // It has not lost its way: a lie is seen where it is said.
            prop_assert!(lengths.follow(&frame(u64::MAX, false)).is_err());
        }
    }

    #[test]
    fn lies_are_not_let_in_and_the_largest_message_is() {
        for lie in [LARGEST, 1 << 38, 1 << 61, u64::MAX] {
            assert!(greeted().follow(&frame(lie, false)).is_err(), "{lie}");
        }
        assert!(greeted().follow(&frame(LARGEST - FRAME, false)).is_ok());
    }

    #[test]
    fn parts_count_together_and_messages_do_not() {
        let mut lengths = greeted();
        let parts = LARGEST / FRAME;
        for _ in 0..parts {
            lengths.follow(&frame(0, true)).unwrap();
        }
        assert!(lengths.follow(&frame(0, true)).is_err());
        let mut lengths = greeted();
        for _ in 0..=parts {
            lengths.follow(&frame(0, false)).unwrap();
        }
    }
}
