//! What a progress bar says at one moment, as a line of text and as HTML.

use std::time::Duration;

use rt::display::escape;
use rt::{Bundle, Show};

/// How far a loop has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) done: usize,
    /// `None` if nobody knows.
    pub(crate) total: Option<usize>,
    pub(crate) elapsed: Duration,
    pub(crate) note: String,
    pub(crate) state: State,
}

/// Whether a loop goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum State {
    #[default]
    Running,
    Finished,
    /// Left before its end.
    Stopped,
}

/// The characters of a bar in a line of text.
const CELLS: usize = 20;
/// The longest line of text: the width of the narrowest usual terminal, without its last column.
const LONGEST: usize = 79;
/// The colours of a bar that runs, has finished, was stopped: blue, green and vermillion of the charts' palette.
const COLOURS: [&str; 3] = ["#0072B2", "#009E73", "#D55E00"];

impl Bar {
    /// How much is done, 0-1; `None` if nobody knows.
    fn part(&self) -> Option<f64> {
        let total = self.total?;
        // Nothing to do is done.
        let part = if total == 0 {
            1.0
        } else {
            self.done as f64 / total as f64
        };
        Some(part.min(1.0))
    }

    /// All but label and bar: "45/100 (45%), 0:12, 0:15 left, 3.7/s, loss 0.31".
    fn words(&self) -> String {
        let mut words = match (self.total, self.part()) {
            (Some(total), Some(part)) => vec![format!(
                "{}/{total} ({:.0}%)",
                self.done,
                // 100 only when all is done.
                (part * 100.0).floor()
            )],
            _ => vec![self.done.to_string()],
        };
        words.push(clock(self.elapsed));
        words.extend(self.left().map(|left| format!("{} left", clock(left))));
        words.extend(self.speed());
        if self.state == State::Stopped {
            words.push("stopped".into());
        }
        if !self.note.is_empty() {
            words.push(self.note.clone());
        }
        words.join(", ")
    }

    /// The time that the rest will take at the mean speed so far.
    fn left(&self) -> Option<Duration> {
        let rest = self.total?.checked_sub(self.done)?;
        if self.state != State::Running || self.done == 0 || rest == 0 {
            return None;
        }
        let seconds = self.elapsed.as_secs_f64() / self.done as f64 * rest as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// Rounds a second, or the seconds of a round where that says more.
    fn speed(&self) -> Option<String> {
        let seconds = self.elapsed.as_secs_f64();
        let speed = self.done as f64 / seconds;
        match speed {
            _ if self.done == 0 || seconds < 0.05 => None,
            speed if speed < 0.5 => Some(format!("{:.1} s each", 1.0 / speed)),
            speed if speed < 10.0 => Some(format!("{speed:.1}/s")),
            speed => Some(format!("{speed:.0}/s")),
        }
    }

    /// The bar as one line of at most 79 characters.
    pub(crate) fn line(&self) -> String {
        let bar = self.part().map(|part| {
            let full = (part * CELLS as f64) as usize;
            format!("{}{}", "█".repeat(full), "░".repeat(CELLS - full))
        });
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        let parts: Vec<_> = [label, bar, Some(self.words())]
            .into_iter()
            .flatten()
            .collect();
        let line = parts.join(" ");
        let line: String = line
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if line.chars().count() <= LONGEST {
            return line;
        }
        let start: String = line.chars().take(LONGEST - 1).collect();
        format!("{start}…")
    }

    fn html(&self) -> String {
        let colour = COLOURS[self.state as usize];
        let label = escape(&self.label);
        let words = escape(&self.words());
        let bar = match (self.part(), self.total) {
            (Some(part), Some(total)) => format!(
                r#"<div role="progressbar" aria-label="{label}" aria-valuemin="0" aria-valuemax="{total}" aria-valuenow="{done}" style="flex:0 0 220px;height:8px;border-radius:4px;overflow:hidden;background:rgba(128,128,128,.3)"><div style="width:{percent:.1}%;height:100%;background:{colour}"></div></div>"#,
                done = self.done.min(total),
                percent = part * 100.0
            ),
            _ => String::new(),
        };
        let label = match label.as_str() {
            "" => String::new(),
            label => format!("<span>{label}</span>"),
        };
        format!(
            r#"<div style="display:flex;flex-wrap:wrap;align-items:center;gap:2px 10px;padding:2px 0;font:13px var(--jp-ui-font-family,sans-serif);font-variant-numeric:tabular-nums">{label}{bar}<span>{words}</span></div>"#
        )
    }
}

impl Show for Bar {
    fn show(&self) -> Bundle {
        Bundle::html(self.html(), self.line())
    }
}

/// A time as on a clock, "1:05" or "2:00:09"; under ten seconds with a tenth, "3.2 s".
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!(
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bar() -> Bar {
        Bar {
            label: "training".into(),
            done: 45,
            total: Some(100),
            elapsed: Duration::from_secs(12),
            note: "loss 0.31".into(),
            state: State::Running,
        }
    }

    #[test]
    fn a_line_says_how_far_and_how_long() {
        assert_eq!(
            bar().line(),
            "training █████████░░░░░░░░░░░ 45/100 (45%), 0:12, 0:14 left, 3.8/s, loss 0.31"
        );
        let unknown = Bar {
            total: None,
            label: String::new(),
            ..bar()
        };
        assert_eq!(unknown.line(), "45, 0:12, 3.8/s, loss 0.31");
        let slow = Bar {
            done: 2,
            elapsed: Duration::from_secs(3600),
            ..unknown
        };
        assert_eq!(slow.line(), "2, 1:00:00, 1800.0 s each, loss 0.31");
    }

    #[test]
    fn a_hundred_percent_means_all_of_it() {
        let almost = Bar {
            done: 9_999,
            total: Some(10_000),
            ..bar()
        };
        assert!(almost.line().contains("(99%)"));
        let nothing = Bar {
            done: 0,
            total: Some(0),
            ..bar()
        };
        assert!(nothing.line().contains("0/0 (100%)"));
        let more = Bar { done: 101, ..bar() };
        assert!(
            more.line().contains("101/100 (100%)")
                && more.html().contains(r#"aria-valuenow="100""#)
        );
    }

    #[test]
    fn the_colour_says_how_it_ended() {
        let html = |state| Bar { state, ..bar() }.html();
        assert!(html(State::Finished).contains("#009E73"));
        assert!(
            html(State::Stopped).contains("#D55E00") && html(State::Stopped).contains("stopped")
        );
    }

    #[test]
    fn words_cannot_become_markup() {
        let bundle = Bar {
            label: "<b>".into(),
            note: "<i>\n".into(),
            ..bar()
        }
        .show();
        let html = bundle.data["text/html"].as_str().unwrap();
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>") && !html.contains("<i>"));
        assert!(!bundle.plain().contains('\n'));
    }

    proptest! {
        #[test]
        fn every_state_fits_a_line(
            label in ".{0,100}",
            note in ".{0,100}",
            done: usize,
            total: Option<usize>,
            elapsed in (any::<u64>(), 0..1_000_000_000u32),
        ) {
            let elapsed = Duration::new(elapsed.0, elapsed.1);
            let bar = Bar { label, done, total, elapsed, note, state: State::Running };
            prop_assert!(bar.line().chars().count() <= LONGEST);
            prop_assert!(!bar.html().contains("NaN"));
        }
    }
}
