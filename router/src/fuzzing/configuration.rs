//! Configurations as somebody might write them: whatever parses is served or blamed, and nothing of it is left behind.

use router_config::Config;

use crate::Handle;

/// Reads bytes as a configuration in JSON.
///
/// # Panics
/// If it cannot be compiled, compiles differently a second time, or leaves something behind.
pub fn configuration(data: &[u8]) {
    let Ok(config) = serde_json::from_slice::<Config>(data) else {
        return;
    };
    let handle = Handle::new();
    let first = handle.replace(&config);
    assert!(first.faults.is_sorted_by_key(|fault| &fault.subject), "the faults are in no order");
    assert_eq!(handle.replace(&config), first, "the same configuration twice");
    for (host, paths) in config.hosts.iter().map(|(name, host)| (name, host.paths.keys())) {
        for path in paths {
            let _ = handle.explain(host, path);
        }
    }
    assert_eq!(handle.replace(&Config::default()).faults, [], "faults of nothing");
    let again = handle.replace(&config);
    assert_eq!(again.faults, first.faults, "the same configuration after none");
}
