//! A small line of recent values, drawn on the server as SVG.

use std::fmt::Write as _;

use crate::html::{Html, escape};

/// A sparkline of `values` (NaN = gap) on `width_px` × `height_px`, from zero or the least value to
/// the greatest; `label` is what a screen reader says instead.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "indices and pixels are small")]
pub fn sparkline(values: &[f64], (width_px, height_px): (u32, u32), label: &str) -> Html {
    let known = || values.iter().copied().filter(|value| value.is_finite());
    let low = known().fold(0.0_f64, f64::min);
    let high = known().fold(f64::MIN_POSITIVE, f64::max);
    let step = f64::from(width_px) / (values.len().max(2) - 1) as f64;
    let (mut path, mut pen_down) = (String::new(), false);
    for (at, value) in values.iter().enumerate() {
        if !value.is_finite() {
            pen_down = false;
            continue;
        }
        let x = step * at as f64;
        let y = (f64::from(height_px) - 2.0) * (1.0 - (value - low) / (high - low)) + 1.0;
        // Writing to a String cannot fail.
        let _ = write!(path, "{}{x:.1} {y:.1}", if pen_down { 'L' } else { 'M' });
        pen_down = true;
    }
    let label = escape(label);
    Html::trusted(format!(
        "<svg class=\"spark\" width=\"{width_px}\" height=\"{height_px}\" \
         viewBox=\"0 0 {width_px} {height_px}\" role=\"img\" aria-label=\"{label}\">\
         <path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lift_the_pen_and_labels_are_escaped() {
        let drawn = sparkline(&[0.0, 1.0, f64::NAN, 0.5], (30, 10), "<cpu>").into_string();
        assert_eq!(drawn.matches('M').count(), 2);
        assert!(drawn.contains("&lt;cpu&gt;"));
        assert!(sparkline(&[], (30, 10), "").as_str().contains("d=\"\""));
    }
}
