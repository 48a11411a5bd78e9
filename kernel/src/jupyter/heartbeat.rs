//! Heartbeat: whatever comes in goes back, so that a front end knows the kernel is there.

use zeromq::{RepSocket, SocketRecv, SocketSend};

use super::after_error;

/// Answers until the kernel ends.
pub(super) async fn run(mut socket: RepSocket) {
    loop {
        let sent = match socket.recv().await {
            Ok(beat) => socket.send(beat).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            after_error("heartbeat", &error).await;
        }
    }
}
