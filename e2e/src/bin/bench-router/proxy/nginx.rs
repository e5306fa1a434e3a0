//! nginx, set up as its documentation advises for a proxy: kept connections to the backend, no access log.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use anyhow::Result;
use e2e::tools;

use super::{Site, host};
use crate::backend::temporary_paths;

pub(super) async fn command(site: &Site<'_>) -> Result<Command> {
    let Site { dir, http, https, backend, hosts, pair } = site;
    fs::write(dir.join("own.crt"), &pair.0)?;
    fs::write(dir.join("own.key"), &pair.1)?;
    let dir = dir.display();
    let location = "location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
                    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; \
                    proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id; }";
    let mut config = format!(
        "worker_processes 1; daemon off; pid {dir}/pid; error_log stderr warn;\n\
         events {{ worker_connections 8192; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; {temporary}\n\
         server_names_hash_max_size 65536; server_names_hash_bucket_size 64;\n\
         ssl_certificate {dir}/own.crt; ssl_certificate_key {dir}/own.key; ssl_protocols TLSv1.2 TLSv1.3;\n\
         upstream backend {{ server {backend}; keepalive 128; keepalive_requests 1000000000; }}\n\
         server {{ listen {http} default_server; listen {https} ssl http2 default_server; {location} }}\n",
        temporary = temporary_paths(site.dir),
    );
    for number in 0..*hosts {
        let name = host(number);
        writeln!(
            config,
            "server {{ listen {http}; listen {https} ssl http2; server_name {name}; {location} }}"
        )?;
    }
    config.push_str("}\n");
    let file = site.dir.join("nginx.conf");
    fs::write(&file, config)?;
    let mut command = Command::new(tools::program("nginx").await?);
    command.arg("-c").arg(file);
    Ok(command)
}
