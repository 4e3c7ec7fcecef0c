//! Where the gradients of a projection's synapses are kept.
//!
//! Dense projections are cut into tiles of neighbouring targets; all rows of a tile lie together, so that the
//! backward pass of a tile works from cache however large the projection is.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::interval::plan::{IntervalPlan, Learner};
use crate::plan::route::{Columns, Route};

/// Neighbouring targets whose gradients lie together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Columns of the projection's rows.
    pub columns: Range<usize>,
    /// Place of the gradient of row 0, first column.
    pub base: usize,
}

/// Gradients that lie together, and the rows they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The rows.
    pub rows: Range<usize>,
    /// Places of the gradients.
    pub places: Range<usize>,
    /// Gradients of each row; 0 where they are all of a row's entries.
    pub width: usize,
}

/// Places of the gradients of a learner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GradientLayout {
    /// The tiles; a projection whose rows are not ranges of targets has none and keeps gradients as weights.
    pub tiles: Vec<Tile>,
    /// Target places from the begin of a tile to that of the next.
    pub tile_width: usize,
    /// Number of gradients.
    pub len: usize,
}

/// Bytes of a tile's gradients that should stay in the second-level cache.
const TILE_BYTES: usize = 512 * 1024;

/// Columns of each tile; 0 where the cache decides.
static TILE_COLUMNS: AtomicUsize = AtomicUsize::new(0);

/// Sets the columns of a tile, rounded up to whole cache lines, however few rows there are; 0 lets the cache decide. For
/// tests, so that small networks have several tiles; nothing but time depends on it.
pub fn set_tile_columns(columns: usize) {
    TILE_COLUMNS.store(columns, Ordering::Relaxed);
}

/// Columns of a tile for projections with that many rows in all; `line` numbers make a cache line.
#[must_use]
pub fn tile_width(rows: usize, columns: usize, line: usize) -> usize {
    let set = TILE_COLUMNS.load(Ordering::Relaxed);
    if set > 0 {
        return set.next_multiple_of(line);
    }
    if rows * columns * 8 <= TILE_BYTES {
        return columns.max(1);
    }
    let width = (TILE_BYTES / 8 / rows.max(1)).clamp(32, 512) & !31;
    // Tiles of equal width leave no small rest.
    columns.div_ceil(columns.div_ceil(width)).next_multiple_of(32)
}

impl GradientLayout {
    /// The layout for a learner, with tile borders at multiples of `width` target places.
    #[must_use]
    pub fn new(plan: &IntervalPlan, learner: &Learner, width: usize) -> Self {
        let route = plan.route_of(learner);
        let len = route.entry_count();
        let mut tiles = Vec::new();
        if let Columns::Range { first, len: columns } = route.columns {
            let mut begin = first;
            while begin < first + columns {
                let end = ((begin / width + 1) * width).min(first + columns);
                tiles.push(Tile {
                    columns: begin - first..end - first,
                    base: route.row_count * (begin - first),
                });
                begin = end;
            }
        }
        Self { tiles, tile_width: width, len }
    }

    /// Runs of rows whose gradients lie together, about `size` gradients each, in the order of their places.
    #[must_use]
    pub fn shares(&self, route: &Route, size: usize) -> Vec<Share> {
        let mut shares = Vec::new();
        let tiles = self.tiles.iter().map(|tile| (tile.base, tile.columns.len()));
        let whole = self.tiles.is_empty().then_some((0, 0));
        for (base, width) in tiles.chain(whole) {
            let end_of =
                |row: usize| if width == 0 { route.entries(row).end } else { base + (row + 1) * width };
            let (mut first, mut begin) = (0, base);
            for row in 0..route.row_count {
                let end = end_of(row);
                if end - begin >= size || row + 1 == route.row_count {
                    shares.push(Share { rows: first..row + 1, places: begin..end, width });
                    (first, begin) = (row + 1, end);
                }
            }
        }
        shares
    }

    /// The pieces that a row's entries are kept in: place in the gradients, place within the row, length.
    pub fn pieces(
        &self,
        entries: Range<usize>,
        row: usize,
    ) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
        let whole = self.tiles.is_empty().then(|| (entries.clone(), 0..entries.len()));
        let tiles = self.tiles.iter().map(move |tile| {
            let width = tile.columns.len();
            let begin = tile.base + row * width;
            (begin..begin + width, tile.columns.clone())
        });
        whole.into_iter().chain(tiles)
    }
}
