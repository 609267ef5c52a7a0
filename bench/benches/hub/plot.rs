//! Line plots with two logarithmic axes, as SVG.

use std::fmt::Write;

pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) series: Vec<Series>,
}

pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 40.0;
const INNER: (f64, f64) = (WIDTH - LEFT - 20.0, HEIGHT - TOP - 70.0);
/// The colour-blind-safe palette of Okabe and Ito; lines also differ by their marks.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// Returns the range of decades that contains all values.
fn decades(values: impl Iterator<Item = f64> + Clone) -> (i32, i32) {
    let positive = values.filter(|value| value.is_finite() && *value > 0.0);
    let lowest = positive.clone().fold(f64::INFINITY, f64::min);
    let highest = positive.fold(0.0, f64::max);
    if highest == 0.0 {
        return (0, 1);
    }
    #[allow(clippy::cast_possible_truncation, reason = "they are exponents")]
    let (low, high) = (lowest.log10().floor() as i32, highest.log10().ceil() as i32);
    (low, high.max(low + 1))
}

fn place(value: f64, (low, high): (i32, i32)) -> f64 {
    let share = (value.max(1e-9).log10() - f64::from(low)) / f64::from(high - low);
    share.clamp(0.0, 1.0)
}

/// Formats a power of ten, such as `0.1`, `1` or `10,000`.
fn label(exponent: i32) -> String {
    match exponent {
        4.. => format!("{},000", 10_i64.pow(exponent.unsigned_abs() - 3)),
        0..=3 => 10_i64.pow(exponent.unsigned_abs()).to_string(),
        _ => format!("{:.*}", usize::try_from(-exponent).unwrap_or(1), 10_f64.powi(exponent)),
    }
}

/// Draws the panels side by side. The image has its own background, so that it is also legible on a dark page.
pub(crate) fn svg(panels: &[Panel], x_title: &str) -> String {
    let width = WIDTH * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        // Writing to a string never fails.
        let _ = writeln!(svg, "<g transform=\"translate({} 0)\">\n{}</g>", WIDTH * index as f64, draw(panel, x_title));
    }
    svg + "</svg>\n"
}

fn draw(panel: &Panel, x_title: &str) -> String {
    let points = || panel.series.iter().flat_map(|series| series.points.iter().copied());
    let (xs, ys) = (decades(points().map(|(x, _)| x)), decades(points().map(|(_, y)| y)));
    let x = |value: f64| LEFT + INNER.0 * place(value, xs);
    let y = |value: f64| TOP + INNER.1 * (1.0 - place(value, ys));
    let mut out = format!("<text x=\"{LEFT}\" y=\"22\" font-weight=\"bold\" fill=\"#222\">{}</text>\n", panel.title);
    for exponent in ys.0..=ys.1 {
        let at = y(10_f64.powi(exponent));
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444\">{}</text>",
            LEFT + INNER.0,
            LEFT - 6.0,
            at + 4.0,
            label(exponent),
        );
    }
    let bottom = TOP + INNER.1;
    for exponent in xs.0..=xs.1 {
        let at = x(10_f64.powi(exponent));
        let _ = writeln!(
            out,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom:.1}\" stroke=\"#eee\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#444\">{}</text>",
            bottom + 16.0,
            label(exponent),
        );
    }
    let middle = LEFT + INNER.0 / 2.0;
    let _ = writeln!(
        out,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#444\">{x_title}</text>",
        bottom + 33.0
    );
    for (index, series) in panel.series.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let drawn: Vec<_> =
            series.points.iter().filter(|(_, value)| value.is_finite()).map(|p| (x(p.0), y(p.1))).collect();
        let line: Vec<_> = drawn.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for (x, y) in drawn {
            let _ = writeln!(out, "{}", mark(index, x, y, colour));
        }
        let at = LEFT + INNER.0 * index as f64 / panel.series.len() as f64;
        let _ = writeln!(
            out,
            "{}<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#222\">{}</text>",
            mark(index, at + 5.0, bottom + 52.0, colour),
            at + 13.0,
            bottom + 56.0,
            series.name,
        );
    }
    out
}

fn mark(index: usize, x: f64, y: f64, colour: &str) -> String {
    match index % 3 {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"),
        1 => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" fill=\"{colour}\"/>", x - 4.0, y - 4.0),
        _ => {
            let (left, right, top, bottom) = (x - 5.0, x + 5.0, y - 5.0, y + 4.0);
            format!(
                "<polygon points=\"{x:.1},{top:.1} {left:.1},{bottom:.1} {right:.1},{bottom:.1}\" fill=\"{colour}\"/>"
            )
        }
    }
}
