//! Currents that generators send to neurons, and those that are on their way.
//!
//! As in NEST, the current with stamp s leaves its generator in step s - 1 and is integrated in step s + d, d being the
//! delay of its connection.

use std::ops::Range;

use crate::base::error::Result;
use crate::base::state::Archive;
use crate::plan::currents::CurrentRoute;
use crate::plan::wiring::Wiring;
use crate::step::arrivals::{Arrival, Arrivals, Placed};

/// The currents of a population.
#[derive(Debug, Clone, Default)]
pub struct Currents {
    /// What was sent before step `from`, with the amplitudes and weights of that time.
    sent: Arrivals,
    /// The step that generators go on from.
    from: i64,
}

impl Currents {
    /// Generators go on from step `now`: nothing was sent before.
    #[must_use]
    pub fn beginning(now: i64) -> Self {
        Self { sent: Arrivals::default(), from: now }
    }

    /// Whether any current may come.
    #[must_use]
    #[inline]
    pub fn may_come(&self, routes: &[CurrentRoute]) -> bool {
        !routes.is_empty() || !self.sent.is_empty()
    }

    /// The currents that the neurons at `places` integrate in a step, into `sums`.
    pub fn collect(&self, routes: &[CurrentRoute], places: &Range<usize>, step: i64, sums: &mut Vec<f64>) {
        sums.clear();
        sums.resize(places.len(), 0.0);
        self.add(routes, places, step, i64::MAX, sums);
    }

    /// Adds what goes by stamps up to `last`.
    fn add(&self, routes: &[CurrentRoute], places: &Range<usize>, step: i64, last: i64, sums: &mut [f64]) {
        self.sent.add_to(sums, places, step);
        for route in routes {
            let stamp = step - route.delay;
            if stamp <= self.from || stamp > last || !route.waveform.is_active(stamp) {
                continue;
            }
            let targets = route.places.iter().zip(&route.weights).zip(&route.connections);
            let targets = targets.filter(|((place, _), _)| places.contains(&(**place as usize)));
            if route.waveform.differs() {
                for ((place, weight), connection) in targets {
                    sums[*place as usize - places.start] += weight * route.waveform.over(*connection, stamp);
                }
            } else {
                let current = route.waveform.at(stamp);
                for ((place, weight), _) in targets {
                    sums[*place as usize - places.start] += weight * current;
                }
            }
        }
    }

    /// Lets what generators have sent until step `now` stay as it is, whatever becomes of them and their connections.
    pub fn settle(&mut self, routes: &[CurrentRoute], neurons: usize, now: i64) {
        let longest = routes.iter().map(|route| route.delay).max().unwrap_or(0);
        let mut sent = Vec::new();
        let mut sums = vec![0.0; neurons];
        // Stamp `now` has left in the step before.
        let last = self.sent.last_step().unwrap_or(i64::MIN).max(now + longest);
        for step in now..=last {
            sums.fill(0.0);
            self.add(routes, &(0..neurons), step, now, &mut sums);
            let come = sums.iter().enumerate().filter(|(_, value)| **value != 0.0);
            sent.extend(come.map(|(place, value)| Arrival { step, place: place as u32, value: *value }));
        }
        self.sent = Arrivals::default();
        self.sent.append(sent);
        self.from = now;
    }

    /// Writes or reads what is on its way at step `now`.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(
        &mut self,
        routes: &[CurrentRoute],
        neurons: Placed<'_>,
        now: i64,
        archive: &mut Archive<'_>,
    ) -> Result<()> {
        if archive.reads() {
            *self = Self::beginning(now);
            // Where nothing is on its way, nothing is written.
            return if archive.holds("steps") { self.sent.persist_of(neurons, archive) } else { Ok(()) };
        }
        let mut settled = self.clone();
        settled.settle(routes, neurons.ids.len(), now);
        if settled.sent.is_empty() { Ok(()) } else { settled.sent.persist_of(neurons, archive) }
    }
}

/// The currents of a rule's recurrent neurons and of its readouts.
#[derive(Debug, Clone, Default)]
pub struct CurrentsOf(pub [Currents; 2]);

impl CurrentsOf {
    /// Generators go on from step `now`: nothing was sent before.
    #[must_use]
    pub fn beginning(now: i64) -> Self {
        Self([Currents::beginning(now), Currents::beginning(now)])
    }

    /// Lets what was sent until step `now` stay as it is.
    pub fn settle(&mut self, wiring: &Wiring, now: i64) {
        let neurons = [wiring.recurrent_ids.len(), wiring.readout_ids.len()];
        for ((currents, routes), neurons) in self.0.iter_mut().zip(&wiring.currents).zip(neurons) {
            currents.settle(routes, neurons, now);
        }
    }

    /// Forgets what was integrated before a step.
    pub fn forget_before(&mut self, step: i64) {
        self.0.iter_mut().for_each(|currents| currents.sent.forget_before(step));
    }

    /// Writes or reads what is on its way at step `now`.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(&mut self, wiring: &Wiring, now: i64, archive: &mut Archive<'_>) -> Result<()> {
        let neurons = Placed::of(wiring);
        let names = ["currents.recurrent", "currents.readout"];
        for (place, currents) in self.0.iter_mut().enumerate() {
            archive.within(names[place], |archive| {
                currents.persist(&wiring.currents[place], neurons[place], now, archive)
            })?;
        }
        Ok(())
    }
}
