//! The subject, the plain text and the HTML of a mail.

use std::fmt::Write as _;

use crate::channel::{Outgoing, Rendered};
use crate::text::{Fact, NoticeText, cut};

/// RFC 5322 asks for lines under 998 bytes; folding aside, mail clients show far less.
const SUBJECT_CHARS_MAX: usize = 200;

pub(super) fn render(outgoing: Outgoing<'_>) -> Rendered {
    let notice = outgoing.notice;
    let subject = notice.subject().replace(['\r', '\n'], " ");
    Rendered {
        subject: cut(&subject, SUBJECT_CHARS_MAX),
        text: plain(notice),
        body: html(notice),
    }
}

fn footer(notice: &NoticeText) -> String {
    let key: &dyn std::fmt::Display = &notice.key;
    i18n::tf(notice.lang, "notice.message.footer", &[("key", key)])
}

fn plain(notice: &NoticeText) -> String {
    format!("{}\n-- \n{}\n", notice.plain(), footer(notice))
}

/// Tables and inline styles, because that is what mail clients draw; dark text on white in both
/// schemes, the severity as words, fires and a bar.
fn html(notice: &NoticeText) -> String {
    let mut rows = String::new();
    for Fact { label, value } in notice.facts() {
        let _ = write!(
            rows,
            "<tr><th style=\"text-align:left;font-weight:normal;color:#666;\
             padding:3px 16px 3px 0;white-space:nowrap;vertical-align:top\">{}</th>\
             <td style=\"padding:3px 0\">{}</td></tr>",
            escape(label),
            escape(&value),
        );
    }
    let mut lines = String::new();
    for line in notice.lines() {
        let _ = write!(
            lines,
            "<div style=\"padding:2px 0\">{}</div>",
            escape(&line)
        );
    }
    let link = match notice.link() {
        link if link.is_empty() => String::new(),
        link => format!(
            "<p style=\"margin:16px 0 0\"><a href=\"{0}\" style=\"color:#1d4ed8\">{0}</a></p>",
            escape(&link)
        ),
    };
    format!(
        "<!DOCTYPE html><html lang=\"{lang}\"><head><meta charset=\"utf-8\"></head>\
         <body style=\"margin:0;padding:16px;background:#fff;color:#1a1a1a;\
         font:14px/1.5 sans-serif\">\
         <div style=\"border-left:6px solid {colour};padding:0 0 0 14px;max-width:640px\">\
         <h1 style=\"font-size:18px;margin:0 0 10px\">{headline}</h1>\
         <table style=\"border-collapse:collapse\">{rows}</table>{lines}{link}</div>\
         <p style=\"color:#888;font-size:12px;margin:20px 0 0\">{footer}</p></body></html>",
        lang = notice.lang.code(),
        colour = crate::text::colour(notice.severity()),
        headline = escape(&notice.headline()),
        footer = escape(&footer(notice)),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
