//! Files of rows for spreadsheets: RFC 4180 with a byte-order mark, and no cell that is a formula.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// A file in the making.
#[derive(Debug)]
pub(crate) struct Csv(String);

impl Csv {
    /// A file with this head.
    pub(crate) fn new(head: &[&str]) -> Self {
        // Spreadsheets read UTF-8 only with the mark.
        let mut file = Self("\u{feff}".to_owned());
        file.row(head);
        file
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[&str]) {
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            self.cell(cell);
        }
        self.0.push_str("\r\n");
    }

    fn cell(&mut self, text: &str) {
        // What begins like a formula would be run by the spreadsheet of whoever opens it.
        let formula =
            text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
        let quoted = formula || text.contains([',', '"', '\n', '\r']);
        if !quoted {
            return self.0.push_str(text);
        }
        self.0.push('"');
        if formula {
            self.0.push('\'');
        }
        self.0.push_str(&text.replace('"', "\"\""));
        self.0.push('"');
    }

    /// The file as an answer, to be saved under this name.
    pub(crate) fn answer(self, name: &str) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ),
        ];
        (headers, self.0).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        let mut file = Csv::new(&["a", "b"]);
        file.row(&["x,\"y\"", "=HYPERLINK(1)"]);
        file.row(&["-5", "plain"]);
        assert_eq!(
            file.0,
            "\u{feff}a,b\r\n\"x,\"\"y\"\"\",\"'=HYPERLINK(1)\"\r\n-5,plain\r\n"
        );
    }
}
