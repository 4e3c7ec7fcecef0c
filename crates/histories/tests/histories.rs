//! Histories that once broke something, and a short search for others.
//!
//! The search follows from the engine's sources: every change of them is tried on other histories, and the same sources
//! on the same ones, wherever the tests run. `EPROP_FUZZ_SECONDS` searches for so long instead, `EPROP_FUZZ_SEED` from
//! another seed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use eprop::models::NodeClass;
use histories::call::from_text;
use histories::generate::Settings;
use histories::nest::Nest;
use histories::replay::Replay;
use histories::search::{Search, check, describe};

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// How many histories are tried where nothing else is said.
const HISTORIES: u64 = 80;

/// All files below a folder, in an order that does not depend on the system.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
        .into_iter()
        .flat_map(|entry| if entry.is_dir() { files_below(&entry) } else { vec![entry] })
        .collect()
}

/// A seed that follows from the engine's sources (FNV-1a of their text).
fn seed_of_sources() -> u64 {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../eprop/src");
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for file in files_below(&sources) {
        // A checkout may end its lines in another way.
        for byte in std::fs::read(file).unwrap().into_iter().filter(|byte| *byte != b'\r') {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    hash % 1_000_000_000
}

#[test]
fn histories_hold_against_all_oracles() {
    let seed = from_environment("EPROP_FUZZ_SEED").unwrap_or_else(seed_of_sources);
    let seconds: Option<f64> = from_environment("EPROP_FUZZ_SECONDS");
    let goes_on = |history: u64, begin: Instant| {
        seconds.map_or(history < HISTORIES, |most| begin.elapsed().as_secs_f64() < most)
    };
    eprintln!("EPROP_FUZZ_SEED={seed}");
    let begin = Instant::now();
    let mut search = Search::new(seed, Settings::default(), String::new(), None);
    search.shrinking = Duration::from_secs(20);
    let mut history = 0;
    while history == 0 || goes_on(history, begin) {
        if let Some(found) = search.history(history, None) {
            panic!("EPROP_FUZZ_SEED={seed}: {}", describe(&found));
        }
        history += 1;
    }
    eprintln!("{}", search.counts.text(begin.elapsed().as_secs_f64()));
}

/// Neurons reach each other in a step in some histories, later in others, and never in some: after so long do ranks that
/// share neurons exchange spikes.
#[test]
fn the_shortest_delay_between_neurons_is_drawn() {
    let search = Search::new(1, Settings::default(), String::new(), None);
    let (mut short, mut long, mut none) = (0, 0, 0);
    for history in 0..120 {
        let mut replay = Replay::default();
        for call in search.calls(history) {
            replay.call(&call);
        }
        let network = replay.kernel.network();
        let is_neuron = |node: Option<u32>| {
            let group = node.and_then(|node| network.group_of(node));
            group.is_some_and(|group| group.model.class == NodeClass::Recurrent)
        };
        let between_neurons = network.projections.iter().filter(|projection| {
            is_neuron(projection.sources.first().copied()) && is_neuron(projection.first_target())
        });
        match between_neurons.map(|projection| projection.delay).min() {
            Some(1) => short += 1,
            Some(_) => long += 1,
            None => none += 1,
        }
    }
    assert!(short >= 10 && long >= 5 && none >= 5, "{short}, {long}, {none}");
}

/// NEST, where this machine has it.
fn nest() -> Option<Nest> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = std::env::var_os("PYTHON").map_or_else(|| root.join(".venv/bin/python"), PathBuf::from);
    let mut import = Command::new(&python);
    import.args(["-c", "import nest"]).stdout(Stdio::null()).stderr(Stdio::null());
    let there = import.status().is_ok_and(|status| status.success());
    if !there {
        eprintln!("{} has no NEST: nothing is held against it", python.display());
    }
    there.then(|| Nest::new(&python.to_string_lossy()))
}

/// The histories of a folder, each with its name.
fn kept(folder: &str) -> Vec<(String, Vec<histories::Call>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found").join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            (file.display().to_string(), from_text(&text).unwrap())
        })
        .collect()
}

#[test]
fn what_was_found_stays_mended() {
    for (name, calls) in kept("engine") {
        for seed in 0..4 {
            if let Err(finding) = check(&calls, "", seed, None) {
                panic!("{name}: {}: {}", finding.oracle, finding.what);
            }
        }
    }
}

#[test]
fn what_nest_has_shown_stays_mended() {
    let Some(mut nest) = nest() else { return };
    for (name, calls) in kept("nest") {
        if let Err(finding) = check(&calls, "", 0, Some(&mut nest)) {
            panic!("{name}: {}: {}", finding.oracle, finding.what);
        }
    }
    assert_eq!(nest.unanswered, 0, "{:?}", nest.reasons);
}
