//! The state of the recurrent neurons. Its arrays are named once, at the end; all that is done with all of them follows.

use std::ops::Range;

use crate::base::lines::Lines;
use crate::base::real::Real;

macro_rules! arrays {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The state of all neurons, one array each, filled up like [`crate::interval::neurons::Neurons`].
        #[derive(Debug, Clone, Default)]
        pub struct NeuronState<R> {
            $($(#[$doc])* pub $name: Lines<R>,)*
        }

        /// The state of neighbouring neurons, one array each.
        #[derive(Debug)]
        pub struct NeuronStatePart<'a, R> {
            /// The neurons.
            pub places: Range<usize>,
            $($(#[$doc])* pub $name: &'a mut [R],)*
        }

        impl<R: Real> NeuronState<R> {
            /// How many arrays there are.
            pub const ARRAYS: usize = [$(stringify!($name),)*].len();

            /// All neurons at rest.
            #[must_use]
            pub fn at_rest(stride: usize) -> Self {
                Self { $($name: Lines::zeros(stride),)* }
            }

            /// Its arrays by name.
            pub fn arrays_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Lines<R>)> {
                [$((stringify!($name), &mut self.$name),)*].into_iter()
            }

            /// All of it.
            pub fn whole(&mut self) -> NeuronStatePart<'_, R> {
                NeuronStatePart { places: 0..self.voltage.len(), $($name: &mut self.$name,)* }
            }

            /// The state of neurons whose parts these are, in their order.
            pub fn joined<'p, 'a: 'p>(parts: impl Iterator<Item = &'p NeuronStatePart<'a, R>> + Clone) -> Self
            where
                R: 'a,
            {
                Self { $($name: parts.clone().flat_map(|part| part.$name.iter().copied()).collect(),)* }
            }
        }

        impl<'a, R> NeuronStatePart<'a, R> {
            /// Takes off the first `count` neurons.
            ///
            /// # Panics
            /// If there are fewer.
            pub fn split_off(&mut self, count: usize) -> NeuronStatePart<'a, R> {
                let begin = self.places.start;
                self.places.start += count;
                NeuronStatePart {
                    places: begin..begin + count,
                    $($name: self.$name.split_off_mut(..count).expect("not beyond the end"),)*
                }
            }
        }
    };
}

arrays! {
    /// Voltage relative to `E_L`.
    voltage,
    /// 1 where the neuron fired in the step before.
    spiked,
    /// Adaptation.
    adaptation,
    /// Steps left of the refractory time.
    countdown,
}

impl<R: Real> NeuronState<R> {
    /// Puts all neurons to rest.
    pub fn rest(&mut self) {
        for (_, values) in self.arrays_mut() {
            values.fill(R::ZERO);
        }
    }
}
