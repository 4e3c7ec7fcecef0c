//! Deep rewiring: connections whose weight reaches zero are replaced by others.

use std::collections::BTreeSet;

use crate::base::real::Real;
use crate::describe::network::{Description, Targets};
use crate::interval::IntervalRule;
use crate::plan::route::{Columns, Route, learning};
use crate::random::KeyedRandom;
use crate::rewiring::RewiringProperties;

/// Connections of a projection that are to be replaced.
pub(super) struct Rewired {
    projection: usize,
    /// Row and entry of each, ascending.
    crossed: Vec<(usize, usize)>,
    /// Whether connections keep source and sign.
    keeps_source: bool,
    /// Whether others take their places.
    replaces: bool,
    /// Bounds of weights.
    bounds: (f64, f64),
    random: KeyedRandom,
}

impl Rewired {
    /// Whether there are fewer connections afterwards.
    pub(super) fn takes_away(&self) -> bool {
        !self.replaces
    }
}

/// Takes the updated weights of a projection to where they end; tells which connections are to be replaced: none
/// without the rates of rows, where nothing learns for the time being.
pub(super) fn constrain(
    route: &Route,
    rewiring: RewiringProperties,
    rates: Option<&[f64]>,
    bounds: (f64, f64),
    before: &[f64],
    weights: &mut [f64],
    keys: [u64; 3],
) -> Option<Rewired> {
    let mut random = KeyedRandom::new(keys);
    let mut crossed = Vec::new();
    for row in 0..route.row_count {
        let entries = route.entries(row);
        let (held, weights) = (&before[entries.clone()], &mut weights[entries.clone()]);
        rewiring.constrain(rates.map(|rates| rates[row]), bounds, held, weights, &mut random, |place| {
            crossed.push((row, entries.start + place));
        });
    }
    if rewiring.rewiring.takes_away() && crossed.len() == weights.len() {
        // A projection keeps its strongest connection: one without any is none.
        let size = |place: &usize| weights[crossed[*place].1].abs();
        let strongest = (0..crossed.len()).max_by(|a, b| size(a).total_cmp(&size(b)));
        strongest.map(|place| crossed.remove(place));
    }
    (rewiring.rewires() && !crossed.is_empty()).then_some(Rewired {
        projection: route.projection,
        crossed,
        keeps_source: rewiring.keeps_sign,
        replaces: rewiring.rewiring.replaces(),
        bounds,
        random,
    })
}

/// The pairs of a projection's rows and candidates, of which some are connected.
struct Pairs<'a> {
    sources: &'a [u32],
    candidates: &'a [u32],
    /// By row, where those end that stay.
    kept: Vec<Vec<u32>>,
    taken: BTreeSet<(usize, u32)>,
    /// How many pairs are free by row, once it had to be counted.
    free: Option<Sums>,
}

/// Numbers whose sums from the first on are kept (a binary indexed tree; Fenwick 1994).
struct Sums(Vec<usize>);

impl Sums {
    fn of(numbers: impl Iterator<Item = usize>) -> Self {
        let mut sums: Vec<usize> = std::iter::once(0).chain(numbers).collect();
        for at in 1..sums.len() {
            let next = at + (at & at.wrapping_neg());
            if next < sums.len() {
                sums[next] += sums[at];
            }
        }
        Self(sums)
    }

    /// Of all numbers.
    fn all(&self) -> usize {
        let mut at = self.0.len() - 1;
        let mut sum = 0;
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }

    /// Takes one from a number.
    fn take_one(&mut self, place: usize) {
        let mut at = place + 1;
        while at < self.0.len() {
            self.0[at] -= 1;
            at += at & at.wrapping_neg();
        }
    }

    /// The place up to whose number the sum is above `sum`, which is below that of all, and what the numbers before it
    /// leave of it.
    fn reach(&self, mut sum: usize) -> (usize, usize) {
        let mut at = 0;
        let mut step = self.0.len().next_power_of_two() / 2;
        while step > 0 {
            if at + step < self.0.len() && self.0[at + step] <= sum {
                at += step;
                sum -= self.0[at];
            }
            step /= 2;
        }
        (at, sum)
    }
}

impl Pairs<'_> {
    fn is_free(&self, row: usize, target: u32) -> bool {
        target != self.sources[row]
            && self.kept[row].binary_search(&target).is_err()
            && !self.taken.contains(&(row, target))
    }

    /// A free pair of one row or of all, each as likely as any other; `None` where there is none.
    fn draw(&mut self, row: Option<usize>, random: &mut KeyedRandom) -> Option<(usize, u32)> {
        // Few are taken where there is something to rewire; where many are, they are counted.
        for _ in 0..32 {
            let row = row.unwrap_or_else(|| random.below(self.sources.len()));
            let target = self.candidates[random.below(self.candidates.len())];
            if self.is_free(row, target) {
                return Some((row, target));
            }
        }
        let (row, place) = if let Some(row) = row {
            let free = self.free_in(row).count();
            (row, (free > 0).then(|| random.below(free))?)
        } else {
            let counted = self
                .free
                .take()
                .unwrap_or_else(|| Sums::of((0..self.sources.len()).map(|row| self.free_in(row).count())));
            let counted = self.free.insert(counted);
            let free = counted.all();
            counted.reach((free > 0).then(|| random.below(free))?)
        };
        self.free_in(row).nth(place).map(|target| (row, target))
    }

    /// The ends of free pairs of a row.
    fn free_in(&self, row: usize) -> impl Iterator<Item = u32> {
        self.candidates.iter().copied().filter(move |target| self.is_free(row, *target))
    }

    /// Says that a pair that was free is connected now.
    fn take(&mut self, row: usize, target: u32) {
        if let Some(free) = &mut self.free {
            free.take_one(row);
        }
        self.taken.insert((row, target));
    }
}

impl<R: Real> IntervalRule<R> {
    /// Replaces connections by others of weight zero, or takes them away.
    pub(super) fn rewire(&mut self, network: &mut Description, rewired: Rewired) {
        let Rewired { projection: place, crossed, keeps_source, replaces, bounds, mut random } = rewired;
        let (w_min, w_max) = bounds;
        let projection = &mut network.projections[place];
        let Targets::Sparse { row_start, nodes } = &projection.targets else { return };
        let gone: BTreeSet<usize> = crossed.iter().map(|(_, entry)| *entry).collect();
        let stays = |row: usize| (row_start[row]..row_start[row + 1]).filter(|entry| !gone.contains(entry));
        let rows = projection.sources.len();
        let kept = (0..rows).map(|row| stays(row).map(|entry| nodes[entry]).collect()).collect();
        let mut pairs = Pairs {
            sources: &projection.sources,
            candidates: &projection.candidates,
            kept,
            taken: BTreeSet::new(),
            free: None,
        };
        // Target, entry from before and weight, by row.
        let mut after: Vec<Vec<(u32, Option<usize>, f64)>> = (0..rows)
            .map(|row| {
                stays(row).map(|entry| (nodes[entry], Some(entry), projection.weights[entry])).collect()
            })
            .collect();
        for (row, entry) in crossed.into_iter().filter(|_| replaces) {
            let free = pairs.draw(keeps_source.then_some(row), &mut random);
            // Where all are connected, it is this one again.
            let (to, target) = free.unwrap_or((row, nodes[entry]));
            if free.is_some() {
                pairs.take(to, target);
            }
            let negative = if keeps_source {
                projection.weights[entry].is_sign_negative()
            } else {
                random.below(2) == 1
            };
            let weight = if w_max <= 0.0 || (negative && w_min < 0.0) { -0.0 } else { 0.0 };
            after[to].push((target, None, weight));
        }
        let mut start = vec![0];
        for row in &mut after {
            row.sort_by_key(|(target, entry, _)| (*target, *entry));
            start.push(start[start.len() - 1] + row.len());
        }
        let all = || after.iter().flatten();
        let from: Vec<Option<usize>> = all().map(|(_, entry, _)| *entry).collect();
        projection.weights = all().map(|(_, _, weight)| *weight).collect();
        projection.targets =
            Targets::Sparse { row_start: start, nodes: all().map(|(target, _, _)| *target).collect() };
        projection.rewired = projection.rewired.wrapping_add(1);
        self.follow_rewiring(network, place, &from);
    }

    /// Has the layout of a projection follow its connections, which were those of `from` before.
    fn follow_rewiring(&mut self, network: &Description, place: usize, from: &[Option<usize>]) {
        let projection = &network.projections[place];
        let Targets::Sparse { row_start, nodes } = &projection.targets else { return };
        let wiring = &mut self.plan.wiring;
        let recurrent = wiring.recurrent_routes.iter_mut().map(|route| (route, &wiring.recurrent_ids));
        let readouts = wiring.readout_routes.iter_mut().map(|route| (route, &wiring.readout_ids));
        for (route, ids) in recurrent.chain(readouts).filter(|(route, _)| route.projection == place) {
            let place_of = |node: &u32| ids.binary_search(node).unwrap_or_default() as u32;
            let places = nodes.iter().map(place_of).collect();
            route.columns = Columns::Sparse { row_start: row_start.clone(), places };
        }
        wiring.learning = learning(&wiring.recurrent_routes, wiring.recurrent_ids.len());
        if let Some(state) = self.synapses.get_mut(&place) {
            state.move_synapses(from);
        }
        if let Some(Some(before)) = self.before.get_mut(place) {
            *before = from
                .iter()
                .zip(&projection.weights)
                .map(|(from, weight)| from.map_or(*weight, |from| before[from]))
                .collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pair that is drawn where all free ones are listed.
    fn listed(pairs: &Pairs<'_>, row: Option<usize>, random: &mut KeyedRandom) -> Option<(usize, u32)> {
        let rows = row.map_or(0..pairs.sources.len(), |row| row..row + 1);
        let free: Vec<(usize, u32)> =
            rows.flat_map(|row| pairs.free_in(row).map(move |target| (row, target))).collect();
        for _ in 0..32 {
            let row = row.unwrap_or_else(|| random.below(pairs.sources.len()));
            let pair = (row, pairs.candidates[random.below(pairs.candidates.len())]);
            if free.contains(&pair) {
                return Some(pair);
            }
        }
        (!free.is_empty()).then(|| free[random.below(free.len())])
    }

    #[test]
    fn pairs_are_drawn_until_all_are_connected() {
        for (rows, targets) in [(1, 1), (1, 7), (2, 3), (9, 5), (16, 16), (33, 20)] {
            let sources: Vec<u32> = (0..rows).map(|row| row * 2).collect();
            let candidates: Vec<u32> = (3..3 + targets).collect();
            let kept = sources
                .iter()
                .map(|row| candidates.iter().copied().filter(|to| (to + row) % 5 == 0).collect());
            let mut pairs = Pairs {
                sources: &sources,
                candidates: &candidates,
                kept: kept.collect(),
                taken: BTreeSet::new(),
                free: None,
            };
            let left: usize = (0..sources.len()).map(|row| pairs.free_in(row).count()).sum();
            let mut random = KeyedRandom::new([1, 2, u64::from(rows)]);
            for drawn in 0..=left {
                let row = (drawn % 7 == 3).then_some(drawn % sources.len());
                let expected = listed(&pairs, row, &mut random.clone());
                let pair = pairs.draw(row, &mut random);
                assert_eq!(pair, expected);
                match pair {
                    Some((row, target)) => pairs.take(row, target),
                    None => assert!(row.is_some() || drawn == left),
                }
            }
        }
    }

    #[test]
    fn a_matrix_that_is_full_is_drawn_anew_in_no_time() {
        let sources: Vec<u32> = (1000..1600).collect();
        let candidates: Vec<u32> = (0..600).collect();
        let kept = vec![Vec::new(); sources.len()];
        let (sources, candidates) = (&sources[..], &candidates[..]);
        let mut pairs = Pairs { sources, candidates, kept, taken: BTreeSet::new(), free: None };
        let mut random = KeyedRandom::new([1, 2, 3]);
        for _ in 0..360_000 {
            let (row, target) = pairs.draw(None, &mut random).expect("some are free");
            pairs.take(row, target);
        }
        assert_eq!(pairs.draw(None, &mut random), None);
        assert_eq!(pairs.taken.len(), 360_000);
    }
}
