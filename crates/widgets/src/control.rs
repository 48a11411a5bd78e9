//! What all controls have in common.

use std::sync::Arc;

use rt::{Bundle, Show};
use serde_json::Value;

use crate::model::{Change, Model};

/// A widget of any kind, as boxes hold it. Cheap to clone: all clones are the same widget.
#[derive(Clone)]
pub struct Widget {
    pub(crate) model: Arc<Model>,
    /// What it is called where it cannot be shown.
    pub(crate) name: &'static str,
}

impl Widget {
    pub(crate) fn new(name: &'static str, state: Value) -> Self {
        Self {
            model: Model::open(name, state),
            name,
        }
    }

    /// Takes the widget out of the page for good, and lets go of what its handlers hold. The widgets in a box are
    /// not closed with it.
    pub fn close(&self) {
        self.model.close();
    }

    /// The text form: the name with the value, if there is one.
    pub(crate) fn text(&self) -> String {
        match self.model.get("value") {
            Value::Null => format!("{}()", self.name),
            value => format!("{}(value={value})", self.name),
        }
    }
}

impl Show for Widget {
    fn show(&self) -> Bundle {
        self.model.view_of(Bundle::text(self.text()))
    }
}

impl std::fmt::Debug for Widget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// Anything that has a view in the page.
pub trait AsWidget {
    /// The widget itself.
    fn widget(&self) -> &Widget;

    /// Shows the widget below the cell, now.
    fn display(&self) {
        rt::display(self.widget());
    }
}

impl AsWidget for Widget {
    fn widget(&self) -> &Widget {
        self
    }
}

/// A widget with a value that the learner sets in the page.
pub trait Control: AsWidget {
    /// What the value is.
    type Value: Send + 'static;

    /// The value as it is now. What has been set in the page while a cell runs is seen when that cell has ended.
    fn value(&self) -> Self::Value;

    /// Calls `handler` with each new value, between cells. What it prints goes to the page's log; to show
    /// something that follows a control, use [`crate::interact()`].
    fn on_change(&self, handler: impl FnMut(Self::Value) + Send + 'static)
    where
        Self: Clone + Send + Sized + 'static,
    {
        let mut handler = handler;
        let own = self.clone();
        self.widget().model.observe(move |change| {
            if let Change::State(news) = change
                && ["value", "index"]
                    .iter()
                    .any(|part| news.contains_key(*part))
            {
                handler(own.value());
            }
        });
    }
}

/// Gives a control, which holds a `widget`, what every control has: a view, a text form, and an end.
macro_rules! shown_as_widget {
    ($name:ident $(< $parameter:ident $(: $bound:path)? >)?) => {
        impl $(<$parameter $(: $bound)?>)? $name $(<$parameter>)? {
            /// Takes it out of the page for good, and lets go of what its handlers hold. Its value can still be read.
            pub fn close(&self) {
                self.widget.close();
            }
        }

        impl $(<$parameter $(: $bound)?>)? $crate::control::AsWidget for $name $(<$parameter>)? {
            fn widget(&self) -> &$crate::control::Widget {
                &self.widget
            }
        }

        impl $(<$parameter $(: $bound)?>)? rt::Show for $name $(<$parameter>)? {
            fn show(&self) -> rt::Bundle {
                rt::Show::show(&self.widget)
            }
        }

        impl $(<$parameter $(: $bound)?>)? std::fmt::Debug for $name $(<$parameter>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.widget, f)
            }
        }
    };
}
pub(crate) use shown_as_widget;
