//! Buttons: something to click.

use serde_json::json;

use crate::control::{Widget, shown_as_widget};
use crate::model::Change;

/// A button; make one with [`button`]. Clones are the same button.
#[derive(Clone)]
pub struct Button {
    widget: Widget,
}

shown_as_widget!(Button);

/// A button with a label.
pub fn button(label: &str) -> Button {
    Button {
        widget: Widget::new("Button", json!({ "description": label })),
    }
}

impl Button {
    /// Calls `handler` at each click, between cells.
    pub fn on_click(&self, handler: impl FnMut() + Send + 'static) {
        let mut handler = handler;
        self.widget.model.observe(move |change| {
            if let Change::Custom(content) = change
                && content.get("event").is_some_and(|event| event == "click")
            {
                handler();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::model::tests::hear;

    #[test]
    fn clicks_are_counted() {
        let more = button("more");
        let clicks = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&clicks);
        more.on_click(move || _ = count.fetch_add(1, Ordering::Relaxed));
        hear(
            &more.widget.model,
            json!({ "method": "custom", "content": { "event": "click" } }),
        );
        hear(
            &more.widget.model,
            json!({ "method": "custom", "content": { "event": "other" } }),
        );
        assert_eq!(clicks.load(Ordering::Relaxed), 1);
    }
}
