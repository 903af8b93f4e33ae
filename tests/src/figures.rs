//! Plots of measured figures, for readers of the documentation. A table (`docs/figures/NAME.tsv`) holds what was measured, and the
//! plot beside it (`NAME.svg`) is made from nothing else: `WRITE=1 cargo test --workspace --locked --lib figures` draws all of them.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

/// One row of a table: what was measured, its unit, and the figure of each program.
#[derive(Debug)]
struct Row<'a> {
    what: &'a str,
    unit: &'a str,
    figures: Vec<(&'a str, f64)>,
}

/// Draws the table as bars: in each row the largest figure has the whole width.
///
/// # Errors
/// A row that is not complete, or a figure that is no positive number.
pub fn plot(table: &str) -> Result<String> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().context("a table has a header")?.split('\t').collect();
    let names = header.get(2..).filter(|names| !names.is_empty()).context("a table has programs")?;
    let rows = lines.map(|line| row(line, names)).collect::<Result<Vec<Row<'_>>>>()?;
    let row_height = TITLE + names.len() * BAR + GAP;
    let height = rows.len() * row_height + GAP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" font-family=\"sans-serif\">\n\
         <title>{}: shorter is better</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n",
        escaped(&names.join(" beside "))
    );
    for (at, row) in rows.iter().enumerate() {
        let top = at * row_height + GAP;
        writeln!(svg, "<text x=\"{GAP}\" y=\"{}\" font-size=\"14\">{}</text>", top + 14, escaped(row.what))?;
        let most = row.figures.iter().map(|(_, figure)| *figure).fold(0.0, f64::max);
        for (number, (name, figure)) in row.figures.iter().enumerate() {
            let (y, width) = (top + TITLE + number * BAR, figure / most * LONGEST);
            let told = format!("{name}: {figure} {}", row.unit);
            writeln!(
                svg,
                "<rect class=\"bar{number}\" x=\"{GAP}\" y=\"{y}\" width=\"{width:.1}\" height=\"14\" rx=\"2\"/>"
            )?;
            writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" font-size=\"12\">{}</text>",
                width + BEHIND,
                y + 12,
                escaped(&told)
            )?;
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn row<'a>(line: &'a str, names: &[&'a str]) -> Result<Row<'a>> {
    let mut cells = line.split('\t');
    let (Some(what), Some(unit)) = (cells.next(), cells.next()) else { bail!("{line}: what and unit are missing") };
    let figures = cells.map(|cell| cell.parse::<f64>().ok().filter(|figure| *figure > 0.0).context(line.to_owned()));
    let figures = figures.collect::<Result<Vec<f64>>>()?;
    if figures.len() != names.len() {
        bail!("{line}: {} figures for {} programs", figures.len(), names.len());
    }
    Ok(Row { what, unit, figures: names.iter().copied().zip(figures).collect() })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

const WIDTH: usize = 720;
/// Room for the text behind a bar is left.
const LONGEST: f64 = 560.0;
const TITLE: usize = 22;
const BAR: usize = 18;
const GAP: usize = 14;
/// From the left edge of the bars to the text behind one.
const BEHIND: f64 = 22.0;
/// Its own ground keeps a plot legible on whatever page it stands.
const STYLE: &str = ".ground{fill:#ffffff}text{fill:#1f2328}.bar0{fill:#0969da}.bar1{fill:#8c959f}\
                     @media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.bar0{fill:#4493f8}.bar1{fill:#6e7681}}";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::fs;

    use super::*;
    use crate::product::repository;

    #[test]
    fn every_plot_is_what_its_table_says() {
        let folder = repository().join("docs/figures");
        let is_table = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "tsv");
        let tables: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_table).collect();
        assert!(!tables.is_empty());
        for table in tables {
            let drawn = plot(&fs::read_to_string(&table).unwrap()).unwrap();
            let path = table.with_extension("svg");
            if std::env::var_os("WRITE").is_some() {
                fs::write(&path, &drawn).unwrap();
            }
            assert_eq!(fs::read_to_string(&path).unwrap_or_default(), drawn, "{}: WRITE=1 draws it", path.display());
        }
    }

    #[test]
    fn tables_that_are_not_complete_are_refused() {
        for table in ["", "what\tunit", "what\tunit\ta\nx\tms", "what\tunit\ta\nx\tms\tfast", "what\tunit\ta\nx\tms\t0"]
        {
            assert!(plot(table).is_err(), "{table}");
        }
    }
}
