//! The router of this project, of the same build as the bench.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use e2e::tools;
use serde_json::{Map, Value, json};

use super::{Site, host};

pub(super) fn command(site: &Site<'_>) -> Result<Command> {
    let program = tools::build_folder()?.join("flynn-router");
    ensure!(program.exists(), "{} is missing: build the package router", program.display());
    let entry = json!({ "paths": { "/": { "forward": { "service": "backend" } } } });
    let mut hosts: Map<String, Value> = (0..site.hosts).map(|number| (host(number), entry.clone())).collect();
    hosts.insert("*".into(), entry);
    let config = json!({
        "listen": { "http": site.http, "https": site.https },
        "defaultCertificate": "own",
        "certificates": { "own": { "chain": site.pair.0, "key": site.pair.1 } },
        "services": { "backend": { "endpoints": [site.backend] } },
        "hosts": hosts,
    });
    let file = site.dir.join("router.json");
    fs::write(&file, config.to_string())?;
    let mut command = Command::new(program);
    command.arg("--config").arg(file).args(["--workers", "1"]);
    Ok(command)
}
