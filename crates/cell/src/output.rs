//! What a worker prints, cut into events.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use rt::Bundle;
use serde_json::Value;

use crate::event::{Event, StreamName};

/// Turns one stream's bytes into text, whatever the pieces in which they arrive.
#[derive(Debug)]
pub struct Decoder {
    name: StreamName,
    /// The beginning of a character whose end has not arrived.
    torn: Vec<u8>,
    /// Text held back because it may be the beginning of a marker.
    held: String,
    /// The last words of a dying worker, see `rt::fault`.
    pub fault: Option<String>,
}

/// How `evcxr_display` and libraries made for evcxr show rich content: between these lines on standard output.
const BEGIN: &str = "EVCXR_BEGIN_CONTENT ";
const END: &str = "EVCXR_END_CONTENT";

impl Decoder {
    /// For one stream.
    pub fn new(name: StreamName) -> Self {
        Self {
            name,
            torn: Vec::new(),
            held: String::new(),
            fault: None,
        }
    }

    /// Takes bytes and gives what can be shown of them. `place` names places in cells, see [`rename_places`].
    pub fn take(
        &mut self,
        bytes: &[u8],
        place: &dyn Fn(&str, usize, usize) -> Option<String>,
    ) -> Vec<Event> {
        let text = self.decode(bytes);
        self.held.push_str(&text);
        let mut events = Vec::new();
        match self.name {
            StreamName::Stdout => self.take_content(&mut events),
            StreamName::Stderr => self.take_fault(),
        }
        let ready = self.ready();
        let text: String = self.held.drain(..ready).collect();
        self.show(text, place, &mut events);
        events
    }

    /// Gives what is still held back: nothing more will come.
    pub fn finish(&mut self, place: &dyn Fn(&str, usize, usize) -> Option<String>) -> Vec<Event> {
        let mut events = Vec::new();
        let mut text = std::mem::take(&mut self.held);
        if !self.torn.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            self.torn.clear();
        }
        self.show(text, place, &mut events);
        events
    }

    fn show(
        &self,
        text: String,
        place: &dyn Fn(&str, usize, usize) -> Option<String>,
        events: &mut Vec<Event>,
    ) {
        if !text.is_empty() {
            let text = rename_places(&text, place);
            events.push(Event::Stream {
                name: self.name,
                text,
            });
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> String {
        self.torn.extend_from_slice(bytes);
        let mut out = String::new();
        let mut rest = std::mem::take(&mut self.torn);
        loop {
            match std::str::from_utf8(&rest) {
                Ok(text) => {
                    out.push_str(text);
                    return out;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    out.push_str(&String::from_utf8_lossy(good));
                    match error.error_len() {
                        None => {
                            self.torn = bad.to_vec();
                            return out;
                        }
                        Some(length) => {
                            out.push(char::REPLACEMENT_CHARACTER);
                            rest = bad[length..].to_vec();
                        }
                    }
                }
            }
        }
    }

    /// Takes complete blocks of rich content out of the text.
    fn take_content(&mut self, events: &mut Vec<Event>) {
        while let Some(begin) = self.held.find(BEGIN) {
            let Some(end) = self.held[begin..].find(END).map(|end| begin + end) else {
                return;
            };
            let before: String = self.held.drain(..begin).collect();
            if !before.is_empty() {
                events.push(Event::Stream {
                    name: self.name,
                    text: before,
                });
            }
            let block: String = self.held.drain(..end - begin + END.len()).collect();
            if self.held.starts_with('\n') {
                self.held.remove(0);
            }
            let block = &block[BEGIN.len()..block.len() - END.len()];
            if let Some((mime, content)) = block.split_once('\n') {
                let content =
                    Value::String(content.strip_suffix('\n').unwrap_or(content).to_string());
                let mut bundle = Bundle::default().with(mime.trim(), content);
                bundle
                    .data
                    .entry("text/plain".into())
                    .or_insert_with(|| Value::String(format!("<{}>", mime.trim())));
                events.push(Event::Display { bundle, id: None });
            }
        }
    }

    fn take_fault(&mut self) {
        if let Some(at) = self.held.find(rt::fault::MARK) {
            let line: String = self.held.drain(at..).collect();
            self.fault = Some(line[rt::fault::MARK.len()..].trim().to_string());
        }
    }

    /// How many bytes can be shown without cutting a marker in two.
    fn ready(&self) -> usize {
        let marker = match self.name {
            StreamName::Stdout => BEGIN,
            StreamName::Stderr => rt::fault::MARK,
        };
        if let Some(begin) = self.held.find(marker) {
            return begin;
        }
        let longest = marker.len().min(self.held.len());
        let partial = (1..=longest)
            .rev()
            .find(|length| self.held.ends_with(&marker[..*length]));
        self.held.len() - partial.unwrap_or(0)
    }
}

static PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(cell_[0-9a-f]{16}\.rs):(\d+):(\d+)").ok());

/// Replaces `cell_0123456789abcdef.rs:14:5`, as panics and `dbg!` print it, by the place in the learner's cell.
pub fn rename_places(text: &str, place: &dyn Fn(&str, usize, usize) -> Option<String>) -> String {
    let Some(pattern) = PLACE.as_ref().filter(|_| text.contains("cell_")) else {
        return text.to_string();
    };
    let renamed = pattern.replace_all(text, |found: &Captures<'_>| {
        let number = |index: usize| found[index].parse().unwrap_or(0);
        place(&found[1], number(2), number(3)).unwrap_or_else(|| found[0].to_string())
    });
    renamed.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nowhere(_: &str, _: usize, _: usize) -> Option<String> {
        None
    }

    fn text_of(events: &[Event]) -> String {
        events
            .iter()
            .map(|event| {
                if let Event::Stream { text, .. } = event {
                    text.as_str()
                } else {
                    ""
                }
            })
            .collect()
    }

    #[test]
    fn content_for_evcxr_becomes_a_display() {
        let mut decoder = Decoder::new(StreamName::Stdout);
        let mut events = decoder.take(b"before\nEVCXR_BEGIN_CONTENT text/html\n<b>", &nowhere);
        events.extend(decoder.take(b"x</b>\nEVCXR_END_CONTENT\nafter", &nowhere));
        assert_eq!(text_of(&events), "before\nafter");
        let html = events.iter().find_map(|event| {
            if let Event::Display { bundle, .. } = event {
                bundle.data.get("text/html")
            } else {
                None
            }
        });
        assert_eq!(html.unwrap(), "<b>x</b>");
    }

    #[test]
    fn places_are_named_after_cells() {
        let place = |file: &str, line, column| Some(format!("[{}]:{line}:{column}", &file[5..6]));
        assert_eq!(
            rename_places("at cell_0123456789abcdef.rs:14:5!", &place),
            "at [0]:14:5!"
        );
    }

    #[test]
    fn last_words_are_not_output() {
        let mut decoder = Decoder::new(StreamName::Stderr);
        let events = decoder.take(b"oops\n\x01cvstudy-fault:stack overflow\n", &nowhere);
        assert_eq!(text_of(&events), "oops\n");
        assert_eq!(decoder.fault.as_deref(), Some("stack overflow"));
    }

    proptest! {
        #[test]
        fn text_survives_any_cutting(text in "(\\PC|\r|\n|E|EVCXR_){0,40}", size in 1..5_usize) {
            let mut decoder = Decoder::new(StreamName::Stdout);
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                events.extend(decoder.take(piece, &nowhere));
            }
            events.extend(decoder.finish(&nowhere));
            prop_assert_eq!(text_of(&events), text);
        }
    }
}
