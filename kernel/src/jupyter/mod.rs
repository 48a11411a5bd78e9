//! The Jupyter front end: the engine behind the messaging protocol 5.4, over ZeroMQ.
//!
//! | file | what is in it |
//! |---|---|
//! | `connection` | the connection file |
//! | `listener`, `gate` | where front ends connect, and what is not let in |
//! | `wire` | frames, signatures, headers |
//! | `message` | contents, one type a message |
//! | `reply` | replies, and the rule busy, answer, idle |
//! | `shell`, `control`, `stdin`, `heartbeat`, `iopub` | one channel each |
//! | `publisher` | the socket of `iopub`, with a queue for each subscriber |
//! | `cells`, `comms` | the queue of cells, and the thread that runs them and hands comms over |
//! | `outlets` | what a cell says, as messages |
//! | `history` | what was executed |
//! | `language` | completion and inspection |
//!
//! The channels are tasks on one thread and never wait for a cell; cells run on another, which
//! may wait for the channels. A message that cannot be read is logged and dropped.

mod cells;
mod comms;
mod connection;
mod control;
mod gate;
mod heartbeat;
mod history;
mod iopub;
mod language;
mod listener;
mod message;
mod outlets;
mod publisher;
mod reply;
mod shell;
mod stdin;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::{Instant, interval, sleep, timeout};
use zeromq::{RepSocket, RouterSocket, Socket};

use cells::Cells;
use connection::{Channel, Connection};
use control::Control;
use iopub::Iopub;
use language::Language;
use message::{ExecutionState, InterruptReply, ShutdownReply, Status};
use reply::Replies;
use shell::Shell;
use stdin::Stdin;
use wire::{Parent, Session};

/// How long a running cell may take to stop when the kernel ends.
const GRACE: Duration = Duration::from_millis(1200);

/// A socket's last messages are queued, not sent, when `send` returns: they get this long to leave, at least and
/// at most.
const LINGER: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];

/// Serves one front end until it asks for shutdown, is gone, or the process is told to end.
///
/// # Errors
/// When the connection file is unusable or a socket cannot be opened.
pub(crate) fn serve(connection_file: &Path) -> Result<()> {
    let connection = Connection::read(connection_file)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        connection.remove_stale_files();
        let (kernel, cells) = open(&connection).await?;
        tracing::info!(?connection, "ready");
        kernel.until_the_end().await;
        kernel.close(cells).await;
        connection.remove_files();
        anyhow::Ok(())
    });
    runtime.shutdown_background();
    outcome
}

/// What all channels share.
struct Kernel {
    session: Arc<Session>,
    iopub: Iopub,
    cells: Cells,
    language: Language,
    end: Notify,
}

/// Opens the five sockets and starts what serves them.
async fn open(connection: &Connection) -> Result<(Arc<Kernel>, JoinHandle<()>)> {
    let session = Arc::new(Session::new(&connection.key));
    let heartbeat: RepSocket = bind(connection, Channel::Heartbeat).await?;
    let stdin: RouterSocket = bind(connection, Channel::Stdin).await?;
    let control: RouterSocket = bind(connection, Channel::Control).await?;
    let shell: RouterSocket = bind(connection, Channel::Shell).await?;

    let endpoint = connection.endpoint(Channel::IoPub);
    let iopub = Iopub::open(&endpoint, session.clone())
        .await
        .with_context(|| cannot_open(Channel::IoPub, &endpoint))?;
    connection.keep_files_from_others();
    iopub
        .status(&Parent::default(), ExecutionState::Starting, false)
        .await;
    let (stdin, cancel) = Stdin::start(stdin, session.clone());
    let (shell_replies, shell) = shell.split();
    let (control_replies, control) = control.split();
    let shell_replies = Replies::new(shell_replies, session.clone());
    let control_replies = Replies::new(control_replies, session.clone());
    let language = Language::start();
    let (cells, thread) = Cells::start(
        shell_replies.clone(),
        iopub.clone(),
        stdin,
        cancel,
        language.clone(),
    )?;

    let kernel = Arc::new(Kernel {
        session,
        iopub,
        cells,
        language,
        end: Notify::new(),
    });
    tokio::spawn(heartbeat::run(heartbeat));
    tokio::spawn(
        Shell {
            socket: shell,
            replies: shell_replies,
            kernel: kernel.clone(),
        }
        .run(),
    );
    tokio::spawn(
        Control {
            socket: control,
            replies: control_replies,
            kernel: kernel.clone(),
        }
        .run(),
    );
    Ok((kernel, thread))
}

async fn bind<S: Socket>(connection: &Connection, channel: Channel) -> Result<S> {
    let endpoint = connection.endpoint(channel);
    gate::open(&endpoint)
        .await
        .with_context(|| cannot_open(channel, &endpoint))
}

fn cannot_open(channel: Channel, endpoint: &str) -> String {
    format!(
        "cannot open the {channel:?} channel at {endpoint}: is another kernel using this connection file?"
    )
}

impl Kernel {
    async fn interrupt(&self, replies: &Replies, parent: &Parent) {
        self.cells.interrupt();
        replies
            .send(parent, &InterruptReply { status: Status::Ok })
            .await;
    }

    /// The reply goes out first, and to everybody; then the kernel ends. Whoever asked for a
    /// restart starts the next one.
    async fn shut_down(&self, replies: &Replies, parent: &Parent, restart: bool) {
        let reply = ShutdownReply {
            status: Status::Ok,
            restart,
        };
        replies.send(parent, &reply).await;
        self.iopub.send(parent, &reply).await;
        self.end.notify_one();
    }

    async fn until_the_end(&self) {
        let mut terminate = signal(SignalKind::terminate()).ok();
        let mut interrupt = signal(SignalKind::interrupt()).ok();
        let gone = front_end_gone();
        tokio::pin!(gone);
        loop {
            tokio::select! {
                () = self.end.notified() => return,
                () = &mut gone => return,
                Some(()) = received(&mut terminate) => return,
                Some(()) = received(&mut interrupt) => self.cells.interrupt(),
            }
        }
    }

    /// Stops the running cell, the engine and its helper, and lets the last messages leave.
    async fn close(&self, cells: JoinHandle<()>) {
        self.cells.stop();
        self.language.end();
        let deadline = Instant::now() + GRACE;
        while !cells.is_finished() && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
        let [least, most] = LINGER;
        let _ = tokio::join!(timeout(most, self.iopub.drain()), sleep(least));
    }
}

async fn received(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    signal.as_mut()?.recv().await
}

/// Returns when the process that started the kernel has died, if it asked to be watched.
async fn front_end_gone() {
    if std::env::var_os("JPY_PARENT_PID").is_none() {
        return std::future::pending().await;
    }
    let parent = std::os::unix::process::parent_id();
    let mut beat = interval(Duration::from_secs(1));
    while std::os::unix::process::parent_id() == parent {
        beat.tick().await;
    }
}

/// A failing socket is no reason to end, nor to spin.
async fn after_error(channel: &str, error: &impl std::error::Error) {
    tracing::warn!(channel, %error, "socket");
    sleep(Duration::from_millis(10)).await;
}
