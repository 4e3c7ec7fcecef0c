//! Parameter tables: the one place that states name, unit, default, bound and meaning of a parameter.

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A floating-point number.
    Number,
    /// A whole number.
    Integer,
    /// A truth value.
    Bool,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// A list of numbers.
    Numbers,
    /// A list of texts.
    Texts,
    /// Node ids.
    Nodes,
    /// A nested dictionary with a table of its own.
    Table(&'static [Parameter]),
}

impl Kind {
    /// The name of the kind, as the exported tables say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Bool => "boolean",
            Self::Choice(_) => "choice",
            Self::Text => "text",
            Self::Numbers => "numbers",
            Self::Texts => "texts",
            Self::Nodes => "nodes",
            Self::Table(_) => "table",
        }
    }

    /// What a value must be, as an error says it.
    #[must_use]
    pub fn description(self) -> String {
        match self {
            Self::Number => "a number".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Choice(choices) => format!("one of {choices:?}"),
            Self::Text => "a text".to_owned(),
            Self::Numbers => "a list of numbers".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Nodes => "nodes".to_owned(),
            Self::Table(_) => "a dictionary".to_owned(),
        }
    }
}

/// The value of a parameter that was not set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// A number; for [`Kind::Bool`] 0 or 1, for [`Kind::Choice`] the place in the list.
    Number(f64),
    /// A text.
    Text(&'static str),
    /// An empty list, or the defaults of a nested table.
    Empty,
    /// A list of texts.
    Texts(&'static [&'static str]),
}

/// Which numbers are accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Any finite number.
    Finite,
    /// Any number but NaN, infinities included.
    NotNan,
    /// Any number but NaN and positive infinity.
    BelowInfinity,
    /// Finite and above zero.
    Positive,
    /// Finite and not below zero.
    NonNegative,
    /// Above zero; infinity is allowed.
    PositiveOrInfinite,
    /// Not below zero; infinity is allowed.
    NonNegativeOrInfinite,
    /// From 0 to 1, both included.
    UnitInterval,
    /// From 0 to 1, the latter excluded.
    BelowOne,
    /// From 1 to 1e15: what can be counted.
    Count,
    /// From 0 to 1e9: so many spikes a second can still be drawn step by step.
    Rate,
    /// At most 1e9: as [`Self::Rate`], and negative ones are none.
    AnyRate,
    /// Not a number at all: nothing to check.
    None,
}

/// The most that can be counted: so many fit into every type that they are computed with.
const MOST: f64 = 1e15;

/// The highest rate of a generator that draws its spikes (spikes/s).
const HIGHEST_RATE: f64 = 1e9;

impl Bound {
    /// Whether the number lies within the bound.
    #[must_use]
    pub fn accepts(self, value: f64) -> bool {
        match self {
            Self::Finite => value.is_finite(),
            Self::NotNan => !value.is_nan(),
            Self::BelowInfinity => value < f64::INFINITY,
            Self::Positive => value > 0.0 && value.is_finite(),
            Self::NonNegative => value >= 0.0 && value.is_finite(),
            Self::PositiveOrInfinite => value > 0.0,
            Self::NonNegativeOrInfinite => value >= 0.0,
            Self::UnitInterval => (0.0..=1.0).contains(&value),
            Self::BelowOne => (0.0..1.0).contains(&value),
            Self::Count => (1.0..=MOST).contains(&value),
            Self::Rate => (0.0..=HIGHEST_RATE).contains(&value),
            Self::AnyRate => value.is_finite() && value <= HIGHEST_RATE,
            Self::None => true,
        }
    }

    /// The bound in words; empty where there is none.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Finite => "finite",
            Self::NotNan => "a number or ±∞",
            Self::BelowInfinity => "< ∞",
            Self::Positive => "> 0",
            Self::NonNegative => "≥ 0",
            Self::PositiveOrInfinite => "> 0 (∞ allowed)",
            Self::NonNegativeOrInfinite => "≥ 0 (∞ allowed)",
            Self::UnitInterval => "from [0, 1]",
            Self::BelowOne => "from [0, 1)",
            Self::Count => "from [1, 1e15]",
            Self::Rate => "from [0, 1e9]",
            Self::AnyRate => "at most 1e9",
            Self::None => "",
        }
    }
}

/// How a parameter may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Set by the user, constant while simulating.
    Parameter,
    /// A state variable: it may be set, and reads as its current value.
    State,
    /// May be read only.
    ReadOnly,
}

impl Role {
    /// The name of the role, as the exported tables say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parameter => "parameter",
            Self::State => "state",
            Self::ReadOnly => "read-only",
        }
    }
}

/// One row of a parameter table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// NEST's name.
    pub name: &'static str,
    /// The symbol in equations, in plain Unicode.
    pub symbol: &'static str,
    /// The unit as the user gives it.
    pub unit: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its value if not set.
    pub default: Default,
    /// Which numbers are accepted; for a list of numbers, each of them.
    pub bound: Bound,
    /// How it may be used.
    pub role: Role,
    /// Whether it is a matter of this process: files, threads, memory. No number follows from it, and each of several ranks
    /// may have a value of its own.
    pub of_process: bool,
    /// One line of text.
    pub text: &'static str,
}

impl Parameter {
    /// A number with a bound.
    #[must_use]
    pub const fn number(
        name: &'static str,
        symbol: &'static str,
        unit: &'static str,
        default: f64,
        bound: Bound,
        text: &'static str,
    ) -> Self {
        Self {
            name,
            symbol,
            unit,
            kind: Kind::Number,
            default: Default::Number(default),
            bound,
            role: Role::Parameter,
            of_process: false,
            text,
        }
    }

    /// A parameter that is not a plain number: its kind, default and text.
    #[must_use]
    pub const fn other(name: &'static str, kind: Kind, default: Default, text: &'static str) -> Self {
        Self {
            name,
            symbol: "",
            unit: "",
            kind,
            default,
            bound: Bound::None,
            role: Role::Parameter,
            of_process: false,
            text,
        }
    }

    /// A whole number with a bound.
    #[must_use]
    pub const fn integer(name: &'static str, default: f64, bound: Bound, text: &'static str) -> Self {
        let mut row = Self::number(name, "", "", default, bound, text);
        row.kind = Kind::Integer;
        row
    }

    /// A truth value.
    #[must_use]
    pub const fn bool(name: &'static str, default: bool, text: &'static str) -> Self {
        Self::other(name, Kind::Bool, Default::Number(if default { 1.0 } else { 0.0 }), text)
    }

    /// One of several texts; the default is the first.
    #[must_use]
    pub const fn choice(name: &'static str, choices: &'static [&'static str], text: &'static str) -> Self {
        Self::other(name, Kind::Choice(choices), Default::Number(0.0), text)
    }

    /// A list of numbers, each within the bound; empty by default.
    #[must_use]
    pub const fn numbers(name: &'static str, unit: &'static str, bound: Bound, text: &'static str) -> Self {
        let mut row = Self::other(name, Kind::Numbers, Default::Empty, text);
        row.unit = unit;
        row.bound = bound;
        row
    }

    /// A text.
    #[must_use]
    pub const fn text(name: &'static str, default: &'static str, text: &'static str) -> Self {
        Self::other(name, Kind::Text, Default::Text(default), text)
    }

    /// A list of node ids, empty by default.
    #[must_use]
    pub const fn nodes(name: &'static str, text: &'static str) -> Self {
        Self::other(name, Kind::Nodes, Default::Empty, text)
    }

    /// The same parameter with a symbol in equations.
    #[must_use]
    pub const fn with_symbol(mut self, symbol: &'static str) -> Self {
        self.symbol = symbol;
        self
    }

    /// The same parameter with another default.
    #[must_use]
    pub const fn with_default(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    /// The same parameter as a state variable.
    #[must_use]
    pub const fn state(mut self) -> Self {
        self.role = Role::State;
        self
    }

    /// The same parameter, as a matter of each process.
    #[must_use]
    pub const fn of_process(mut self) -> Self {
        self.of_process = true;
        self
    }

    /// The same parameter, readable only.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.role = Role::ReadOnly;
        self
    }
}

/// Joins arrays of constants into one.
macro_rules! join {
    ($type:ty, $filler:expr; $($part:expr),+ $(,)?) => {{
        const LENGTH: usize = 0 $(+ $part.len())+;
        const JOINED: [$type; LENGTH] = {
            let mut joined = [$filler; LENGTH];
            let mut place = 0;
            $({
                let part: &[$type] = &$part;
                let mut at = 0;
                while at < part.len() {
                    joined[place] = part[at];
                    place += 1;
                    at += 1;
                }
            })+
            assert!(place == LENGTH);
            joined
        };
        &JOINED
    }};
}
pub(crate) use join;

/// Joins tables into one.
macro_rules! table {
    ($($part:expr),+ $(,)?) => {
        $crate::tables::parameter::join!(
            $crate::tables::parameter::Parameter, $crate::tables::parameter::FILLER; $($part),+
        )
    };
}
pub(crate) use table;

/// What a table is filled with before its rows are known.
pub(crate) const FILLER: Parameter = Parameter::number("", "", "", 0.0, Bound::None, "");
