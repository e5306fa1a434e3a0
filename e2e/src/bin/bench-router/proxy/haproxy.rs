//! HAProxy, with one thread, a map of hosts and kept connections to the backend.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use anyhow::Result;
use e2e::tools;

use super::{Site, host};

pub(super) async fn command(site: &Site<'_>) -> Result<Command> {
    let Site { dir, http, https, backend, hosts, pair } = site;
    fs::write(dir.join("own.pem"), format!("{}{}", pair.0, pair.1))?;
    let mut map = String::new();
    for number in 0..*hosts {
        writeln!(map, "{} backend", host(number))?;
    }
    fs::write(dir.join("hosts.map"), map)?;
    let dir = dir.display();
    let config = format!(
        "global\n nbthread 1\n maxconn 8192\n tune.ssl.default-dh-param 2048\n\
         defaults\n mode http\n timeout connect 1s\n timeout client 1h\n timeout server 1h\n option forwardfor\n\
         frontend web\n bind {http}\n bind {https} ssl crt {dir}/own.pem alpn h2,http/1.1 ssl-min-ver TLSv1.2\n\
         \x20http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}\n\
         \x20unique-id-format %[uuid()]\n unique-id-header X-Request-Id\n\
         \x20use_backend %[req.hdr(host),field(1,:),lower,map({dir}/hosts.map,backend)]\n\
         backend backend\n http-reuse always\n server one {backend}\n"
    );
    let file = site.dir.join("haproxy.cfg");
    fs::write(&file, config)?;
    let mut command = Command::new(tools::program("haproxy").await?);
    command.arg("-db").arg("-f").arg(file);
    Ok(command)
}
