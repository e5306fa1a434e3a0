//! The quickstart with an account: its manifests and the machines come in, and the same go out with `spec.aws` and a Node for
//! each machine.
//!
//! The Nodes are declared as a kubelet would register them, because no kubelet runs on a machine that is played.

use std::fs::{copy, create_dir_all, read_dir, read_to_string, write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::platform::repository;

/// The last line of the quickstart's only domain, after which it goes on.
const DOMAIN_ENDS: &str = "    certificate: {namespace: quickstart, name: wildcard}\n";

/// A machine as Kubernetes knows it.
#[derive(Debug)]
pub(crate) struct Node {
    /// The Node's name.
    pub(crate) name: String,
    /// The availability zone.
    pub(crate) zone: String,
    /// The EC2 instance.
    pub(crate) instance: String,
}

/// What is declared beyond the quickstart.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The region of the machines.
    pub(crate) region: &'static str,
    /// The port that the health checks ask.
    pub(crate) health_port: u16,
    /// The machines.
    pub(crate) nodes: Vec<Node>,
}

impl Declared {
    /// Writes all manifests into this folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        create_dir_all(folder)?;
        for entry in read_dir(repository("manifests/examples/quickstart"))? {
            let entry = entry?;
            copy(entry.path(), folder.join(entry.file_name()))?;
        }
        let site = folder.join("1-site.yaml");
        let quickstart = read_to_string(&site).context("the quickstart has a Cluster")?;
        write(&site, self.site(&quickstart)?)?;
        write(folder.join("5-nodes.yaml"), self.nodes())?;
        Ok(())
    }

    /// The Cluster of the quickstart, and what it declares of AWS.
    fn site(&self, quickstart: &str) -> Result<String> {
        let Self { region, health_port, nodes: _ } = self;
        ensure!(
            quickstart.matches(DOMAIN_ENDS).count() == 1,
            "the quickstart's domain is written differently"
        );
        let declared = format!(
            r#"{DOMAIN_ENDS}  nodes: {{selector: {{matchLabels: {{flynn.io/router: ""}}}}}}
  aws:
    region: {region}
    elasticIPs: {{}}
    dns:
      healthCheck: {{port: {health_port}}}
"#
        );
        Ok(quickstart.replace(DOMAIN_ENDS, &declared))
    }

    /// A Node for each machine.
    fn nodes(&self) -> String {
        let node = |Node { name, zone, instance }: &Node| {
            format!(
                r#"---
apiVersion: v1
kind: Node
metadata: {{name: {name}, labels: {{flynn.io/router: "", topology.kubernetes.io/zone: {zone}}}}}
spec: {{providerID: "aws:///{zone}/{instance}"}}
status: {{conditions: [{{type: Ready, status: "True", reason: Played, message: no kubelet runs here}}]}}
"#
            )
        };
        self.nodes.iter().map(node).collect()
    }
}
