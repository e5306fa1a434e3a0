//! The quickstart with an account: its manifests and the machines come in, and the same go out with `spec.aws`, a Node for
//! each machine, and a Blobstore with an App that keeps objects in it.
//!
//! The Nodes are declared as a kubelet would register them, because no kubelet runs on a machine that is played.

use std::fs::{copy, create_dir_all, read_dir, read_to_string, write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::platform::repository;

use crate::BUCKET;

/// The last line of the quickstart's only domain, after which it goes on.
const DOMAIN_ENDS: &str = "    certificate: {namespace: quickstart, name: wildcard}\n";

/// The program of the App that keeps objects.
const NOTES: &str = include_str!("notes.py");

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
    /// The URL of S3.
    pub(crate) s3: String,
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
        write(folder.join("6-notes.yaml"), self.notes())?;
        write(folder.join("notes.py"), NOTES)?;
        Ok(())
    }

    /// The Cluster of the quickstart, and what it declares of AWS.
    fn site(&self, quickstart: &str) -> Result<String> {
        let Self { region, health_port, nodes: _, s3: _ } = self;
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
    /// A bucket, and an App that has its keys. Where S3 is not AWS's own, an App is told in the variable that every SDK heeds.
    fn notes(&self) -> String {
        let Self { region, s3, .. } = self;
        format!(
            r#"apiVersion: flynn.io/v1alpha1
kind: Blobstore
metadata: {{namespace: quickstart, name: blobs}}
spec:
  s3: {{bucket: {BUCKET}, region: {region}}}
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {{namespace: quickstart, name: notes}}
spec:
  blobstore: blobs
  env: {{AWS_ENDPOINT_URL_S3: "{s3}"}}
  processes:
    web: {{command: [python3, notes.py], workingDir: .}}
"#
        )
    }
}
