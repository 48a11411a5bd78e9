//! A widget's state, kept equal on both sides: version 2.1 of the Jupyter widget messaging protocol.
//!
//! `comm_open` to `jupyter.widget` brings the whole state, `{"method": "update"}` what changed, in either
//! direction; bytes travel beside the JSON under their `buffer_paths`. A page that is loaded anew asks for all
//! states on the comm `jupyter.widget.control`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rt::Bundle;
use rt::comm::{Comm, Received};
use serde_json::{Map, Value, json};

use crate::pace::Owed;

const TARGET: &str = "jupyter.widget";
const CONTROL: &str = "jupyter.widget.control";
const PROTOCOL: &str = "2.1.0";

/// What a view is shown by, with the model's id in it.
const VIEW: &str = "application/vnd.jupyter.widget-view+json";

/// The widgets of this process. A widget is there as long as its comm is open, since the page may show it.
static MODELS: Mutex<BTreeMap<String, Arc<Model>>> = Mutex::new(BTreeMap::new());

/// What is called when the page has changed something.
type Observer = Box<dyn FnMut(&Change) + Send>;

/// What the page has done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// These parts of the state are new.
    State(Map<String, Value>),
    /// A message of the widget's own, such as a click.
    Custom(Value),
}

/// A widget's state and its comm.
pub(crate) struct Model {
    comm: Comm,
    state: Mutex<Map<String, Value>>,
    /// Bytes in the state, by the name of their part.
    bytes: Mutex<BTreeMap<String, Vec<u8>>>,
    /// `None` once the widget is closed.
    observers: Mutex<Option<Vec<Observer>>>,
    owed: Mutex<Owed>,
}

/// What hears the page. It goes when the comm is closed, from either side, and the widget with it.
struct Ear(Arc<Model>);

impl Drop for Ear {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Model {
    /// Opens a widget of the package `@jupyter-widgets/controls`, called `FloatSlider`, say.
    pub(crate) fn open(name: &str, state: Value) -> Arc<Self> {
        Self::open_with(name, state, BTreeMap::new())
    }

    /// The same with bytes among the parts of the state.
    pub(crate) fn open_with(
        name: &str,
        state: Value,
        bytes: BTreeMap<String, Vec<u8>>,
    ) -> Arc<Self> {
        let mut whole = json!({
            "_model_module": "@jupyter-widgets/controls",
            "_model_module_version": "2.0.0",
            "_model_name": format!("{name}Model"),
            "_view_module": "@jupyter-widgets/controls",
            "_view_module_version": "2.0.0",
            "_view_name": format!("{name}View"),
        });
        let mut own = state;
        if let (Value::Object(whole), Value::Object(own)) = (&mut whole, &mut own) {
            whole.append(own);
        }
        let state = match whole {
            Value::Object(state) => state,
            _ => Map::new(),
        };
        let data = json!({ "state": state, "buffer_paths": paths(bytes.keys(), &[]) });
        let buffers: Vec<Vec<u8>> = bytes.values().cloned().collect();
        let comm = Comm::open(TARGET, data, json!({ "version": PROTOCOL }), &buffers);
        let model = Arc::new(Self {
            comm: comm.clone(),
            state: Mutex::new(state),
            bytes: Mutex::new(bytes),
            observers: Mutex::new(Some(Vec::new())),
            owed: Mutex::default(),
        });
        lock(&MODELS).insert(comm.id().to_owned(), Arc::clone(&model));
        let ear = Ear(Arc::clone(&model));
        comm.on_message(move |received| {
            let Ear(model) = &ear;
            model.hear(received);
        });
        model
    }

    /// Takes the widget out of the page.
    pub(crate) fn close(&self) {
        self.comm.close();
    }

    /// Lets go of what the widget holds. Observers may hold the widget itself.
    fn release(&self) {
        let observers = lock(&self.observers).take();
        let listed = lock(&MODELS).remove(self.id());
        lock(&self.bytes).clear();
        // With the locks free, since what an observer holds may be anything.
        drop((observers, listed));
    }

    fn is_open(&self) -> bool {
        lock(&self.observers).is_some()
    }

    /// The comm's id, which is the widget's.
    pub(crate) fn id(&self) -> &str {
        self.comm.id()
    }

    /// How another widget's state refers to this one.
    pub(crate) fn reference(&self) -> String {
        format!("IPY_MODEL_{}", self.id())
    }

    /// A part of the state.
    pub(crate) fn get(&self, part: &str) -> Value {
        lock(&self.state).get(part).cloned().unwrap_or_default()
    }

    /// Changes a part of the state, here and in the page.
    pub(crate) fn set(&self, part: &str, value: Value) {
        lock(&self.state).insert(part.to_owned(), value.clone());
        self.send(json!({ part: value }), json!([]), &[]);
    }

    /// Changes a part of the state here, and in the page at most ten times a second. The last value is told when
    /// the cell ends, or by [`Model::pay`].
    pub(crate) fn set_paced(&self, part: &str, value: Value) {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| rt::after_each_cell(pay_all));
        lock(&self.state).insert(part.to_owned(), value);
        if lock(&self.owed).add(part, Instant::now()) {
            self.pay();
        }
    }

    /// Tells the page what it has not been told yet.
    pub(crate) fn pay(&self) {
        let owed = lock(&self.owed).take();
        if !owed.is_empty() {
            let news: Map<String, Value> = owed
                .into_iter()
                .map(|part| (part.clone(), self.get(&part)))
                .collect();
            self.send(news.into(), json!([]), &[]);
        }
    }

    /// Changes a part of the state that consists of bytes.
    pub(crate) fn set_bytes(&self, part: &str, bytes: Vec<u8>) {
        self.send(json!({}), json!([[part]]), std::slice::from_ref(&bytes));
        lock(&self.bytes).insert(part.to_owned(), bytes);
    }

    fn send(&self, state: Value, paths: Value, buffers: &[Vec<u8>]) {
        if self.is_open() {
            let update = json!({ "method": "update", "state": state, "buffer_paths": paths });
            self.comm.send(update, buffers);
        }
    }

    /// Calls `observer` after each change that the page makes.
    pub(crate) fn observe(&self, observer: impl FnMut(&Change) + Send + 'static) {
        if let Some(observers) = &mut *lock(&self.observers) {
            observers.push(Box::new(observer));
        }
    }

    /// The view of the widget, beside other forms for pages that cannot show it.
    pub(crate) fn view_of(&self, other: Bundle) -> Bundle {
        if !self.is_open() {
            return other;
        }
        let view = json!({ "version_major": 2, "version_minor": 1, "model_id": self.id() });
        other.with(VIEW, view)
    }

    fn hear(&self, received: &Received) {
        match received.data.get("method").and_then(Value::as_str) {
            Some("update") => {
                let Some(Value::Object(news)) = received.data.get("state") else {
                    return;
                };
                lock(&self.state).extend(news.clone());
                self.tell(&Change::State(news.clone()));
            }
            Some("request_state") => {
                let state = lock(&self.state).clone();
                let bytes = lock(&self.bytes).clone();
                let buffers: Vec<Vec<u8>> = bytes.values().cloned().collect();
                self.send(state.into(), paths(bytes.keys(), &[]).into(), &buffers);
            }
            Some("custom") => {
                let content = received.data.get("content").cloned().unwrap_or_default();
                self.tell(&Change::Custom(content));
            }
            _ => {}
        }
    }

    /// Calls the observers, which may add others, close the widget, and panic.
    fn tell(&self, change: &Change) {
        struct Away<'a>(&'a Mutex<Option<Vec<Observer>>>, Vec<Observer>);
        impl Drop for Away<'_> {
            fn drop(&mut self) {
                // There is no place any more when the widget has been closed meanwhile.
                if let Some(place) = &mut *lock(self.0) {
                    self.1.append(place);
                    std::mem::swap(place, &mut self.1);
                }
            }
        }
        let Some(observers) = lock(&self.observers).as_mut().map(std::mem::take) else {
            return;
        };
        let mut away = Away(&self.observers, observers);
        for observer in &mut away.1 {
            observer(change);
        }
    }
}

/// At the end of each cell, the page is told what came too soon.
fn pay_all() {
    let models: Vec<Arc<Model>> = lock(&MODELS).values().cloned().collect();
    models.iter().for_each(|model| model.pay());
}

/// Lets pages that are loaded anew find the widgets of this process. Called once, when a worker starts.
pub fn serve() {
    rt::comm::accept(CONTROL, |comm, _| {
        let answers = comm.clone();
        comm.on_message(move |received| {
            if received.data.get("method").and_then(Value::as_str) == Some("request_states") {
                let (data, buffers) = all_states();
                answers.send(data, &buffers);
            }
        });
    });
}

/// Every widget's state, as `update_states` wants them.
fn all_states() -> (Value, Vec<Vec<u8>>) {
    let mut states = Map::new();
    let mut all_paths = Vec::new();
    let mut buffers = Vec::new();
    for (id, model) in lock(&MODELS).iter() {
        let state = lock(&model.state).clone();
        let bytes = lock(&model.bytes).clone();
        all_paths.extend(paths(bytes.keys(), &[id, "state"]));
        buffers.extend(bytes.into_values());
        let of = |key: &str| state.get(key).cloned().unwrap_or_default();
        let whole = json!({
            "model_name": of("_model_name"),
            "model_module": of("_model_module"),
            "model_module_version": of("_model_module_version"),
            "state": state,
        });
        states.insert(id.clone(), whole);
    }
    let data = json!({ "method": "update_states", "states": states, "buffer_paths": all_paths });
    (data, buffers)
}

/// The paths of parts, as `buffer_paths` lists them.
fn paths<'a>(parts: impl Iterator<Item = &'a String>, before: &[&str]) -> Vec<Value> {
    parts
        .map(|part| json!([before, &[part.as_str()][..]].concat()))
        .collect()
}

/// The bytes of a bundle's picture with the name of their format.
pub(crate) fn picture_of(bundle: &Bundle) -> Option<(Vec<u8>, &'static str)> {
    let formats = [
        ("image/png", "png"),
        ("image/jpeg", "jpeg"),
        ("image/gif", "gif"),
    ];
    formats.iter().find_map(|(mime, format)| {
        let text = bundle.data.get(*mime)?.as_str()?;
        Some((STANDARD.decode(text).ok()?, *format))
    })
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What the page would send.
    pub(crate) fn hear(model: &Model, data: Value) {
        model.hear(&Received {
            data,
            ..Received::default()
        });
    }

    #[test]
    fn an_update_of_the_page_changes_the_state_and_is_told() {
        let model = Model::open("IntSlider", json!({ "value": 1 }));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&seen);
        model.observe(move |change| lock(&sees).push(change.clone()));
        hear(
            &model,
            json!({ "method": "update", "state": { "value": 7 }, "buffer_paths": [] }),
        );
        hear(
            &model,
            json!({ "method": "custom", "content": { "event": "click" } }),
        );
        hear(&model, json!({ "method": "nonsense" }));
        assert_eq!(model.get("value"), 7);
        assert_eq!(lock(&seen).len(), 2);
        assert_eq!(lock(&seen)[1], Change::Custom(json!({ "event": "click" })));
    }

    #[test]
    fn a_new_page_learns_of_all_widgets() {
        let bytes = BTreeMap::from([("value".to_owned(), vec![1, 2])]);
        let model = Model::open_with("Image", json!({ "format": "png" }), bytes);
        let (data, buffers) = all_states();
        let own = &data["states"][model.id()];
        assert_eq!(own["model_name"], "ImageModel");
        assert_eq!(own["state"]["format"], "png");
        let path = json!([model.id(), "state", "value"]);
        let at = data["buffer_paths"]
            .as_array()
            .unwrap()
            .iter()
            .position(|own| *own == path);
        assert_eq!(buffers[at.unwrap()], [1, 2]);
    }

    #[test]
    fn a_closed_widget_lets_go_of_what_it_holds() {
        let held = Arc::new(());
        let open = || {
            let model = Model::open("Button", json!({}));
            let (own, holds) = (Arc::clone(&model), Arc::clone(&held));
            // An observer that holds its own widget, closes it, and adds another.
            model.observe(move |change| {
                let _ = &holds;
                own.close();
                own.observe(|_| panic!("it is closed"));
                assert_eq!(*change, Change::Custom(json!({})));
            });
            model
        };
        let closed = open();
        closed.close();
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(!lock(&MODELS).contains_key(closed.id()));
        assert_eq!(closed.view_of(Bundle::text("x")), Bundle::text("x"));
        let closes_itself = open();
        for _ in 0..2 {
            hear(&closes_itself, json!({ "method": "custom", "content": {} }));
        }
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(Arc::strong_count(&closes_itself), 1);
    }

    #[test]
    fn an_observer_that_panics_is_called_again() {
        let model = Model::open("Button", json!({}));
        let calls = Arc::new(Mutex::new(0));
        let counts = Arc::clone(&calls);
        model.observe(move |_| {
            *lock(&counts) += 1;
            panic!("again");
        });
        for _ in 0..2 {
            let told = std::panic::AssertUnwindSafe(|| hear(&model, json!({ "method": "custom" })));
            assert!(std::panic::catch_unwind(told).is_err());
        }
        assert_eq!(*lock(&calls), 2);
    }
}
