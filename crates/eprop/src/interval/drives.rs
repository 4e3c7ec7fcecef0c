//! What drives neurons besides the weights of spikes.

use crate::base::control::RunControl;
use crate::base::lines::Lines;
use crate::base::real::Real;
use crate::describe::network::Projection;
use crate::interval::neurons::Neurons;
use crate::interval::open_interval::Surroundings;
use crate::interval::plan::IntervalPlan;
use crate::step::arrivals::Arrivals;
use crate::step::currents::CurrentsOf;
use crate::step::emission::Emission;

/// Weights of each projection in a precision; `room` holds those that have to be converted.
pub(super) fn converted<'a, R: Real>(
    projections: &'a [Projection],
    room: &'a mut Vec<Vec<R>>,
) -> Vec<&'a [R]> {
    room.resize_with(projections.len(), Vec::new);
    projections.iter().zip(room).map(|(projection, room)| R::all(&projection.weights, room)).collect()
}

/// Spikes on their way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) emission: &'a Emission,
    pub(super) arrivals: &'a [Arrivals; 2],
    pub(super) currents: &'a CurrentsOf,
}

/// What drives neurons besides spikes.
pub(super) struct Drives<R> {
    pub(super) drive: Lines<R>,
    pub(super) first: Option<Lines<R>>,
    pub(super) readout: Vec<f64>,
    pub(super) first_readout: Option<Vec<f64>>,
}

impl<R: Real> Drives<R> {
    pub(super) fn new(
        plan: &IntervalPlan,
        neurons: &Neurons<R>,
        current: &[f64],
        readout_current: &[f64],
    ) -> Self {
        let product = |gain: &[f64], current: &[f64]| -> Vec<f64> {
            gain.iter().zip(current).map(|(gain, current)| gain * current).collect()
        };
        let (p, q) = (&plan.recurrent, &plan.readouts);
        let row = |current: &[f64]| {
            let mut row: Lines<R> = product(&p.current_gain, current).into_iter().map(R::of).collect();
            row.resize(neurons.stride);
            row
        };
        Self {
            drive: row(&p.current),
            first: (p.current != current).then(|| row(current)),
            readout: product(&q.current_gain, &q.current),
            first_readout: (q.current != readout_current).then(|| product(&q.current_gain, readout_current)),
        }
    }

    pub(super) fn surroundings<'a>(
        &'a self,
        plan: &'a IntervalPlan,
        neurons: &'a Neurons<R>,
        projections: &'a [Projection],
        weights: &'a [&'a [R]],
        before: &'a [Option<Vec<f64>>],
        sent: Sent<'a>,
        control: &'a RunControl,
    ) -> Surroundings<'a, R> {
        Surroundings {
            plan,
            neurons,
            projections,
            weights,
            before,
            emission: sent.emission,
            arrivals: &sent.arrivals[0],
            readout_arrivals: &sent.arrivals[1],
            currents: sent.currents,
            drive: &self.drive,
            first_drive: self.first.as_deref(),
            readout_drive: &self.readout,
            first_readout_drive: self.first_readout.as_deref(),
            threads: 1,
            control,
            team: None,
        }
    }
}
