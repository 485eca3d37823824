//! Korean particles: which of two forms follows a name, by the sound the name ends in.

/// How the last sound of a name closes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    /// With a vowel.
    Vowel,
    /// With ㄹ, which `으로/로` treats like a vowel.
    Rieul,
    /// With any other consonant.
    Consonant,
}

/// `name` followed by the fitting one of `forms`, such as `이/가`, `을/를`, `은/는`, `과/와`, `으로/로`;
/// the form after a consonant stands first.
#[must_use]
pub fn with_particle(name: &str, forms: &str) -> String {
    let (closed, open) = forms.split_once('/').unwrap_or((forms, forms));
    let form = match ending(name) {
        Ending::Vowel => open,
        Ending::Consonant => closed,
        Ending::Rieul if closed.starts_with('으') => open,
        Ending::Rieul => closed,
    };
    format!("{name}{form}")
}

/// Brackets, quotes and spaces at the end are not spoken.
fn ending(name: &str) -> Ending {
    let spoken = name.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '%');
    let Some(last) = spoken.chars().next_back() else {
        return Ending::Vowel;
    };
    match last {
        '가'..='힣' => hangul(last),
        // 영(십, 백, 천, 만), 일, 삼, 육, 칠, 팔; 이, 사, 오, 구 end in a vowel.
        '0' | '3' | '6' => Ending::Consonant,
        '1' | '7' | '8' => Ending::Rieul,
        'a'..='z' | 'A'..='Z' => latin(spoken),
        _ => Ending::Vowel,
    }
}

fn hangul(syllable: char) -> Ending {
    match (u32::from(syllable) - u32::from('가')) % 28 {
        0 => Ending::Vowel,
        8 => Ending::Rieul,
        _ => Ending::Consonant,
    }
}

/// An acronym is spelled (CPU 씨피유, URL 유알엘), a word is read as Koreans read it (web 웹, disk 디스크).
fn latin(spoken: &str) -> Ending {
    let start = spoken
        .rfind(|c: char| !c.is_ascii_alphabetic())
        .map_or(0, |at| {
            at + spoken
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(1, char::len_utf8)
        });
    let word = spoken.get(start..).unwrap_or(spoken);
    let spelled = word.len() == 1 || word.chars().all(|c| c.is_ascii_uppercase());
    let lower = word.to_ascii_lowercase();
    if spelled {
        return match lower.chars().next_back() {
            Some('l' | 'r') => Ending::Rieul,
            Some('m' | 'n') => Ending::Consonant,
            _ => Ending::Vowel,
        };
    }
    if lower.ends_with('l') || lower.ends_with("le") {
        Ending::Rieul
    } else if [
        "m", "n", "ng", "ck", "ap", "ep", "ip", "op", "up", "ab", "eb", "ub", "ic", "ook",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
    {
        Ending::Consonant
    } else {
        Ending::Vowel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_particle_follows_the_sound() {
        for (name, forms, expected) in [
            ("서버", "이/가", "서버가"),
            ("경보", "을/를", "경보를"),
            ("통신망", "은/는", "통신망은"),
            ("메일", "으로/로", "메일로"),
            ("서울", "과/와", "서울과"),
            ("문자", "으로/로", "문자로"),
            ("창", "으로/로", "창으로"),
            ("web01", "이/가", "web01이"),
            ("web01", "으로/로", "web01로"),
            ("db-2", "을/를", "db-2를"),
            ("10", "으로/로", "10으로"),
            ("CPU", "이/가", "CPU가"),
            ("URL", "을/를", "URL을"),
            ("nginx", "이/가", "nginx가"),
            ("web", "을/를", "web을"),
            ("disk", "은/는", "disk는"),
            ("rack", "으로/로", "rack으로"),
            ("95%", "을/를", "95%를"),
            ("core (백본)", "이/가", "core (백본)이"),
            ("/var", "이/가", "/var가"),
            ("", "이/가", "가"),
        ] {
            assert_eq!(with_particle(name, forms), expected);
        }
    }
}
