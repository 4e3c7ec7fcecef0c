//! The state of a network whose neurons ranks share, as one process has it, and back.
//!
//! Ranks send what they have array by array, so that none but the first holds more than its part and what is on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::base::control::RunControl;
use crate::base::error::Result;
use crate::base::exchange::{Exchange, Message, Reader, Turn, agree, broken, receive};
use crate::base::memory;
use crate::base::state::joining::{Piece, join, part};
use crate::base::state::layout::{Cells, Event, Layout, Layouts, Listed, Owners, PartKey, PartOf};
use crate::base::state::{Archive, Array, Numbers, State};
use crate::describe::network::Description;
use crate::describe::ownership::Ownership;
use crate::kernel::Kernel;

/// Names of a part that is one of several, by what they are counted as.
type Parts = BTreeMap<String, BTreeMap<PartKey, usize>>;

/// A state and whose its numbers are.
#[derive(Debug, Default)]
struct Noted {
    state: State,
    layouts: Layouts,
}

impl Kernel {
    fn noted(&mut self) -> Result<Noted> {
        self.before_change();
        self.plan()?;
        memory::may_take(0, || 0, self.held_bytes(), "a copy of the kernel's state")?;
        let mut noted = Noted::default();
        let is_part = !self.network.ownership.is_whole();
        let archive = Archive::noting(&mut noted.state, &mut noted.layouts);
        self.persist(&mut archive.of_part(is_part))?;
        Ok(noted)
    }

    /// The state of the whole network, at rank 0, as [`Kernel::state`] of one process gives it; nothing at the other ranks.
    /// All ranks ask for it. The norms of gradients, which no rank knows, are left out.
    ///
    /// # Errors
    /// At all ranks that of one: as [`Kernel::state`]; `OutOfMemory` where rank 0 has no room for it; `MPIError` where ranks
    /// do not have the same network at the same time.
    pub fn gathered_state(&mut self, world: Option<&dyn Exchange>) -> Result<Option<State>> {
        self.check_world(world)?;
        let Some(world) = world.filter(|world| world.size() > 1) else { return self.state().map(Some) };
        let _turn = Turn::take(world)?;
        let noted = if self.network.ownership.is_whole() { Ok(Noted::default()) } else { self.noted() };
        let digest = match &noted {
            Ok(_) => Ok(self.digest(self.time)),
            Err(error) => Err(error.clone()),
        };
        self.meet(world, digest, &RunControl::default())?;
        if self.network.ownership.is_whole() {
            let state = if world.rank() == 0 { self.state().map(Some) } else { Ok(None) };
            agree(world, state.as_ref().map(|_| Vec::new()).map_err(Clone::clone))?;
            return state;
        }
        let noted = noted?;
        let owners = owners(&self.network, world.size());
        let gathered = gather(world, noted, &owners)?;
        Ok((world.rank() == 0).then_some(gathered))
    }

    /// A rank's part of a whole network's state, which rank 0 gives; all ranks ask for theirs. `state` is left aside at the
    /// others, and where there is an error in its place, all have that.
    ///
    /// # Errors
    /// At all ranks that of one: as [`Kernel::restored`], and `NotImplemented` for what ranks that share neurons cannot do.
    pub fn scattered(world: &dyn Exchange, state: Result<State>) -> Result<Self> {
        if world.size() < 2 {
            return Self::restored(state?);
        }
        let _turn = Turn::take(world)?;
        let own = if world.rank() == 0 {
            let noted = state.and_then(|state| {
                let mut whole = Self::restored(state)?;
                let owners = owners(&whole.network, world.size());
                Ok((whole.noted()?, owners))
            });
            // What it was made of is gone by now.
            agree(world, noted.as_ref().map(|_| Vec::new()).map_err(Clone::clone))?;
            let (noted, owners) = noted?;
            scatter(world, &noted, &owners)
        } else {
            agree(world, Ok(Vec::new()))?;
            receive_state(world)
        };
        let restored = own.and_then(Self::restored);
        agree(world, restored.as_ref().map(|_| Vec::new()).map_err(Clone::clone))?;
        restored
    }
}

/// What says of how many ranks a state is one's.
const RANKS: &str = "network.share.ranks";
/// What says of which.
const RANK: &str = "network.share.rank";

fn owners(network: &Description, size: usize) -> Owners {
    let mut owners = Owners::none(network.node_count());
    for rank in 0..size {
        let ownership = Ownership::new(rank, size);
        for group in &network.groups {
            if ownership.owner(group, 0).is_some() {
                ownership.part(group).for_each(|node| owners.set(group.first + node as u32, rank));
            }
        }
    }
    owners
}

/// The state of all ranks, at rank 0.
fn gather(world: &dyn Exchange, mut noted: Noted, owners: &Owners) -> Result<State> {
    let (rank, size) = (world.rank(), world.size());
    let counted = count_together(world, &mut noted)?;
    let Noted { mut state, mut layouts } = noted;
    state.arrays.retain(|name, _| !layouts.of_ranks.contains(name));
    let inventory = inventories(world, &state, &layouts)?;
    let bytes = inventory.iter().map(|of| of.bytes).sum();
    // It is a state, and then a file.
    let may_take = |bytes: u64| memory::may_take(0, || 0, bytes.saturating_mul(2), "the state of all ranks");
    let room = if rank == 0 { may_take(bytes) } else { Ok(()) };
    agree(world, room.map(|()| Vec::new()))?;
    let mut whole = State::default();
    let mut failure = None;
    let names: BTreeSet<&String> = inventory.iter().flat_map(|of| of.arrays.keys()).collect();
    for name in names {
        // Of what is the same at all ranks, one sends its own.
        let who = |other: &usize| inventory[*other].arrays.contains_key(name);
        let first = (0..size).find(who).unwrap_or(0);
        let same = inventory[first].arrays.get(name) == Some(&true);
        let sends = |other: usize| who(&other) && (other == first || !same);
        if rank > 0 {
            if let Some(array) = state.arrays.remove(name).filter(|_| sends(rank)) {
                let layout = layouts.arrays.remove(name).unwrap_or_default();
                world.send(0, piece_bytes(&array, &layout))?;
            }
            continue;
        }
        let mut pieces = Vec::with_capacity(size);
        for other in 0..size {
            let own = state.arrays.remove(name).filter(|_| other == 0);
            pieces.push(match own {
                Some(array) => {
                    let layout = layouts.arrays.remove(name).unwrap_or_default();
                    Some(Piece { array, layout })
                }
                None if other > 0 && sends(other) => Some(piece_of(&receive(world, other)?)?),
                None => None,
            });
        }
        let count = match pieces.iter().flatten().next().map(|piece| &piece.layout) {
            Some(Layout::Count(name)) => Some(counted.get(name).map_or(0, BTreeMap::len)),
            _ => None,
        };
        match join(name, &pieces, owners) {
            Ok(mut array) => {
                if let Some(count) = count {
                    array.numbers = Numbers::U64(vec![count as u64]);
                }
                whole.arrays.insert(name.clone(), array);
            }
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    for (name, first) in first_with(&inventory) {
        if first == rank && rank > 0 {
            let mut message = Message::default();
            let texts = state.texts.remove(name).unwrap_or_default();
            message.number(texts.len() as u64);
            for text in texts {
                message.list(text.as_bytes());
            }
            world.send(0, message.into_bytes())?;
        } else if rank == 0 {
            let texts = if first == 0 {
                state.texts.remove(name).unwrap_or_default()
            } else {
                let bytes = receive(world, first)?;
                let mut reader = Reader::new(&bytes);
                (0..reader.number::<u64>()?).map(|_| reader.text()).collect::<Result<_>>()?
            };
            whole.texts.insert(name.clone(), texts);
        }
    }
    world.flush()?;
    agree(world, failure.map_or(Ok(Vec::new()), Err))?;
    Ok(whole)
}

/// What a rank has, by name.
struct Inventory {
    /// Arrays; whether they are the same at all ranks.
    arrays: BTreeMap<String, bool>,
    texts: BTreeSet<String>,
    bytes: u64,
}

fn first_with(inventory: &[Inventory]) -> BTreeMap<&String, usize> {
    let mut first = BTreeMap::new();
    for (rank, of) in inventory.iter().enumerate() {
        for name in &of.texts {
            first.entry(name).or_insert(rank);
        }
    }
    first
}

/// What all ranks have, and how many bytes each adds to the whole.
fn inventories(world: &dyn Exchange, state: &State, layouts: &Layouts) -> Result<Vec<Inventory>> {
    let mut message = Message::default();
    let adds = |(name, array): (&String, &Array)| {
        let at_all = matches!(layouts.arrays.get(name), None | Some(Layout::Nodes(_) | Layout::Of(_)));
        if at_all && world.rank() > 0 { 0 } else { array.numbers.bytes() }
    };
    message.number(state.arrays.iter().map(adds).sum::<u64>());
    message.number(state.arrays.len() as u64);
    for name in state.arrays.keys() {
        message.list(name.as_bytes());
        message.number(u8::from(!layouts.arrays.contains_key(name)));
    }
    message.number(state.texts.len() as u64);
    state.texts.keys().for_each(|name| message.list(name.as_bytes()));
    let all = agree(world, Ok(message.into_bytes()))?;
    let read = |bytes: &Vec<u8>| {
        let mut reader = Reader::new(bytes);
        let bytes = reader.number()?;
        let mut arrays = BTreeMap::new();
        for _ in 0..reader.number::<u64>()? {
            arrays.insert(reader.text()?, reader.number::<u8>()? == 1);
        }
        let texts = (0..reader.number::<u64>()?).map(|_| reader.text()).collect::<Result<_>>()?;
        Ok(Inventory { arrays, texts, bytes })
    };
    all.iter().map(read).collect()
}

/// Has parts that are counted go by the place that they have among those of all ranks; tells these places.
fn count_together(world: &dyn Exchange, noted: &mut Noted) -> Result<Parts> {
    let mut message = Message::default();
    let own: Vec<(&String, PartKey)> = noted
        .layouts
        .parts
        .values()
        .filter_map(|part| part.among.as_ref())
        .map(|(name, key)| (name, *key))
        .collect();
    message.number(own.len() as u64);
    for (name, key) in own {
        message.list(name.as_bytes());
        for number in key {
            message.number(number);
        }
    }
    let mut counted = Parts::new();
    for bytes in agree(world, Ok(message.into_bytes()))? {
        let mut reader = Reader::new(&bytes);
        for _ in 0..reader.number::<u64>()? {
            let name = reader.text()?;
            let key = [reader.number()?, reader.number()?];
            counted.entry(name).or_default().insert(key, 0);
        }
    }
    number(&mut counted);
    let names = Renamed::new(&noted.layouts, &counted, |_| true);
    let renamed = |name: String| names.of(&name).unwrap_or(name);
    let Noted { state, layouts } = noted;
    state.arrays =
        std::mem::take(&mut state.arrays).into_iter().map(|(name, of)| (renamed(name), of)).collect();
    state.texts =
        std::mem::take(&mut state.texts).into_iter().map(|(name, of)| (renamed(name), of)).collect();
    layouts.arrays =
        std::mem::take(&mut layouts.arrays).into_iter().map(|(name, of)| (renamed(name), of)).collect();
    layouts.of_ranks = std::mem::take(&mut layouts.of_ranks).into_iter().map(renamed).collect();
    Ok(counted)
}

/// Numbers on their way.
macro_rules! on_their_way {
    ($($code:literal = $variant:ident;)*) => {
        fn write_numbers(message: &mut Message, numbers: &Numbers) {
            match numbers {
                $(Numbers::$variant(values) => {
                    message.number::<u8>($code);
                    message.list(values);
                })*
            }
        }

        fn read_numbers(reader: &mut Reader<'_>) -> Result<Numbers> {
            match reader.number::<u8>()? {
                $($code => Ok(Numbers::$variant(reader.list()?)),)*
                _ => Err(broken()),
            }
        }
    };
}

on_their_way! {
    0 = F64;
    1 = I64;
    2 = U64;
    3 = U32;
    4 = U8;
}

fn write_array(message: &mut Message, array: &Array) {
    message.list(&array.shape.iter().map(|length| *length as u64).collect::<Vec<u64>>());
    write_numbers(message, &array.numbers);
}

fn read_array(reader: &mut Reader<'_>) -> Result<Array> {
    let shape = reader.list::<u64>()?.into_iter().map(|length| length as usize).collect();
    Ok(Array { shape, numbers: read_numbers(reader)? })
}

fn write_cells(message: &mut Message, cells: &Cells) {
    match cells {
        Cells::Columns(nodes) => {
            message.number(0_u8);
            message.list(nodes);
        }
        Cells::Listed(listed) => {
            message.number(1_u8);
            message.list(&listed.nodes);
            message.list(&listed.starts.iter().map(|start| *start as u64).collect::<Vec<u64>>());
        }
    }
}

fn read_cells(reader: &mut Reader<'_>) -> Result<Cells> {
    let is_listed = reader.number::<u8>()? == 1;
    let nodes = reader.list()?;
    if !is_listed {
        return Ok(Cells::Columns(Arc::new(nodes)));
    }
    let starts = reader.list::<u64>()?.into_iter().map(|start| start as usize).collect();
    Ok(Cells::Listed(Arc::new(Listed { starts, nodes })))
}

/// An array and whose its numbers are, as bytes.
fn piece_bytes(array: &Array, layout: &Layout) -> Vec<u8> {
    let mut message = Message::default();
    write_array(&mut message, array);
    let (code, cells) = match layout {
        Layout::Same => (0_u8, None),
        Layout::Nodes(_) => (1, None),
        Layout::Cells(cells) => (2, Some(cells)),
        Layout::Starts(cells) => (3, Some(cells)),
        Layout::Rows(cells) => (4, Some(cells)),
        Layout::Events(_) => (5, None),
        Layout::Keys => (6, None),
        Layout::Count(_) => (7, None),
        Layout::Of(_) => (8, None),
    };
    message.number(code);
    match layout {
        Layout::Nodes(first) => message.number(*first),
        Layout::Of(nodes) => message.list(nodes),
        Layout::Events(events) => {
            message.list(&events.iter().flat_map(|event| event.key).collect::<Vec<i64>>());
            message.list(&events.iter().map(|event| event.node).collect::<Vec<u32>>());
        }
        Layout::Count(name) => message.list(name.as_bytes()),
        _ => {}
    }
    if let Some(cells) = cells {
        write_cells(&mut message, cells);
    }
    message.into_bytes()
}

/// What [`piece_bytes`] made bytes of.
fn piece_of(bytes: &[u8]) -> Result<Piece> {
    let mut reader = Reader::new(bytes);
    let array = read_array(&mut reader)?;
    let layout = match reader.number::<u8>()? {
        0 => Layout::Same,
        1 => Layout::Nodes(reader.number()?),
        2 => Layout::Cells(read_cells(&mut reader)?),
        3 => Layout::Starts(read_cells(&mut reader)?),
        4 => Layout::Rows(read_cells(&mut reader)?),
        5 => {
            let (keys, nodes): (Vec<i64>, Vec<u32>) = (reader.list()?, reader.list()?);
            let events = keys.as_chunks().0.iter().zip(nodes);
            Layout::Events(Arc::new(events.map(|(key, node)| Event { key: *key, node }).collect()))
        }
        6 => Layout::Keys,
        7 => Layout::Count(reader.text()?),
        8 => Layout::Of(Arc::new(reader.list()?)),
        _ => return Err(broken()),
    };
    Ok(Piece { array, layout })
}

/// Sends each other rank its part of a whole network's state; that of this one.
fn scatter(world: &dyn Exchange, noted: &Noted, owners: &Owners) -> Result<State> {
    let mut failure = None;
    for rank in 1..world.size() {
        let state = match part_of(noted, owners, rank, world.size()) {
            Ok(state) => state,
            Err(error) => {
                failure.get_or_insert(error);
                State::default()
            }
        };
        world.send(rank, (state.arrays.len() as u64).to_ne_bytes().to_vec())?;
        for (name, array) in state.arrays {
            let mut message = Message::default();
            message.list(name.as_bytes());
            write_array(&mut message, &array);
            world.send(rank, message.into_bytes())?;
        }
        let mut message = Message::default();
        message.number(state.texts.len() as u64);
        for (name, texts) in &state.texts {
            message.list(name.as_bytes());
            message.number(texts.len() as u64);
            for text in texts {
                message.list(text.as_bytes());
            }
        }
        world.send(rank, message.into_bytes())?;
        // No more is on its way than one rank's part.
        world.flush()?;
    }
    failure.map_or_else(|| part_of(noted, owners, 0, world.size()), Err)
}

/// The state that [`scatter`] sends to this rank.
fn receive_state(world: &dyn Exchange) -> Result<State> {
    let mut state = State::default();
    for _ in 0..Reader::new(&receive(world, 0)?).number::<u64>()? {
        let bytes = receive(world, 0)?;
        let mut reader = Reader::new(&bytes);
        state.arrays.insert(reader.text()?, read_array(&mut reader)?);
    }
    let bytes = receive(world, 0)?;
    let mut reader = Reader::new(&bytes);
    for _ in 0..reader.number::<u64>()? {
        let name = reader.text()?;
        let texts = (0..reader.number::<u64>()?).map(|_| reader.text()).collect::<Result<_>>()?;
        state.texts.insert(name, texts);
    }
    Ok(state)
}

/// What one of several ranks has of a whole network's state.
fn part_of(noted: &Noted, owners: &Owners, rank: usize, size: usize) -> Result<State> {
    let Noted { state, layouts } = noted;
    let is_kept = |of: &PartOf| {
        of.cells.as_ref().is_none_or(|cells| cells.nodes().iter().any(|node| owners.has(rank, *node)))
    };
    let kept = layouts.parts.iter().filter(|(_, of)| is_kept(of));
    let mut places = Parts::new();
    for (name, key) in kept.filter_map(|(_, of)| of.among.as_ref()) {
        places.entry(name.clone()).or_default().insert(*key, 0);
    }
    number(&mut places);
    let names = Renamed::new(layouts, &places, is_kept);
    let mut own = State::default();
    for (name, array) in &state.arrays {
        let Some(to) = names.of(name) else { continue };
        let layout = layouts.arrays.get(name).unwrap_or(&Layout::Same);
        let mut array = part(name, array, layout, owners, rank)?;
        if let Layout::Count(of) = layout {
            array.numbers = Numbers::U64(vec![places.get(of).map_or(0, BTreeMap::len) as u64]);
        }
        own.arrays.insert(to, array);
    }
    for (name, texts) in &state.texts {
        own.texts.extend(names.of(name).map(|to| (to, texts.clone())));
    }
    for (name, value) in [(RANK, rank), (RANKS, size)] {
        let array = Array { shape: vec![1], numbers: Numbers::U64(vec![value as u64]) };
        own.arrays.insert(name.to_owned(), array);
    }
    Ok(own)
}

/// Numbers parts in the order of what they are ordered by.
fn number(counted: &mut Parts) {
    for places in counted.values_mut() {
        places.values_mut().enumerate().for_each(|(place, at)| *at = place);
    }
}

/// What names become where parts are left out, or counted anew.
struct Renamed(BTreeMap<String, Option<String>>);

impl Renamed {
    fn new(layouts: &Layouts, places: &Parts, is_kept: impl Fn(&PartOf) -> bool) -> Self {
        let of_part = |(prefix, of): (&String, &PartOf)| {
            let prefix = format!("{prefix}.");
            let to = match &of.among {
                _ if !is_kept(of) => None,
                None => Some(prefix.clone()),
                Some((name, key)) => {
                    let place = places.get(name).and_then(|places| places.get(key));
                    place.map(|place| format!("{name}.{place}."))
                }
            };
            (prefix, to)
        };
        Self(layouts.parts.iter().map(of_part).collect())
    }

    /// The name in place of one; `None` where it is left out.
    fn of(&self, name: &str) -> Option<String> {
        let before = self.0.range::<str, _>((Bound::Unbounded, Bound::Included(name))).next_back();
        match before.and_then(|(from, to)| Some((name.strip_prefix(from.as_str())?, to))) {
            Some((rest, to)) => to.as_ref().map(|to| format!("{to}{rest}")),
            None => Some(name.to_owned()),
        }
    }
}
