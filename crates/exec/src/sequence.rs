//! The greatest order number carried out per key, on disk, so that no order runs twice.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::order::{Order, OrderError};

/// Where the numbers are kept. One line a key: `key_id number`.
#[derive(Debug)]
pub struct SequenceStore {
    path: PathBuf,
    last: BTreeMap<String, u64>,
}

/// Why an order could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// Its number was used.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The file cannot be read or written: no order is carried out then.
    #[error("{path}: the numbers of past orders cannot be kept")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is damaged. It is never begun anew by itself: old orders could run again.
    #[error(
        "{path}, line {line}: `{text}` must be a key and a number; restore the file or remove \
        it after replacing the server's order key"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
}

impl SequenceStore {
    /// Opens the file; one that does not exist means that no order was ever carried out.
    ///
    /// # Errors
    /// When it exists but cannot be read or is damaged.
    pub fn open(path: &Path) -> Result<Self, SequenceError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                return Err(SequenceError::File {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let mut last = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            let parsed = text
                .split_once(' ')
                .and_then(|(key, number)| Some((key.to_owned(), number.parse::<u64>().ok()?)));
            let Some((key, number)) = parsed else {
                let text = text.to_owned();
                return Err(SequenceError::Damaged {
                    path: path.to_owned(),
                    line,
                    text,
                });
            };
            last.insert(key, number);
        }
        Ok(Self {
            path: path.to_owned(),
            last,
        })
    }

    /// Enters the order before it is carried out: it is on disk when this returns.
    ///
    /// # Errors
    /// When its number is not greater than the last one, or it cannot be written.
    pub fn enter(&mut self, order: &Order) -> Result<(), SequenceError> {
        let last = self.last.get(&order.key_id).copied().unwrap_or(0);
        if order.sequence <= last {
            return Err(OrderError::Replayed {
                sequence: order.sequence,
                last,
            }
            .into());
        }
        let mut next = self.last.clone();
        next.insert(order.key_id.clone(), order.sequence);
        self.write(&next).map_err(|source| SequenceError::File {
            path: self.path.clone(),
            source,
        })?;
        self.last = next;
        Ok(())
    }

    fn write(&self, numbers: &BTreeMap<String, u64>) -> std::io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        for (key, number) in numbers {
            writeln!(file, "{key} {number}")?;
        }
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::scratch;

    fn order(sequence: u64) -> Order {
        Order {
            key_id: "key_1".into(),
            sequence,
            ..Order::default()
        }
    }

    #[test]
    fn a_number_is_used_once_also_after_a_restart() {
        let dir = scratch("sequence");
        let path = dir.join("orders");
        let mut store = SequenceStore::open(&path).unwrap();
        store.enter(&order(5)).unwrap();
        assert!(store.enter(&order(5)).is_err());
        let mut store = SequenceStore::open(&path).unwrap();
        let error = store.enter(&order(4)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "order 4 was replayed: order 5 was already carried out"
        );
        store.enter(&order(6)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "key_1 6\n");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_damaged_file_refuses_every_order() {
        let dir = scratch("sequence-damaged");
        let path = dir.join("orders");
        fs::write(&path, "key_1 6\nkey_2 x\n").unwrap();
        let error = SequenceStore::open(&path).unwrap_err();
        assert!(
            matches!(error, SequenceError::Damaged { line: 2, .. }),
            "{error}"
        );
        fs::remove_dir_all(dir).unwrap();
    }
}
