//! What a mistyped name was probably meant to be.

/// The candidate nearest to a name, if any is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| 3 * *distance <= candidate.len().max(name.len()))
        .map(|(_, candidate)| candidate)
}

/// A sentence that names the nearest candidate, or else all of them.
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    nearest(name, candidates.clone()).map_or_else(
        || format!("one of {}", listed(candidates)),
        |candidate| format!("did you mean {candidate}?"),
    )
}

/// All candidates.
pub fn listed<'a>(candidates: impl IntoIterator<Item = &'a str>) -> String {
    candidates.into_iter().collect::<Vec<_>>().join(", ")
}

/// The number of insertions, deletions and replacements that turn one text into the other (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
