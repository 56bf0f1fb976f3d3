//! Line plots as inline SVG: axes, grid, lines and their names; nothing from outside.

use std::fmt::Write as _;

/// Size of a plot, and its margins: left, right, top, bottom.
const SIZE: (f64, f64) = (760.0, 280.0);
const MARGIN: (f64, f64, f64, f64) = (64.0, 150.0, 14.0, 36.0);
/// Colours of lines, distinguishable without hue as well as with it.
const COLOURS: [&str; 8] =
    ["#0b5fa5", "#c8501e", "#2f7d32", "#7b3f98", "#a5760b", "#14808a", "#b02a58", "#555555"];
/// Points of a line at most.
const POINTS_MAX: usize = 400;

/// A line of a plot.
pub(super) struct Line {
    /// Name beside the plot.
    pub name: String,
    /// Points, by rising x.
    pub points: Vec<(f64, f64)>,
}

/// A plot of lines over one axis each.
pub(super) struct LineChart {
    /// Title, which also names the plot for who cannot see it.
    pub title: String,
    /// Unit of the x axis.
    pub x: String,
    /// Unit of the y axis.
    pub y: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A text in HTML or SVG.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

impl LineChart {
    /// The plot as an `svg` element; empty without points.
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        let largest = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
        let (x_max, y_max) = (largest(|point| point.0), largest(|point| point.1));
        if points().next().is_none() {
            return String::new();
        }
        let (x_max, y_max) = (round_up(x_max), round_up(y_max));
        let (left, right, top, bottom) = MARGIN;
        let x = |value: f64| left + value / x_max * (SIZE.0 - left - right);
        let y = |value: f64| SIZE.1 - bottom - value / y_max * (SIZE.1 - top - bottom);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
            SIZE.0,
            SIZE.1,
            escaped(&self.title)
        );
        // Writing into a text cannot fail.
        let _ = self.axes(&mut svg, (x_max, y_max), (&x, &y));
        for (place, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            let path: Vec<String> =
                thinned(&line.points).map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
            let path = path.join(" ");
            let _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" points=\"{path}\"/>"
            );
            let beside = SIZE.0 - right + 14.0;
            #[allow(clippy::cast_precision_loss, reason = "a handful of lines")]
            let row = top + 14.0 + 18.0 * place as f64;
            let name = escaped(&line.name);
            let _ = writeln!(svg, "<text x=\"{beside}\" y=\"{row}\" fill=\"{colour}\">{name}</text>");
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn axes(
        &self,
        svg: &mut String,
        (x_max, y_max): (f64, f64),
        (x, y): (&dyn Fn(f64) -> f64, &dyn Fn(f64) -> f64),
    ) -> std::fmt::Result {
        for tick in 0..=4 {
            let share = f64::from(tick) / 4.0;
            let (at_x, at_y) = (x(x_max * share), y(y_max * share));
            let (from, to) = (x(0.0), x(x_max));
            writeln!(
                svg,
                "<line class=\"grid\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{at_y:.1}\" y2=\"{at_y:.1}\"/>"
            )?;
            let (below, label) = (y(0.0) + 15.0, short(x_max * share));
            writeln!(
                svg,
                "<text class=\"tick\" x=\"{at_x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{label}</text>"
            )?;
            let (beside, label) = (x(0.0) - 6.0, short(y_max * share));
            writeln!(
                svg,
                "<text class=\"tick\" x=\"{beside:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                at_y + 4.0
            )?;
        }
        let (middle, below) = (x(x_max / 2.0), SIZE.1 - 4.0);
        writeln!(
            svg,
            "<text class=\"tick\" x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>",
            escaped(&self.x)
        )?;
        writeln!(svg, "<text class=\"tick\" x=\"4\" y=\"{:.1}\">{}</text>", MARGIN.2 + 4.0, escaped(&self.y))
    }
}

/// At most [`POINTS_MAX`] of the points, the last among them.
fn thinned(points: &[(f64, f64)]) -> impl Iterator<Item = &(f64, f64)> {
    let step = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len().saturating_sub(1);
    points
        .iter()
        .enumerate()
        .filter(move |(place, _)| place.is_multiple_of(step) || *place == last)
        .map(|(_, point)| point)
}

/// The next number of one digit, or of 2.5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|round| *round >= value).unwrap_or(10.0 * power)
}

fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_a_line_for_each_series_and_names_that_cannot_be_markup() {
        let line = Line { name: "<script>".to_owned(), points: vec![(0.0, 0.0), (3.0, 7.0)] };
        let plot = LineChart {
            title: "a & b".to_owned(),
            x: "s".to_owned(),
            y: "pods".to_owned(),
            lines: vec![line],
        };
        let svg = plot.svg();
        assert!(
            svg.contains("aria-label=\"a &amp; b\"")
                && svg.contains("&lt;script&gt;")
                && !svg.contains("<script")
        );
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(LineChart { lines: Vec::new(), ..plot }.svg().is_empty());
    }

    #[test]
    fn an_axis_ends_at_a_round_number_and_a_long_line_is_thinned() {
        for (value, round) in [(7.0, 8.0), (0.0, 1.0), (101.0, 200.0), (0.03, 0.04), (1000.0, 1000.0)] {
            assert!((round_up(value) - round).abs() < 1e-9, "{value}");
        }
        let points: Vec<_> = (0..10_000).map(|place| (f64::from(place), 1.0)).collect();
        let thin: Vec<_> = thinned(&points).collect();
        assert!(thin.len() <= POINTS_MAX + 1 && thin.last() == points.last().as_ref());
    }
}
