//! Every channel draws every sample in both languages, and the list is what it promises to be.

use model::Lang;
use ui::FieldKind;

use super::*;

#[test]
fn channels_are_listed_in_alphabetic_order_and_found_by_kind() {
    let kinds: Vec<_> = ALL.iter().map(|channel| channel.kind()).collect();
    assert!(kinds.is_sorted());
    for kind in kinds {
        assert_eq!(by_kind(kind).map(Channel::kind), Some(kind));
    }
    assert!(by_kind("pigeon").is_none());
}

#[test]
fn every_sample_is_drawn_by_every_channel_without_a_hole() {
    for channel in ALL {
        let settings = Settings::new([("from", "noc@example.com")]);
        for notice in samples() {
            let outgoing = Outgoing {
                settings: &settings,
                address: "a@example.com",
                notice: &notice,
            };
            let drawn = channel.render(outgoing);
            for text in [&drawn.subject, &drawn.text] {
                assert!(!text.is_empty() && !text.contains("notice."), "{text}");
                assert!(!text.contains('{'), "a value is missing: {text}");
            }
            assert!(!drawn.subject.contains('\n'));
            assert!(drawn.text.chars().count() <= channel.capabilities().text_chars_max);
        }
    }
}

#[test]
fn every_field_has_its_words_in_both_languages() {
    for channel in ALL {
        for lang in Lang::ALL {
            assert!(!channel.title(lang).starts_with("notice."));
            assert!(!channel.help(lang).starts_with("notice."));
            for field in channel.fields() {
                for key in [&field.label, &field.hint] {
                    assert!(key.is_empty() || i18n::find(lang, key).is_some(), "{key}");
                }
                if let FieldKind::Select(choices) = &field.kind {
                    assert!(choices.iter().all(|c| i18n::find(lang, &c.label).is_some()));
                }
            }
        }
    }
}

#[test]
fn the_subjects_read_as_a_control_room_reads_them() {
    let subjects: Vec<String> = samples().iter().map(NoticeText::subject).collect();
    let expected = [
        "[봉수] 긴급 web01 디스크 사용률 96% (/var) P-1042",
        "[봉수] 위험→긴급 web01 디스크 사용률 96% (/var) P-1042",
        "[봉수] 긴급→주의 web01 디스크 사용률 96% (/var) P-1042",
        "[봉수] 긴급 반복 web01 디스크 사용률 96% (/var) P-1042",
        "[봉수] 복구 web01 디스크 사용률 (/var) 지속 23분 10초 P-1042",
        "[봉수] 긴급 지속 web01 디스크 사용률 96% (/var) P-1042",
        "[봉수] 긴급 자동복구 실패 웹서버-02 프로세스 <nginx> 중지 0 (nginx: master & worker) P-1043",
        "[봉수] 치명 db01 에이전트 무응답 5분 12초 P-1044",
        "[봉수] 최고 치명, 발생 33건, 복구 7건",
        "[봉수] 복구 2건",
        "[봉수] 시험 통보: NOC 메일",
        "[Bongsu] Major web01 Disk used 96% (/var) P-1042",
        "[Bongsu] Minor→Major web01 Disk used 96% (/var) P-1042",
        "[Bongsu] Major→Warning web01 Disk used 96% (/var) P-1042",
        "[Bongsu] Major, flapping web01 Disk used 96% (/var) P-1042",
        "[Bongsu] Recovered web01 Disk used (/var) lasted 23m 10s P-1042",
        "[Bongsu] Still Major web01 Disk used 96% (/var) P-1042",
        "[Bongsu] Major, repair failed 웹서버-02 Process <nginx> gone 0 (nginx: master & worker) P-1043",
        "[Bongsu] Critical db01 Agent silent 5m 12s P-1044",
        "[Bongsu] up to Critical: 33 problems, 7 recoveries",
        "[Bongsu] 2 recoveries",
        "[Bongsu] Test notice: NOC 메일",
    ];
    assert_eq!(subjects, expected);
}

#[test]
fn settings_hide_their_secrets_and_keep_them_when_a_form_leaves_them_empty() {
    let fields = Slack.fields();
    let old = Settings::new([
        ("url", "https://hooks.example.com/T0/secret"),
        ("room", "#noc"),
    ]);
    assert!(!format!("{old:?}").contains("secret"));
    assert_eq!(old.visible(&fields).keys().collect::<Vec<_>>(), ["room"]);
    let answers = Settings::new([("url", ""), ("room", ""), ("name", "봉수"), ("odd", "x")]);
    let new = old.updated(&fields, &answers);
    assert_eq!(new.get("url"), "https://hooks.example.com/T0/secret");
    assert_eq!(
        (new.get("room"), new.get("name"), new.get("odd")),
        ("", "봉수", "")
    );
}
