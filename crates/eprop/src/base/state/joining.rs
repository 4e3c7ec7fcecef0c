//! Arrays of ranks that share neurons, put together and taken apart.

use std::ops::Range;

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::state::layout::{Cells, Event, Layout, Owners};
use crate::base::state::{Array, Numbers};

/// An array of a rank.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The array.
    pub array: Array,
    /// Whose its numbers are.
    pub layout: Layout,
}

/// What arrays of ranks say that one process could not.
fn differ(name: &str, what: &str) -> Error {
    Error::new(ErrorCode::ValueError, format!("the states of the ranks do not fit each other: {what}"))
        .parameter(name)
        .bound("ranks of one network, at the same time")
}

/// Numbers that are taken from those of ranks.
trait Runs: FnOnce(&mut dyn FnMut(usize, Range<usize>)) {}
impl<F: FnOnce(&mut dyn FnMut(usize, Range<usize>))> Runs for F {}

/// Stands for a rank without numbers: zeros are taken.
const ZEROS: usize = usize::MAX;

/// The numbers of runs, one after the other, each from those of a rank; `None` where types differ or there are no such
/// numbers.
fn taken(from: &[Option<&Numbers>], runs: impl Runs) -> Option<Numbers> {
    macro_rules! of_type {
        ($($variant:ident),*) => {
            match from.iter().flatten().next()? {
                $(Numbers::$variant(_) => {
                    let mut lists = Vec::with_capacity(from.len());
                    for numbers in from {
                        lists.push(match numbers {
                            Some(Numbers::$variant(values)) => &values[..],
                            None => &[],
                            Some(_) => return None,
                        });
                    }
                    let mut all = Vec::with_capacity(lists.iter().map(|list| list.len()).sum());
                    let mut fits = true;
                    runs(&mut |rank, run| match lists.get(rank).map(|list| list.get(run.clone())) {
                        None => all.resize(all.len() + run.len(), Default::default()),
                        Some(Some(values)) => all.extend_from_slice(values),
                        Some(None) => fits = false,
                    });
                    fits.then(|| Numbers::$variant(all))
                })*
            }
        };
    }
    of_type!(F64, I64, U64, U32, U8)
}

/// Shape of so many numbers, in rows of that width where `matrix` says so.
fn shape(matrix: bool, len: usize, width: usize) -> Vec<usize> {
    if matrix { vec![len / width.max(1), width] } else { vec![len] }
}

/// The runs of a row that ranks have together: its nodes ascend, and those that all have come from the rank `first`.
fn merged(rows: &[&[u32]], first: usize, owners: &Owners, each: &mut dyn FnMut(usize, Range<usize>)) {
    let mut next = vec![0; rows.len()];
    loop {
        for (rank, at) in next.iter_mut().enumerate() {
            while rank != first && rows[rank].get(*at).is_some_and(|node| owners.of(*node).is_none()) {
                *at += 1;
            }
        }
        let heads = next.iter().enumerate().filter_map(|(rank, at)| Some((*rows[rank].get(*at)?, rank)));
        let Some((_, rank)) = heads.clone().min() else { return };
        let until = heads.filter(|(_, other)| *other != rank).map(|(node, _)| node).min();
        let begin = next[rank];
        let mine = |node: &u32| {
            until.is_none_or(|until| *node < until) && (rank == first || owners.of(*node).is_some())
        };
        let end = begin + rows[rank][begin..].iter().take_while(|node| mine(node)).count();
        // Two ranks with the same node, which cannot be, would go on for ever.
        let end = end.max(begin + 1);
        each(rank, begin..end);
        next[rank] = end;
    }
}

/// The arrays of ranks, where they have one, as one process has it. Counts are not known here.
///
/// # Errors
/// `ValueError` where they do not fit each other.
pub fn join(name: &str, pieces: &[Option<Piece>], owners: &Owners) -> Result<Array> {
    let misfit = |what: &str| differ(name, what);
    let first = pieces.iter().position(Option::is_some).ok_or_else(|| misfit("none has it"))?;
    let Some(one) = &pieces[first] else { return Err(misfit("none has it")) };
    let numbers: Vec<Option<&Numbers>> =
        pieces.iter().map(|piece| piece.as_ref().map(|piece| &piece.array.numbers)).collect();
    let no_fit = || misfit("numbers of another type or length");
    let list = |numbers: Numbers| Array { shape: vec![numbers.len()], numbers };
    match &one.layout {
        Layout::Same | Layout::Count(_) => Ok(one.array.clone()),
        layout @ (Layout::Nodes(_) | Layout::Of(_)) => {
            let len = one.array.numbers.len();
            let node = |at: usize| match layout {
                Layout::Nodes(from) => Some(from + at as u32),
                Layout::Of(nodes) => nodes.get(at).copied(),
                _ => None,
            };
            let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
                let owner = |at: usize| node(at).and_then(|node| owners.of(node)).unwrap_or(first);
                let mut begin = 0;
                while begin < len {
                    let rank = owner(begin);
                    let end = (begin..len).find(|at| owner(*at) != rank).unwrap_or(len);
                    each(rank, begin..end);
                    begin = end;
                }
            };
            let joined = taken(&numbers, runs).filter(|joined| joined.len() == len).ok_or_else(no_fit)?;
            Ok(Array { shape: one.array.shape.clone(), numbers: joined })
        }
        Layout::Cells(_) => joined_cells(pieces, &numbers, first, owners).ok_or_else(no_fit),
        Layout::Starts(_) => {
            let mut sums = vec![0; one.array.numbers.len()];
            for (rank, cells) in
                pieces.iter().enumerate().filter_map(|(rank, piece)| Some((rank, cells_of(piece.as_ref())?)))
            {
                let counts = |node: &&u32| rank == first || owners.of(**node).is_some();
                for row in 1..sums.len() {
                    sums[row] += cells.row(row - 1).iter().filter(counts).count() as u64;
                }
            }
            for row in 1..sums.len() {
                sums[row] += sums[row - 1];
            }
            Ok(list(Numbers::U64(sums)))
        }
        Layout::Rows(_) => joined_rows(pieces, &numbers, first, &misfit),
        Layout::Events(_) => {
            let mut order: Vec<([i64; 2], usize, usize)> = Vec::new();
            for (rank, piece) in pieces.iter().enumerate() {
                let Some(Piece { layout: Layout::Events(events), .. }) = piece else { continue };
                let own = events.iter().enumerate();
                let own = own.filter(|(_, event)| rank == first || owners.of(event.node).is_some());
                order.extend(own.map(|(at, event)| (event.key, rank, at)));
            }
            order.sort_unstable();
            let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
                for (_, rank, at) in &order {
                    each(*rank, *at..*at + 1);
                }
            };
            taken(&numbers, runs).map(list).ok_or_else(no_fit)
        }
        Layout::Keys => {
            let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
                let of_rank = numbers.iter().enumerate();
                of_rank.for_each(|(rank, keys)| each(rank, 0..keys.map_or(0, Numbers::len)));
            };
            let mut keys = taken(&numbers, runs).ok_or_else(no_fit)?;
            macro_rules! sorted {
                ($($variant:ident),*) => {
                    match &mut keys {
                        $(Numbers::$variant(keys) => {
                            keys.sort_unstable();
                            keys.dedup();
                        })*
                        Numbers::F64(_) => return Err(no_fit()),
                    }
                };
            }
            sorted!(I64, U64, U32, U8);
            Ok(list(keys))
        }
    }
}

fn cells_of(piece: Option<&Piece>) -> Option<&Cells> {
    match &piece?.layout {
        Layout::Cells(cells) | Layout::Starts(cells) | Layout::Rows(cells) => Some(cells),
        _ => None,
    }
}

fn joined_cells(
    pieces: &[Option<Piece>],
    numbers: &[Option<&Numbers>],
    first: usize,
    owners: &Owners,
) -> Option<Array> {
    let cells: Vec<Option<&Cells>> = pieces.iter().map(|piece| cells_of(piece.as_ref())).collect();
    let len = |rank: usize| numbers[rank].map_or(0, Numbers::len);
    let width = |rank: usize| cells[rank].map_or(0, |cells| cells.nodes().len());
    // Who has none of a kind of numbers, such as moments, has zeros of it where others have some.
    let source = |rank: usize| if len(rank) == 0 { ZEROS } else { rank };
    let matrix = pieces.iter().flatten().any(|piece| piece.array.shape.len() > 1);
    let listed = cells.iter().flatten().any(|cells| matches!(cells, Cells::Listed(_)));
    if (0..pieces.len()).all(|rank| len(rank) == 0) {
        let all: usize = (0..pieces.len()).map(width).sum();
        let numbers = taken(numbers, |_: &mut dyn FnMut(usize, Range<usize>)| {})?;
        return Some(Array { shape: shape(matrix, 0, if listed { 0 } else { all }), numbers });
    }
    if listed {
        let starts = |rank: usize| match cells[rank] {
            Some(Cells::Listed(listed)) => Some(&listed.starts[..]),
            _ => None,
        };
        let rows = starts(first)?.len().checked_sub(1)?;
        if (0..pieces.len())
            .any(|rank| cells[rank].is_some() && starts(rank).map(<[usize]>::len) != Some(rows + 1))
        {
            return None;
        }
        let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
            for row in 0..rows {
                let of_row: Vec<&[u32]> =
                    cells.iter().map(|cells| cells.map_or(&[][..], |cells| cells.row(row))).collect();
                merged(&of_row, first, owners, &mut |rank, run| {
                    let begin = starts(rank).map_or(0, |starts| starts[row]);
                    each(source(rank), begin + run.start..begin + run.end);
                });
            }
        };
        let numbers = taken(numbers, runs)?;
        return Some(Array { shape: vec![numbers.len()], numbers });
    }
    let mut rows = None;
    for rank in (0..pieces.len()).filter(|rank| len(*rank) > 0) {
        let of_rank = len(rank).checked_div(width(rank))?;
        if of_rank * width(rank) != len(rank) || rows.is_some_and(|rows| rows != of_rank) {
            return None;
        }
        rows = Some(of_rank);
    }
    let of_row: Vec<&[u32]> = cells.iter().map(|cells| cells.map_or(&[][..], Cells::nodes)).collect();
    let mut order = Vec::new();
    merged(&of_row, first, owners, &mut |rank, run| order.push((rank, run)));
    let all = order.iter().map(|(_, run)| run.len()).sum();
    let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
        for row in 0..rows.unwrap_or(0) {
            for (rank, run) in &order {
                let begin = row * width(*rank);
                each(source(*rank), begin + run.start..begin + run.end);
            }
        }
    };
    let numbers = taken(numbers, runs)?;
    Some(Array { shape: shape(matrix, numbers.len(), all), numbers })
}

/// Whether two numbers have the same bits.
fn are_same(one: &Numbers, other: &Numbers, at: usize) -> bool {
    match (one, other) {
        (Numbers::F64(one), Numbers::F64(other)) => one[at].to_bits() == other[at].to_bits(),
        (Numbers::I64(one), Numbers::I64(other)) => one[at] == other[at],
        (Numbers::U64(one), Numbers::U64(other)) => one[at] == other[at],
        (Numbers::U32(one), Numbers::U32(other)) => one[at] == other[at],
        (Numbers::U8(one), Numbers::U8(other)) => one[at] == other[at],
        _ => false,
    }
}

fn joined_rows(
    pieces: &[Option<Piece>],
    numbers: &[Option<&Numbers>],
    first: usize,
    misfit: &dyn Fn(&str) -> Error,
) -> Result<Array> {
    let known = |rank: usize, row: usize| {
        cells_of(pieces[rank].as_ref()).is_some_and(|cells| !cells.row(row).is_empty())
    };
    // Of rows that all have in common, such as steps, one rank may have forgotten those that it has no numbers in.
    let whole = (first..pieces.len()).find(
        |rank| matches!(cells_of(pieces[*rank].as_ref()), Some(Cells::Columns(nodes)) if !nodes.is_empty()),
    );
    let first = whole.unwrap_or(first);
    let Some(len) = numbers[first].map(Numbers::len) else { return Err(misfit("none has it")) };
    let mut from = Vec::with_capacity(len);
    for row in 0..len {
        let rank = (0..pieces.len()).find(|rank| known(*rank, row)).unwrap_or(first);
        from.push(rank);
        for other in (rank + 1..pieces.len()).filter(|other| known(*other, row)) {
            let same = match (numbers[rank], numbers[other]) {
                (Some(one), Some(other)) => {
                    one.len() == len && other.len() == len && are_same(one, other, row)
                }
                _ => false,
            };
            if !same {
                return Err(misfit("what they have in common differs"));
            }
        }
    }
    let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
        from.iter().enumerate().for_each(|(row, rank)| each(*rank, row..row + 1));
    };
    let numbers = taken(numbers, runs).ok_or_else(|| misfit("numbers of another type or length"))?;
    Ok(Array { shape: vec![len], numbers })
}

/// What a rank has of an array of one process. Counts are not known here.
///
/// # Errors
/// `ValueError` where array and layout do not fit each other.
pub fn part(name: &str, array: &Array, layout: &Layout, owners: &Owners, rank: usize) -> Result<Array> {
    let kept =
        |nodes: &mut dyn Iterator<Item = u32>, offset: usize, each: &mut dyn FnMut(usize, Range<usize>)| {
            let mut run = 0..0;
            for (at, node) in (offset..).zip(nodes) {
                if owners.has(rank, node) {
                    if run.end == at {
                        run.end += 1;
                    } else {
                        each(0, std::mem::replace(&mut run, at..at + 1));
                    }
                }
            }
            each(0, run);
        };
    let no_fit = || differ(name, "numbers of another type or length");
    let (len, matrix) = (array.numbers.len(), array.shape.len() > 1);
    let numbers = Some(&array.numbers);
    match layout {
        _ if len == 0 => Ok(array.clone()),
        Layout::Same
        | Layout::Nodes(_)
        | Layout::Of(_)
        | Layout::Rows(_)
        | Layout::Keys
        | Layout::Count(_) => Ok(array.clone()),
        Layout::Cells(Cells::Columns(nodes)) => {
            let width = nodes.len();
            let rows = len.checked_div(width).ok_or_else(no_fit)?;
            let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
                (0..rows).for_each(|row| kept(&mut nodes.iter().copied(), row * width, each));
            };
            let numbers = taken(&[numbers], runs).ok_or_else(no_fit)?;
            let width = nodes.iter().filter(|node| owners.has(rank, **node)).count();
            Ok(Array { shape: shape(matrix, numbers.len(), width), numbers })
        }
        Layout::Cells(Cells::Listed(listed)) => {
            let runs =
                |each: &mut dyn FnMut(usize, Range<usize>)| kept(&mut listed.nodes.iter().copied(), 0, each);
            let numbers = taken(&[numbers], runs).ok_or_else(no_fit)?;
            Ok(Array { shape: vec![numbers.len()], numbers })
        }
        Layout::Starts(cells) => {
            let mut starts = vec![0; len];
            for row in 1..len {
                let own = cells.row(row - 1).iter().filter(|node| owners.has(rank, **node)).count();
                starts[row] = starts[row - 1] + own as u64;
            }
            Ok(Array { shape: vec![len], numbers: Numbers::U64(starts) })
        }
        Layout::Events(events) => {
            let runs = |each: &mut dyn FnMut(usize, Range<usize>)| {
                kept(&mut events.iter().map(|event: &Event| event.node), 0, each);
            };
            let numbers = taken(&[numbers], runs).ok_or_else(no_fit)?;
            Ok(Array { shape: vec![numbers.len()], numbers })
        }
    }
}
