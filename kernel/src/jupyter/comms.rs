//! Which comms are open, as far as both sides have said.

use std::collections::BTreeMap;

use rt::frame::{CommKind, CommMessage};
use serde_json::{Map, Value, json};

/// The comms that are open, by name, each with its target.
#[derive(Debug, Default)]
pub(super) struct Comms(BTreeMap<String, String>);

impl Comms {
    /// Takes note of a message in either direction.
    pub(super) fn note(&mut self, message: &CommMessage) {
        match message.kind {
            CommKind::Open => {
                self.0
                    .insert(message.comm_id.clone(), message.target_name.clone());
            }
            CommKind::Close => drop(self.0.remove(&message.comm_id)),
            CommKind::Message => {}
        }
    }

    /// Those of a target, or all, as `comm_info_reply` lists them.
    pub(super) fn of(&self, target: Option<&str>) -> Map<String, Value> {
        let target = target.filter(|target| !target.is_empty());
        self.0
            .iter()
            .filter(|(_, own)| target.is_none_or(|target| target == own.as_str()))
            .map(|(id, own)| (id.clone(), json!({ "target_name": own })))
            .collect()
    }

    /// Forgets all, and says which there were: their other end is gone.
    pub(super) fn clear(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0).into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comms_are_listed_by_target_until_they_close() {
        let told = |kind, id: &str, target: &str| CommMessage {
            kind,
            comm_id: id.into(),
            target_name: target.into(),
            ..CommMessage::default()
        };
        let mut comms = Comms::default();
        comms.note(&told(CommKind::Open, "a", "slider"));
        comms.note(&told(CommKind::Open, "b", "button"));
        comms.note(&told(CommKind::Message, "a", ""));
        assert_eq!(
            json!(comms.of(Some("slider"))),
            json!({"a": {"target_name": "slider"}})
        );
        assert_eq!(comms.of(None).len(), 2);
        comms.note(&told(CommKind::Close, "a", ""));
        assert_eq!(comms.of(Some("")).len(), 1);
        assert_eq!(comms.clear(), ["b"]);
        assert!(comms.of(None).is_empty());
    }
}
