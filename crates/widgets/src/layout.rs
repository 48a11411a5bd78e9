//! Boxes: controls beside and below each other.

use serde_json::json;

use crate::control::{AsWidget, Widget};

/// Widgets beside each other: `hbox(&[&angle, &flip])`.
pub fn hbox(children: &[&dyn AsWidget]) -> Widget {
    of("HBox", children)
}

/// Widgets below each other.
pub fn vbox(children: &[&dyn AsWidget]) -> Widget {
    of("VBox", children)
}

fn of(name: &'static str, children: &[&dyn AsWidget]) -> Widget {
    let children: Vec<String> = children
        .iter()
        .map(|child| child.widget().model.reference())
        .collect();
    Widget::new(name, json!({ "children": children }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{button, slider};

    #[test]
    fn a_box_refers_to_its_children() {
        let (count, more) = (slider(1..=3), button("more"));
        let row = hbox(&[&count, &more]);
        let children = row.model.get("children");
        assert_eq!(children[1], more.widget().model.reference());
        assert_eq!(children.as_array().map(Vec::len), Some(2));
    }
}
