//! Whatever numbers and words come in: no panic, SVG that is well formed, and no word beyond the edge of the card.

use proptest::prelude::*;

use crate::layout;
use crate::scene::{Anchor, Item, Rect, Scene, Words};
use crate::{
    Chart, ColourMap, PlotError, bar_chart, box_plot, confusion_matrix, heat_map, histogram,
    lr_finder, text,
};

/// Ordinary numbers, and all others.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0f64,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, f64::NAN, f64::INFINITY, 1e300, -1e299, 1e-300, 5e-324]),
    ]
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), 0..40)
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![2 => "[a-zA-Z ]{0,12}", 1 => ".{0,60}", 1 => "[W界]{0,200}"]
}

/// The names, none of them twice.
fn once(names: &[String]) -> impl Iterator<Item = String> {
    let numbered = names.iter().enumerate();
    numbered.map(|(index, name)| format!("{index} {name}"))
}

/// A chart of any kind.
fn plain_chart() -> impl Strategy<Value = Chart> {
    (
        0..7,
        numbers(),
        numbers(),
        prop::collection::vec(word(), 1..24),
    )
        .prop_map(|(kind, a, b, names)| {
            let pairs = || a.iter().copied().zip(b.iter().copied());
            match kind {
                0 => Chart::new()
                    .line("", &a)
                    .line(names[0].as_str(), &b)
                    .dashed(),
                1 => names
                    .iter()
                    .fold(Chart::new(), |chart, name| chart.scatter(name, pairs())),
                // Two values of one name stand at one place: no bars could part them.
                2 => bar_chart(once(&names).zip(&a))
                    .bar("more", once(&names).zip(&b))
                    .values(),
                3 => histogram(&a).histogram(names[0].as_str(), &b),
                4 => box_plot(names.iter().map(|name| (name, &a))),
                5 => heat_map(a.chunks(names.len()))
                    .x_names(&names)
                    .y_names(&names),
                _ => lr_finder(&a, &b).note(a.len(), b.len(), names[0].as_str()),
            }
        })
}

fn chart() -> impl Strategy<Value = Chart> {
    let wishes = (
        any::<[bool; 4]>(),
        200..900u32,
        200..900u32,
        number(),
        number(),
    );
    (plain_chart(), word(), word(), word(), wishes).prop_map(
        |(mut chart, title, x, y, ([x_log, y_log, horizontal, sized], width, height, from, to))| {
            chart = chart.title(title).x_label(x).y_label(y).y_range(from, to);
            if x_log {
                chart = chart.x_log();
            }
            if y_log {
                chart = chart
                    .y_log()
                    .band("band", [(1.0, from, to), (2.0, to, from)]);
            }
            if horizontal {
                chart = chart
                    .horizontal()
                    .v_line("here", from)
                    .cmap(ColourMap::RedBlue);
            }
            if sized {
                chart.size(width, height)
            } else {
                chart
            }
        },
    )
}

/// Where words stand: as long as they are estimated to be, and as high as their letters.
fn place(words: &Words) -> Rect {
    let length = text::width(&words.text, words.size);
    let (before, after) = match words.anchor {
        Anchor::Start => (0.0, length),
        Anchor::Middle => (length / 2.0, length / 2.0),
        Anchor::End => (length, 0.0),
    };
    let half = words.size * 0.5;
    let (x, y) = words.at;
    let [left, right, top, bottom] = match words.upright {
        false => [x - before, x + after, y - half, y + half],
        true => [x - half, x + half, y - after, y + before],
    };
    Rect {
        left,
        top,
        right,
        bottom,
    }
}

/// The words that reach beyond the card by more than a hair.
fn outside(scene: &Scene) -> Vec<&Words> {
    let beyond = |words: &&Words| {
        let Rect {
            left,
            top,
            right,
            bottom,
        } = place(words);
        left < -1.0 || right > scene.width + 1.0 || top < -1.0 || bottom > scene.height + 1.0
    };
    scene.words().filter(beyond).collect()
}

/// Two words of which one lies on the other, so that neither can be read. Estimates are on the wide side by up to a
/// third, and letters and digits are lower than their line.
fn on_each_other(scene: &Scene) -> Option<[&Words; 2]> {
    let words: Vec<_> = scene
        .words()
        .filter(|words| !words.text.trim().is_empty())
        .collect();
    let core = |words: &Words| {
        let rect = place(words);
        let ((x, y), (width, height)) = (rect.centre(), (rect.width(), rect.height()));
        let (length, letters) = (0.75, 0.73);
        let (w, h) = match words.upright {
            false => (width / 2.0 * length, height / 2.0 * letters),
            true => (width / 2.0 * letters, height / 2.0 * length),
        };
        [x - w, x + w, y - h, y + h]
    };
    let meet = |a: &Words, b: &Words| {
        let ([left, right, top, bottom], [l, r, t, b]) = (core(a), core(b));
        left < r && l < right && top < b && t < bottom
    };
    words.iter().enumerate().find_map(|(index, one)| {
        let other = words[..index].iter().find(|other| meet(one, other))?;
        Some([*one, *other])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_chart_is_well_formed_and_inside_its_card(chart in chart()) {
        let svg = chart.to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg);
        prop_assert!(document.is_ok(), "{:?}", document.err());
        let scene = layout::scene(&chart).unwrap();
        prop_assert!(outside(&scene).is_empty(), "{:?} on {} x {}", outside(&scene), scene.width, scene.height);
        prop_assert_eq!(on_each_other(&scene), None, "on {} x {}", scene.width, scene.height);
    }

    #[test]
    fn any_confusion_matrix_is_readable(classes in 1..=20usize, names in prop::collection::vec(word(), 20)) {
        let counts = (0..classes).map(|row| (0..classes).map(move |column| row * 50 + column));
        let chart = confusion_matrix(counts, &names[..classes]);
        let scene = layout::scene(&chart).unwrap();
        prop_assert!(outside(&scene).is_empty(), "{:?}", outside(&scene));
        prop_assert!(scene.words().all(|words| words.size >= 9.0));
        let cells = scene.items.iter().filter(|item| matches!(item, Item::Block { .. }));
        prop_assert_eq!(cells.count(), classes * classes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_chart_can_be_a_png(chart in chart()) {
        match chart.to_png() {
            Ok(png) => prop_assert!(png.starts_with(b"\x89PNG")),
            Err(error) => prop_assert!(matches!(error, PlotError::NoFont), "{error}"),
        }
    }
}
