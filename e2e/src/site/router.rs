//! A node of a site that serves: the machine of an Elastic IP with a real router behind its ports, as it is in production.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Result;

use super::{Node, Site};
use crate::amazon::Port;
use crate::operator::Launch;
use crate::platform::SYSTEM;
use crate::{Operator, unique};

/// A node with its router; the router ends with it.
#[derive(Debug)]
pub struct Router {
    /// The node.
    pub node: Node,
    process: Operator,
}

impl Router {
    /// The end of the router's log.
    #[must_use]
    pub fn tail(&self) -> String {
        self.process.process().tail()
    }
}

impl Site {
    /// A new node with a router, which is at ports 80 and 443 of whatever address the node gets, and at these ports of TCP Routes.
    ///
    /// # Errors
    /// When EC2 or the API refuses, or the router does not start.
    pub async fn add_router(&self, zone: &str, tcp: &[u16]) -> Result<Router> {
        let instance = self.amazon.account.run(zone).await?;
        let node = Node { name: unique("node"), instance, zone: zone.to_owned() };
        node.join(&self.people.client, Some(&node.provider_id())).await?;
        let bed = self.stage.bed();
        let kubeconfig = bed.control_plane().kubeconfig_for(SYSTEM, "flynn-operator-node", None).await?;
        let at = address();
        let launch = Launch::new("node", kubeconfig).args(["--node-name", &node.name, "--workers=1"]);
        let launch =
            launch.args(["--http".to_owned(), format!("{at}:80"), "--https".to_owned(), format!("{at}:443")]);
        let process = Operator::start(&launch.args(["--health-address=127.0.0.1:0"]), bed.folder()).await?;
        let ports = [80, 443].into_iter().chain(tcp.iter().copied());
        let ports = ports.map(|port| Port::forwarding(port, SocketAddr::from((at, port))));
        self.amazon.machines.play(&node.instance, ports);
        Ok(Router { node, process })
    }
}

/// The address of a machine's own, behind the one that the world sees: another for each router of this process. The ports are those of production, because
/// a router's redirects name them.
fn address() -> Ipv4Addr {
    static STARTED: AtomicU8 = AtomicU8::new(1);
    Ipv4Addr::new(127, 0, 3, STARTED.fetch_add(1, Ordering::Relaxed))
}
