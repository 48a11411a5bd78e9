//! A notebook's outputs as they come in, kept as Jupyter would keep them.

use std::collections::HashMap;

use cell::{ErrorReport, Event, Sink, StreamName};
use rt::Bundle;
use serde_json::{Map, Value, json};

/// The outputs of all cells of one notebook.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    /// By cell.
    cells: HashMap<usize, Vec<Output>>,
    /// Where each display id was shown: cell and place among its outputs.
    displays: HashMap<String, Vec<(usize, usize)>>,
}

#[derive(Debug)]
enum Output {
    Stream {
        name: StreamName,
        text: String,
    },
    Display(Bundle),
    Result {
        bundle: Bundle,
        execution_count: usize,
    },
    Error(ErrorReport),
}

impl Outputs {
    /// The sink for one cell, counted from 0 among all cells of the notebook.
    pub(crate) fn of_cell(&mut self, cell: usize, execution_count: usize) -> CellOutputs<'_> {
        CellOutputs {
            all: self,
            cell,
            execution_count,
            clear_at_next: false,
        }
    }

    /// The outputs of one cell as nbformat 4 writes them.
    pub(crate) fn to_json(&self, cell: usize) -> Vec<Value> {
        self.cells
            .get(&cell)
            .into_iter()
            .flatten()
            .map(Output::to_json)
            .collect()
    }

    fn clear(&mut self, cell: usize) {
        self.cells.remove(&cell);
        for places in self.displays.values_mut() {
            places.retain(|(shown_in, _)| *shown_in != cell);
        }
    }

    fn update(&mut self, id: &str, bundle: &Bundle) {
        for (cell, place) in self.displays.get(id).into_iter().flatten() {
            let output = self
                .cells
                .get_mut(cell)
                .and_then(|outputs| outputs.get_mut(*place));
            if let Some(Output::Display(shown)) = output {
                *shown = bundle.clone();
            }
        }
    }
}

/// The form in which front ends get a widget's view.
const WIDGET_VIEW: &str = "application/vnd.jupyter.widget-view+json";

/// Takes the events of one cell.
pub(crate) struct CellOutputs<'a> {
    all: &'a mut Outputs,
    cell: usize,
    execution_count: usize,
    clear_at_next: bool,
}

impl CellOutputs<'_> {
    fn push(&mut self, output: Output) {
        if std::mem::take(&mut self.clear_at_next) {
            self.all.clear(self.cell);
        }
        let outputs = self.all.cells.entry(self.cell).or_default();
        match (outputs.last_mut(), &output) {
            (
                Some(Output::Stream { name, text }),
                Output::Stream {
                    name: next,
                    text: more,
                },
            ) if name == next => {
                text.push_str(more);
            }
            _ => outputs.push(output),
        }
    }
}

impl Sink for CellOutputs<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Stream { name, text } => self.push(Output::Stream { name, text }),
            Event::Display { bundle, id } => {
                self.push(Output::Display(bundle));
                let place = self.all.cells[&self.cell].len() - 1;
                if let Some(id) = id {
                    self.all
                        .displays
                        .entry(id)
                        .or_default()
                        .push((self.cell, place));
                }
            }
            Event::UpdateDisplay { bundle, id } => self.all.update(&id, &bundle),
            Event::ClearOutput { wait: true } => self.clear_at_next = true,
            Event::ClearOutput { wait: false } => self.all.clear(self.cell),
            Event::Result { bundle } => {
                self.push(Output::Result {
                    bundle,
                    execution_count: self.execution_count,
                });
            }
            // There is no page for widgets to stand in.
            Event::Comm(_) => {}
            Event::Error(report) => self.push(Output::Error(report)),
        }
    }
}

impl Output {
    fn to_json(&self) -> Value {
        match self {
            Self::Stream { name, text } => {
                json!({ "name": name.as_str(), "output_type": "stream", "text": lines(text) })
            }
            Self::Display(bundle) => {
                json!({ "data": data(bundle), "metadata": bundle.metadata, "output_type": "display_data" })
            }
            Self::Result {
                bundle,
                execution_count,
            } => json!({
                "data": data(bundle),
                "execution_count": execution_count,
                "metadata": bundle.metadata,
                "output_type": "execute_result",
            }),
            Self::Error(ErrorReport {
                ename,
                evalue,
                traceback,
            }) => json!({
                "ename": ename,
                "evalue": evalue,
                "output_type": "error",
                "traceback": traceback,
            }),
        }
    }
}

/// Text formats are kept line by line, so that differences can be read. A view of a widget is left out: the widget is
/// gone with the process, and a page would show an error in the place of the other forms.
fn data(bundle: &Bundle) -> Map<String, Value> {
    let format = |(mime, content): (&String, &Value)| {
        let content = match content {
            Value::String(text) if is_text(mime) => lines(text),
            content => content.clone(),
        };
        (mime.clone(), content)
    };
    let kept = bundle.data.iter().filter(|(mime, _)| *mime != WIDGET_VIEW);
    kept.map(format).collect()
}

fn is_text(mime: &str) -> bool {
    mime.starts_with("text/") || matches!(mime, "application/javascript" | "image/svg+xml")
}

fn lines(text: &str) -> Value {
    text.split_inclusive('\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Event {
        Event::Stream {
            name: StreamName::Stdout,
            text: text.into(),
        }
    }

    fn shown(content: &str, id: Option<&str>) -> Event {
        Event::Display {
            bundle: Bundle::text(content),
            id: id.map(Into::into),
        }
    }

    fn outputs(events: Vec<Event>) -> Value {
        let mut outputs = Outputs::default();
        let mut sink = outputs.of_cell(4, 2);
        events.into_iter().for_each(|event| sink.event(event));
        outputs.to_json(4).into()
    }

    #[test]
    fn text_of_one_stream_becomes_one_output() {
        let warning = Event::Stream {
            name: StreamName::Stderr,
            text: "w".into(),
        };
        let outputs = outputs(vec![
            text("10%\r"),
            text("99%\ndo"),
            text("ne"),
            warning,
            text("x"),
        ]);
        let expected = json!([
            { "name": "stdout", "output_type": "stream", "text": ["10%\r99%\n", "done"] },
            { "name": "stderr", "output_type": "stream", "text": ["w"] },
            { "name": "stdout", "output_type": "stream", "text": ["x"] },
        ]);
        assert_eq!(outputs, expected);
    }

    #[test]
    fn an_update_replaces_every_display_of_its_id_in_any_cell() {
        let mut outputs = Outputs::default();
        outputs.of_cell(0, 1).event(shown("old", Some("a")));
        outputs.of_cell(0, 1).event(shown("other", Some("b")));
        outputs.of_cell(7, 2).event(shown("old", Some("a")));
        let update = Event::UpdateDisplay {
            bundle: Bundle::text("new"),
            id: "a".into(),
        };
        outputs.of_cell(9, 3).event(update);
        let texts = |cell| -> Vec<Value> {
            outputs
                .to_json(cell)
                .iter()
                .map(|output| output["data"]["text/plain"][0].clone())
                .collect()
        };
        assert_eq!(texts(0), ["new", "other"]);
        assert_eq!(texts(7), ["new"]);
        assert!(texts(9).is_empty());
    }

    #[test]
    fn clearing_takes_effect_now_or_with_the_next_output() {
        let clear = |wait| Event::ClearOutput { wait };
        assert_eq!(outputs(vec![text("a"), clear(false)]), json!([]));
        let kept = outputs(vec![text("a"), clear(true)]);
        assert_eq!(kept[0]["text"][0], "a");
        let replaced = outputs(vec![text("a"), clear(true), text("b"), text("c")]);
        assert_eq!(
            replaced,
            json!([{ "name": "stdout", "output_type": "stream", "text": ["bc"] }])
        );
    }

    #[test]
    fn an_update_after_clearing_does_not_reach_a_newer_output() {
        let update = Event::UpdateDisplay {
            bundle: Bundle::text("new"),
            id: "a".into(),
        };
        let events = vec![
            shown("a", Some("a")),
            Event::ClearOutput { wait: false },
            shown("b", None),
            update,
        ];
        assert_eq!(outputs(events)[0]["data"]["text/plain"][0], "b");
    }

    #[test]
    fn a_view_of_a_widget_is_not_kept() {
        let bundle = Bundle::text("a").with(WIDGET_VIEW, json!({ "model_id": "x" }));
        let shown = &outputs(vec![Event::Display { bundle, id: None }])[0];
        assert_eq!(shown["data"], json!({ "text/plain": ["a"] }));
    }

    #[test]
    fn json_and_pictures_stay_whole() {
        let bundle = Bundle::text("a\nb")
            .with("image/png", "line\nline".into())
            .with(
                "application/vnd.cvstudy.verdict+json",
                json!({ "x": "a\nb" }),
            );
        let result = &outputs(vec![Event::Result { bundle }])[0];
        assert_eq!(result["execution_count"], 2);
        assert_eq!(result["data"]["text/plain"], json!(["a\n", "b"]));
        assert_eq!(result["data"]["image/png"], "line\nline");
        assert_eq!(
            result["data"]["application/vnd.cvstudy.verdict+json"]["x"],
            "a\nb"
        );
    }
}
