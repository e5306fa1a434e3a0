//! Limits of memory and CPU where the kernel lets us set them: a control group for each run of a container.
//!
//! Both versions of control groups, wherever there is a group below which we may make one: our own or one above it. Where
//! there is none (in most containers, in a session without delegation) a limit is not enforced, and the caller says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const MOUNT: &str = "/sys/fs/cgroup";
/// How long a processor is shared before it is shared anew, in microseconds.
const PERIOD: u64 = 100_000;

/// The most that a container may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Thousandths of a processor.
    pub cpu: Option<u64>,
}

/// Where control groups can be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cgroups {
    memory: Option<Place>,
    cpu: Option<Place>,
    prefix: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    folder: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The control groups of one run; removed when dropped, which must be after the last process is gone.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    memory: Option<(PathBuf, Version)>,
    cpu: Option<PathBuf>,
}

impl Cgroups {
    /// Looks where groups can be made, and removes those of an earlier run of the same kubelet, told by the prefix.
    pub(crate) fn find(prefix: String) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let groups = Self { memory: place(&own, "memory"), cpu: place(&own, "cpu"), prefix };
        groups.clear();
        groups
    }

    fn clear(&self) {
        for place in self.memory.iter().chain(&self.cpu) {
            let entries = fs::read_dir(&place.folder).into_iter().flatten().flatten();
            for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&self.prefix))
            {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }

    /// Makes the groups that these limits need. A limit that cannot be set has none.
    pub(crate) fn create(&self, name: &str, limits: Limits) -> Groups {
        let name = format!("{}{name}", self.prefix);
        let mut groups = Groups::default();
        if let (Some(place), Some(memory)) = (&self.memory, limits.memory) {
            match place.limit_memory(&name, memory) {
                Ok(folder) => groups.memory = Some((folder, place.version)),
                Err(error) => tracing::debug!(%error, "no control group for memory"),
            }
        }
        if let (Some(place), Some(cpu)) = (&self.cpu, limits.cpu) {
            match place.limit_cpu(&name, cpu) {
                Ok(folder) => groups.cpu = Some(folder),
                Err(error) => tracing::debug!(%error, "no control group for CPU"),
            }
        }
        groups
    }
}

impl Place {
    fn limit_memory(&self, name: &str, bytes: u64) -> io::Result<PathBuf> {
        let folder = self.make(name)?;
        match self.version {
            Version::One => {
                fs::write(folder.join("memory.limit_in_bytes"), bytes.to_string())?;
                // Swap counts too, where it is counted; otherwise a container would swap instead of ending.
                let _ = fs::write(folder.join("memory.memsw.limit_in_bytes"), bytes.to_string());
            }
            Version::Two => {
                fs::write(folder.join("memory.max"), bytes.to_string())?;
                let _ = fs::write(folder.join("memory.swap.max"), "0");
                // A container ends as a whole.
                let _ = fs::write(folder.join("memory.oom.group"), "1");
            }
        }
        Ok(folder)
    }

    fn limit_cpu(&self, name: &str, thousandths: u64) -> io::Result<PathBuf> {
        let folder = self.make(name)?;
        let quota = (thousandths * PERIOD / 1000).max(1000);
        match self.version {
            Version::One => {
                fs::write(folder.join("cpu.cfs_period_us"), PERIOD.to_string())?;
                fs::write(folder.join("cpu.cfs_quota_us"), quota.to_string())?;
            }
            Version::Two => fs::write(folder.join("cpu.max"), format!("{quota} {PERIOD}"))?,
        }
        Ok(folder)
    }

    fn make(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join(name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(folder),
        }
    }
}

impl Groups {
    /// The groups to join; one where memory and CPU are limited by the same.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.memory.iter().map(|(folder, _)| folder.clone()).collect();
        folders.extend(self.cpu.iter().filter(|cpu| !folders.contains(cpu)).cloned().collect::<Vec<_>>());
        folders
    }

    pub(crate) fn limits_memory(&self) -> bool {
        self.memory.is_some()
    }

    pub(crate) fn limits_cpu(&self) -> bool {
        self.cpu.is_some()
    }

    /// Whether the kernel killed a process here because the memory was used up.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        self.memory.as_ref().is_some_and(|(folder, version)| {
            let file = match version {
                Version::One => "memory.oom_control",
                Version::Two => "memory.events",
            };
            oom_kills(&fs::read_to_string(folder.join(file)).unwrap_or_default()) > 0
        })
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for folder in self.folders() {
            if let Err(error) = fs::remove_dir(&folder) {
                tracing::debug!(%error, folder = %folder.display(), "cannot remove a control group");
            }
        }
    }
}

fn oom_kills(events: &str) -> u64 {
    let count = |line: &str| line.strip_prefix("oom_kill ")?.trim().parse().ok();
    events.lines().find_map(count).unwrap_or_default()
}

/// Where a group with this controller can be made, for a process whose `/proc/self/cgroup` says this.
fn place(own: &str, controller: &str) -> Option<Place> {
    let one = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == controller).then_some((controllers, path))
    });
    if let Some((controllers, path)) = one {
        let folder = below(&Path::new(MOUNT).join(controllers), path);
        return may_make(&folder).then_some(Place { folder, version: Version::One });
    }
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folders = below(Path::new(MOUNT), path);
    // A group with processes of its own cannot hand controllers down, unless it is the root: mostly it is one above.
    let mut folders = folders.ancestors().take_while(|folder| folder.starts_with(MOUNT));
    let folder = folders.find(|folder| hands_down(folder, controller) && may_make(folder))?;
    Some(Place { folder: folder.to_owned(), version: Version::Two })
}

fn below(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.trim_start_matches('/'))
}

fn hands_down(folder: &Path, controller: &str) -> bool {
    let controllers = fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
    controllers.split_whitespace().any(|name| name == controller)
}

/// Tried, because permission bits say little: the file system may be read-only, or we may be root of a part only.
fn may_make(folder: &Path) -> bool {
    let trial = folder.join(format!("flynn-trial-{}-{:08x}", std::process::id(), fastrand::u32(..)));
    let made = fs::create_dir(&trial).is_ok();
    made && fs::remove_dir(&trial).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_in_both_versions_files() {
        assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), 2);
        assert_eq!(oom_kills("low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 1\n"), 1);
        assert_eq!(oom_kills(""), 0);
    }

    #[test]
    fn without_control_groups_nothing_is_limited() {
        let groups = Cgroups::default().create("x", Limits { memory: Some(1), cpu: Some(1) });
        assert!(groups.folders().is_empty() && !groups.limits_memory() && !groups.limits_cpu());
    }
}
