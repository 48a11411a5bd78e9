//! Something that is drawn anew whenever a control changes.

use std::sync::{Arc, Mutex};

use rt::Bundle;
use rt::frame::Outcome;

use crate::control::{AsWidget, Control, Widget};
use crate::layout::vbox;
use crate::model::lock;
use crate::output::Output;

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
    let drawn = draw(controls.value()).into().unwrap_or_default();
    let place = Output::new(&drawn);
    show(controls.widgets(), &place, drawn);
    let drawing = Mutex::new((controls.clone(), draw));
    controls.on_any_change(Arc::new(move || {
        let mut bundle = None;
        let outcome = rt::failure::run(|| {
            let (controls, draw) = &mut *lock(&drawing);
            bundle = draw(controls.value()).into();
            Ok(())
        });
        match outcome {
            Outcome::Finished => place.set(&bundle.unwrap_or_default()),
            Outcome::Panicked { message, .. } => {
                place.set(&Bundle::text(format!("this panicked: {message}")));
            }
            // Interrupted: what was drawn last stays.
            _ => {}
        }
    }));
}

/// Shows the controls above the place. Where there are no widgets, the first drawing stands for all of them.
fn show(controls: Vec<Widget>, place: &Output, drawn: Bundle) {
    let children = controls.iter().chain([&place.widget]);
    let children: Vec<&dyn AsWidget> = children.map(|child| child as _).collect();
    let all = vbox(&children);
    let drawn = match drawn.data.is_empty() {
        true => Bundle::text(all.text()),
        false => drawn,
    };
    rt::display(&all.model.view_of(drawn));
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
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::model::tests::hear;
    use crate::{checkbox, slider};
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
