//! What the stages behind say of a script's run, in the reader's language: records keep English.

use std::fmt::Display;

use ui::PageContext;

/// A sentence of the records with holes, and the key of its words; `{a}` and `{b}` are the holes.
const SENTENCES: [(&str, &str); 21] = [
    ("the runner refused: {}", "said.refused"),
    ("the host could not be reached: {}", "said.unreachable"),
    ("there is no runner on this host", "said.no_runner"),
    (
        "the program with hash {} is not on the allow-list of this host",
        "said.not_allowed",
    ),
    ("the agent is not connected", "said.not_connected"),
    (
        "all recovery scripts are switched off by {}: {}",
        "said.switched_off",
    ),
    ("the script is retired", "said.retired"),
    (
        "the script does not start by itself (mode off)",
        "said.mode_off",
    ),
    (
        "version {} of the script is not approved",
        "said.not_approved",
    ),
    (
        "another run of the script is at work on this host",
        "said.at_work",
    ),
    (
        "cooldown: it ran on this host {} s ago, the next run may start in {} s",
        "said.cooldown",
    ),
    (
        "it ran {} times on this host within {} min, which is the limit: repair the cause",
        "said.too_often",
    ),
    ("verified: the problem is over", "said.verified"),
    (
        "not verified: the problem is still open",
        "said.not_verified",
    ),
    (
        "its answer never came; what it did is unknown",
        "said.no_answer",
    ),
    (
        "the server restarted while it ran; what it did is unknown",
        "said.restarted",
    ),
    ("stopped at its time limit after {} ms", "said.time_limit"),
    (
        "stopped at its output limit after {} ms",
        "said.output_limit",
    ),
    ("cancelled after {} ms", "said.cancelled"),
    ("exit code {} after {} ms", "said.exit"),
    ("ended by signal {} after {} ms", "said.signal"),
];

/// The words for what a record says; what is not known stays as it is.
pub(crate) fn said(page: &PageContext, text: &str) -> String {
    if let Some(words) = sentence(page, text) {
        return words;
    }
    let parts: Vec<String> = text
        .split("; ")
        .map(|part| sentence(page, part).unwrap_or_else(|| part.to_owned()))
        .collect();
    parts.join("; ")
}

fn sentence(page: &PageContext, text: &str) -> Option<String> {
    let (found, key) = SENTENCES
        .iter()
        .find_map(|(sentence, key)| Some((holes(sentence, text)?, key)))?;
    // What fills a hole may be a sentence itself.
    let told: Vec<String> = found.iter().map(|hole| said(page, hole)).collect();
    let values = ["a", "b"].into_iter().zip(&told);
    let values: Vec<(&str, &dyn Display)> = values
        .map(|(name, value)| (name, value as &dyn Display))
        .collect();
    Some(page.tf(key, &values))
}

/// What stands in the holes of a sentence, if the text is that sentence.
fn holes<'a>(sentence: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = sentence.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    for part in parts {
        let at = if part.is_empty() {
            rest.len()
        } else {
            rest.find(part)?
        };
        let (hole, behind) = rest.split_at_checked(at)?;
        found.push(hole);
        rest = behind.strip_prefix(part)?;
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use i18n::Lang;
    use ui::Theme;

    use super::*;

    #[test]
    fn known_sentences_are_put_into_words_and_others_stay() {
        let page = PageContext::bare(Lang::Ko, Theme::Auto, 0);
        let refused = said(&page, "the runner refused: there is no runner on this host");
        assert!(refused.contains(page.t("said.no_runner")), "{refused}");
        let ended = said(
            &page,
            "exit code 3 after 532 ms; verified: the problem is over",
        );
        assert!(
            ended.contains('3') && ended.ends_with(page.t("said.verified")),
            "{ended}"
        );
        assert_eq!(said(&page, "disk full"), "disk full");
    }

    #[test]
    fn every_sentence_says_the_same_in_english() {
        let page = PageContext::bare(Lang::En, Theme::Auto, 0);
        for (sentence, _) in SENTENCES {
            let text = sentence.replacen("{}", "7", 1).replacen("{}", "8", 1);
            assert_eq!(said(&page, &text), text);
        }
    }
}
