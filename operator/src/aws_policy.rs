//! The command `aws-policy`: manifests come in, the IAM policy with the least that the operator needs for them goes out as JSON.

use crate::args::AwsPolicyArguments;
use crate::plan_command::{self, DeclaredForAws, declared_for_aws};
use crate::stdout::print_line;

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The manifests cannot be read, or would be refused.
    #[error(transparent)]
    Manifests(#[from] plan_command::Error),
    /// There is nothing to allow.
    #[error(
        "no Cluster in these manifests has spec.aws: the operator makes no AWS call for them, and needs no policy"
    )]
    NoAws,
    /// A bug of ours.
    #[error("the policy cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Prints the policy for the Clusters and Blobstores of the manifests.
pub(crate) fn run(arguments: &AwsPolicyArguments) -> Result<(), Error> {
    let DeclaredForAws { clusters, blobstores } = declared_for_aws(&arguments.filenames)?;
    if clusters.iter().all(|cluster| cluster.spec.aws.is_none()) {
        return Err(Error::NoAws);
    }
    let specs = clusters.iter().map(|cluster| &cluster.spec);
    let policy = plan::aws::policy(specs, blobstores.iter().map(AsRef::as_ref));
    print_line(&serde_json::to_string_pretty(&policy)?);
    Ok(())
}
