//! NEST as an oracle: a process that replays histories on it (`test/nest/replay.py`).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value as Json, json};

use crate::Call;
use crate::dice::Dice;
use crate::oracles::{Finding, Reference, Verdict};
use crate::replay::{Outcome, Replay, Trace};

/// Name of the oracle.
pub const NEST: &str = "NEST gives the same";

/// Largest accepted deviation, relative to the largest magnitude of the quantity.
const TOLERANCE: f64 = 1e-9;

/// What is smaller is rounding alone, whatever it is compared with.
const NOISE: f64 = 1e-13;

/// Relative change that no steady history notices.
const NUDGE: f64 = 1e-12;

/// So many runs with nudges tell how far numbers move.
const NUDGES: u64 = 3;

/// So many, before a spike that differs counts in a run that none of them changes: at a voltage that is the threshold to
/// the last bit, each changes it or does not.
const MOST_NUDGES: u64 = 24;

/// How much more than by a nudge a number may deviate that a nudge moves.
const LEEWAY: f64 = 1e3;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/nest/replay.py");

#[derive(Debug)]
struct Process {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// NEST in a process of its own.
#[derive(Debug)]
pub struct Nest {
    python: String,
    process: Option<Process>,
    /// Histories that it has answered.
    pub answered: u64,
    /// Histories that it has not: it refuses a call.
    pub unanswered: u64,
    /// Histories that were compared up to the first spike that differs.
    pub chaotic: u64,
    /// Why it has not answered, and how often.
    pub reasons: BTreeMap<String, u64>,
}

impl Nest {
    /// NEST, as this Python has it.
    #[must_use]
    pub fn new(python: &str) -> Self {
        Self {
            python: python.to_owned(),
            process: None,
            answered: 0,
            unanswered: 0,
            chaotic: 0,
            reasons: BTreeMap::new(),
        }
    }

    fn ask(&mut self, calls: &[Call]) -> Result<Json, String> {
        if self.process.is_none() {
            let mut child = Command::new(&self.python)
                .arg(PROGRAM)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| format!("{}: {error}", self.python))?;
            let asks = child.stdin.take().expect("piped");
            let answers = BufReader::new(child.stdout.take().expect("piped"));
            self.process = Some(Process { child, asks, answers });
        }
        let process = self.process.as_mut().expect("just begun");
        let calls: Vec<&Vec<Json>> = calls.iter().map(|call| &call.0).collect();
        let mut answer = String::new();
        let asked = writeln!(process.asks, "{}", json!({"calls": calls})).and_then(|()| process.asks.flush());
        let read = asked.and_then(|()| process.answers.read_line(&mut answer));
        if !matches!(read, Ok(1..)) {
            self.process = None;
            return Err("NEST has ended".into());
        }
        serde_json::from_str(&answer.replace("NaN", "null").replace("Infinity", "1e999"))
            .map_err(|error| error.to_string())
    }

    /// What NEST answers; that it has ended is an answer, too.
    fn answer(&mut self, calls: &[Call]) -> Json {
        self.ask(calls).unwrap_or_else(|message| json!({"refused": -1, "error": message}))
    }

    /// Holds a history against NEST.
    ///
    /// # Errors
    /// What differs.
    pub fn compare(&mut self, reference: &Reference) -> Verdict {
        // What NEST does in a slice depends on the least delay, which it is told to be a step.
        let delays = reference.trace.numbers("connections.delay");
        let resolution = reference.trace.numbers("kernel.resolution");
        if delays.iter().copied().fold(f64::INFINITY, f64::min) > resolution[0] * 1.5 {
            return Ok(());
        }
        // What NEST would refuse for a call that we refuse, too, is no matter.
        let ours = Answer::of_trace(&reference.trace);
        let mut answer = self.answer(&reference.calls);
        let differs = answer.get("expect").is_some_and(|expect| {
            ours.difference(&Answer::of_nest(expect), f64::INFINITY, &BTreeMap::new()).is_some()
        });
        if differs {
            // A reset does not make NEST as new: what differs is asked for again where nothing was before.
            self.process = None;
            answer = self.answer(&reference.calls);
        }
        let Some(expect) = answer.get("expect") else {
            self.unanswered += 1;
            let place = answer["refused"].as_i64().unwrap_or(-1);
            let call = usize::try_from(place).ok().and_then(|place| reference.calls.get(place));
            let name = call.map_or("", |call| call.name());
            if name == "Simulate" {
                // NEST is not as new after a reset then.
                self.process = None;
            }
            let error = answer["error"].as_str().unwrap_or("").to_owned();
            let reason = format!("{name}: {error}");
            *self.reasons.entry(reason.chars().take(160).collect()).or_default() += 1;
            return Ok(());
        };
        self.answered += 1;
        let theirs = Answer::of_nest(expect);
        let ends = theirs.first_that_is_no_number(&ours);
        let Some(first) = ours.difference(&theirs, ends, &BTreeMap::new()) else { return Ok(()) };
        // A run that a nudge changes is not steady: compared up to there.
        let until = ours.first_spike_that_differs(&theirs);
        let mut nudged = Vec::new();
        let mut leaves = f64::INFINITY;
        for seed in 1..=MOST_NUDGES {
            if seed > NUDGES && leaves <= until {
                break;
            }
            let Some(trace) = nudged_trace(&reference.calls, seed) else { continue };
            let answer = Answer::of_trace(&trace);
            leaves = leaves.min(ours.first_spike_that_differs(&answer));
            nudged.push(answer);
        }
        if leaves > until {
            return Err(Finding { oracle: NEST, what: first });
        }
        self.chaotic += 1;
        let until = until.min(ends);
        let mut moved = BTreeMap::new();
        for nudged in &nudged {
            ours.movements(nudged, until, &mut moved);
        }
        ours.difference(&theirs, until, &moved).map_or(Ok(()), |what| Err(Finding { oracle: NEST, what }))
    }
}

/// The history with weights that differ by a rounding, and with thresholds and targets, which go on acting where weights have
/// met their bounds.
fn nudged_trace(calls: &[Call], seed: u64) -> Option<Trace> {
    let mut dice = Dice::new(seed);
    let mut replay = Replay::default();
    for call in calls {
        let mut call = call.clone();
        call.0.iter_mut().for_each(|argument| nudge_in(argument, &mut dice));
        if replay.call(&call) != Outcome::Done {
            return None;
        }
    }
    Some(replay.trace())
}

/// What is nudged.
const NUDGED: [&str; 3] = ["weight", "V_th", "amplitude_values"];

fn nudge_in(json: &mut Json, dice: &mut Dice) {
    match json {
        Json::Object(entries) => {
            for (name, value) in entries {
                if NUDGED.contains(&name.as_str()) { nudge(value, dice) } else { nudge_in(value, dice) }
            }
        }
        Json::Array(list) => list.iter_mut().for_each(|entry| nudge_in(entry, dice)),
        _ => {}
    }
}

fn nudge(weight: &mut Json, dice: &mut Dice) {
    match weight {
        Json::Number(number) => {
            let value = number.as_f64().unwrap_or(0.0);
            *weight = json!(value * (1.0 + NUDGE * (2.0 * dice.uniform() - 1.0)));
        }
        Json::Array(list) => list.iter_mut().for_each(|weight| nudge(weight, dice)),
        _ => {}
    }
}

/// Rows of a recorder or of connections, in an order that both have.
#[derive(Debug, Default)]
struct Table {
    columns: BTreeMap<String, Vec<f64>>,
    /// Time of each row; 0 where rows have none.
    times: Vec<f64>,
    /// What is the same in rows that are the same: time, sender, target.
    keys: Vec<[f64; 4]>,
}

#[derive(Debug, Default)]
struct Answer(BTreeMap<String, Table>);

impl Table {
    fn new(mut columns: BTreeMap<String, Vec<f64>>) -> Self {
        let n = columns.values().map(Vec::len).max().unwrap_or(0);
        let at = |name: &str, row: usize| columns.get(name).map_or(0.0, |column| column[row]);
        let key = |row: usize| {
            let time = (at("times", row) * 1000.0).round() / 1000.0;
            [
                time,
                at("senders", row) + at("source", row),
                at("targets", row) + at("target", row),
                at("delay", row),
            ]
        };
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| {
            let weight = |row: usize| at("weights", row) + at("weight", row);
            let (ours, theirs) = (key(*a), key(*b));
            ours.iter().zip(&theirs).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or_else(
                || {
                    let receptor = |row: usize| at("receptors", row) + at("receptor", row);
                    weight(*a).total_cmp(&weight(*b)).then(receptor(*a).total_cmp(&receptor(*b)))
                },
            )
        });
        let keys: Vec<[f64; 4]> = order.iter().map(|row| key(*row)).collect();
        let times = keys.iter().map(|key| key[0]).collect();
        for column in columns.values_mut() {
            *column = order.iter().map(|row| column[*row]).collect();
        }
        Self { columns, times, keys }
    }
}

impl Answer {
    fn of_trace(trace: &Trace) -> Self {
        let mut tables: BTreeMap<String, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
        for name in trace.0.keys() {
            let Some((table, column)) = name.rsplit_once('.') else { continue };
            let known =
                table.starts_with("events of ") || table == "connections" || table.starts_with("look");
            if known && !["synapse", "receptor", "ports"].contains(&column) {
                let table = table.trim_start_matches("events of ").to_owned();
                tables.entry(table).or_default().insert(column.to_owned(), trace.numbers(name).to_vec());
            }
        }
        Self(tables.into_iter().map(|(name, columns)| (name, Table::new(columns))).collect()).checked()
    }

    fn of_nest(expect: &Json) -> Self {
        let mut tables = BTreeMap::new();
        let parts = [&expect["events"], &expect["connections"]];
        for (name, columns) in parts.into_iter().filter_map(Json::as_object).flatten() {
            let columns = columns
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(column, _)| !["synapse_model", "ports"].contains(&column.as_str()));
            let columns = columns
                .map(|(column, values)| {
                    let values = values.as_array().into_iter().flatten();
                    (column.clone(), values.map(|value| value.as_f64().unwrap_or(f64::NAN)).collect())
                })
                .collect();
            tables.insert(name.clone(), Table::new(columns));
        }
        Self(tables).checked()
    }

    /// Weights that NEST shows as they were before the last update are left out.
    fn checked(mut self) -> Self {
        for (name, table) in &mut self.0 {
            if name == "connections" || name.starts_with("look") {
                table.columns.remove("weight");
            }
        }
        self
    }

    /// Rows from this time on are left out.
    fn rows(table: &Table, until: f64) -> usize {
        table.times.partition_point(|time| *time < until)
    }

    fn is_of_spikes(table: &Table) -> bool {
        table.columns.len() == 2 || table.columns.contains_key("targets")
    }

    /// When something is no number that is one with another: as where the exponentials of a softmax vanish.
    fn first_that_is_no_number(&self, other: &Self) -> f64 {
        let mut first = f64::INFINITY;
        for (name, table) in &self.0 {
            let Some(others) = other.0.get(name) else { continue };
            for (column, values) in &table.columns {
                let Some(others) = others.columns.get(column) else { continue };
                let place =
                    values.iter().zip(others).position(|(value, other)| value.is_nan() && !other.is_nan());
                first = first.min(place.map_or(f64::INFINITY, |place| table.times[place]));
            }
        }
        first
    }

    /// When the first row is there with one and not with the other.
    fn first_spike_that_differs(&self, other: &Self) -> f64 {
        let mut first = f64::INFINITY;
        for (name, table) in &self.0 {
            let Some(theirs) = other.0.get(name) else { continue };
            if !Self::is_of_spikes(table) {
                continue;
            }
            let place = table.keys.iter().zip(&theirs.keys).position(|(a, b)| a != b);
            let place = place.unwrap_or_else(|| table.keys.len().min(theirs.keys.len()));
            for table in [table, theirs] {
                if let Some(time) = table.times.get(place) {
                    first = first.min(*time);
                }
            }
        }
        first
    }

    /// How far numbers before a time move.
    fn movements(&self, other: &Self, until: f64, most: &mut BTreeMap<String, f64>) {
        for (name, table) in &self.0 {
            let Some(theirs) = other.0.get(name) else { continue };
            for (column, values) in &table.columns {
                let Some(others) = theirs.columns.get(column) else { continue };
                let rows = Self::rows(table, until).min(Self::rows(theirs, until));
                let moved = values[..rows]
                    .iter()
                    .zip(&others[..rows])
                    .fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
                let entry = most.entry(format!("{name}.{column}")).or_default();
                *entry = entry.max(moved);
            }
        }
    }

    /// What differs before a time.
    fn difference(&self, nest: &Self, until: f64, moved: &BTreeMap<String, f64>) -> Option<String> {
        // Spikes first: numbers differ where spikes do.
        let mut names: Vec<&String> = nest.0.keys().collect();
        names.sort_by_key(|name| !Self::is_of_spikes(&nest.0[*name]));
        for name in names {
            let theirs = &nest.0[name];
            let empty = Table::default();
            let ours = self.0.get(name).unwrap_or(&empty);
            let rows = (Self::rows(ours, until), Self::rows(theirs, until));
            let same = ours.keys[..rows.0].iter().zip(&theirs.keys[..rows.1]).position(|(a, b)| a != b);
            if let Some(place) = same {
                return Some(format!(
                    "{name}: row {place} is (time, source, target, delay) {:?}, with NEST {:?}",
                    ours.keys[place], theirs.keys[place]
                ));
            }
            if rows.0 != rows.1 {
                let place = rows.0.min(rows.1);
                return Some(format!(
                    "{name}: {} rows, with NEST {}: {:?} and {:?}",
                    rows.0,
                    rows.1,
                    ours.keys.get(place),
                    theirs.keys.get(place)
                ));
            }
            for (column, expected) in &theirs.columns {
                let Some(values) = ours.columns.get(column) else {
                    if rows.1 == 0 {
                        continue;
                    }
                    return Some(format!("{name}.{column} is not there"));
                };
                let scale = expected[..rows.1].iter().fold(0.0, |most: f64, value| most.max(value.abs()));
                let allowed = (TOLERANCE * scale)
                    .max(NOISE)
                    .max(LEEWAY * moved.get(&format!("{name}.{column}")).copied().unwrap_or(0.0));
                let wrong = values[..rows.0]
                    .iter()
                    .zip(&expected[..rows.1])
                    .position(|(a, b)| (a - b).abs() > allowed || a.is_nan() != b.is_nan());
                if let Some(place) = wrong {
                    return Some(format!(
                        "{name}.{column}[{place}] at {}: {:?}, with NEST {:?}",
                        theirs.times[place], values[place], expected[place]
                    ));
                }
            }
        }
        None
    }
}
