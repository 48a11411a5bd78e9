//! The connection file: where the sockets are to stand and what signs the messages.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The five channels of a kernel, in the order of [`Connection::ports`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// Requests and their replies.
    Shell,
    /// Requests that must not wait: interrupt, shutdown.
    Control,
    /// Everything a kernel broadcasts.
    IoPub,
    /// The kernel's questions to the learner.
    Stdin,
    /// Bytes that come back as they went.
    Heartbeat,
}

/// A connection file as a front end writes it.
#[derive(Clone, Deserialize)]
pub(super) struct Connection {
    #[serde(default = "tcp")]
    transport: String,
    ip: String,
    shell_port: u16,
    control_port: u16,
    iopub_port: u16,
    stdin_port: u16,
    hb_port: u16,
    /// What signs the messages; empty means unsigned.
    #[serde(default)]
    pub(super) key: String,
    #[serde(default = "hmac_sha256")]
    signature_scheme: String,
}

fn tcp() -> String {
    "tcp".into()
}

fn hmac_sha256() -> String {
    "hmac-sha256".into()
}

/// Shows no more than where the kernel listens: the key stays out of every log.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.endpoint(Channel::Shell))
    }
}

impl Connection {
    /// Reads and checks a connection file. One that others could read becomes its owner's alone: whoever has the
    /// key can run code.
    ///
    /// # Errors
    /// When the file cannot be read, is no connection file, asks for an unknown signature, or for
    /// sockets that other machines could reach.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path)
            .with_context(|| format!("cannot read the connection file {}", path.display()))?;
        let connection: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a connection file", path.display()))?;
        connection
            .check()
            .with_context(|| format!("the connection file {} cannot be served", path.display()))?;
        keep_from_others(path);
        Ok(connection)
    }

    fn check(&self) -> Result<()> {
        if self.signature_scheme != "hmac-sha256" {
            bail!(
                "it asks for messages signed with {}, and this kernel knows only hmac-sha256",
                self.signature_scheme
            );
        }
        match self.transport.as_str() {
            "ipc" => Ok(()),
            "tcp" if self.is_loopback() => Ok(()),
            "tcp" => bail!(
                "it asks the kernel to listen on {}, where other machines could run code: \
                 use 127.0.0.1, or ipc",
                self.ip
            ),
            other => bail!("it asks for the transport {other}: use tcp or ipc"),
        }
    }

    fn is_loopback(&self) -> bool {
        self.ip == "localhost" || self.ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Removes the files of sockets over ipc that nobody listens at: a kernel that was killed leaves them, and they
    /// would be in the way of the next.
    pub(super) fn remove_stale_files(&self) {
        self.files()
            .filter(|file| UnixStream::connect(file).is_err())
            .for_each(|file| drop(fs::remove_file(file)));
    }

    /// Removes the files of this kernel's sockets over ipc.
    pub(super) fn remove_files(&self) {
        self.files().for_each(|file| drop(fs::remove_file(file)));
    }

    /// Nobody else connects to sockets over ipc.
    pub(super) fn keep_files_from_others(&self) {
        self.files().for_each(|file| keep_from_others(&file));
    }

    /// Sockets in the file system; over tcp there are none.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let ports = self.ports().into_iter();
        ports
            .filter(|_| self.transport == "ipc")
            .map(|port| PathBuf::from(format!("{}-{port}", self.ip)))
            .filter(|path| {
                fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
            })
    }

    fn ports(&self) -> [u16; 5] {
        [
            self.shell_port,
            self.control_port,
            self.iopub_port,
            self.stdin_port,
            self.hb_port,
        ]
    }

    /// Where a channel's socket is to stand, as ZeroMQ writes it.
    pub(super) fn endpoint(&self, channel: Channel) -> String {
        let port = self.ports()[channel as usize];
        match self.transport.as_str() {
            "ipc" => format!("ipc://{}-{port}", self.ip),
            _ if self.ip.contains(':') => format!("tcp://[{}]:{port}", self.ip),
            _ => format!("tcp://{}:{port}", self.ip),
        }
    }
}

fn keep_from_others(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & 0o077 == 0 {
        return;
    }
    if let Err(error) = fs::set_permissions(path, PermissionsExt::from_mode(0o600)) {
        tracing::warn!(%error, "{} stays open to others", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(transport: &str, ip: &str) -> Connection {
        serde_json::from_value(serde_json::json!({
            "transport": transport, "ip": ip, "key": "secret", "signature_scheme": "hmac-sha256",
            "shell_port": 1, "control_port": 2, "iopub_port": 3, "stdin_port": 4, "hb_port": 5,
            "kernel_name": "cvstudy", "a_field_of_tomorrow": {},
        }))
        .unwrap()
    }

    #[test]
    fn endpoints_are_written_as_jupyter_writes_them() {
        assert_eq!(
            connection("tcp", "127.0.0.1").endpoint(Channel::IoPub),
            "tcp://127.0.0.1:3"
        );
        assert_eq!(
            connection("tcp", "::1").endpoint(Channel::Shell),
            "tcp://[::1]:1"
        );
        assert_eq!(
            connection("ipc", "/run/k").endpoint(Channel::Heartbeat),
            "ipc:///run/k-5"
        );
    }

    #[test]
    fn only_this_machine_can_connect() {
        for ip in ["127.0.0.1", "localhost", "::1"] {
            assert!(connection("tcp", ip).check().is_ok(), "{ip}");
        }
        for ip in ["0.0.0.0", "192.168.0.7", "::", "*", "example.org"] {
            assert!(connection("tcp", ip).check().is_err(), "{ip}");
        }
    }

    #[test]
    fn the_key_is_never_shown() {
        assert!(!format!("{:?}", connection("tcp", "127.0.0.1")).contains("secret"));
    }
}
