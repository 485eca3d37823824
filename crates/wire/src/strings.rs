//! Texts of one dictionary: each is written once, later uses name its number.

use std::collections::HashMap;

use crate::varint;

/// Writes texts; a repeated one costs a byte or two.
#[derive(Default)]
pub(crate) struct StringWriter<'a> {
    known: HashMap<&'a str, u64>,
}

impl<'a> StringWriter<'a> {
    /// Appends `text`: zero, length and bytes when it is new, otherwise its number from 1.
    pub(crate) fn put(&mut self, out: &mut Vec<u8>, text: &'a str) {
        if let Some(&number) = self.known.get(text) {
            varint::put(out, number);
            return;
        }
        let number = self.known.len() as u64 + 1;
        self.known.insert(text, number);
        out.push(0);
        varint::put(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Reads what [`StringWriter`] wrote; the texts borrow from the input.
#[derive(Default)]
pub(crate) struct StringReader<'a> {
    known: Vec<&'a str>,
}

impl<'a> StringReader<'a> {
    /// The next text of at most `max_bytes`; nothing when it is cut, too long or not UTF-8.
    pub(crate) fn take(&mut self, bytes: &mut &'a [u8], max_bytes: usize) -> Option<&'a str> {
        let number = usize::try_from(varint::take(bytes)?).ok()?;
        if let Some(before) = number.checked_sub(1) {
            return self.known.get(before).copied();
        }
        let len = usize::try_from(varint::take(bytes)?).ok()?;
        if len > max_bytes {
            return None;
        }
        let (text, rest) = bytes.split_at_checked(len)?;
        *bytes = rest;
        let text = std::str::from_utf8(text).ok()?;
        self.known.push(text);
        Some(text)
    }
}
