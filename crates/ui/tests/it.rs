//! The colours of the states can be read: WCAG 2.2 AA contrasts of the style sheet, in both themes.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

type Rgb = [f64; 3];

fn css() -> String {
    String::from_utf8(ui::assets::find("base.css").unwrap().0.into_owned()).unwrap()
}

fn rgb(hex: &str) -> Rgb {
    let hex = hex.trim_start_matches('#');
    let wide: String = match hex.len() {
        3 => hex.chars().flat_map(|c| [c, c]).collect(),
        _ => hex.to_owned(),
    };
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(wide.get(at..at + 2).unwrap(), 16).unwrap()))
}

/// The light and the dark colour of a custom property of a rule.
fn colours(css: &str, rule: &str, property: &str) -> [Rgb; 2] {
    let body = css.split_once(rule).unwrap().1.split('}').next().unwrap();
    let value = body.split_once(&format!("{property}: ")).unwrap().1;
    let value = value.split(';').next().unwrap();
    let found: Vec<Rgb> = value
        .split('#')
        .skip(1)
        .map(|part| rgb(part.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap()))
        .collect();
    [*found.first().unwrap(), *found.last().unwrap()]
}

fn luminance(colour: Rgb) -> f64 {
    let linear = colour.map(|part| {
        let part = part / 255.0;
        if part <= 0.039_28 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    linear
        .iter()
        .zip([0.2126, 0.7152, 0.0722])
        .map(|(part, weight)| part * weight)
        .sum()
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn mix(one: Rgb, other: Rgb, share: f64) -> Rgb {
    let mut mixed = one;
    for (part, other) in mixed.iter_mut().zip(other) {
        *part = *part * share + other * (1.0 - share);
    }
    mixed
}

fn all([one, other]: [Rgb; 2], [third, fourth]: [Rgb; 2], what: &str, least: f64) {
    for (theme, ratio) in [
        ("light", contrast(one, third)),
        ("dark", contrast(other, fourth)),
    ] {
        assert!(
            ratio >= least,
            "{what} in the {theme} theme: {ratio:.2}, {least} is the least"
        );
    }
}

#[test]
fn states_can_be_read_on_every_ground() {
    let css = css();
    let grounds = ["--surface", "--bg", "--sunk"].map(|name| colours(&css, ":root", name));
    let surface = grounds[0];
    // The shares of fill that cells and counts are tinted with in board.css.
    for (state, share) in [
        ("normal", 0.0),
        ("info", 0.11),
        ("warning", 0.26),
        ("minor", 0.15),
        ("major", 0.15),
        ("critical", 0.15),
        ("unknown", 0.16),
    ] {
        let rule = format!(".s-{state} {{");
        let [text, fill, on] = ["--c", "--f", "--o"].map(|name| colours(&css, &rule, name));
        for ground in grounds {
            all(text, ground, &format!("the word of {state}"), 4.5);
        }
        all(on, fill, &format!("the word on the fill of {state}"), 4.5);
        let tint = [
            mix(fill[0], surface[0], share),
            mix(fill[1], surface[1], share),
        ];
        all(text, tint, &format!("the word on the tint of {state}"), 4.5);
    }
}

#[test]
fn texts_and_outlines_can_be_read() {
    let css = css();
    let token = |name| colours(&css, ":root", name);
    for ground in ["--surface", "--bg", "--sunk", "--raised"] {
        all(token("--ink"), token(ground), "ink", 7.0);
        all(token("--muted"), token(ground), "muted text", 4.5);
        all(token("--focus"), token(ground), "the focus ring", 3.0);
    }
    all(token("--faint"), token("--raised"), "a placeholder", 4.5);
    all(
        token("--line-strong"),
        token("--raised"),
        "the outline of an input",
        3.0,
    );
    all(
        token("--on-press"),
        token("--press"),
        "the main button",
        7.0,
    );
}
