//! Choices: one of several, yes or no, a line of text.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control::{Control, Widget, shown_as_widget};

/// A list that opens, of which one entry is chosen; make one with [`dropdown`]. Clones are the same list.
#[derive(Clone)]
pub struct Dropdown<T> {
    widget: Widget,
    options: Arc<[T]>,
}

shown_as_widget!(Dropdown<T>);

/// A list of options, shown as their `Display` form: `dropdown(["sgd", "adam"])`. The first is chosen.
///
/// # Panics
/// Without options: there would be no value.
pub fn dropdown<T: ToString>(options: impl IntoIterator<Item = T>) -> Dropdown<T> {
    let options: Arc<[T]> = options.into_iter().collect();
    assert!(
        !options.is_empty(),
        "a dropdown needs at least one option to choose"
    );
    let labels: Vec<String> = options.iter().map(ToString::to_string).collect();
    Dropdown {
        widget: Widget::new("Dropdown", json!({ "_options_labels": labels, "index": 0 })),
        options,
    }
}

impl<T> Dropdown<T> {
    /// Writes `label` before the list.
    pub fn label(self, label: &str) -> Self {
        self.widget.model.set("description", label.into());
        self
    }

    /// Chooses the option at `index`, counted from 0; the last when there are fewer.
    pub fn at(self, index: usize) -> Self {
        let index = index.min(self.options.len() - 1);
        self.widget.model.set("index", index.into());
        self
    }
}

impl<T: Clone + Send + Sync + 'static> Control for Dropdown<T> {
    type Value = T;

    fn value(&self) -> T {
        let index = self.widget.model.get("index").as_u64().unwrap_or_default() as usize;
        self.options[index.min(self.options.len() - 1)].clone()
    }
}

/// A box with or without a tick; make one with [`checkbox`]. Clones are the same box.
#[derive(Clone)]
pub struct Checkbox {
    widget: Widget,
}

shown_as_widget!(Checkbox);

/// A box beside its label, ticked or not.
pub fn checkbox(label: &str, ticked: bool) -> Checkbox {
    let state = json!({ "description": label, "value": ticked, "indent": false });
    Checkbox {
        widget: Widget::new("Checkbox", state),
    }
}

impl Control for Checkbox {
    type Value = bool;

    fn value(&self) -> bool {
        self.widget.model.get("value") == Value::Bool(true)
    }
}

/// A line of text; make one with [`text_field`]. Clones are the same field.
#[derive(Clone)]
pub struct TextField {
    widget: Widget,
}

shown_as_widget!(TextField);

/// A field for a line of text, with its label and what stands in it at first. It has a new value when Enter is
/// pressed or the field is left.
pub fn text_field(label: &str, text: &str) -> TextField {
    let state = json!({ "description": label, "value": text, "continuous_update": false });
    TextField {
        widget: Widget::new("Text", state),
    }
}

impl Control for TextField {
    type Value = String;

    fn value(&self) -> String {
        self.widget
            .model
            .get("value")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::hear;

    #[test]
    fn a_dropdown_gives_the_option_itself() {
        let side = dropdown([32_u32, 64, 128]).label("side").at(1);
        assert_eq!(side.value(), 64);
        hear(
            &side.widget.model,
            json!({ "method": "update", "state": { "index": 2 } }),
        );
        assert_eq!(side.value(), 128);
        hear(
            &side.widget.model,
            json!({ "method": "update", "state": { "index": 99 } }),
        );
        assert_eq!(side.value(), 128);
        assert_eq!(
            side.widget.model.get("_options_labels"),
            json!(["32", "64", "128"])
        );
    }

    #[test]
    fn ticks_and_text_follow_the_page() {
        let flip = checkbox("mirrored", false);
        hear(
            &flip.widget.model,
            json!({ "method": "update", "state": { "value": true } }),
        );
        assert!(flip.value());
        let name = text_field("name", "a");
        hear(
            &name.widget.model,
            json!({ "method": "update", "state": { "value": "größer" } }),
        );
        assert_eq!(name.value(), "größer");
    }
}
