//! A [`Summary`] as a table, in text and in a notebook.

use std::fmt;

use rt::display::escape;
use rt::{Bundle, Show};

use super::Summary;
use crate::text::grouped;

const TITLES: [&str; 5] = [
    "Layer (name)",
    "Output shape",
    "Param #",
    "Mult-adds",
    "Memory (MB)",
];

/// torchinfo's table as text.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.cells();
        let rows = cells.iter().map(|(depth, cells)| {
            let branch = match depth {
                0 => String::new(),
                1 => "├─".into(),
                deeper => "│    ".repeat(deeper - 1) + "└─",
            };
            let mut cells = cells.clone();
            cells[0].insert_str(0, &branch);
            cells
        });
        let rows: Vec<[String; 5]> = std::iter::once(TITLES.map(String::from))
            .chain(rows)
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        let line = "=".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
        writeln!(f, "{line}")?;
        for (index, row) in rows.iter().enumerate() {
            let [title, shape, numbers @ ..] = row;
            write!(f, "{title:<0$}  {shape:<1$}", widths[0], widths[1])?;
            for (number, width) in numbers.iter().zip(&widths[2..]) {
                write!(f, "  {number:>width$}")?;
            }
            writeln!(f)?;
            if index == 0 {
                writeln!(f, "{line}")?;
            }
        }
        writeln!(f, "{line}")?;
        for (index, (title, number)) in self.totals().into_iter().enumerate() {
            if index == 4 {
                writeln!(f, "{line}")?;
            }
            writeln!(f, "{title}: {number}")?;
        }
        write!(f, "{line}")
    }
}

impl Show for Summary {
    fn show(&self) -> Bundle {
        const NUMBER: &str = "text-align:right;padding:1px 10px;font-variant-numeric:tabular-nums";
        const TEXT: &str = "text-align:left;padding:1px 10px";
        let style = |column: usize| if column < 2 { TEXT } else { NUMBER };
        let mut html = String::from("<table style=\"border-collapse:collapse\"><thead><tr>");
        for (column, title) in TITLES.iter().enumerate() {
            html += &format!("<th style=\"{}\">{title}</th>", style(column));
        }
        html += "</tr></thead><tbody>";
        for (depth, cells) in self.cells() {
            html += "<tr>";
            for (column, cell) in cells.iter().enumerate() {
                let indent = match column {
                    0 => format!(";padding-left:{}px", 10 + 18 * depth),
                    _ => String::new(),
                };
                html += &format!(
                    "<td style=\"{}{indent}\">{}</td>",
                    style(column),
                    escape(cell)
                );
            }
            html += "</tr>";
        }
        html += "</tbody></table><table style=\"margin-top:8px\"><tbody>";
        for (title, number) in self.totals() {
            html += &format!(
                "<tr><td style=\"{TEXT}\">{title}</td><td style=\"{NUMBER}\">{number}</td></tr>"
            );
        }
        html += "</tbody></table>";
        Bundle::html(html, self.to_string())
    }
}

impl Summary {
    /// The table's cells: title, output shape, parameters, multiply-adds, memory.
    fn cells(&self) -> Vec<(usize, [String; 5])> {
        let shown = self.rows.iter().filter(|row| row.depth <= self.shown_depth);
        let cells = shown.map(|row| {
            let title = match row.short_name() {
                "" => row.kind.clone(),
                name => format!("{} ({name})", row.kind),
            };
            let folded = row.depth == self.shown_depth;
            let number = |number: usize| match number {
                0 => "--".into(),
                _ if row.is_leaf || folded => grouped(number),
                _ => "--".into(),
            };
            let cells = [
                title,
                format!("{:?}", row.output),
                number(row.parameters),
                number(row.macs as usize),
                if row.is_leaf || folded {
                    megabytes(row.bytes)
                } else {
                    "--".into()
                },
            ];
            (row.depth, cells)
        });
        cells.collect()
    }

    /// The lines below the table.
    fn totals(&self) -> [(&'static str, String); 8] {
        let all = self.input_bytes + self.activation_bytes + self.parameter_bytes;
        [
            ("Total params", grouped(self.parameters)),
            ("Trainable params", grouped(self.trainable)),
            (
                "Non-trainable params",
                grouped(self.parameters - self.trainable),
            ),
            ("Total mult-adds", readable(self.macs)),
            ("Input size (MB)", megabytes(self.input_bytes)),
            (
                "Forward/backward pass size (MB)",
                megabytes(self.activation_bytes),
            ),
            ("Params size (MB)", megabytes(self.parameter_bytes)),
            ("Estimated total size (MB)", megabytes(all)),
        ]
    }
}

/// Millions of bytes.
fn megabytes(bytes: usize) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// 1.814 G, 120.422 M
fn readable(number: u64) -> String {
    match number {
        1_000_000_000.. => format!("{:.3} G", number as f64 / 1e9),
        _ => format!("{:.3} M", number as f64 / 1e6),
    }
}
