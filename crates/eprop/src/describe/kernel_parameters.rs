//! Kernel parameters: their table, and as checked numbers.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::check;
use crate::describe::suggest;
use crate::tables::parameter::{Bound, Default, Kind, Parameter, Role};
use crate::tables::value::{Dict, Value};

/// The last step that can be reached: steps are exact as numbers of JavaScript.
pub(crate) const LAST_STEP: f64 = 9e15;

/// Which form the gradient of an update interval is computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GradientMethod {
    /// Traces carried forward for every synapse: the definition.
    Forward,
    /// The same sum turned round: one pass backwards over neurons, one row addition a spike.
    #[default]
    Adjoint,
}

/// What simulations compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 64-bit floating point: the reference.
    #[default]
    F64,
    /// 32-bit floating point for the neurons and the gradients of an interval, where weights change once an update
    /// interval. Weights, sums over a batch and moments stay in 64 bits.
    F32,
}

/// Name of the largest norm of a gradient.
pub(crate) const CLIP_NORM: &str = "clip_norm";

/// Names of the precisions, in the order of [`Precision`].
const PRECISIONS: &[&str] = &["f64", "f32"];

const fn row(
    name: &'static str,
    unit: &'static str,
    default: f64,
    bound: Bound,
    text: &'static str,
) -> Parameter {
    Parameter::number(name, "", unit, default, bound, text)
}

const fn kind(mut row: Parameter, kind: Kind) -> Parameter {
    row.kind = kind;
    row
}

const fn texts(mut row: Parameter) -> Parameter {
    row.kind = Kind::Text;
    row.default = Default::Text("");
    row
}

/// The table of kernel parameters.
pub const TABLE: &[Parameter] = &[
    row("resolution", "ms", 0.1, Bound::Positive, "Length of a step"),
    row("eprop_update_interval", "ms", 1000.0, Bound::Positive, "Time between updates of weights"),
    row(
        "eprop_learning_window",
        "ms",
        1000.0,
        Bound::Positive,
        "Last part of the interval, in which errors count",
    ),
    kind(
        row("eprop_reset_neurons_on_update", "", 1.0, Bound::None, "Neurons start each interval afresh"),
        Kind::Bool,
    ),
    kind(
        row(
            "local_num_threads",
            "",
            1.0,
            Bound::Positive,
            "Threads a simulation may use, of those of the process",
        ),
        Kind::Integer,
    )
    .of_process(),
    kind(
        row(
            "total_num_virtual_procs",
            "",
            1.0,
            Bound::Positive,
            "Accepted for NEST's scripts; changes no number",
        ),
        Kind::Integer,
    )
    .of_process(),
    kind(
        row("rng_seed", "", 143_202_461.0, Bound::Positive, "Seed of the kernel's random generator"),
        Kind::Integer,
    ),
    kind(
        row("gradient", "", 0.0, Bound::None, "Form in which the gradient of an interval is computed"),
        Kind::Choice(&["adjoint", "forward"]),
    ),
    kind(
        row(
            "precision",
            "",
            0.0,
            Bound::None,
            "Precision of neurons and gradients where weights change once an interval (all else: f64)",
        ),
        Kind::Choice(PRECISIONS),
    ),
    kind(
        row(
            "memory_limit",
            "bytes",
            0.0,
            Bound::NonNegative,
            "Memory a simulation may take, by computing histories again that do not fit; 0 for what there is",
        ),
        Kind::Integer,
    )
    .of_process(),
    row(
        CLIP_NORM,
        "",
        0.0,
        Bound::NonNegative,
        "Norm that the gradient of an update is scaled down to where it is larger; 0 for never (weights that change \
         once an interval)",
    ),
    kind(row("print_time", "", 0.0, Bound::None, "Accepted for NEST's scripts"), Kind::Bool).of_process(),
    kind(row("overwrite_files", "", 0.0, Bound::None, "Whether recorders may replace files"), Kind::Bool)
        .of_process(),
    texts(row("data_path", "", 0.0, Bound::None, "Folder for recorders' files")).of_process(),
    texts(row("data_prefix", "", 0.0, Bound::None, "Beginning of the names of recorders' files"))
        .of_process(),
    {
        let mut row = row("min_delay", "ms", 0.1, Bound::Positive, "Shortest delay of the connections");
        row.role = Role::ReadOnly;
        row
    },
    {
        let mut row = row("max_delay", "ms", 0.1, Bound::Positive, "Longest delay of the connections");
        row.role = Role::ReadOnly;
        row
    },
    {
        let mut row = row("biological_time", "ms", 0.0, Bound::NonNegative, "Time simulated so far");
        row.role = Role::ReadOnly;
        row
    },
    {
        let mut row =
            kind(row("network_size", "", 0.0, Bound::NonNegative, "Number of nodes"), Kind::Integer);
        row.role = Role::ReadOnly;
        row
    },
    {
        let mut row =
            kind(row("num_connections", "", 0.0, Bound::NonNegative, "Number of connections"), Kind::Integer);
        row.role = Role::ReadOnly;
        row
    },
];

/// Kernel parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelParameters {
    /// Length of a step (ms).
    pub resolution: f64,
    /// Update interval (ms).
    pub update_interval_ms: f64,
    /// Learning window (ms).
    pub learning_window_ms: f64,
    /// Update interval (steps).
    pub update_interval: usize,
    /// Learning window (steps), at most the update interval.
    pub learning_window: usize,
    /// Whether neurons start each update interval afresh.
    pub reset_neurons_on_update: bool,
    /// Threads a simulation may use.
    pub local_num_threads: usize,
    /// As given; changes no number.
    pub total_num_virtual_procs: usize,
    /// Seed of NEST's random generator.
    pub rng_seed: u32,
    /// Form of the gradient.
    pub gradient: GradientMethod,
    /// What neurons and gradients are computed in.
    pub precision: Precision,
    /// Memory a simulation may take (bytes); 0 means what the machine has.
    pub memory_limit: u64,
    /// Norm that the gradient of an update is scaled down to where it is larger; 0 for never.
    pub clip_norm: f64,
    /// Accepted, without effect.
    pub print_time: bool,
    /// Whether recorders may replace files.
    pub overwrite_files: bool,
    /// Folder for recorders' files.
    pub data_path: String,
    /// Beginning of the names of recorders' files.
    pub data_prefix: String,
}

impl std::default::Default for KernelParameters {
    fn default() -> Self {
        Self {
            resolution: 0.1,
            update_interval_ms: 1000.0,
            learning_window_ms: 1000.0,
            update_interval: 10_000,
            learning_window: 10_000,
            reset_neurons_on_update: true,
            local_num_threads: crate::base::threads::budget(),
            total_num_virtual_procs: 1,
            rng_seed: 143_202_461,
            gradient: GradientMethod::Adjoint,
            precision: Precision::F64,
            memory_limit: 0,
            clip_norm: 0.0,
            print_time: false,
            overwrite_files: false,
            data_path: String::new(),
            data_prefix: String::new(),
        }
    }
}

/// Steps of an update interval at most.
const LONGEST: f64 = 1e13;

/// Shortest time that can be told apart (ms).
const TIC: f64 = 0.001;

impl KernelParameters {
    /// These parameters with some of them changed. `settled` says what was made with the resolution that there is, if
    /// anything was: then it cannot be set any more, as in NEST not even to what it is.
    ///
    /// # Errors
    /// `ValueError` for an unknown name, `KernelException` for values that cannot be.
    pub fn with(&self, values: &Dict, settled: Option<&str>) -> Result<Self> {
        let next = self.with_any_window(values, settled)?;
        // An interval that is made shorter than the window is learned from as a whole; what is read can be set again.
        let times = |parameters: &Self| [parameters.learning_window_ms, parameters.update_interval_ms];
        let asked = values.get("eprop_learning_window").is_some() && times(&next) != times(self);
        if asked && next.learning_window_ms > next.update_interval_ms {
            return Err(refuse(
                "eprop_learning_window",
                &Value::Number(next.learning_window_ms),
                "cannot be longer than the update interval",
                &format!("at most {} ms", next.update_interval_ms),
            ));
        }
        Ok(next)
    }

    /// As [`Self::with`], for values that a kernel had: its window may be longer than an interval that was set after it.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub(super) fn with_any_window(&self, values: &Dict, settled: Option<&str>) -> Result<Self> {
        let mut next = self.clone();
        for (name, value) in &values.0 {
            let Some(parameter) = TABLE.iter().find(|parameter| parameter.name == name) else {
                let names = TABLE.iter().map(|parameter| parameter.name);
                return Err(Error::new(
                    ErrorCode::ValueError,
                    format!("there is no kernel parameter {name}"),
                )
                .parameter(name.clone())
                .bound(suggest::hint(name, names)));
            };
            if parameter.role == Role::ReadOnly {
                return Err(refuse(name, value, "can only be read", "nothing"));
            }
            let cell = check::cell("kernel", parameter, value).map_err(|mut error| {
                if error.code == ErrorCode::BadProperty {
                    error.code = ErrorCode::KernelException;
                }
                error.model = None;
                error
            })?;
            next.take(name, value, cell, settled)?;
        }
        next.count_steps()?;
        Ok(next)
    }

    /// Takes a value that is within the bound of its row of the table.
    fn take(&mut self, name: &str, value: &Value, cell: check::Cell, settled: Option<&str>) -> Result<()> {
        let number = match &cell {
            check::Cell::Number(number) => *number,
            _ => 0.0,
        };
        match (name, cell) {
            ("resolution", _) => {
                if let Some(settled) = settled {
                    let what = format!("cannot be set once {settled}");
                    return Err(refuse(
                        name,
                        value,
                        &what,
                        "the first thing that is set, or after ResetKernel",
                    ));
                }
                if number < TIC || (check::tics(number) - number / TIC).abs() > 1e-6 {
                    return Err(refuse(
                        name,
                        value,
                        "must be a whole number of tics",
                        "a multiple of 0.001 ms",
                    ));
                }
                self.resolution = number;
            }
            ("eprop_update_interval", _) => self.update_interval_ms = number,
            ("eprop_learning_window", _) => self.learning_window_ms = number,
            ("eprop_reset_neurons_on_update", _) => self.reset_neurons_on_update = number != 0.0,
            ("local_num_threads", _) => {
                if number > 1024.0 {
                    return Err(refuse(name, value, "is too large", "at most 1024"));
                }
                self.local_num_threads = number as usize;
            }
            ("total_num_virtual_procs", _) => self.total_num_virtual_procs = number as usize,
            ("rng_seed", _) => {
                if number > f64::from(u32::MAX) {
                    return Err(refuse(name, value, "is too large", "from 1 to 4294967295"));
                }
                self.rng_seed = number as u32;
            }
            ("gradient", _) => {
                self.gradient = if number == 0.0 { GradientMethod::Adjoint } else { GradientMethod::Forward };
            }
            ("precision", _) => {
                self.precision = if number == 0.0 { Precision::F64 } else { Precision::F32 };
            }
            ("memory_limit", _) => self.memory_limit = number as u64,
            (CLIP_NORM, _) => self.clip_norm = number,
            ("print_time", _) => self.print_time = number != 0.0,
            ("overwrite_files", _) => self.overwrite_files = number != 0.0,
            ("data_path", check::Cell::Text(text)) => self.data_path = text,
            ("data_prefix", check::Cell::Text(text)) => self.data_prefix = text,
            _ => unreachable!("every settable row of the table has an arm"),
        }
        Ok(())
    }

    /// Checks times against the step, and counts their steps.
    fn count_steps(&mut self) -> Result<()> {
        for (name, time) in self.intervals() {
            if time / self.resolution > LONGEST {
                return Err(refuse(
                    name,
                    &Value::Number(time),
                    "is too long",
                    &format!("at most {LONGEST:e} steps"),
                ));
            }
        }
        // What nobody has set must not keep those from a resolution whose networks have no update intervals.
        let unset = Self::default();
        if self.update_interval_ms != unset.update_interval_ms
            || self.learning_window_ms != unset.learning_window_ms
        {
            self.check_intervals()?;
        }
        let steps = |time: f64| ((time / self.resolution).round() as usize).max(1);
        self.update_interval = steps(self.update_interval_ms);
        self.learning_window = steps(self.learning_window_ms).min(self.update_interval);
        Ok(())
    }

    /// Checks that update interval and learning window are whole numbers of steps.
    ///
    /// # Errors
    /// `KernelException` if one is none.
    pub fn check_intervals(&self) -> Result<()> {
        for (name, time) in self.intervals() {
            if !check::on_grid(time, self.resolution) || (time / self.resolution).round() < 1.0 {
                return Err(refuse(
                    name,
                    &Value::Number(time),
                    "must be a whole number of steps",
                    &format!("a multiple of {} ms", self.resolution),
                ));
            }
        }
        Ok(())
    }

    fn intervals(&self) -> [(&'static str, f64); 2] {
        [
            ("eprop_update_interval", self.update_interval_ms),
            ("eprop_learning_window", self.learning_window_ms),
        ]
    }

    /// The parameters as the user reads them, without those that the kernel alone knows.
    #[must_use]
    pub fn values(&self) -> Dict {
        let number = |value: f64| Value::Number(value);
        Dict::new()
            .with("resolution", number(self.resolution))
            .with("eprop_update_interval", number(self.update_interval_ms))
            .with("eprop_learning_window", number(self.learning_window_ms))
            .with("eprop_reset_neurons_on_update", Value::Bool(self.reset_neurons_on_update))
            .with("local_num_threads", number(self.local_num_threads as f64))
            .with("total_num_virtual_procs", number(self.total_num_virtual_procs as f64))
            .with("rng_seed", number(f64::from(self.rng_seed)))
            .with(
                "gradient",
                Value::Text(
                    if self.gradient == GradientMethod::Adjoint { "adjoint" } else { "forward" }.into(),
                ),
            )
            .with("precision", Value::Text(PRECISIONS[self.precision as usize].into()))
            .with("memory_limit", number(self.memory_limit as f64))
            .with(CLIP_NORM, number(self.clip_norm))
            .with("print_time", Value::Bool(self.print_time))
            .with("overwrite_files", Value::Bool(self.overwrite_files))
            .with("data_path", Value::Text(self.data_path.clone()))
            .with("data_prefix", Value::Text(self.data_prefix.clone()))
    }
}

fn refuse(name: &str, value: &Value, what: &str, bound: &str) -> Error {
    Error::new(ErrorCode::KernelException, format!("{name} {what}")).parameter(name).value(value).bound(bound)
}
