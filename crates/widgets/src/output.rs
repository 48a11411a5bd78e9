//! A place in the page for anything that can be shown, and replaced.
//!
//! It is a widget like the controls (`@jupyter-widgets/output` 1.0), so a page that is loaded anew finds it again,
//! with what is in it. A display that is updated by its id does not outlive the page: the id is not kept in the
//! notebook.

use rt::Bundle;
use serde_json::{Value, json};

use crate::control::Widget;

const MODULE: &str = "@jupyter-widgets/output";
const VERSION: &str = "1.0.0";

/// What is shown at one place.
#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) widget: Widget,
}

impl Output {
    /// A place with something in it.
    pub(crate) fn new(shown: &Bundle) -> Self {
        let state = json!({
            "_model_module": MODULE,
            "_model_module_version": VERSION,
            "_view_module": MODULE,
            "_view_module_version": VERSION,
            "msg_id": "",
            "outputs": outputs(shown),
        });
        Self {
            widget: Widget::new("Output", state),
        }
    }

    /// Shows something else in its place.
    pub(crate) fn set(&self, shown: &Bundle) {
        self.widget.model.set("outputs", outputs(shown));
    }
}

/// A list of outputs as a notebook has it; empty when there is nothing to show.
fn outputs(shown: &Bundle) -> Value {
    if shown.data.is_empty() {
        return json!([]);
    }
    json!([{ "output_type": "display_data", "data": shown.data, "metadata": shown.metadata }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_an_output_of_the_notebook_format() {
        let place = Output::new(&Bundle::png(&[1], 2, 1, "a dot"));
        let model = &place.widget.model;
        assert_eq!(model.get("_model_name"), "OutputModel");
        assert_eq!(model.get("_model_module"), MODULE);
        let outputs = model.get("outputs");
        assert_eq!(outputs.as_array().map(Vec::len), Some(1));
        let output = &outputs[0];
        assert_eq!(output["output_type"], "display_data");
        assert_eq!(output["data"]["text/plain"], "a dot");
        assert_eq!(output["metadata"]["image/png"]["width"], 2);
        place.set(&Bundle::default());
        assert_eq!(model.get("outputs"), json!([]));
    }
}
