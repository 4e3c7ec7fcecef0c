//! Makes a history that fails as short as it can be.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::Call;

/// A shorter and simpler list of calls for which `fails` still holds; looked for no longer than `time`.
#[must_use]
pub fn shrink(calls: &[Call], time: Duration, mut fails: impl FnMut(&[Call]) -> bool) -> Vec<Call> {
    let end = Instant::now() + time;
    let mut best = calls.to_vec();
    let mut try_it = |candidate: Vec<Call>, best: &mut Vec<Call>| -> bool {
        let better = Instant::now() < end && fails(&candidate);
        if better {
            *best = candidate;
        }
        better
    };
    loop {
        let mut changed = false;
        // Calls, many at a time, then few; the first one is the reset.
        let mut size = best.len() / 2;
        while size > 0 {
            let mut from = best.len();
            while from > 1 {
                let to = from;
                from = from.saturating_sub(size).max(1);
                if to <= best.len() && from < to {
                    let mut candidate = best.clone();
                    candidate.drain(from..to);
                    changed |= try_it(candidate, &mut best);
                }
            }
            size /= 2;
        }
        // Arguments.
        let mut place = 1;
        while place < best.len() {
            let mut at = 1;
            while place < best.len() && at < best[place].0.len() {
                for simpler in simplified(&best[place].0[at]) {
                    let mut candidate = best.clone();
                    candidate[place].0[at] = simpler;
                    if try_it(candidate, &mut best) {
                        changed = true;
                        break;
                    }
                }
                at += 1;
            }
            place += 1;
        }
        if !changed || Instant::now() >= end {
            return best;
        }
    }
}

/// Simpler values, the simplest first.
fn simplified(json: &Json) -> Vec<Json> {
    let mut simpler = Vec::new();
    match json {
        Json::Number(number) => {
            let number = number.as_f64().unwrap_or(0.0);
            for other in
                [1.0, (number / 2.0).trunc(), number.trunc(), number - 1.0, (number * 10.0).round() / 10.0]
            {
                if other != number && other.abs() <= number.abs() && other > 0.0 {
                    simpler.push(whole(other));
                }
            }
        }
        Json::Object(entries) if !entries.contains_key("random") && !entries.contains_key("float") => {
            for name in entries.keys() {
                let mut fewer = entries.clone();
                fewer.remove(name);
                simpler.push(Json::Object(fewer));
            }
            // With a shorter interval it may be another failure: some are too short for NEST.
            for (name, value) in entries.iter().filter(|(name, _)| *name != "eprop_update_interval") {
                for value in simplified(value) {
                    let mut changed = entries.clone();
                    changed.insert(name.clone(), value);
                    simpler.push(Json::Object(changed));
                }
            }
        }
        Json::Array(list) if list.first().is_some_and(Json::is_array) && list.iter().all(is_numbers) => {
            // A matrix becomes one number, or simpler by rows.
            if let Some(first) = list[0].get(0) {
                simpler.push(first.clone());
            }
            for part in without_parts(list) {
                simpler.push(Json::Array(part));
            }
            let columns = list[0].as_array().map_or(0, Vec::len);
            for column in 0..columns.min(16) {
                let rows = list.iter().filter_map(Json::as_array).map(|row| {
                    let mut row = row.clone();
                    if column < row.len() {
                        row.remove(column);
                    }
                    Json::Array(row)
                });
                simpler.push(Json::Array(rows.collect()));
            }
        }
        Json::Array(list) => {
            for part in without_parts(list) {
                simpler.push(Json::Array(part));
            }
            if list.len() <= 32 {
                for (place, value) in list.iter().enumerate() {
                    for value in simplified(value).into_iter().take(6) {
                        let mut changed = list.clone();
                        changed[place] = value;
                        simpler.push(Json::Array(changed));
                    }
                }
            }
        }
        _ => {}
    }
    simpler
}

/// As a whole number where it is one: numbers of nodes are read so.
fn whole(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() < 1e9 { Json::from(number as i64) } else { Json::from(number) }
}

fn is_numbers(json: &Json) -> bool {
    json.as_array().is_some_and(|list| list.iter().all(Json::is_number))
}

fn without_parts(list: &[Json]) -> Vec<Vec<Json>> {
    let mut parts = Vec::new();
    let mut size = list.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < list.len() && parts.len() < 64 {
            let to = (from + size).min(list.len());
            parts.push([&list[..from], &list[to..]].concat());
            from = to;
        }
        size /= 2;
    }
    parts
}
