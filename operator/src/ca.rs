//! The command `ca`: the authorities that clients have to trust beside those that they know.

use std::path::Path;

use crds::Cluster;
use kube::Api;
use kube::api::ListParams;

use crate::reason::root_cause;
use crate::{startup, stdout};

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The API does not answer as it should.
    #[error(transparent)]
    Startup(#[from] startup::Error),
    /// The Clusters cannot be read.
    #[error("the Clusters cannot be read ({0}): use a kubeconfig that may list them")]
    List(String),
    /// There is none.
    #[error(
        "no Cluster has a domain whose certificate the operator signs: it would be a Certificate with spec.selfSigned, \
         named by spec.domains[].certificate"
    )]
    None,
}

/// Prints them as PEM.
pub(crate) async fn run(kubeconfig: Option<&Path>) -> Result<(), Error> {
    let client = startup::connect(kubeconfig).await?;
    let clusters = Api::<Cluster>::all(client).list(&ListParams::default()).await;
    let clusters = clusters.map_err(|error| Error::List(root_cause(&error)))?;
    let bundle = clusters.into_iter().find_map(|cluster| cluster.status?.ca_bundle).ok_or(Error::None)?;
    stdout::print(&bundle);
    Ok(())
}
