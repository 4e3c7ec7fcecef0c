//! Looks for histories that break what must hold.
//!
//! ```text
//! fuzz [--seconds N] [--seed S] [--only I] [--nest PYTHON] [--keep FOLDER] [--oracle TEXT] [--replay FILE]
//!      [--cases N] [--shrink SECONDS]
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use histories::generate::Settings;
use histories::replay::note_panics;
use histories::search::{Search, check, describe};
use histories::{call, nest};

struct Options {
    seconds: f64,
    seed: u64,
    only: Option<u64>,
    nest: Option<String>,
    keep: Option<PathBuf>,
    oracle: String,
    replay: Option<PathBuf>,
    cases: u64,
    shrink: f64,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        seconds: 60.0,
        seed: histories::search::random_seed(),
        only: None,
        nest: None,
        keep: None,
        oracle: String::new(),
        replay: None,
        cases: u64::MAX,
        shrink: 60.0,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} takes a value"))?;
        let number = || value.parse::<f64>().map_err(|_| format!("{value} is no number"));
        let whole = || value.parse::<u64>().map_err(|_| format!("{value} is no whole number"));
        match name.as_str() {
            "--seconds" => options.seconds = number()?,
            "--shrink" => options.shrink = number()?,
            "--seed" => options.seed = whole()?,
            "--cases" => options.cases = whole()?,
            "--only" => options.only = Some(whole()?),
            "--nest" => options.nest = Some(value),
            "--keep" => options.keep = Some(value.into()),
            "--oracle" => options.oracle = value,
            "--replay" => options.replay = Some(value.into()),
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    note_panics();
    let mut nest = options.nest.as_deref().map(nest::Nest::new);
    let settings = Settings { nest: nest.is_some(), most: 0 };
    if let Some(file) = &options.replay {
        let calls = std::fs::read_to_string(file)
            .map_err(|error| error.to_string())
            .and_then(|text| call::from_text(&text));
        return match calls {
            Ok(calls) => match check(&calls, &options.oracle, options.seed, nest.as_mut()) {
                Ok(_) => {
                    println!("nothing found");
                    ExitCode::SUCCESS
                }
                Err(finding) => {
                    println!("{}: {}", finding.oracle, finding.what);
                    ExitCode::FAILURE
                }
            },
            Err(message) => {
                eprintln!("{}: {message}", file.display());
                ExitCode::from(2)
            }
        };
    }
    println!("seed {}", options.seed);
    let begin = Instant::now();
    let mut search = Search::new(options.seed, settings, options.oracle, options.keep);
    search.shrinking = Duration::from_secs_f64(options.shrink);
    let end = begin + Duration::from_secs_f64(options.seconds);
    let first = options.only.unwrap_or(0);
    let last = options.only.map_or(options.cases, |only| only + 1);
    let mut findings = 0;
    for history in first..last {
        if Instant::now() >= end {
            break;
        }
        if let Some(found) = search.history(history, nest.as_mut()) {
            findings += 1;
            println!("{}", describe(&found));
            if findings >= 20 {
                break;
            }
        }
    }
    println!("{}", search.counts.text(begin.elapsed().as_secs_f64()));
    if let Some(nest) = &nest {
        println!("compared up to the first spike that differs in a chaotic run: {}", nest.chaotic);
        for (reason, times) in &nest.reasons {
            println!("  {times} x NEST: {reason}");
        }
    }
    println!("{findings} findings");
    if findings > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
