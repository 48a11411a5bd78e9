//! Something that is drawn anew whenever a control changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rt::Bundle;
use rt::frame::Outcome;

use crate::control::{Control, Widget};
use crate::layout::vbox;
use crate::model::lock;

/// Shows a control and, below it, what `draw` makes of its value; and again whenever the value changes.
///
/// ```text
/// interact(slider(0.0..=360.0), |angle| rotate(&img, angle))
/// interact((slider(1..=9), checkbox("mirrored", false)), |(size, mirrored)| ...)
/// ```
///
/// In a cell, `draw` may come to anything that a cell's last line may show, and the variables that it names are
/// copied into it as they are now (of a tensor, the copy shares the values); with `move` it takes them. It runs
/// between cells, so a control that is moved while a cell runs is answered after it. A panic of a later drawing
/// is shown in its place.
pub fn interact<C, S>(controls: C, draw: impl FnMut(C::Value) -> S + Send + 'static)
where
    C: Controls + Clone + Send + 'static,
    S: Into<Option<Bundle>>,
{
    let mut draw = draw;
    let id = fresh_display();
    let drawn = draw(controls.value()).into().unwrap_or_default();
    show_controls(&controls.widgets());
    rt::display_with_id(&id, &drawn);
    let drawing = Mutex::new((controls.clone(), draw));
    controls.on_any_change(Arc::new(move || {
        let mut bundle = None;
        let outcome = rt::failure::run(|| {
            let (controls, draw) = &mut *lock(&drawing);
            bundle = draw(controls.value()).into();
            Ok(())
        });
        match outcome {
            Outcome::Finished => rt::update_display(&id, &bundle.unwrap_or_default()),
            Outcome::Panicked { message, .. } => {
                rt::update_display(&id, &Bundle::text(format!("this panicked: {message}")));
            }
            // Interrupted: what was drawn last stays.
            _ => {}
        }
    }));
}

fn show_controls(widgets: &[Widget]) {
    match widgets {
        [single] => rt::display(single),
        several => {
            let children: Vec<&dyn crate::AsWidget> =
                several.iter().map(|child| child as _).collect();
            rt::display(&vbox(&children));
        }
    }
}

/// Display ids live as long as the notebook, which may outlive this process.
fn fresh_display() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    format!(
        "interact-{}-{}",
        since.as_nanos(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// One control, or several as a tuple.
pub trait Controls {
    /// Their values.
    type Value;

    /// The values as they are now.
    fn value(&self) -> Self::Value;

    /// Calls `handler` after each change of any of them.
    fn on_any_change(&self, handler: Arc<dyn Fn() + Send + Sync>);

    /// The controls themselves.
    fn widgets(&self) -> Vec<Widget>;
}

impl<C: Control + Clone + Send + 'static> Controls for C {
    type Value = C::Value;

    fn value(&self) -> C::Value {
        Control::value(self)
    }

    fn on_any_change(&self, handler: Arc<dyn Fn() + Send + Sync>) {
        self.on_change(move |_| handler());
    }

    fn widgets(&self) -> Vec<Widget> {
        vec![self.widget().clone()]
    }
}

macro_rules! tuples {
    ($($name:ident $at:tt),+) => {
        impl<$($name: Control + Clone + Send + 'static),+> Controls for ($($name,)+) {
            type Value = ($($name::Value,)+);

            fn value(&self) -> Self::Value {
                ($(Control::value(&self.$at),)+)
            }

            fn on_any_change(&self, handler: Arc<dyn Fn() + Send + Sync>) {
                $(
                    let own = Arc::clone(&handler);
                    self.$at.on_change(move |_| own());
                )+
            }

            fn widgets(&self) -> Vec<Widget> {
                vec![$(self.$at.widget().clone()),+]
            }
        }
    };
}
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::hear;
    use crate::{AsWidget, checkbox, slider};
    use serde_json::json;

    #[test]
    fn it_draws_at_once_and_after_each_change() {
        let controls = (slider(0..=9), checkbox("twice", false));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&seen);
        interact(controls.clone(), move |(n, twice): (i32, bool)| {
            lock(&sees).push(if twice { 2 * n } else { n });
            Bundle::text("drawn")
        });
        let tell = |widget: &Widget, value| {
            hear(
                &widget.model,
                json!({ "method": "update", "state": { "value": value } }),
            );
        };
        tell(controls.0.widget(), json!(4));
        tell(controls.1.widget(), json!(true));
        assert_eq!(*lock(&seen), [0, 4, 8]);
    }

    #[test]
    fn a_panic_of_a_later_drawing_does_not_end_it() {
        let count = slider(0..=9);
        let drawn = Arc::new(AtomicU64::new(0));
        let draws = Arc::clone(&drawn);
        interact(count.clone(), move |n: i32| {
            assert_ne!(n, 1, "not that one");
            draws.fetch_add(1, Ordering::Relaxed);
            None
        });
        for value in [1, 2] {
            hear(
                &count.widget().model,
                json!({ "method": "update", "state": { "value": value } }),
            );
        }
        assert_eq!(drawn.load(Ordering::Relaxed), 2);
    }
}
