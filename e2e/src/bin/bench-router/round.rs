//! One measurement: a proxy and a case come in; what a request cost goes out.

use std::time::Duration;

use anyhow::Result;

use crate::case::Case;
use crate::load;
use crate::proxy::Proxy;

/// What one measurement found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// CPU time of the proxy for a request, in microseconds.
    pub(crate) cpu: f64,
    pub(crate) per_second: f64,
    /// In milliseconds.
    pub(crate) p99: f64,
}

pub(crate) async fn measure(proxy: &Proxy, case: Case, time: Duration, hosts: u32) -> Result<Figures> {
    let before = proxy.cpu()?;
    let counted = load::run(proxy, case, time, hosts).await?;
    let cpu = proxy.cpu()? - before;
    Ok(Figures {
        cpu: cpu.as_secs_f64() * 1e6 / counted.requests,
        per_second: counted.per_second,
        p99: counted.p99.as_secs_f64() * 1e3,
    })
}
