//! The engine's modules depend on those below them and on no others (ARCHITECTURE.md).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the lowest layer to the highest. Those of one layer do not know each other.
const LAYERS: [&[&str]; 12] = [
    &["base"],
    &["random"],
    &["tables"],
    &["loss", "optimizer", "feedback", "rewiring"],
    &["models"],
    &["describe"],
    &["record"],
    &["plan"],
    &["step"],
    &["rule"],
    &["interval", "plus"],
    &["kernel", "inference"],
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules of the crate's root that a line of code names.
///
/// # Panics
/// At `crate::{`, behind which they could not be seen.
fn named_modules(line: &str) -> Vec<&str> {
    let mut named = Vec::new();
    for (place, path) in line.match_indices("crate::") {
        let rest = &line[place + path.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        assert!(end > 0, "name one module of the crate per path: {}", line.trim());
        named.push(&rest[..end]);
    }
    named
}

#[test]
fn every_module_of_a_line_is_seen() {
    assert_eq!(named_modules("fn of(a: crate::plan::Route) -> $crate::base::Real {"), ["plan", "base"]);
    assert!(std::panic::catch_unwind(|| named_modules("use crate::{plan, kernel};")).is_err());
}

#[test]
fn modules_depend_on_lower_layers_only() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    let mut upward = Vec::new();
    for path in rust_files(&sources) {
        let within = path.strip_prefix(&sources).expect("a file of the sources");
        let first = within.iter().next().expect("a path").to_string_lossy();
        let module = first.trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let layer = layer_of(module).unwrap_or_else(|| panic!("{module} has no layer: give it one"));
        seen.insert(layer);
        let text = fs::read_to_string(&path).expect("a source file");
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            for other in named_modules(line).into_iter().filter(|other| *other != module) {
                if layer_of(other).is_some_and(|other| other >= layer) {
                    upward.push(format!("{}:{}: {}", within.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert_eq!(seen.len(), LAYERS.len(), "every layer has files");
    assert!(upward.is_empty(), "dependencies that point upwards:\n{}", upward.join("\n"));
}
