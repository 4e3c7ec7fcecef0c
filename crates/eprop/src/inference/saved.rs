//! The state of a network in use as named arrays, and back.

use crate::base::error::Result;
use crate::base::state::{Archive, State};
use crate::describe::kernel_parameters::LAST_STEP;
use crate::inference::Inference;
use crate::inference::network::UsedNetwork;
use crate::inference::stream::{Neurons, Stream};

impl Inference {
    /// The state between two calls, without weights. Any network with as many neurons of the same models and the
    /// same longest delay can go on with it.
    #[must_use]
    pub fn state(&self) -> State {
        let mut state = State::default();
        let written = self.stream.clone().persist(&self.network, &mut Archive::writer(&mut state));
        written.expect("writing refuses nothing");
        state
    }

    /// Goes on with a state that [`Inference::state`] gave.
    ///
    /// # Errors
    /// `ValueError` that names what is missing or does not fit; then nothing is changed.
    pub fn restore(&mut self, mut state: State) -> Result<()> {
        let mut stream = Stream::at_rest(&self.network);
        stream.persist(&self.network, &mut Archive::reader(&mut state))?;
        self.stream = stream;
        Ok(())
    }
}

impl Stream {
    fn persist(&mut self, network: &UsedNetwork, archive: &mut Archive<'_>) -> Result<()> {
        let mut inputs = network.inputs;
        archive.number("inputs", &mut inputs)?;
        if inputs != network.inputs {
            let what = format!("{inputs} of them, where the network has {}", network.inputs);
            return Err(archive.misfit("inputs", what));
        }
        let mut models = network.models.clone();
        archive.texts("models", &mut models)?;
        if models != network.models {
            let what = format!("{}, where the network has {}", models.join(", "), network.models.join(", "));
            return Err(archive.misfit("models", what));
        }
        archive.number("time", &mut self.time)?;
        if self.time > LAST_STEP as usize {
            return Err(archive.misfit("time", format!("step {}", self.time)));
        }
        let finite = |archive: &mut Archive<'_>, name: &str, values: &mut [f64]| {
            archive.fixed(name, values)?;
            match values.iter().find(|value| !value.is_finite()) {
                Some(value) => Err(archive.misfit(name, format!("a value of {value}"))),
                None => Ok(()),
            }
        };
        match &mut self.neurons {
            Neurons::Interval(state) => {
                for (name, values) in state.arrays_mut() {
                    finite(archive, &format!("interval.{name}"), values)?;
                }
            }
            Neurons::Plus(state) => {
                for (name, values) in state.arrays_mut() {
                    finite(archive, &format!("event.{name}"), values)?;
                }
            }
        }
        finite(archive, "readout_voltage", &mut self.readout_voltage)?;
        self.persist_spikes(network, archive)
    }

    fn persist_spikes(&mut self, network: &UsedNetwork, archive: &mut Archive<'_>) -> Result<()> {
        let of = |pick: fn(&(u32, u32)) -> u32| -> Vec<Vec<u32>> {
            self.sent.iter().map(|step| step.iter().map(pick).collect()).collect()
        };
        let (mut places, mut counts) = (of(|(place, _)| *place), of(|(_, count)| *count));
        archive.lists("sent", &mut places)?;
        archive.lists("sent_counts", &mut counts)?;
        archive.lists("fired", &mut self.fired)?;
        for (name, lists, most) in
            [("sent", &places, network.inputs), ("fired", &self.fired, network.recurrent)]
        {
            if lists.len() != network.remembered {
                let what =
                    format!("{} steps, where the network remembers {}", lists.len(), network.remembered);
                return Err(archive.misfit(name, what));
            }
            let ascend = |step: &Vec<u32>| step.windows(2).all(|pair| pair[0] < pair[1]);
            let within = |step: &Vec<u32>| step.last().is_none_or(|place| (*place as usize) < most);
            if !lists.iter().all(|step| ascend(step) && within(step)) {
                return Err(archive.misfit(name, format!("not ascending places below {most}")));
            }
        }
        if !places.iter().map(Vec::len).eq(counts.iter().map(Vec::len)) {
            return Err(archive.misfit("sent_counts", "not one for each spike"));
        }
        let joined =
            places.into_iter().zip(counts).map(|(places, counts)| places.into_iter().zip(counts).collect());
        self.sent = joined.collect();
        Ok(())
    }
}
