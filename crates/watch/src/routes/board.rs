//! The board as one snapshot.

use std::collections::BTreeMap;

use axum::extract::State;
use judge::{CELL_CANNOT_JUDGE, CELL_FLAPPING, CELL_STATE};
use model::{CellState, Severity};
use serde::Serialize;
use utoipa::ToSchema;
use web::Json;

use super::Api;

/// One cell.
#[derive(Serialize, ToSchema)]
pub(crate) struct CellBody {
    /// `normal`, `info`, `warning`, `minor`, `major`, `critical`, `unknown` or `unregistered`.
    state: &'static str,
    /// Whether something in it changes too often.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    flapping: bool,
    /// Whether something in it cannot be judged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cannot_judge: bool,
}

/// One host.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardRow {
    /// Its id, `ci_…`.
    host: String,
    /// Its name.
    name: String,
    /// One cell per column.
    cells: Vec<CellBody>,
}

/// The whole board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardBody {
    /// The number of the last change.
    generation: u64,
    /// The names of the columns.
    columns: Vec<String>,
    /// The hosts, by name.
    hosts: Vec<BoardRow>,
}

impl CellBody {
    fn new(cell: u8) -> Self {
        let code = cell & CELL_STATE;
        let state = match (Severity::from_code(code), code) {
            (Some(severity), _) => CellState::Judged(severity),
            (None, 6) => CellState::Unknown,
            (None, _) => CellState::Unregistered,
        };
        Self {
            state: state.name(),
            flapping: cell & CELL_FLAPPING != 0,
            cannot_judge: cell & CELL_CANNOT_JUDGE != 0,
        }
    }
}

pub(crate) async fn snapshot(State(api): State<Api>) -> Json<BoardBody> {
    let board = api.driver.board();
    let hosts = api.inventory.hosts().into_iter();
    let mut names: BTreeMap<_, _> = hosts.map(|host| (host.ci, host.name)).collect();
    let rows = board.hosts.into_iter().map(|(host, cells)| BoardRow {
        name: names.remove(&host).unwrap_or_else(|| host.to_string()),
        host: host.to_string(),
        cells: cells.into_iter().map(CellBody::new).collect(),
    });
    let mut rows: Vec<BoardRow> = rows.collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Json(BoardBody {
        generation: board.generation,
        columns: board.columns,
        hosts: rows,
    })
}
