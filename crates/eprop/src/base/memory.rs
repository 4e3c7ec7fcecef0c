//! How much memory there is, and whether so much of it may be taken. Everything whose size a user chooses asks here
//! before it is made.

use std::path::Path;

use crate::base::error::{Error, ErrorCode, Result};

/// Memory that a simulation takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Bytes in all.
    pub total: u64,
    /// Bytes by part.
    pub parts: Vec<(&'static str, u64)>,
}

impl From<Vec<(&'static str, u64)>> for MemoryEstimate {
    fn from(parts: Vec<(&'static str, u64)>) -> Self {
        Self { total: parts.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes)), parts }
    }
}

/// What is too small to ask the system about (bytes): asking takes tens of microseconds.
const SMALL: u64 = 4 << 20;

/// Refuses to take so many bytes more beside those held already.
///
/// `limit` is the user's, in all; 0 for what the machine has left.
///
/// # Errors
/// `OutOfMemory` with what is needed, what it is for, and what there is.
pub fn may_take(limit: u64, held: impl FnOnce() -> u64, more: u64, what: &str) -> Result<()> {
    let (needed, limit) = match limit {
        0 if is_small(more) => return Ok(()),
        0 => (more, available()),
        limit => (held().saturating_add(more), limit),
    };
    if needed <= limit { Ok(()) } else { Err(out_of_memory(what, needed, limit)) }
}

/// Whether so many bytes may be taken without asking what the machine has left.
#[must_use]
pub fn is_small(bytes: u64) -> bool {
    bytes < SMALL
}

/// The error that says what does not fit.
#[must_use]
pub fn out_of_memory(what: &str, needed: u64, limit: u64) -> Error {
    Error::new(ErrorCode::OutOfMemory, format!("{what} would not fit into the memory that may be taken"))
        .parameter("memory_limit")
        .value(format!("{needed} bytes needed"))
        .bound(format!("at most {limit} bytes"))
}

/// Makes room for `more` elements at the end of a list that grows for long: by an eighth of its length, so that no more
/// than that is spare, and each element is still moved a bounded number of times.
///
/// # Errors
/// `OutOfMemory` where the system has no such block.
pub fn make_room<T>(list: &mut Vec<T>, more: usize, what: &str) -> Result<()> {
    if list.capacity() - list.len() >= more {
        return Ok(());
    }
    let more = more.max(list.len() / 8);
    list.try_reserve_exact(more).map_err(|_| {
        let needed = (list.len() as u64).saturating_add(more as u64).saturating_mul(size_of::<T>() as u64);
        out_of_memory(what, needed, available())
    })
}

/// A list of that many equal elements.
///
/// # Errors
/// `OutOfMemory` where the system has no such block.
pub fn filled<T: Clone>(value: T, len: usize, what: &str) -> Result<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(len)
        .map_err(|_| out_of_memory(what, (len as u64).saturating_mul(size_of::<T>() as u64), available()))?;
    list.resize(len, value);
    Ok(list)
}

/// Bytes that this process can still take: what the machine has left, or its control group, if that is less. As much as
/// there can be where neither can be known.
#[must_use]
pub fn available() -> u64 {
    machine_available().min(group_available(Path::new("/sys/fs/cgroup"), Path::new("/proc/self/cgroup")))
}

fn machine_available() -> u64 {
    std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(u64::MAX, |kilobytes| kilobytes * 1024)
}

/// What the control groups that a process is in have left: the least of all from its own up to the root. `of_process`
/// lists them, a line for each hierarchy (`man 7 cgroups`).
fn group_available(mounted: &Path, of_process: &Path) -> u64 {
    let Ok(groups) = std::fs::read_to_string(of_process) else { return u64::MAX };
    let mut least = u64::MAX;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, limit, usage) = match controllers {
            "" => (mounted.to_owned(), "memory.max", "memory.current"),
            list if list.split(',').any(|name| name == "memory") => {
                (mounted.join("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes")
            }
            _ => continue,
        };
        // Within a container the path may be that of the host: then its own group is mounted at the root.
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            let folder = root.join(group);
            let number = |file: &str| std::fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok();
            let (Some(limit), Some(usage)): (Option<u64>, Option<u64>) = (number(limit), number(usage))
            else {
                continue;
            };
            // Pages of files that were not read of late are given back when they are needed.
            let statistics = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
            let reclaimable = statistics
                .lines()
                .filter_map(|line| line.split_once(' '))
                .find(|(name, _)| {
                    *name == if controllers.is_empty() { "inactive_file" } else { "total_inactive_file" }
                })
                .and_then(|(_, bytes)| bytes.parse::<u64>().ok())
                .unwrap_or(0);
            least = least.min(limit.saturating_sub(usage.saturating_sub(reclaimable)));
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_of_nested_groups_counts_and_pages_of_files_are_free() {
        let folder = std::env::temp_dir().join(format!("eprop-groups-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        // The second version.
        write("two/process", "0::/outer/inner\n");
        write("two/fs/outer/inner/memory.max", "max\n");
        write("two/fs/outer/inner/memory.current", "500\n");
        write("two/fs/outer/memory.max", "1000\n");
        write("two/fs/outer/memory.current", "700\n");
        write("two/fs/outer/memory.stat", "anon 5\ninactive_file 200\n");
        assert_eq!(group_available(&folder.join("two/fs"), &folder.join("two/process")), 500);
        // The first version, in a container whose group is mounted at the root.
        write("one/process", "9:name=systemd:/\n4:cpu,memory:/host/group\n3:cpuset:/\n");
        write("one/fs/memory/memory.limit_in_bytes", "900\n");
        write("one/fs/memory/memory.usage_in_bytes", "950\n");
        write("one/fs/memory/memory.stat", "total_inactive_file 100\n");
        assert_eq!(group_available(&folder.join("one/fs"), &folder.join("one/process")), 50);
        // No groups, or none with a limit.
        write("none/process", "0::/\n");
        assert_eq!(group_available(&folder.join("none/fs"), &folder.join("none/process")), u64::MAX);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_figure() {
        assert!(may_take(1000, || 400, 600, "a list").is_ok());
        let error = may_take(1000, || 400, 601, "a list").unwrap_err();
        assert_eq!(error.code, ErrorCode::OutOfMemory);
        assert_eq!(error.value.as_deref(), Some("1001 bytes needed"));
        assert!(may_take(0, || 0, u64::MAX, "a list").is_err());
        assert!(filled(0u8, isize::MAX as usize, "a list").is_err());
        assert!(make_room(&mut vec![0u64], usize::MAX / 16, "a list").is_err());
    }
}
