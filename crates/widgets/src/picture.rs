//! An image that can be replaced, and a bar that fills.

use std::collections::BTreeMap;

use rt::Show;
use serde_json::json;

use crate::control::{Widget, shown_as_widget};
use crate::model::{Model, picture_of};

/// An image among controls; make one with [`picture`]. Clones are the same image.
#[derive(Clone)]
pub struct Picture {
    widget: Widget,
}

shown_as_widget!(Picture);

/// An image widget with what `shown` looks like; empty when that has no PNG, JPEG or GIF form.
pub fn picture<T: Show + ?Sized>(shown: &T) -> Picture {
    let (bytes, format) = picture_of(&shown.show()).unwrap_or_default();
    let bytes = BTreeMap::from([("value".to_owned(), bytes)]);
    let model = Model::open_with("Image", json!({ "format": format }), bytes);
    Picture {
        widget: Widget {
            model,
            name: "Image",
        },
    }
}

impl Picture {
    /// Shows something else in its place. Nothing changes when that has no PNG, JPEG or GIF form.
    pub fn set<T: Show + ?Sized>(&self, shown: &T) {
        if let Some((bytes, format)) = picture_of(&shown.show()) {
            self.widget.model.set("format", format.into());
            self.widget.model.set_bytes("value", bytes);
        }
    }
}

/// A bar that fills; make one with [`progress`]. Clones are the same bar.
#[derive(Clone)]
pub struct Progress {
    widget: Widget,
}

shown_as_widget!(Progress);

/// A bar that is full at `total`, with its label.
pub fn progress(label: &str, total: usize) -> Progress {
    let state = json!({ "description": label, "value": 0, "min": 0, "max": total });
    Progress {
        widget: Widget::new("IntProgress", state),
    }
}

impl Progress {
    /// Fills the bar up to `done`. A full bar turns green. The page is told ten times a second, and in any case
    /// when the bar is full and when the cell ends.
    pub fn set(&self, done: usize) {
        let model = &self.widget.model;
        let total = model.get("max").as_u64().unwrap_or_default() as usize;
        model.set_paced("value", done.min(total).into());
        if done >= total {
            model.pay();
            model.set("bar_style", "success".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt::Bundle;

    #[test]
    fn a_picture_takes_the_bytes_of_what_it_shows() {
        let shown = Bundle::png(&[1, 2, 3], 1, 1, "dots");
        let own = picture(&shown);
        assert_eq!(own.widget.model.get("format"), "png");
        assert_eq!(picture_of(&shown), Some((vec![1, 2, 3], "png")));
        own.set(&Bundle::text("no picture"));
        assert_eq!(own.widget.model.get("format"), "png");
    }

    #[test]
    fn a_bar_does_not_overflow() {
        let bar = progress("epochs", 3);
        bar.set(7);
        assert_eq!(bar.widget.model.get("value"), 3);
        assert_eq!(bar.widget.model.get("bar_style"), "success");
    }
}
