//! A page for the teacher: how a class did, where it struggles, what deserves a look.

use std::collections::BTreeMap;

use rt::display::escape;

use crate::gradebook::{GradeRow, Total};
use crate::html::{bar, page, points, table};
use crate::result::Graded;
use crate::similarity::Pair;
use crate::verdict::Class;

/// Makes the page of one assignment's notebook from its results, its part of the gradebook, and pairs of
/// submissions that are alike.
pub fn class_report(
    results: &[&Graded],
    rows: &[&GradeRow],
    totals: &[&Total],
    pairs: &[Pair],
) -> String {
    let name = results
        .first()
        .map_or("", |graded| graded.notebook.as_str());
    let mut body = format!(
        "<h1>{}</h1>\n<p class=\"quiet\">{} submissions</p>\n",
        escape(name),
        results.len()
    );
    body.push_str(&summary(totals));
    body.push_str("<h2>Distribution</h2>\n");
    body.push_str(&distribution(totals));
    body.push_str("<h2>Exercises, hardest first</h2>\n");
    body.push_str(&exercises(results, rows));
    body.push_str(&refused(results));
    body.push_str(&findings(results));
    body.push_str(&similar(pairs));
    body.push_str("<h2>Submissions</h2>\n");
    body.push_str(&submissions(results, totals));
    body.push_str(&in_force(results));
    page(&format!("{name}: the class"), &body)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

fn summary(totals: &[&Total]) -> String {
    let max = totals.first().map_or(0.0, |total| total.max);
    let mut scores: Vec<f64> = totals.iter().map(|total| total.score).collect();
    scores.sort_by(f64::total_cmp);
    let median = match scores.len() {
        0 => 0.0,
        n if n % 2 == 1 => scores[n / 2],
        n => f64::midpoint(scores[n / 2 - 1], scores[n / 2]),
    };
    let open = totals.iter().filter(|total| total.needs_manual).count();
    let open = match open {
        0 => String::new(),
        1 => "<p class=\"mark\">1 submission waits for points by hand.</p>\n".into(),
        n => format!("<p class=\"mark\">{n} submissions wait for points by hand.</p>\n"),
    };
    format!(
        "<p class=\"score\">{} <small>points on average of {}; median {}</small></p>\n{open}",
        points(mean(scores.iter().copied())),
        points(max),
        points(median)
    )
}

/// How many submissions reached which tenth of the points.
fn distribution(totals: &[&Total]) -> String {
    let mut tenths = [0_usize; 10];
    for total in totals.iter().filter(|total| total.max > 0.0) {
        // Full points belong into the last tenth.
        let tenth = (total.score / total.max * 10.0).floor().clamp(0.0, 9.0);
        tenths[tenth as usize] += 1;
    }
    let most = tenths.iter().copied().max().unwrap_or(0).max(1);
    let column = |(at, count): (usize, &usize)| {
        let height = *count as f64 / most as f64 * 120.0;
        let (x, y) = (at * 60 + 6, 140.0 - height);
        let label = if *count > 0 {
            count.to_string()
        } else {
            String::new()
        };
        let end = if at == 9 { 100 } else { at * 10 + 9 };
        format!(
            "<rect x=\"{x}\" y=\"{y:.1}\" width=\"48\" height=\"{height:.1}\" rx=\"3\" fill=\"var(--mark)\"/>\
             <text x=\"{0}\" y=\"{1:.1}\" text-anchor=\"middle\">{label}</text>\
             <text x=\"{0}\" y=\"160\" text-anchor=\"middle\" class=\"axis\">{2}\u{2013}{end}%</text>\n",
            x + 24,
            y - 5.0,
            at * 10
        )
    };
    let columns: String = tenths.iter().enumerate().map(column).collect();
    format!(
        "<svg viewBox=\"0 0 606 170\" role=\"img\" aria-label=\"how many submissions reached which part of the points\" \
         style=\"font-size:12px;fill:var(--text)\">\n<line x1=\"0\" y1=\"140.5\" x2=\"606\" y2=\"140.5\" stroke=\"var(--line)\"/>\n{columns}</svg>\n"
    )
}

fn exercises(results: &[&Graded], rows: &[&GradeRow]) -> String {
    let mut by_cell: BTreeMap<&str, Vec<&GradeRow>> = BTreeMap::new();
    for row in rows {
        by_cell.entry(&row.cell).or_default().push(row);
    }
    let mut cells: Vec<(f64, &str, Vec<&GradeRow>)> = by_cell
        .into_iter()
        .map(|(cell, rows)| {
            let graded = rows.iter().filter(|row| !row.needs_manual && row.max > 0.0);
            (mean(graded.map(|row| row.points() / row.max)), cell, rows)
        })
        .collect();
    cells.sort_by(|a, b| a.0.total_cmp(&b.0));
    let line = |(part, cell, rows): &(f64, &str, Vec<&GradeRow>)| {
        let open = rows.iter().filter(|row| row.needs_manual).count();
        let graded = rows.len() - open;
        let part = if graded > 0 {
            bar(*part)
        } else {
            String::new()
        };
        let open = if open > 0 {
            format!("{open} to be graded")
        } else {
            String::new()
        };
        let max = rows.first().map_or(0.0, |row| row.max);
        vec![
            format!("<code>{}</code>", escape(cell)),
            points(max),
            part,
            common(results, cell),
            open,
        ]
    };
    let lines: Vec<Vec<String>> = cells.iter().map(line).collect();
    table(
        &[
            "exercise",
            "points",
            "reached on average",
            "what went wrong",
            "by hand",
        ],
        &lines,
    )
}

/// The most common ways in which an exercise failed, with their most common message.
fn common(results: &[&Graded], cell: &str) -> String {
    let mut counts: BTreeMap<Class, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    let verdicts = results.iter().flat_map(|graded| &graded.verdicts);
    for verdict in verdicts.filter(|verdict| {
        verdict.id == cell && !matches!(verdict.class, Class::Passed | Class::ByHand)
    }) {
        let (count, messages) = counts.entry(verdict.class).or_default();
        *count += 1;
        *messages.entry(verdict.message.as_str()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let one = |(class, (count, messages)): &(Class, (usize, BTreeMap<&str, usize>))| {
        let message = messages
            .iter()
            .max_by_key(|(_, count)| **count)
            .map(|(message, _)| *message);
        let message = message
            .filter(|message| !message.is_empty())
            .map(|message| {
                let short: String = message.chars().take(90).collect();
                format!("<br><code class=\"quiet\">{}</code>", escape(&short))
            });
        format!(
            "{count} \u{d7} {}{}",
            class.label(),
            message.unwrap_or_default()
        )
    };
    counts
        .iter()
        .take(3)
        .map(one)
        .collect::<Vec<_>>()
        .join("<br>")
}

fn refused(results: &[&Graded]) -> String {
    let rows: Vec<Vec<String>> = results
        .iter()
        .filter_map(|graded| {
            Some(vec![
                escape(&graded.student),
                escape(graded.refused.as_ref()?),
            ])
        })
        .collect();
    section("Could not be graded", &["student", "why"], &rows)
}

fn findings(results: &[&Graded]) -> String {
    let rows: Vec<Vec<String>> = results
        .iter()
        .flat_map(|graded| {
            graded
                .findings
                .iter()
                .map(|finding| (&graded.student, finding))
        })
        .map(|(student, finding)| {
            let cell = finding.cell.as_deref().unwrap_or_default();
            vec![
                escape(student),
                format!("<code>{}</code>", escape(cell)),
                escape(&finding.text),
            ]
        })
        .collect();
    section("Deserves a look", &["student", "cell", "what"], &rows)
}

fn similar(pairs: &[Pair]) -> String {
    let rows: Vec<Vec<String>> = pairs
        .iter()
        .map(|pair| vec![escape(&pair.first), escape(&pair.second), bar(pair.part)])
        .collect();
    section(
        "Written alike",
        &["", "", "shared by the smaller one"],
        &rows,
    )
}

fn section(title: &str, names: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!("<h2>{title}</h2>\n{}", table(names, rows))
}

fn submissions(results: &[&Graded], totals: &[&Total]) -> String {
    let line = |graded: &&Graded| {
        let total = totals.iter().find(|total| total.student == graded.student);
        let score = total.map_or(0.0, |total| total.score);
        let max = total.map_or(0.0, |total| total.max);
        let late = total.map_or(0.0, |total| total.late_penalty);
        let late = if late > 0.0 {
            format!("\u{2212}{}", points(late))
        } else {
            String::new()
        };
        let open = total.is_some_and(|total| total.needs_manual);
        vec![
            escape(&graded.student),
            format!("{} / {}", points(score), points(max)),
            if max > 0.0 {
                bar(score / max)
            } else {
                String::new()
            },
            late,
            if open {
                "some by hand".into()
            } else {
                String::new()
            },
            format!("{:.1} s", graded.seconds),
        ]
    };
    let lines: Vec<Vec<String>> = results.iter().map(line).collect();
    table(&["student", "points", "", "late", "", "time"], &lines)
}

fn in_force(results: &[&Graded]) -> String {
    let Some(graded) = results.iter().find(|graded| !graded.in_force.is_empty()) else {
        return String::new();
    };
    let rows: Vec<Vec<String>> = graded
        .in_force
        .iter()
        .map(|means| {
            let state = match means.is_full {
                true => "<span class=\"tag good\">in force</span>",
                false => "<span class=\"tag bad\">not in force</span>",
            };
            vec![escape(&means.means), state.to_owned(), escape(&means.text)]
        })
        .collect();
    section(
        "What submissions were confined by",
        &["means", "", "what it keeps out"],
        &rows,
    )
}
