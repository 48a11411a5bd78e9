//! ZMTP 3.0 (RFC 23), as far as a socket that publishes needs it: the greeting without security, `READY`, frames.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Signature, version 3.0, mechanism `NULL`, no server; the rest is zero.
const GREETING: [u8; 64] = {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    let mechanism = b"NULL";
    let mut at = 0;
    while at < mechanism.len() {
        greeting[12 + at] = mechanism[at];
        at += 1;
    }
    greeting
};

/// The bits that begin a frame.
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Subscribers send topics and nothing else: a longer frame is no topic. In bytes.
const LONGEST: u64 = 1 << 10;

const READY: &[u8] = b"\x05READY";
const SOCKET_TYPE: &[u8] = b"\x0bSocket-Type";

/// A frame of a subscriber's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) is_command: bool,
    /// Whether it is one of several that make a message.
    pub(super) is_part: bool,
    pub(super) body: Bytes,
}

/// Exchanges greetings with whoever has connected, and makes sure that it subscribes.
///
/// # Errors
/// When it hangs up, speaks something else or an older version, wants security, or is another kind of socket.
pub(super) async fn handshake(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> io::Result<()> {
    stream.write_all(&GREETING).await?;
    let mut theirs = [0; GREETING.len()];
    stream.read_exact(&mut theirs).await?;
    let signed = theirs[0] == 0xff && theirs[9] & 1 == 1;
    if !signed || theirs[10] < 3 || theirs[12..32] != GREETING[12..32] {
        return Err(invalid("no greeting of ZMTP 3 without security"));
    }
    stream.write_all(&ready()).await?;
    let frame = read_frame(stream).await?;
    let properties = frame.body.strip_prefix(READY).filter(|_| frame.is_command);
    let kind = properties.and_then(socket_type);
    match kind {
        Some(b"SUB" | b"XSUB") => Ok(()),
        _ => Err(invalid("no subscriber")),
    }
}

/// The command that says what kind of socket this is.
fn ready() -> Vec<u8> {
    let kind = b"XPUB";
    let mut body = [READY, SOCKET_TYPE].concat();
    body.put_u32(kind.len() as u32);
    body.extend_from_slice(kind);
    let mut frame = vec![COMMAND, body.len() as u8];
    frame.append(&mut body);
    frame
}

/// The value of `Socket-Type` among properties: name and value, each after its length.
fn socket_type(mut properties: &[u8]) -> Option<&[u8]> {
    while let Some((&length, rest)) = properties.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(length))?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*size) as usize)?;
        if name.eq_ignore_ascii_case(&SOCKET_TYPE[1..]) {
            return Some(value);
        }
        properties = rest;
    }
    None
}

/// Reads one frame.
///
/// # Errors
/// When the connection ends, or what comes is no frame that a subscriber would send.
pub(super) async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let flags = stream.read_u8().await?;
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(invalid("unknown flags"));
    }
    let length = match flags & LONG {
        0 => u64::from(stream.read_u8().await?),
        _ => stream.read_u64().await?,
    };
    if length > LONGEST {
        return Err(invalid("a frame too long for a topic"));
    }
    let mut body = BytesMut::zeroed(length as usize);
    stream.read_exact(&mut body).await?;
    Ok(Frame {
        is_command: flags & COMMAND != 0,
        is_part: flags & MORE != 0,
        body: body.freeze(),
    })
}

/// Writes one message; what is buffered is not flushed.
///
/// # Errors
/// When the connection has ended.
pub(super) async fn write_message<'a>(
    stream: &mut (impl AsyncWrite + Unpin),
    frames: impl ExactSizeIterator<Item = &'a Bytes>,
) -> io::Result<()> {
    let last = frames.len().saturating_sub(1);
    for (number, frame) in frames.enumerate() {
        let more = if number < last { MORE } else { 0 };
        match u8::try_from(frame.len()) {
            Ok(length) => stream.write_all(&[more, length]).await?,
            Err(_) => {
                stream.write_u8(more | LONG).await?;
                stream.write_u64(frame.len() as u64).await?;
            }
        }
        stream.write_all(frame).await?;
    }
    Ok(())
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    /// What a subscriber says first: the bytes of libzmq 4.3, taken from its connection.
    fn of_libzmq(kind: &str) -> Vec<u8> {
        let mut said = GREETING.to_vec();
        said[8] = 1;
        said[11] = 1;
        let mut body = [READY, SOCKET_TYPE, &[0, 0, 0, kind.len() as u8]].concat();
        body.extend_from_slice(kind.as_bytes());
        body.extend_from_slice(b"\x08Identity\0\0\0\0");
        said.extend([COMMAND, body.len() as u8]);
        said.extend(body);
        said
    }

    fn shakes_hands(said: &[u8]) -> bool {
        block_on(async {
            let (mut ours, mut theirs) = tokio::io::duplex(1 << 12);
            theirs.write_all(said).await.unwrap();
            theirs.shutdown().await.unwrap();
            handshake(&mut ours).await.is_ok()
        })
    }

    #[test]
    fn subscribers_are_let_in_and_nobody_else() {
        assert!(shakes_hands(&of_libzmq("SUB")));
        assert!(shakes_hands(&of_libzmq("XSUB")));
        for kind in ["PUB", "DEALER", ""] {
            assert!(!shakes_hands(&of_libzmq(kind)), "{kind}");
        }
        let whole = of_libzmq("SUB");
        for length in 0..whole.len() {
            assert!(!shakes_hands(&whole[..length]), "{length}");
        }
        assert!(!shakes_hands(b"GET / HTTP/1.1\r\n\r\n"));
        let mut old = whole.clone();
        old[10] = 2;
        assert!(!shakes_hands(&old));
        let mut secured = whole;
        secured[12..17].copy_from_slice(b"CURVE");
        assert!(!shakes_hands(&secured));
    }

    #[test]
    fn frames_are_written_as_the_standard_has_them() {
        let long = Bytes::from(vec![7; 256]);
        let frames = [Bytes::from_static(b"topic"), Bytes::new(), long];
        let written = block_on(async {
            let mut written = Vec::new();
            write_message(&mut written, frames.iter()).await.unwrap();
            written
        });
        let start = b"\x01\x05topic\x01\x00\x02\x00\x00\x00\x00\x00\x00\x01\x00\x07";
        assert_eq!(written[..start.len()], start[..]);
        assert_eq!(written.len(), start.len() + 255);
    }

    #[test]
    fn frames_are_read_and_long_ones_refused() {
        let read = |bytes: &[u8]| block_on(read_frame(&mut &*bytes));
        let frame = read(b"\x00\x02\x01x").unwrap();
        assert_eq!(frame.body, &b"\x01x"[..]);
        assert!(!frame.is_command && !frame.is_part);
        assert!(read(b"\x02\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(read(b"\x80\x00").is_err());
        assert!(read(b"\x00\x05x").is_err());
    }
}
