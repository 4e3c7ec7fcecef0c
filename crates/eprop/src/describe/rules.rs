//! The connection rules: which pairs of nodes a call connects, drawn as NEST draws them.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::check::{self, Cell};
use crate::describe::network::NodeId;
use crate::describe::suggest;
use crate::random::{NestRandom, RandomParameter};
use crate::tables::parameter::{Bound, Kind, Parameter};
use crate::tables::value::{Dict, Value};

/// A connection rule.
#[derive(Debug)]
pub struct Rule {
    /// NEST's name.
    pub name: &'static str,
    /// What it must be given, where it needs something.
    pub amount: Option<Parameter>,
    /// Whether that may be drawn, for each node or pair that it is asked for.
    pub drawn: bool,
    /// Whether it connects each source to each target.
    pub dense: bool,
    /// Number of connections, on average: of so many sources, targets, and that amount.
    expected: fn(f64, f64, f64) -> f64,
    /// Variance of that number, of its mean and that amount.
    variance: fn(f64, f64) -> f64,
    /// Rows and columns of a matrix of values, of so many sources, targets, and that amount.
    shape: fn(usize, usize, usize) -> Option<(usize, usize)>,
    check: fn(&Pools<'_>) -> Result<()>,
    draw: Draw,
}

/// Goes through the pairs of a rule. What connects a pair may draw, too, in between.
type Draw = fn(&Pools<'_>, &mut NestRandom, &mut Connect<'_>) -> Result<()>;

/// Connects the source and the target at these places of the call's lists.
pub type Connect<'a> = dyn FnMut(&mut NestRandom, usize, usize) -> Result<()> + 'a;

/// What every rule may be given.
pub const FLAGS: [Parameter; 3] = [
    Parameter::bool("allow_autapses", true, "Nodes may connect to themselves"),
    Parameter::bool("allow_multapses", true, "A pair may be connected several times"),
    Parameter::bool("make_symmetric", false, "Each target is connected with its source, too (one_to_one)"),
];

const fn degree(name: &'static str, text: &'static str) -> Parameter {
    Parameter::integer(name, 0.0, Bound::NonNegative, text)
}

/// All rules; the first is the default.
pub static RULES: [Rule; 7] = [
    Rule {
        name: "all_to_all",
        amount: None,
        drawn: false,
        dense: true,
        expected: |sources, targets, _| sources * targets,
        variance: |_, _| 0.0,
        shape: |sources, targets, _| Some((targets, sources)),
        check: |_| Ok(()),
        draw: all_to_all,
    },
    Rule {
        name: "one_to_one",
        amount: None,
        drawn: false,
        dense: false,
        expected: |sources, _, _| sources,
        variance: |_, _| 0.0,
        shape: |_, _, _| None,
        check: same_size,
        draw: one_to_one,
    },
    Rule {
        name: "pairwise_bernoulli",
        amount: Some(Parameter::number(
            "p",
            "p",
            "",
            1.0,
            Bound::UnitInterval,
            "Probability of a connection",
        )),
        drawn: true,
        dense: false,
        expected: |sources, targets, p| sources * targets * p,
        variance: |mean, p| mean * (1.0 - p),
        shape: |_, _, _| None,
        check: few_enough_pairs,
        draw: pairwise_bernoulli,
    },
    Rule {
        name: "pairwise_poisson",
        amount: Some(Parameter::number(
            "pairwise_avg_num_conns",
            "pairwise_avg_num_conns",
            "",
            0.0,
            Bound::NonNegative,
            "Connections of a pair, on average",
        )),
        drawn: true,
        dense: false,
        expected: |sources, targets, mean| sources * targets * mean,
        variance: |mean, _| mean,
        shape: |_, _, _| None,
        check: |pools| few_enough_pairs(pools).and_then(|()| of_multapses(pools, ErrorCode::BadProperty)),
        draw: pairwise_poisson,
    },
    Rule {
        name: "fixed_indegree",
        amount: Some(degree("indegree", "Connections per target")),
        drawn: true,
        dense: false,
        expected: |_, targets, indegree| targets * indegree,
        variance: |_, _| 0.0,
        shape: |_, targets, indegree| Some((targets, indegree)),
        check: |pools| enough(pools, pools.targets, pools.sources),
        draw: fixed_indegree,
    },
    Rule {
        name: "fixed_outdegree",
        amount: Some(degree("outdegree", "Connections per source")),
        drawn: true,
        dense: false,
        expected: |sources, _, outdegree| sources * outdegree,
        variance: |_, _| 0.0,
        shape: |sources, _, outdegree| Some((sources, outdegree)),
        check: |pools| enough(pools, pools.sources, pools.targets),
        draw: fixed_outdegree,
    },
    Rule {
        name: "fixed_total_number",
        amount: Some(degree("N", "Number of connections")),
        drawn: false,
        dense: false,
        expected: |_, _, total| total,
        variance: |_, _| 0.0,
        shape: |_, _, _| None,
        check: total_of_multapses,
        draw: fixed_total_number,
    },
];

/// Degrees that are drawn are at most this large: nothing else bounds what a call would draw.
const MOST_DRAWN: f64 = 1e9;

/// A rule with what it was given.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The rule.
    pub rule: &'static Rule,
    /// Probability or degree, where the rule takes one and it is not drawn.
    pub amount: f64,
    /// Where probability or degree is drawn from, if it is.
    pub drawn: Option<RandomParameter>,
    /// Whether nodes may connect to themselves.
    pub autapses: bool,
    /// Whether a pair may be connected several times.
    pub multapses: bool,
    /// Whether each target is connected with its source, too.
    pub symmetric: bool,
}

/// The nodes that a rule chooses from, in the order of the call.
struct Pools<'a> {
    sources: &'a [NodeId],
    targets: &'a [NodeId],
    chosen: &'a Chosen,
}

impl Chosen {
    /// How many connections there are at most between so many nodes; `None` where a drawn probability or degree says so.
    /// Of those that are drawn, more than six standard deviations above their mean are not met with in the life of a
    /// machine.
    #[must_use]
    pub fn most(&self, sources: usize, targets: usize) -> Option<f64> {
        if self.drawn.is_some() {
            return None;
        }
        let mean = (self.rule.expected)(sources as f64, targets as f64, self.amount);
        Some(mean + 6.0 * (self.rule.variance)(mean, self.amount).sqrt())
    }

    /// Checks a rule's dictionary.
    ///
    /// # Errors
    /// If there is no such rule, or it lacks something or is given what it does not take.
    pub fn new(values: &Dict) -> Result<Self> {
        let name = check::text(values, "rule", RULES[0].name)?;
        let rule = RULES.iter().find(|rule| rule.name == name).ok_or_else(|| {
            Error::new(ErrorCode::BadProperty, format!("unknown connectivity rule: {name}"))
                .parameter("rule")
                .value(name)
                .bound(suggest::hint(name, RULES.iter().map(|rule| rule.name)))
        })?;
        let mut chosen =
            Self { rule, amount: 0.0, drawn: None, autapses: true, multapses: true, symmetric: false };
        let table: Vec<Parameter> = rule.amount.into_iter().chain(FLAGS).collect();
        for (key, value) in values.0.iter().filter(|(key, _)| key != "rule") {
            let (_, parameter) = check::find(name, &table, key)?;
            if let (Value::Random(distribution), true, Kind::Number | Kind::Integer) =
                (value, rule.drawn, parameter.kind)
            {
                chosen.drawn = Some(distribution.clone());
                continue;
            }
            let Cell::Number(number) = check::cell(name, parameter, value)? else {
                unreachable!("rules take numbers and truth values")
            };
            match key.as_str() {
                "allow_autapses" => chosen.autapses = number != 0.0,
                "allow_multapses" => chosen.multapses = number != 0.0,
                "make_symmetric" => chosen.symmetric = number != 0.0,
                _ => chosen.amount = number,
            }
        }
        if chosen.symmetric && name != "one_to_one" {
            return Err(Error::new(ErrorCode::NotImplemented, "this rule makes no symmetric connections")
                .model(name)
                .parameter("make_symmetric")
                .value("true")
                .bound("false, or the rule one_to_one"));
        }
        if let Some(needed) = &rule.amount
            && values.get(needed.name).is_none()
        {
            return Err(Error::new(ErrorCode::BadProperty, format!("the rule {name} needs {}", needed.name))
                .model(name)
                .parameter(needed.name)
                .bound(needed.kind.description()));
        }
        Ok(chosen)
    }

    /// Rows and columns of a matrix with a value per connection, where the rule takes one.
    #[must_use]
    pub fn shape(&self, sources: usize, targets: usize) -> Option<(usize, usize)> {
        if self.drawn.is_some() {
            return None;
        }
        (self.rule.shape)(sources, targets, self.amount as usize)
    }

    /// Connects pair by pair.
    ///
    /// # Errors
    /// If there are too few nodes for the rule, a drawn probability or degree is none, or those of `connect`.
    pub fn draw(
        &self,
        sources: &[NodeId],
        targets: &[NodeId],
        random: &mut NestRandom,
        connect: &mut Connect<'_>,
    ) -> Result<()> {
        let pools = Pools { sources, targets, chosen: self };
        (self.rule.check)(&pools)?;
        (self.rule.draw)(&pools, random, connect)
    }

    /// The probability or degree for the next pair or node.
    fn amount(&self, random: &mut NestRandom) -> Result<f64> {
        let Some(distribution) = &self.drawn else { return Ok(self.amount) };
        let drawn = distribution.draw(random)?;
        if drawn.abs() <= MOST_DRAWN {
            return Ok(drawn);
        }
        let name = self.rule.amount.map_or("", |parameter| parameter.name);
        Err(Error::new(ErrorCode::BadProperty, format!("a number was drawn for {name} that it cannot be"))
            .model(self.rule.name)
            .parameter(name)
            .number(drawn)
            .bound(format!("at most {MOST_DRAWN:e}")))
    }

    /// How many partners the next node gets: to the nearest whole number where it is drawn, none where that is below 0.
    fn degree(&self, random: &mut NestRandom) -> Result<f64> {
        Ok(self.amount(random)?.round().max(0.0))
    }
}

impl Pools<'_> {
    fn is_excluded_autapse(&self, source: usize, target: usize) -> bool {
        !self.chosen.autapses && self.sources[source] == self.targets[target]
    }
}

fn same_size(pools: &Pools<'_>) -> Result<()> {
    let (sources, targets) = (pools.sources.len(), pools.targets.len());
    if sources == targets {
        return Ok(());
    }
    Err(Error::new(ErrorCode::DimensionMismatch, "source and target population must be of the same size")
        .parameter("targets")
        .value(format!("{sources} sources, {targets} targets"))
        .bound("as many targets as sources"))
}

/// Pairs that a call may draw for, one after the other as NEST does: they take about half a minute.
const MOST_PAIRS: f64 = 4e9;

fn few_enough_pairs(pools: &Pools<'_>) -> Result<()> {
    let (sources, targets) = (pools.sources.len(), pools.targets.len());
    if sources as f64 * targets as f64 <= MOST_PAIRS {
        return Ok(());
    }
    Err(Error::new(ErrorCode::BadProperty, "there are too many pairs of nodes to draw for each of them")
        .model(pools.chosen.rule.name)
        .parameter("targets")
        .value(format!("{sources} sources x {targets} targets"))
        .bound(format!("at most {MOST_PAIRS:e} pairs a call")))
}

/// Checks that pairs may be connected several times; refused with the code that NEST has for the rule.
fn of_multapses(pools: &Pools<'_>, code: ErrorCode) -> Result<()> {
    if pools.chosen.multapses {
        return Ok(());
    }
    Err(Error::new(code, "this rule may connect a pair several times")
        .model(pools.chosen.rule.name)
        .parameter("allow_multapses")
        .value("false")
        .bound("true"))
}

/// Checks that pairs may be drawn several times, and that there is one that may be drawn at all.
fn total_of_multapses(pools: &Pools<'_>) -> Result<()> {
    of_multapses(pools, ErrorCode::NotImplemented)?;
    let Chosen { rule, amount, autapses, .. } = *pools.chosen;
    let lonely = !autapses && pools.sources.len() == 1 && pools.sources == pools.targets;
    if !lonely || amount == 0.0 {
        return Ok(());
    }
    Err(Error::new(ErrorCode::BadProperty, "there is no pair to connect")
        .model(rule.name)
        .parameter("N")
        .number(amount)
        .bound("0"))
}

/// The nodes that a degree chooses from, sorted. (Where a node finds too few of them, NEST draws for ever.)
struct Partners<'a> {
    chosen: &'a Chosen,
    sorted: Vec<NodeId>,
}

impl<'a> Partners<'a> {
    fn new(chosen: &'a Chosen, pool: &[NodeId]) -> Self {
        let mut sorted = pool.to_vec();
        sorted.sort_unstable();
        Self { chosen, sorted }
    }

    /// Checks that a node finds so many.
    fn enough(&self, node: NodeId, degree: f64) -> Result<()> {
        let Chosen { rule, autapses, multapses, .. } = *self.chosen;
        let loses_itself = !autapses && self.sorted.binary_search(&node).is_ok();
        let candidates = self.sorted.len() - usize::from(loses_itself);
        let most = if multapses && candidates > 0 { f64::INFINITY } else { candidates as f64 };
        if degree <= most {
            return Ok(());
        }
        Err(Error::new(ErrorCode::BadProperty, "there are not enough nodes for that many connections")
            .model(rule.name)
            .parameter(rule.amount.map_or("", |parameter| parameter.name))
            .number(degree)
            .bound(format!("at most {candidates}")))
    }
}

/// Checks that each of `nodes` finds as many partners in `pool` as it needs, where that is known.
fn enough(pools: &Pools<'_>, nodes: &[NodeId], pool: &[NodeId]) -> Result<()> {
    if pools.chosen.drawn.is_some() {
        return Ok(());
    }
    let partners = Partners::new(pools.chosen, pool);
    nodes.iter().try_for_each(|node| partners.enough(*node, pools.chosen.amount))
}

fn all_to_all(pools: &Pools<'_>, random: &mut NestRandom, connect: &mut Connect<'_>) -> Result<()> {
    for target in 0..pools.targets.len() {
        for source in 0..pools.sources.len() {
            if !pools.is_excluded_autapse(source, target) {
                connect(random, source, target)?;
            }
        }
    }
    Ok(())
}

fn one_to_one(pools: &Pools<'_>, random: &mut NestRandom, connect: &mut Connect<'_>) -> Result<()> {
    for place in 0..pools.sources.len() {
        if !pools.is_excluded_autapse(place, place) {
            connect(random, place, place)?;
        }
    }
    Ok(())
}

fn pairwise_bernoulli(pools: &Pools<'_>, random: &mut NestRandom, connect: &mut Connect<'_>) -> Result<()> {
    for target in 0..pools.targets.len() {
        for source in 0..pools.sources.len() {
            if !pools.is_excluded_autapse(source, target)
                && random.uniform01() < pools.chosen.amount(random)?
            {
                connect(random, source, target)?;
            }
        }
    }
    Ok(())
}

fn pairwise_poisson(pools: &Pools<'_>, random: &mut NestRandom, connect: &mut Connect<'_>) -> Result<()> {
    for target in 0..pools.targets.len() {
        for source in 0..pools.sources.len() {
            if !pools.is_excluded_autapse(source, target) {
                let mean = pools.chosen.amount(random)?;
                for _ in 0..random.poisson(mean.max(0.0)) {
                    connect(random, source, target)?;
                }
            }
        }
    }
    Ok(())
}

/// Which nodes of a pool a node is connected with already, where each is wanted once.
struct Taken {
    round: usize,
    /// The round in which each was taken; empty where a node may be taken again.
    rounds: Vec<usize>,
}

impl Taken {
    fn new(pool: usize, multapses: bool) -> Self {
        Self { round: 0, rounds: vec![0; if multapses { 0 } else { pool }] }
    }

    /// Takes a node; whether it was free.
    fn take(&mut self, place: usize) -> bool {
        self.rounds.get_mut(place).is_none_or(|round| std::mem::replace(round, self.round) != self.round)
    }
}

/// Connects each node with as many of a pool as the amount says; what is not wanted is drawn again. Degrees and partners
/// come from NEST's generator for one thread, or from that which all threads hold.
fn fixed_degree(
    chosen: &Chosen,
    (nodes, pool): (&[NodeId], &[NodeId]),
    random: &mut NestRandom,
    synchronized: bool,
    connect: &mut Connect<'_>,
) -> Result<()> {
    let mut taken = Taken::new(pool.len(), chosen.multapses);
    let partners = chosen.drawn.is_some().then(|| Partners::new(chosen, pool));
    for (place, node) in nodes.iter().enumerate() {
        taken.round += 1;
        let degree = if synchronized {
            random.synchronized(|of| chosen.degree(of))?
        } else {
            chosen.degree(random)?
        };
        if let Some(partners) = &partners {
            partners.enough(*node, degree)?;
        }
        let mut left = degree as u64;
        while left > 0 {
            let other =
                if synchronized { random.synchronized_below(pool.len()) } else { random.below(pool.len()) };
            if (chosen.autapses || pool[other] != *node) && taken.take(other) {
                left -= 1;
                connect(random, place, other)?;
            }
        }
    }
    Ok(())
}

fn fixed_indegree(pools: &Pools<'_>, random: &mut NestRandom, connect: &mut Connect<'_>) -> Result<()> {
    let ends = (pools.targets, pools.sources);
    fixed_degree(pools.chosen, ends, random, false, &mut |random, target, source| {
        connect(random, source, target)
    })
}

/// NEST's threads first agree on how many connections each of them makes; a single one draws for that, too.
fn fixed_total_number(pools: &Pools<'_>, random: &mut NestRandom, connect: &mut Connect<'_>) -> Result<()> {
    let mut left = pools.chosen.amount as u64;
    if left > 0 {
        random.synchronized_below(2);
    }
    while left > 0 {
        let source = random.below(pools.sources.len());
        let target = random.below(pools.targets.len());
        if !pools.is_excluded_autapse(source, target) {
            left -= 1;
            connect(random, source, target)?;
        }
    }
    Ok(())
}

/// The pairs come from a generator of their own. NEST, whose threads must agree on them, draws them all before it
/// connects the first; what is drawn for connections comes from the other generator, so the order is as good.
fn fixed_outdegree(pools: &Pools<'_>, random: &mut NestRandom, connect: &mut Connect<'_>) -> Result<()> {
    let ends = (pools.sources, pools.targets);
    fixed_degree(pools.chosen, ends, random, true, connect)
}
