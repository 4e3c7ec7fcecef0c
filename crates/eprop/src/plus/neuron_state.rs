//! The state of the recurrent neurons of e-prop+. Its arrays are named once, at the end; all that is done with all of
//! them follows.

macro_rules! arrays {
    ($($(#[$doc:meta])* $name:ident as $label:literal,)*) => {
        /// The state of all neurons, one array each.
        #[derive(Debug, Clone, Default)]
        pub struct NeuronState {
            $($(#[$doc])* pub $name: Vec<f64>,)*
        }

        /// The arrays, as a step changes them.
        #[derive(Debug)]
        pub struct StateSlices<'a> {
            $($(#[$doc])* pub $name: &'a mut [f64],)*
        }

        impl NeuronState {
            /// So many neurons at rest.
            #[must_use]
            pub fn at_rest(neurons: usize) -> Self {
                Self { $($name: vec![0.0; neurons],)* }
            }

            /// Has room for so many neurons; new ones are at rest.
            pub fn resize(&mut self, neurons: usize) {
                $(self.$name.resize(neurons, 0.0);)*
            }

            /// Its arrays, by the names that files have for them.
            pub fn arrays_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Vec<f64>)> {
                [$(($label, &mut self.$name),)*].into_iter()
            }

            /// All of it.
            pub fn slices(&mut self) -> StateSlices<'_> {
                StateSlices { $($name: &mut self.$name,)* }
            }
        }
    };
}

arrays! {
    /// Voltage relative to `E_L`.
    voltage as "voltage",
    /// 1 where the neuron fired in the step before.
    spiked as "spiked",
    /// Adaptation.
    adaptation as "adaptation",
    /// Steps left of the refractory time.
    countdown as "countdown",
    /// Input kept in the refractory time.
    kept as "kept_input",
    /// Low-pass filtered firing rate (spikes per ms).
    rate as "rate",
}
