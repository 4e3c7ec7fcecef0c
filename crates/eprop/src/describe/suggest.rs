//! What a mistyped name was probably meant to be.

use strsim::levenshtein;

/// The candidate nearest to a name, if any is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
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
