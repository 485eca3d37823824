//! What a Nagios plugin writes: a line for people, and performance data behind a bar.

/// Performance data of one check at most.
const PERF_MAX: usize = 200;
/// Characters of the line for people that are kept.
const LINE_CHARS_MAX: usize = 400;

/// One number of the performance data.
#[derive(Clone, Debug, PartialEq)]
pub struct Perf {
    /// Its label, e.g. `/var` or `time`.
    pub label: String,
    /// Its value in the base unit: seconds, bytes, ratio (1 = 100 %).
    pub value: f64,
}

/// What a plugin said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// The first line, without performance data.
    pub line: String,
    /// The performance data of all lines.
    pub perf: Vec<Perf>,
}

/// Reads a plugin's output: `TEXT | perf` on the first line; behind a second bar further down
/// everything is performance data, one or more a line.
#[must_use]
pub fn output(bytes: &[u8]) -> Output {
    let text = String::from_utf8_lossy(bytes);
    let (first, long) = text.split_once('\n').unwrap_or((&text, ""));
    let (line, perf) = first.split_once('|').unwrap_or((first, ""));
    let mut output = Output {
        line: line
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(LINE_CHARS_MAX)
            .collect(),
        perf: Vec::new(),
    };
    perf_data(perf, &mut output.perf);
    if let Some((_, more)) = long.split_once('|') {
        perf_data(more, &mut output.perf);
    }
    output
}

/// `'label with spaces'=value[unit];warn;crit;min;max`, between spaces.
fn perf_data(text: &str, into: &mut Vec<Perf>) {
    let mut rest = text.trim_start();
    while !rest.is_empty() && into.len() < PERF_MAX {
        let Some((label, after)) = label(rest) else {
            return;
        };
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (values, next) = after.split_at(end);
        let value = values.split(';').next().and_then(value);
        let known = into.iter().any(|perf| perf.label == label);
        if let Some(value) = value.filter(|_| !label.is_empty() && !known) {
            into.push(Perf { label, value });
        }
        rest = next.trim_start();
    }
}

/// The label and what stands behind its `=`; a quote inside quotes is doubled.
fn label(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let (label, rest) = text.split_once('=')?;
        return Some((label.trim().to_owned(), rest));
    };
    let mut label = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            label.push(c);
        } else if chars.next_if(|&(_, next)| next == '\'').is_some() {
            label.push('\'');
        } else {
            return Some((label, quoted.get(at + 1..)?.strip_prefix('=')?));
        }
    }
    None
}

/// A number with its unit, in the base unit; `U` means the plugin does not know it.
fn value(text: &str) -> Option<f64> {
    let split = text
        .find(|c: char| c.is_alphabetic() || c == '%')
        .unwrap_or(text.len());
    // Exponents: `1e-05s`.
    let split = match text
        .get(split..)
        .and_then(|rest| rest.strip_prefix(['e', 'E']))
    {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') => {
            let digits = rest.trim_start_matches(['-', '+']);
            let more = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            split + 1 + (rest.len() - digits.len()) + more
        }
        _ => split,
    };
    let (number, unit) = text.split_at_checked(split)?;
    let number: f64 = number
        .replace(',', ".")
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite())?;
    let scale = match unit {
        "ms" => 1e-3,
        "us" => 1e-6,
        "ns" => 1e-9,
        "%" => 0.01,
        "KB" | "kB" | "KiB" => 1024.0,
        "MB" | "MiB" => 1024.0 * 1024.0,
        "GB" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TB" | "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        // None, seconds, bytes, counters, and units of the plugin's own.
        _ => 1.0,
    };
    Some(number * scale)
}

/// The parser of this collector over arbitrary bytes: it may not panic.
pub fn fuzz_check(data: &[u8]) {
    let _ = output(data);
}
