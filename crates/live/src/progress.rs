//! [`progress`]: a bar that shows how far a loop has come.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use rt::Bundle;

use crate::Live;
use crate::bar::{Bar, State};
use crate::pace::Pace;

/// Runs through `items` with a bar that shows how many are done, how long it took and how long it will take.
///
/// ```
/// # use live::progress;
/// let mut sum = 0;
/// for i in progress(0..100).label("adding") {
///     sum += i;
/// }
/// assert_eq!(sum, 4950);
/// ```
///
/// In a notebook the bar is below the cell; in a terminal it is one line that changes; where neither is, one line
/// is printed at the end. Drawn at most ten times a second, it costs a loop next to nothing. A cell can be
/// interrupted between two items.
pub fn progress<I: IntoIterator>(items: I) -> Progress<I::IntoIter> {
    let items = items.into_iter();
    // A lower bound alone would promise too much.
    let total = match items.size_hint() {
        (least, Some(most)) if least == most => Some(most),
        _ => None,
    };
    Progress {
        items,
        bar: ProgressBar::with_total(total),
        started: false,
    }
}

/// An iterator that shows how far it has come: see [`progress`].
#[derive(Debug)]
pub struct Progress<I> {
    items: I,
    bar: ProgressBar,
    /// Whether an item is being worked on.
    started: bool,
}

impl<I> Progress<I> {
    /// What is going on, before the bar.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.bar = self.bar.label(label);
        self
    }

    /// How many items there will be, where the iterator does not know.
    pub fn total(mut self, total: usize) -> Self {
        self.bar.total = Some(total);
        self
    }

    /// Whether the bar stays when the loop has ended. For a loop inside of a loop it better goes.
    pub fn leave(mut self, stays: bool) -> Self {
        self.bar = self.bar.leave(stays);
        self
    }

    /// A few words behind the numbers, for example the loss. For this the loop is written
    /// `while let Some(item) = bar.next()`.
    pub fn note(&mut self, note: impl Into<String>) {
        self.bar.note(note);
    }
}

impl<I: Iterator> Iterator for Progress<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        rt::checkpoint();
        // Asking for the next item means that the one before is done.
        self.bar.advance(usize::from(self.started));
        let item = self.items.next();
        self.started = item.is_some();
        if item.is_none() {
            self.bar.end(State::Finished);
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Progress<I> {}

/// A bar that is moved by hand, where there is no iterator.
///
/// ```
/// # use live::ProgressBar;
/// let mut bar = ProgressBar::new(1000).label("downloading");
/// for chunk in [400, 600] {
///     bar.advance(chunk);
///     bar.note(format!("{chunk} bytes"));
/// }
/// bar.finish();
/// ```
///
/// A bar that is dropped before its end says that it was stopped there. One that has ended moves no more.
#[derive(Debug)]
pub struct ProgressBar {
    label: String,
    note: String,
    done: usize,
    total: Option<usize>,
    since: Option<Instant>,
    place: Place,
    stays: bool,
    ended: bool,
}

/// Where a bar is drawn.
#[derive(Debug)]
enum Place {
    Notebook(Live),
    Terminal(Pace),
    /// Neither: one line at the end.
    Log,
}

impl Place {
    fn here() -> Self {
        if rt::in_notebook() {
            Self::Notebook(Live::new())
        } else if std::io::stdout().is_terminal() {
            Self::Terminal(Pace::default())
        } else {
            Self::Log
        }
    }
}

impl ProgressBar {
    /// A bar for `total` steps.
    pub fn new(total: usize) -> Self {
        Self::with_total(Some(total))
    }

    /// A count without a bar, where nobody knows how many steps there will be.
    pub fn counter() -> Self {
        Self::with_total(None)
    }

    fn with_total(total: Option<usize>) -> Self {
        Self {
            label: String::new(),
            note: String::new(),
            done: 0,
            total,
            since: None,
            place: Place::here(),
            stays: true,
            ended: false,
        }
    }

    /// What is going on, before the bar.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Whether the bar stays when it has ended.
    pub fn leave(mut self, stays: bool) -> Self {
        self.stays = stays;
        self
    }

    /// A few words behind the numbers, shown with the next step.
    pub fn note(&mut self, note: impl Into<String>) {
        self.note = note.into();
    }

    /// Moves the bar by `steps`. Where the total is reached, the bar has ended.
    pub fn advance(&mut self, steps: usize) {
        self.done = self.done.saturating_add(steps);
        self.since.get_or_insert_with(Instant::now);
        if steps > 0 && self.total.is_some_and(|total| self.done >= total) {
            self.end(State::Finished);
        } else if !self.ended {
            self.draw(State::Running);
        }
    }

    /// Moves the bar to where `done` steps are done.
    pub fn set(&mut self, done: usize) {
        self.done = 0;
        self.advance(done);
    }

    /// How many steps are done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Ends the bar.
    pub fn finish(mut self) {
        self.end(State::Finished);
    }

    fn end(&mut self, state: State) {
        if !std::mem::replace(&mut self.ended, true) {
            self.draw(state);
        }
    }

    fn draw(&mut self, state: State) {
        let ended = state != State::Running;
        let is_due = match &mut self.place {
            Place::Notebook(_) => true, // keeps the pace itself
            Place::Terminal(pace) => ended || pace.is_due(Instant::now()),
            Place::Log => ended && self.stays,
        };
        if !is_due {
            return;
        }
        let bar = self.bar(state);
        match &mut self.place {
            Place::Notebook(live) if !ended => live.show(&bar),
            Place::Notebook(live) if self.stays => live.show_now(&bar),
            Place::Notebook(live) => live.show_now(&Bundle::html("", "")),
            Place::Terminal(_) => print(&over_the_line(&bar, self.stays)),
            Place::Log => print(&format!("{}\n", bar.line())),
        }
    }

    fn bar(&self, state: State) -> Bar {
        Bar {
            label: self.label.clone(),
            done: self.done,
            total: self.total,
            elapsed: self.since.map(|since| since.elapsed()).unwrap_or_default(),
            note: self.note.clone(),
            state,
        }
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        // A bar that never moved has nothing to say.
        if self.since.is_some() {
            self.end(State::Stopped);
        }
    }
}

/// A bar as a terminal takes it: over what stands in its line, and of that nothing is left.
fn over_the_line(bar: &Bar, stays: bool) -> String {
    match bar.state {
        State::Running => format!("\r{}\x1b[K", bar.line()),
        State::Finished | State::Stopped if stays => format!("\r{}\x1b[K\n", bar.line()),
        State::Finished | State::Stopped => "\r\x1b[K".into(),
    }
}

/// Prints and shows it at once. A closed output is no reason to stop the work that is being watched.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_items_come_through_in_order() {
        let bar = progress(vec![3, 1, 2]).label("three").leave(false);
        assert_eq!((bar.len(), bar.bar.total), (3, Some(3)));
        assert_eq!(bar.collect::<Vec<_>>(), [3, 1, 2]);
    }

    #[test]
    fn a_total_is_known_or_given_or_unknown() {
        let odd = || (0..10).filter(|i| i % 2 == 1);
        assert_eq!(progress(odd()).bar.total, None);
        assert_eq!(progress(odd()).total(5).bar.total, Some(5));
    }

    #[test]
    fn an_item_is_done_when_the_next_is_asked_for() {
        let mut bar = progress(0..2).leave(false);
        let mut done = Vec::new();
        while bar.next().is_some() {
            bar.note("working");
            done.push(bar.bar.done);
        }
        assert_eq!((done, bar.bar.done), (vec![0, 1], 2));
        assert!(bar.bar.ended && bar.next().is_none());
        assert_eq!(bar.bar.done, 2);
    }

    #[test]
    fn in_a_terminal_a_bar_is_one_line() {
        let bar = |state| Bar {
            done: 1,
            total: Some(2),
            state,
            ..Bar::default()
        };
        let running = over_the_line(&bar(State::Running), false);
        assert_eq!(
            running,
            "\r██████████░░░░░░░░░░ 1/2 (50%), 0.0 s, 0.0 s left\x1b[K"
        );
        let ended = over_the_line(&bar(State::Finished), true);
        assert_eq!(ended, "\r██████████░░░░░░░░░░ 1/2 (50%), 0.0 s\x1b[K\n");
        assert_eq!(over_the_line(&bar(State::Stopped), false), "\r\x1b[K");
    }

    #[test]
    fn a_bar_is_moved_by_hand() {
        let mut bar = ProgressBar::new(10).leave(false);
        bar.advance(3);
        bar.set(7);
        bar.advance(usize::MAX);
        assert_eq!(bar.done, usize::MAX);
        bar.finish();
    }
}
