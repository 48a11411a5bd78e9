//! A warehouse as one HTML page: what is wrong, with pictures, and how the classes are filled.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use rt::display::escape;
use vision::Image;

use super::histogram::histogram;
use super::{Finding, Findings, Issue, Picture, Warehouse};
use crate::DataError;

/// The most findings of a kind that are shown with pictures, and the most pictures of one.
const SHOWN: usize = 24;
const OF_ONE: usize = 6;
/// The most classes of which some pictures are shown, and how many of each.
const CLASSES: usize = 40;
const OF_CLASS: usize = 6;
/// The longest side of a picture on the page, in pixels.
const THUMB: u32 = 96;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse}td,th{padding:2px 12px 2px 0;text-align:left}\
td.n{text-align:right}.bar{background:#4a78b0;height:12px;border-radius:2px}.find{display:inline-block;vertical-align:top;margin:0 14px 14px 0}\
figure{display:inline-block;margin:0 4px 0 0;width:96px;vertical-align:top}figcaption{font-size:11px;color:#555;overflow-wrap:anywhere}\
img{max-width:96px;max-height:96px;border-radius:3px}.why{font-size:12px;color:#777}\
svg{margin:0 14px 14px 0}svg rect{fill:#4a78b0}svg text{font-size:12px;fill:#444}";

/// The page.
pub(super) fn page(warehouse: &Warehouse, findings: &Findings) -> Result<String, DataError> {
    let title = escape(&format!("Warehouse {}", warehouse.root().display()));
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1><p>{} pictures.</p>",
        findings.of
    );
    balance(warehouse, &mut page)?;
    let pictures = warehouse.pictures()?;
    measures(&pictures, &mut page);
    samples(warehouse, &pictures, &mut page);
    page.push_str("<h2>Findings</h2><table>");
    for issue in Issue::ALL {
        let count = findings.paths(issue).len();
        // Writing to a text cannot fail.
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=\"n\">{count}</td></tr>",
            issue.name()
        );
    }
    page.push_str("</table>");
    for issue in Issue::ALL {
        let of_kind = findings.of(issue);
        if of_kind.is_empty() {
            continue;
        }
        let _ = write!(page, "<h2>{}: {}</h2>", issue.name(), of_kind.len());
        for finding in of_kind.iter().take(SHOWN) {
            rt::checkpoint();
            gallery(warehouse, finding, &mut page);
        }
        if of_kind.len() > SHOWN {
            let _ = write!(page, "<p>and {} more</p>", of_kind.len() - SHOWN);
        }
    }
    page.push_str("</html>\n");
    Ok(page)
}

/// How many pictures each class has, as bars.
fn balance(warehouse: &Warehouse, page: &mut String) -> Result<(), DataError> {
    let counts = warehouse.balance()?;
    let most = counts.values().max().copied().unwrap_or(1);
    page.push_str("<h2>Classes</h2><table>");
    for ((split, label), count) in counts {
        let width = 400 * count / most;
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{count}</td><td><div class=\"bar\" style=\"width:{width}px\"></div></td></tr>",
            escape(&split),
            escape(&label)
        );
    }
    page.push_str("</table>");
    Ok(())
}

/// How large, bright and sharp the pictures are.
fn measures(pictures: &[Picture], page: &mut String) {
    let whole: Vec<&Picture> = pictures.iter().filter(|p| p.broken.is_none()).collect();
    let of = |value: fn(&Picture) -> f64| whole.iter().map(|p| value(p)).collect::<Vec<f64>>();
    page.push_str("<h2>Measures</h2>");
    let charts = [
        histogram("width in pixels", &of(|p| f64::from(p.width)), None),
        histogram("height in pixels", &of(|p| f64::from(p.height)), None),
        histogram("file in KiB", &of(|p| p.bytes as f64 / 1024.0), None),
        histogram(
            "brightness (99 % are below)",
            &of(|p| p.quality.brightness_99),
            Some((0.0, 1.0)),
        ),
        histogram("sharpness", &of(|p| p.quality.sharpness), Some((0.0, 1.0))),
        histogram("information in bits", &of(|p| p.quality.entropy), None),
    ];
    page.extend(charts);
}

/// Some pictures of each class, from its first to its last.
fn samples(warehouse: &Warehouse, pictures: &[Picture], page: &mut String) {
    let mut classes: BTreeMap<&str, Vec<&Picture>> = BTreeMap::new();
    for picture in pictures.iter().filter(|p| p.broken.is_none()) {
        classes.entry(&picture.label).or_default().push(picture);
    }
    page.push_str("<h2>Some of each class</h2>");
    for (label, pictures) in classes.iter().take(CLASSES) {
        rt::checkpoint();
        let label = if label.is_empty() {
            "without a label"
        } else {
            label
        };
        let _ = write!(page, "<h3>{}</h3>", escape(label));
        let shown = pictures.len().min(OF_CLASS);
        for number in 0..shown {
            figure(
                warehouse,
                &pictures[number * pictures.len() / shown].path,
                page,
            );
        }
    }
    if classes.len() > CLASSES {
        let _ = write!(page, "<p>and {} more classes</p>", classes.len() - CLASSES);
    }
}

fn figure(warehouse: &Warehouse, path: &str, page: &mut String) {
    let picture = thumb(warehouse, path).unwrap_or_else(|| "(cannot be shown)".into());
    let _ = write!(
        page,
        "<figure>{picture}<figcaption>{}</figcaption></figure>",
        escape(path)
    );
}

fn gallery(warehouse: &Warehouse, finding: &Finding, page: &mut String) {
    page.push_str("<div class=\"find\">");
    for path in finding.paths.iter().take(OF_ONE) {
        figure(warehouse, path, page);
    }
    if finding.paths.len() > OF_ONE {
        let _ = write!(page, "and {} more", finding.paths.len() - OF_ONE);
    }
    let _ = write!(
        page,
        "<div class=\"why\">{}</div></div>",
        escape(&finding.detail)
    );
}

fn thumb(warehouse: &Warehouse, path: &str) -> Option<String> {
    let image = Image::open(warehouse.root().join(path)).ok()?;
    let longest = image.width().max(image.height()).max(THUMB);
    let side = |side: u32| (side * THUMB / longest).max(1);
    let small = image
        .resize(side(image.width()), side(image.height()))
        .ok()?;
    let mut jpeg = std::io::Cursor::new(Vec::new());
    small
        .as_rgb8()
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .ok()?;
    let data = base64::engine::general_purpose::STANDARD.encode(jpeg.into_inner());
    Some(format!(
        "<img src=\"data:image/jpeg;base64,{data}\" alt=\"{}\">",
        escape(path)
    ))
}
