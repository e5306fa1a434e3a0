//! What this machine has left: memory, and room on the few filesystems that matter, read when somebody asks.

use std::fmt::Error;
use std::path::PathBuf;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::fs::{stat, statvfs};

/// Tells what is left. A filesystem is told once, by the first of its folders.
#[derive(Debug)]
pub(crate) struct Left {
    folders: Vec<PathBuf>,
}

impl Left {
    /// Of the filesystem of the system, and that of what it keeps.
    pub(crate) fn of_this_machine() -> Self {
        Self { folders: ["/", "/var", "/var/lib", "/tmp"].map(PathBuf::from).to_vec() }
    }
}

impl Collector for Left {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = [
            ("node_memory_available_bytes", "Memory that processes can still get", "MemAvailable:"),
            ("node_memory_total_bytes", "Memory of the machine", "MemTotal:"),
        ]
        .map(|(name, help, key)| (name, help, bytes(&memory, key)));
        for (name, help, value) in memory {
            if let Some(value) = value {
                let gauge = ConstGauge::new(value);
                gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
            }
        }
        let filesystems = filesystems(&self.folders);
        for (name, help, value) in [
            (
                "node_filesystem_avail_bytes",
                "Room on a filesystem for processes without privileges",
                (|room| room.available) as fn(&Room) -> u64,
            ),
            ("node_filesystem_size_bytes", "Size of a filesystem", |room| room.size),
        ] {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for room in &filesystems {
                let gauge = ConstGauge::new(value(room));
                gauge.encode(family.encode_family(&[("mountpoint", room.folder.as_str())])?)?;
            }
        }
        Ok(())
    }
}

struct Room {
    folder: String,
    available: u64,
    size: u64,
}

fn filesystems(folders: &[PathBuf]) -> Vec<Room> {
    let mut seen = Vec::new();
    let room = |folder: &PathBuf| {
        let (device, left) = (stat(folder).ok()?.st_dev, statvfs(folder).ok()?);
        if seen.contains(&device) {
            return None;
        }
        seen.push(device);
        let (available, size) = (left.f_bavail * left.f_frsize, left.f_blocks * left.f_frsize);
        Some(Room { folder: folder.display().to_string(), available, size })
    };
    folders.iter().filter_map(room).collect()
}

/// A line of /proc/meminfo, as `MemAvailable:   123 kB`.
fn bytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn memory_is_in_bytes() {
        let text = "MemTotal:       16 kB\nMemAvailable:    8 kB\n";
        assert_eq!(bytes(text, "MemAvailable:"), Some(8192));
        assert_eq!(bytes(text, "SwapFree:"), None);
    }

    #[test]
    fn what_is_left_of_this_machine_is_told_and_each_filesystem_once() {
        let mut registry = Registry::with_prefix("flynn");
        let twice = Left { folders: ["/", "/"].map(PathBuf::from).to_vec() };
        registry.register_collector(Box::new(twice));
        let text = crate::metrics::encode(&registry);
        assert!(text.contains("flynn_node_memory_available_bytes "), "{text}");
        let told = text.matches("flynn_node_filesystem_avail_bytes{mountpoint=\"/\"} ").count();
        assert_eq!(told, 1, "{text}");
    }
}
