//! Showing values: MIME bundles, displays with and without an id, and the tail value of a cell.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use serde_json::{Value, json};

pub use crate::frame::Bundle;
use crate::frame::ToKernel;
use crate::link;

/// A value that knows how to show itself in a notebook.
///
/// A tail expression of such a type is shown with it, as is anything given to [`display`].
pub trait Show {
    /// The value in every form a front end may want; always with `text/plain`.
    fn show(&self) -> Bundle;
}

impl Bundle {
    /// A bundle of text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().with_text(text)
    }

    /// A bundle of PNG bytes, shown `width` x `height` CSS pixels large, with its text form
    /// (which is also the picture's description for those who cannot see it).
    pub fn png(bytes: &[u8], width: u32, height: u32, text: impl Into<String>) -> Self {
        let text = text.into();
        let hints = json!({ "width": width, "height": height, "alt": text });
        Self::text(text)
            .with_binary("image/png", bytes)
            .with_hints("image/png", hints)
    }

    /// A bundle of SVG source with its text form.
    pub fn svg(source: impl Into<String>, text: impl Into<String>) -> Self {
        Self::text(text).with("image/svg+xml", Value::String(source.into()))
    }

    /// A bundle of an SVG `width` x `height` CSS pixels large, with its text form (which is also its description).
    ///
    /// The source for every front end, and the same inside of HTML for those that show HTML first, as JupyterLab
    /// does: there it follows the theme of the page (`prefers-color-scheme` inside of the SVG), has words for screen
    /// readers, and is shown in notebooks not yet trusted.
    pub fn drawing(
        source: impl Into<String>,
        width: f64,
        height: f64,
        text: impl Into<String>,
    ) -> Self {
        let (source, text) = (source.into(), text.into());
        let data = base64::engine::general_purpose::STANDARD.encode(&source);
        let (width, height, alt) = (width.round(), height.round(), escape(&text));
        let html = format!(
            r#"{PAGE_STYLE}<img class="cvstudy-chart" width="{width}" height="{height}" style="max-width:100%;height:auto" alt="{alt}" src="data:image/svg+xml;base64,{data}">"#
        );
        Self::svg(source, text).with("text/html", Value::String(html))
    }

    /// A bundle of HTML with its text form. Whatever in it comes from data must be escaped: [`escape`].
    pub fn html(html: impl Into<String>, text: impl Into<String>) -> Self {
        Self::text(text).with("text/html", Value::String(html.into()))
    }

    /// Adds or replaces the text form.
    pub fn with_text(self, text: impl Into<String>) -> Self {
        self.with("text/plain", Value::String(text.into()))
    }

    /// Adds or replaces one form.
    pub fn with(mut self, mime: &str, content: Value) -> Self {
        self.data.insert(mime.into(), content);
        self
    }

    /// Adds or replaces one binary form.
    pub fn with_binary(self, mime: &str, bytes: &[u8]) -> Self {
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        self.with(mime, Value::String(text))
    }

    /// Adds or replaces the display hints of one form.
    pub fn with_hints(mut self, mime: &str, hints: Value) -> Self {
        self.metadata.insert(mime.into(), hints);
        self
    }

    /// The text form, empty if there is none.
    pub fn plain(&self) -> &str {
        self.data
            .get("text/plain")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// Tells the SVG whether the page is dark; pages that say nothing of it are taken to be light.
const PAGE_STYLE: &str = r#"<style>body[data-jp-theme-light="false"] .cvstudy-chart,body.vscode-dark .cvstudy-chart{color-scheme:dark}body[data-jp-theme-light="true"] .cvstudy-chart,body.vscode-light .cvstudy-chart{color-scheme:light}</style>"#;

/// Text made safe to stand inside HTML or SVG.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Whether displays reach a notebook. In a plain program or a test they do not: there, text forms are printed.
pub fn in_notebook() -> bool {
    link::is_open()
}

/// What is called at the end of each cell.
static AFTER_CELLS: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// Has `hook` called at the end of each cell, however it ends, while displays still belong to it: for what does not
/// show everything at once, and would otherwise owe the last of it.
pub fn after_each_cell(hook: fn()) {
    AFTER_CELLS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(hook);
}

pub(crate) fn end_of_cell() {
    let hooks = AFTER_CELLS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    hooks.into_iter().for_each(|hook| hook());
}

/// Shows a value below the cell, now.
pub fn display<T: Show + ?Sized>(value: &T) {
    link::show(&ToKernel::Display {
        bundle: value.show(),
        id: None,
        update: false,
    });
}

/// Shows a value that [`update_display`] can later replace.
pub fn display_with_id<T: Show + ?Sized>(id: &str, value: &T) {
    link::show(&ToKernel::Display {
        bundle: value.show(),
        id: Some(id.into()),
        update: false,
    });
}

/// Replaces what stands under `id`, wherever it was shown.
pub fn update_display<T: Show + ?Sized>(id: &str, value: &T) {
    link::show(&ToKernel::Display {
        bundle: value.show(),
        id: Some(id.into()),
        update: true,
    });
}

/// Clears the cell's output; with `wait`, only when the next output comes, which avoids flicker.
pub fn clear_output(wait: bool) {
    link::show(&ToKernel::Clear { wait });
}

impl Show for Bundle {
    fn show(&self) -> Bundle {
        self.clone()
    }
}

/// Plain text, shown as it is, without quotes. (As a cell's value it keeps its quotes, see [`tail`].)
impl Show for str {
    fn show(&self) -> Bundle {
        Bundle::text(self)
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self) -> Bundle {
        (**self).show()
    }
}

impl<T: Show + ?Sized> Show for Box<T> {
    fn show(&self) -> Bundle {
        (**self).show()
    }
}

/// How the tail of a cell finds its best form.
///
/// A cell calls `(&&&&&Tail(&value)).bundle()`; method look-up tries the
/// fewest `&` last, so the traits below are tried in the order of their names.
pub mod tail {
    use super::*;

    /// The value under consideration.
    pub struct Tail<'a, T: ?Sized>(pub &'a T);

    /// What [`NoOwnDisplay::evcxr_display`] returns: the type has no method of that name.
    pub struct Absent;

    /// Stands in where a type has no inherent `evcxr_display`.
    pub trait NoOwnDisplay {
        /// Does nothing, and says so by its type.
        fn evcxr_display(&self) -> Absent {
            Absent
        }
    }
    impl<T: ?Sized> NoOwnDisplay for T {}

    /// Whether `evcxr_display` was the type's own.
    pub trait Shown {
        /// False for [`Absent`] alone.
        const SHOWN: bool;
    }
    impl Shown for Absent {
        const SHOWN: bool = false;
    }
    impl Shown for () {
        const SHOWN: bool = true;
    }
    impl<E> Shown for Result<(), E> {
        const SHOWN: bool = true;
    }

    /// Whether the value has shown itself.
    pub fn shown<S: Shown>(_: S) -> bool {
        S::SHOWN
    }

    /// Text as a value: like any value, as Rust writes it.
    pub trait ByText {
        /// The text in quotes.
        fn bundle(&self) -> Option<Bundle>;
    }
    impl ByText for &&&&Tail<'_, &str> {
        fn bundle(&self) -> Option<Bundle> {
            Some(Bundle::text(format!("{:?}", self.0)))
        }
    }
    impl ByText for &&&&Tail<'_, Option<&str>> {
        fn bundle(&self) -> Option<Bundle> {
            Some(Bundle::text(format!("{:#?}", self.0)))
        }
    }
    impl<E: Debug> ByText for &&&&Tail<'_, Result<&str, E>> {
        fn bundle(&self) -> Option<Bundle> {
            Some(Bundle::text(format!("{:#?}", self.0)))
        }
    }

    /// First choice: nothing for `()`, and the inside of `Ok` and `Some`.
    pub trait ByShow {
        /// The value's bundle.
        fn bundle(&self) -> Option<Bundle>;
    }
    impl<T: Show + ?Sized> ByShow for &&&Tail<'_, T> {
        fn bundle(&self) -> Option<Bundle> {
            Some(self.0.show())
        }
    }

    /// `Ok`, `Some` of something that shows itself.
    pub trait ByInside {
        /// The inside's bundle, its text wrapped as the value is.
        fn bundle(&self) -> Option<Bundle>;
    }
    impl<T: Show + Debug> ByInside for &&Tail<'_, Option<T>> {
        fn bundle(&self) -> Option<Bundle> {
            Some(match self.0 {
                Some(inside) => wrapped("Some", inside.show(), self.0),
                None => Bundle::text("None"),
            })
        }
    }
    impl<T: Show + Debug, E: Debug> ByInside for &&Tail<'_, Result<T, E>> {
        fn bundle(&self) -> Option<Bundle> {
            Some(match self.0 {
                Ok(inside) => wrapped("Ok", inside.show(), self.0),
                Err(error) => Bundle::text(format!("Err({error:#?})")),
            })
        }
    }

    /// The same for insides without `Debug`.
    pub trait ByBareInside {
        /// The inside's bundle, its text wrapped as the value is.
        fn bundle(&self) -> Option<Bundle>;
    }
    impl<T: Show> ByBareInside for &Tail<'_, Option<T>> {
        fn bundle(&self) -> Option<Bundle> {
            Some(match self.0 {
                Some(inside) => around("Some", inside.show()),
                None => Bundle::text("None"),
            })
        }
    }

    impl<T: Show, E: Debug> ByBareInside for &Tail<'_, Result<T, E>> {
        fn bundle(&self) -> Option<Bundle> {
            Some(match self.0 {
                Ok(inside) => around("Ok", inside.show()),
                Err(error) => Bundle::text(format!("Err({error:#?})")),
            })
        }
    }

    fn around(name: &str, bundle: Bundle) -> Bundle {
        let text = format!("{name}({})", bundle.plain());
        bundle.with_text(text)
    }

    fn wrapped(name: &str, bundle: Bundle, value: &dyn Debug) -> Bundle {
        // Text alone says more as Rust writes it.
        if bundle.data.len() == 1 {
            return Bundle::text(format!("{value:#?}"));
        }
        around(name, bundle)
    }

    /// Anything with `Debug`; `()` is not worth showing.
    pub trait ByDebug {
        /// The value, pretty-printed.
        fn bundle(&self) -> Option<Bundle>;
    }
    impl<T: Debug + ?Sized> ByDebug for &Tail<'_, T> {
        #[inline(never)]
        fn bundle(&self) -> Option<Bundle> {
            debug_bundle(std::any::type_name::<T>(), &self.0)
        }
    }

    #[inline(never)]
    fn debug_bundle(type_name: &str, value: &dyn Debug) -> Option<Bundle> {
        (type_name != "()").then(|| Bundle::text(format!("{value:#?}")))
    }

    /// Everything else: the name of its type.
    pub trait ByName {
        /// The type's name.
        fn bundle(&self) -> Option<Bundle>;
    }
    impl<T: ?Sized> ByName for Tail<'_, T> {
        fn bundle(&self) -> Option<Bundle> {
            name_bundle(std::any::type_name::<T>())
        }
    }

    #[inline(never)]
    fn name_bundle(type_name: &str) -> Option<Bundle> {
        let name = short_type_name(type_name);
        Some(Bundle::text(format!("<{name}>")))
    }

    /// Sends the tail's bundle, unless there is nothing to show.
    pub fn result(bundle: Option<Bundle>) {
        if let Some(bundle) = bundle {
            link::show(&ToKernel::Result { bundle });
        }
    }

    /// `alloc::vec::Vec<core::option::Option<i32>>` as `Vec<Option<i32>>`.
    pub fn short_type_name(full: &str) -> String {
        let mut out = String::new();
        let mut word = 0;
        let mut chars = full.chars().peekable();
        while let Some(c) = chars.next() {
            if c == ':' && chars.peek() == Some(&':') {
                chars.next();
                out.truncate(word);
            } else {
                out.push(c);
                if !(c.is_alphanumeric() || c == '_') {
                    word = out.len();
                }
            }
        }
        out
    }

    #[cfg(test)]
    mod tests {
        use super::short_type_name;

        #[test]
        fn paths_are_cut_from_type_names() {
            assert_eq!(
                short_type_name("alloc::vec::Vec<core::option::Option<i32>>"),
                "Vec<Option<i32>>"
            );
            assert_eq!(
                short_type_name("(&str, [tch::Tensor; 2])"),
                "(&str, [Tensor; 2])"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tail::*;
    use super::*;

    struct Opaque;
    #[derive(Debug)]
    struct Picture;
    impl Show for Picture {
        fn show(&self) -> Bundle {
            Bundle::png(&[1, 2, 3], 2, 1, "a picture")
        }
    }

    macro_rules! bundle {
        ($value:expr) => {{
            #[allow(unused_imports)]
            use super::tail::{ByDebug as _, ByInside as _, ByName as _, ByShow as _};
            (&&&&Tail(&$value)).bundle()
        }};
    }

    #[test]
    fn the_richest_form_wins() {
        assert!(bundle!(Picture).unwrap().data.contains_key("image/png"));
        let inside = bundle!(Some(Picture)).unwrap();
        assert!(inside.data.contains_key("image/png"));
        assert_eq!(inside.plain(), "Some(a picture)");
        assert_eq!(bundle!(vec![1, 2]).unwrap().plain(), "[\n    1,\n    2,\n]");
        assert_eq!(bundle!(()), None);
        assert!(bundle!(Opaque).unwrap().plain().ends_with("Opaque>"));
    }

    #[test]
    fn data_cannot_become_markup() {
        assert_eq!(escape("<b a='1'>&"), "&lt;b a=&#39;1&#39;&gt;&amp;");
    }
}
