//! The tables: figures come in, Markdown goes out, with the goals beside them.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use crate::listing::Listing;
use crate::platform::Platform;
use crate::server::{self, Server};
use crate::writes::Writes;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    servers: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
    platform: Option<Platform>,
}

impl Report {
    /// Adds what a start took.
    pub(crate) fn started(&mut self, server: &Server) -> Result<()> {
        self.servers.push(server.kind.name().to_owned());
        self.add("from its start until it is ready, ms", ms(server.ready));
        self.add("resident memory, idle, MiB", format!("{:.0}", server::memory_below(std::process::id())?));
        Ok(())
    }

    pub(crate) fn writes(&mut self, writes: Writes) {
        let Writes { one_by_one, together } = writes;
        self.add("writes a second, one after the other", format!("{one_by_one:.0}"));
        self.add("writes a second, 32 at a time", format!("{together:.0}"));
    }

    pub(crate) fn fan_out(&mut self, mut latencies: Vec<Duration>) {
        latencies.sort_unstable();
        self.add("a write until 100 watchers have it, p50, ms", ms(percentile(&latencies, 50)));
        self.add("the same, p99", ms(percentile(&latencies, 99)));
    }

    pub(crate) fn listing(&mut self, routes: usize, listing: Listing) {
        let Listing { load, list, kubectl } = listing;
        self.add(&format!("{routes} Routes created, 32 at a time, ms"), ms(load));
        self.add(&format!("{routes} Routes listed, ms"), ms(list));
        self.add(&format!("kubectl get of {routes} Routes, ms"), ms(kubectl));
    }

    /// Adds the memory with everything in it.
    pub(crate) fn loaded(&mut self, _server: &Server) -> Result<()> {
        self.add(
            "resident memory after all that, MiB",
            format!("{:.0}", server::memory_below(std::process::id())?),
        );
        Ok(())
    }

    pub(crate) fn platform(&mut self, platform: Platform) {
        self.platform = Some(platform);
    }

    fn add(&mut self, what: &str, figure: String) {
        match self.rows.iter_mut().find(|(name, _)| name == what) {
            Some((_, figures)) => figures.push(figure),
            None => self.rows.push((what.to_owned(), vec![figure])),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | {} |", self.servers.join(" | "))?;
        writeln!(f, "| --- |{}", " --- |".repeat(self.servers.len()))?;
        for (what, figures) in &self.rows {
            writeln!(f, "| {what} | {} |", figures.join(" | "))?;
        }
        writeln!(f, "\nThat etcd does not sync to the disk; the embedded store syncs every write.\n")?;
        let Some(Platform { first, again, memory, applied }) = &self.platform else { return Ok(()) };
        let mut applied = applied.clone();
        applied.sort_unstable();
        let [all, own] = memory;
        writeln!(f, "| flynn-operator up, with the quickstart | goal | measured |\n| --- | --- | --- |")?;
        writeln!(
            f,
            "| from its start to the first 200 of an App, empty data folder, ms | 1000 | {} |",
            ms(*first)
        )?;
        writeln!(f, "| the same with the data of a run before, ms | | {} |", ms(*again))?;
        writeln!(f, "| resident memory, MiB | 60 | {own:.0} |")?;
        writeln!(f, "| resident memory with the processes of the Apps, MiB | | {all:.0} |")?;
        writeln!(
            f,
            "| from the apply of a Route to its first 200, p50, ms | | {} |",
            ms(percentile(&applied, 50))
        )?;
        write!(f, "| the same, p99 | 50 | {} |", ms(percentile(&applied, 99)))
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}
