//! The state of a kernel as named arrays, whatever its layout in memory.
//!
//! A struct that has a state says in one function, [`Persist::persist`], which arrays that is; the function serves
//! both ways, so that what is written is what is read. Arrays are in the order of neurons, steps and weights, not in
//! that of the engine's tiles, lanes and rings: those may change from version to version.

pub mod joining;
pub mod layout;

use std::collections::BTreeMap;

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::state::layout::{Cells, Layout, Layouts, PartKey, PartOf};

/// The numbers of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// 64-bit integers without sign.
    U64(Vec<u64>),
    /// 32-bit integers without sign.
    U32(Vec<u32>),
    /// Bytes; truth values are 0 or 1.
    U8(Vec<u8>),
}

impl Numbers {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::U8(values) => values.len(),
        }
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let each = match self {
            Self::F64(_) | Self::I64(_) | Self::U64(_) => 8,
            Self::U32(_) => 4,
            Self::U8(_) => 1,
        };
        self.len() as u64 * each
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Numbers in a shape, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// As many numbers as the shape says.
    pub numbers: Numbers,
}

/// Named arrays and texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Arrays by name; parts of a name are joined by dots.
    pub arrays: BTreeMap<String, Array>,
    /// Texts by name, each a list.
    pub texts: BTreeMap<String, Vec<String>>,
}

/// What a state does not hold as it should.
fn damaged(name: &str, what: impl Into<String>) -> Error {
    Error::new(ErrorCode::ValueError, "the saved state does not fit").parameter(name).value(what.into())
}

/// A type of numbers that a state can hold.
pub trait Element: Copy + Default {
    /// The numbers of an array.
    fn wrap(values: Vec<Self>) -> Numbers;
    /// The same, back; `None` where they are of another type or none of these.
    fn unwrap(numbers: Numbers) -> Option<Vec<Self>>;
}

macro_rules! elements {
    ($($type:ty = $variant:ident;)*) => {$(
        impl Element for $type {
            fn wrap(values: Vec<Self>) -> Numbers {
                Numbers::$variant(values)
            }
            fn unwrap(numbers: Numbers) -> Option<Vec<Self>> {
                match numbers {
                    Numbers::$variant(values) => Some(values),
                    _ => None,
                }
            }
        }
    )*};
}

elements! {
    f64 = F64;
    i64 = I64;
    u64 = U64;
    u32 = U32;
    u8 = U8;
}

impl Element for bool {
    fn wrap(values: Vec<Self>) -> Numbers {
        Numbers::U8(values.into_iter().map(u8::from).collect())
    }
    fn unwrap(numbers: Numbers) -> Option<Vec<Self>> {
        let Numbers::U8(values) = numbers else { return None };
        values.into_iter().map(|value| (value < 2).then_some(value == 1)).collect()
    }
}

impl Element for usize {
    fn wrap(values: Vec<Self>) -> Numbers {
        Numbers::U64(values.into_iter().map(|value| value as u64).collect())
    }
    fn unwrap(numbers: Numbers) -> Option<Vec<Self>> {
        let Numbers::U64(values) = numbers else { return None };
        values.into_iter().map(|value| Self::try_from(value).ok()).collect()
    }
}

/// Has a state.
pub trait Persist {
    /// Writes the state to the archive or takes it from there; sizes are those that the plan has given it.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()>;
}

/// A state that is being written or read.
#[derive(Debug)]
pub struct Archive<'a> {
    state: &'a mut State,
    /// Where it is asked for, whose the numbers are that are written.
    layouts: Option<&'a mut Layouts>,
    reads: bool,
    prefix: String,
    /// Of arrays that are written next.
    layout: Layout,
    /// Whether a state of the whole network has none of them.
    of_ranks: bool,
    /// Whether it is the state of one of several ranks.
    is_part: bool,
}

impl<'a> Archive<'a> {
    /// Writes to a state.
    pub fn writer(state: &'a mut State) -> Self {
        Self {
            state,
            layouts: None,
            reads: false,
            prefix: String::new(),
            layout: Layout::Same,
            of_ranks: false,
            is_part: false,
        }
    }

    /// Says whether what is written is the state of one of several ranks.
    #[must_use]
    pub fn of_part(self, is_part: bool) -> Self {
        Self { is_part, ..self }
    }

    /// Whether what ranks know beyond one process is written.
    #[must_use]
    pub fn is_for_ranks(&self) -> bool {
        !self.reads && (self.is_part || self.notes())
    }

    /// Writes to a state, and notes whose its numbers are.
    pub fn noting(state: &'a mut State, layouts: &'a mut Layouts) -> Self {
        Self { layouts: Some(layouts), ..Self::writer(state) }
    }

    /// Reads from a state, moving out what is read.
    pub fn reader(state: &'a mut State) -> Self {
        Self { reads: true, ..Self::writer(state) }
    }

    /// Whether it is noted whose the numbers are.
    #[must_use]
    pub fn notes(&self) -> bool {
        self.layouts.is_some()
    }

    /// The layout that `make` gives, where it is to be noted.
    pub fn layout(&self, make: impl FnOnce() -> Layout) -> Layout {
        if self.notes() { make() } else { Layout::Same }
    }

    /// As [`Self::layout`], of numbers of nodes.
    pub fn cells(&self, make: impl FnOnce() -> Cells) -> Layout {
        self.layout(|| Layout::Cells(make()))
    }

    /// Notes the layout of the connections of the next projection.
    pub fn note_projection(&mut self, layout: &Layout) {
        if let Some(layouts) = &mut self.layouts {
            layouts.projections.push(layout.clone());
        }
    }

    /// The layout of the connections of a projection, as it was noted.
    #[must_use]
    pub fn projection(&self, place: usize) -> Layout {
        let noted = self.layouts.as_ref().and_then(|layouts| layouts.projections.get(place));
        noted.cloned().unwrap_or_default()
    }

    /// Goes on with arrays of a layout.
    pub fn by(&mut self, layout: &Layout) -> Archive<'_> {
        Archive {
            layouts: self.layouts.as_deref_mut(),
            reads: self.reads,
            prefix: self.prefix.clone(),
            layout: layout.clone(),
            is_part: self.is_part,
            ..Archive::writer(self.state)
        }
    }

    /// As [`Self::by`], with arrays that the state of a whole network does not have.
    pub fn of_ranks(&mut self, layout: &Layout) -> Archive<'_> {
        Archive { of_ranks: true, ..self.by(layout) }
    }

    /// Whether it is read.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.reads
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whether there is an array of that name to be read, or is to be one where `writes` says so.
    #[must_use]
    pub fn has(&self, name: &str, writes: bool) -> bool {
        if self.reads { self.holds(name) } else { writes }
    }

    /// Whether there is an array of that name.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.state.arrays.contains_key(&self.full(name))
    }

    /// Goes on with the part of that name.
    ///
    /// # Errors
    /// Those of `part`.
    pub fn within(&mut self, name: &str, part: impl FnOnce(&mut Archive<'_>) -> Result<()>) -> Result<()> {
        let prefix = format!("{}{name}.", self.prefix);
        part(&mut Archive { prefix, ..self.by(&Layout::Same) })
    }

    /// As [`Self::within`], with a part that a rank has where it has numbers of such a layout. Where it is one of several
    /// that are counted, `key` is what they are ordered by.
    ///
    /// # Errors
    /// Those of `part`.
    pub fn within_part(
        &mut self,
        (name, place): (&str, usize),
        key: Option<PartKey>,
        layout: &Layout,
        part: impl FnOnce(&mut Archive<'_>) -> Result<()>,
    ) -> Result<()> {
        let full = self.full(&format!("{name}.{place}"));
        let among = key.map(|key| (self.full(name), key));
        if let Some(layouts) = &mut self.layouts {
            let cells = match layout {
                Layout::Cells(cells) => Some(cells.clone()),
                _ => None,
            };
            layouts.parts.insert(full, PartOf { among, cells });
        }
        self.within(&format!("{name}.{place}"), part)
    }

    /// The layout of a number that says how many parts go by a name.
    #[must_use]
    pub fn count_of(&self, name: &str) -> Layout {
        self.layout(|| Layout::Count(self.full(name)))
    }

    /// Says that something of the archive does not fit.
    #[must_use]
    pub fn misfit(&self, name: &str, what: impl Into<String>) -> Error {
        damaged(&self.full(name), what)
    }

    fn put<T: Element>(&mut self, name: &str, shape: Vec<usize>, values: Vec<T>) {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        let full = self.full(name);
        if let Some(layouts) = &mut self.layouts {
            if !matches!(self.layout, Layout::Same) {
                layouts.arrays.insert(full.clone(), self.layout.clone());
            }
            if self.of_ranks {
                layouts.of_ranks.insert(full.clone());
            }
        }
        self.state.arrays.insert(full, Array { shape, numbers: T::wrap(values) });
    }

    fn take<T: Element>(&mut self, name: &str) -> Result<(Vec<usize>, Vec<T>)> {
        let full = self.full(name);
        let array = self.state.arrays.remove(&full).ok_or_else(|| damaged(&full, "it is missing"))?;
        let values = T::unwrap(array.numbers).ok_or_else(|| damaged(&full, "numbers of another type"))?;
        Ok((array.shape, values))
    }

    /// A list of any length.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn list<T: Element>(&mut self, name: &str, values: &mut Vec<T>) -> Result<()> {
        if self.reads {
            *values = self.take(name)?.1;
        } else {
            self.put(name, vec![values.len()], values.clone());
        }
        Ok(())
    }

    /// Values whose number the plan says.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn fixed<T: Element>(&mut self, name: &str, values: &mut [T]) -> Result<()> {
        let width = values.len();
        self.rows(name, width, values)
    }

    /// Rows of that width, as many as the plan says; a vector, if there is but one.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn rows<T: Element>(&mut self, name: &str, width: usize, values: &mut [T]) -> Result<()> {
        if self.reads {
            let held = self.take::<T>(name)?.1;
            if held.len() != values.len() {
                let what = format!("{} values, {} wanted", held.len(), values.len());
                return Err(self.misfit(name, what));
            }
            values.copy_from_slice(&held);
        } else {
            let shape =
                if values.len() == width { vec![width] } else { vec![values.len() / width.max(1), width] };
            self.put(name, shape, values.to_vec());
        }
        Ok(())
    }

    /// As [`Self::rows`], for a list that gets its length from what is read: `count` rows, or an error before anything
    /// is made of that length.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn all_rows<T: Element>(
        &mut self,
        name: &str,
        width: usize,
        count: usize,
        values: &mut Vec<T>,
    ) -> Result<()> {
        if self.reads {
            let held = self.take::<T>(name)?.1;
            if width.checked_mul(count) != Some(held.len()) {
                let what = format!("{} values, {count} rows of {width} wanted", held.len());
                return Err(self.misfit(name, what));
            }
            *values = held;
            return Ok(());
        }
        self.rows(name, width, values)
    }

    /// A number.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn number<T: Element>(&mut self, name: &str, value: &mut T) -> Result<()> {
        let mut values = [*value];
        self.fixed(name, &mut values)?;
        [*value] = values;
        Ok(())
    }

    /// Several lists under one name.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn lists<T: Element>(&mut self, name: &str, lists: &mut Vec<Vec<T>>) -> Result<()> {
        let ends = format!("{name}.ends");
        if self.reads {
            let (_, values) = self.take::<T>(name)?;
            let (_, ends) = self.take::<usize>(&ends)?;
            let mut begin = 0;
            lists.clear();
            for end in ends {
                let list = values.get(begin..end).ok_or_else(|| self.misfit(name, "ends beyond the list"))?;
                lists.push(list.to_vec());
                begin = end;
            }
            return Ok(());
        }
        let mut end = 0;
        let all = lists.iter().map(|list| {
            end += list.len();
            end
        });
        let all: Vec<usize> = all.collect();
        self.put(&ends, vec![all.len()], all);
        let joined = lists.concat();
        self.put(name, vec![joined.len()], joined);
        Ok(())
    }

    /// Texts.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn texts(&mut self, name: &str, texts: &mut Vec<String>) -> Result<()> {
        let full = self.full(name);
        if self.reads {
            *texts = self.state.texts.remove(&full).ok_or_else(|| damaged(&full, "it is missing"))?;
        } else {
            self.state.texts.insert(full, texts.clone());
        }
        Ok(())
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn text(&mut self, name: &str, text: &mut String) -> Result<()> {
        let mut texts = vec![std::mem::take(text)];
        self.texts(name, &mut texts)?;
        match <[String; 1]>::try_from(texts) {
            Ok([read]) => *text = read,
            Err(_) => return Err(self.misfit(name, "not one text")),
        }
        Ok(())
    }

    /// Values by key.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn map<K: Element + Ord, V: Element>(&mut self, name: &str, map: &mut BTreeMap<K, V>) -> Result<()> {
        let mut keys: Vec<K> = map.keys().copied().collect();
        let mut values: Vec<V> = map.values().copied().collect();
        self.list(&format!("{name}.keys"), &mut keys)?;
        self.list(&format!("{name}.values"), &mut values)?;
        if keys.len() != values.len() {
            return Err(self.misfit(name, "not one value a key"));
        }
        *map = keys.into_iter().zip(values).collect();
        Ok(())
    }

    /// Parts by key: those there are, made by `make` where they are read.
    ///
    /// # Errors
    /// As [`Persist::persist`].
    pub fn parts<K: Element + Ord + std::fmt::Display, V: Persist>(
        &mut self,
        name: &str,
        parts: &mut BTreeMap<K, V>,
        make: impl Fn() -> V,
    ) -> Result<()> {
        let mut keys: Vec<K> = parts.keys().copied().collect();
        self.by(&Layout::Keys).list(name, &mut keys)?;
        if self.reads {
            *parts = keys.iter().map(|key| (*key, make())).collect();
        }
        for (key, part) in parts {
            self.within(&format!("{name}.{key}"), |archive| part.persist(archive))?;
        }
        Ok(())
    }
}

/// A number that may be missing.
///
/// # Errors
/// As [`Persist::persist`].
pub fn optional<T: Element>(archive: &mut Archive<'_>, name: &str, value: &mut Option<T>) -> Result<()> {
    let mut values: Vec<T> = value.iter().copied().collect();
    archive.list(name, &mut values)?;
    *value = values.first().copied();
    Ok(())
}
