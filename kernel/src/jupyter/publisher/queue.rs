//! What waits for one subscriber: bounded, and where it has to be cut, with the place and the size of the cut.

use std::collections::VecDeque;
use std::sync::Arc;

use zeromq::ZmqMessage;

use super::super::message::Care;
use super::super::wire::Parent;

/// How much may wait, in bytes and in messages; then there is no room for more.
pub(super) const ROOM: (usize, usize) = (64 << 20, 50_000);

/// A subscriber that is so far behind, in bytes or messages, is given up.
const TOO_FAR: (usize, usize) = (4 * ROOM.0, 4 * ROOM.1);

/// A message for all who want it.
pub(in super::super) struct Broadcast {
    pub(in super::super) message: ZmqMessage,
    pub(in super::super) parent: Parent,
    pub(in super::super) care: Care,
}

impl Broadcast {
    fn size(&self) -> usize {
        self.message.iter().map(|frame| frame.len()).sum()
    }
}

/// What comes out of the queue.
pub(super) enum Next {
    Message(Arc<Broadcast>),
    Cut(Cut),
}

/// Output that was left out at this place.
pub(in super::super) struct Cut {
    /// The request whose output was left out first.
    pub(in super::super) parent: Parent,
    messages: usize,
    bytes: usize,
}

impl Cut {
    /// What the subscriber reads instead.
    pub(in super::super) fn note(&self) -> String {
        format!(
            "\nnote: nobody read here for a while, so {} messages of output ({:.1} MB) were left out.\n",
            self.messages,
            self.bytes as f64 / 1e6
        )
    }
}

/// Messages in the order in which they will be sent.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Next>,
    bytes: usize,
    /// Nobody waits, and output is left out, until the cut has been sent and half of the room is free again.
    lags: bool,
    has_cut: bool,
    /// Something has been taken and not been sent yet.
    sending: bool,
}

impl Queue {
    /// False while whoever sends more should wait a little.
    pub(super) fn has_room(&self) -> bool {
        self.lags || (self.bytes < ROOM.0 && self.waiting.len() < ROOM.1)
    }

    /// Nobody waits for this subscriber any more, until it has caught up.
    pub(super) fn stop_waiting(&mut self) {
        self.lags = true;
    }

    /// Puts a message at the end, or adds it to what is left out. False when the subscriber is to be given up.
    pub(super) fn push(&mut self, broadcast: &Arc<Broadcast>) -> bool {
        if broadcast.care == Care::Output && self.lags {
            self.leave_out(broadcast);
            return true;
        }
        self.bytes += broadcast.size();
        self.waiting.push_back(Next::Message(broadcast.clone()));
        self.bytes <= TOO_FAR.0 && self.waiting.len() <= TOO_FAR.1
    }

    fn leave_out(&mut self, broadcast: &Broadcast) {
        let last_cut = self.waiting.iter_mut().rev().find_map(|next| match next {
            Next::Cut(cut) => Some(cut),
            Next::Message(_) => None,
        });
        if let Some(cut) = last_cut {
            cut.messages += 1;
            cut.bytes += broadcast.size();
        } else {
            self.has_cut = true;
            self.waiting.push_back(Next::Cut(Cut {
                parent: broadcast.parent.clone(),
                messages: 1,
                bytes: broadcast.size(),
            }));
        }
    }

    /// Takes what is to be sent next.
    pub(super) fn pop(&mut self) -> Option<Next> {
        let next = self.waiting.pop_front()?;
        match &next {
            Next::Message(broadcast) => self.bytes -= broadcast.size(),
            Next::Cut(_) => self.has_cut = false,
        }
        if self.bytes <= ROOM.0 / 2 && self.waiting.len() <= ROOM.1 / 2 && !self.has_cut {
            self.lags = false;
        }
        self.sending = true;
        Some(next)
    }

    /// What has been taken is sent.
    pub(super) fn sent(&mut self) {
        self.sending = false;
    }

    /// Whether nothing waits and nothing is being sent.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.sending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broadcast(size: usize, care: Care) -> Arc<Broadcast> {
        Arc::new(Broadcast {
            message: vec![0; size].into(),
            parent: Parent::default(),
            care,
        })
    }

    /// Everything in the queue: sizes of messages, and of cuts below zero.
    fn drain(queue: &mut Queue) -> Vec<isize> {
        std::iter::from_fn(|| queue.pop())
            .map(|next| match next {
                Next::Message(broadcast) => broadcast.size() as isize,
                Next::Cut(cut) => -(cut.bytes as isize),
            })
            .collect()
    }

    #[test]
    fn output_is_cut_where_the_room_ends_and_all_else_is_kept() {
        let mut queue = Queue::default();
        assert!(queue.has_room());
        assert!(queue.push(&broadcast(ROOM.0, Care::Output)));
        assert!(!queue.has_room());
        queue.stop_waiting();
        assert!(queue.has_room(), "nobody waits any more");
        let (output, comm, status) = (Care::Output, Care::Patient, Care::Always);
        for (size, care) in [
            (5, output),
            (7, output),
            (3, status),
            (2, comm),
            (9, output),
        ] {
            assert!(queue.push(&broadcast(size, care)));
        }
        assert_eq!(drain(&mut queue), [ROOM.0 as isize, -21, 3, 2]);
        assert!(queue.push(&broadcast(4, Care::Output)));
        assert_eq!(drain(&mut queue), [4], "it has caught up");
    }

    #[test]
    fn many_small_messages_fill_the_room_too() {
        let mut queue = Queue::default();
        let small = broadcast(1, Care::Patient);
        for _ in 0..ROOM.1 {
            assert!(queue.has_room() && queue.push(&small));
        }
        assert!(!queue.has_room());
        queue.pop();
        assert!(queue.has_room());
    }

    #[test]
    fn who_is_too_far_behind_is_given_up() {
        let mut queue = Queue::default();
        let large = broadcast(ROOM.0, Care::Always);
        assert!((0..4).all(|_| queue.push(&large)));
        assert!(!queue.push(&large));
    }

    #[test]
    fn it_is_done_when_the_last_message_is_sent() {
        let mut queue = Queue::default();
        assert!(queue.is_done());
        queue.push(&broadcast(1, Care::Output));
        queue.pop();
        assert!(!queue.is_done());
        queue.sent();
        assert!(queue.is_done());
    }
}
