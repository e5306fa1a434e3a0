//! The command `plan`: what applying manifests would change, without writing anything.
//!
//! ```text
//! files --documents--> declared.rs --> admission.rs (crate schema) --Object--> plan::Simulation --> answer.rs --> print.rs
//!           cluster.rs (--against cluster) --^--------------------------------------^           aws_difference.rs (--aws) --^
//!                                                                                               bucket_difference.rs ------'
//! ```
//!
//! In come files and, if asked for, the objects of a cluster and what AWS has; out go what would be written, the router's table, and what
//! would be refused. What the API server would refuse at admission is refused here, with the same sentence. Keys are never
//! printed.

mod admission;
mod answer;
mod aws_difference;
mod bucket_difference;
mod cluster;
mod declared;
mod kinds;
mod overlay;
mod print;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crds::{Blobstore, Cluster};
use jiff::Timestamp;
use plan::aws::Failure;
use plan::{Kind, Object, ObjectKey, Platform, Want};

use crate::args::{Against, Global, Output, PlanArguments};
use crate::{files, startup, stdout};
use answer::Answer;
use aws_difference::{AwsDifference, Question, unread};
use cluster::Reader;
use declared::{Declared, Manifests, Problem};

/// The exit code that tells a pipeline of a difference.
const DIFFERENCE: u8 = 2;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The files cannot be read.
    #[error(transparent)]
    Files(#[from] files::Error),
    /// The API server would refuse some of it.
    #[error("the API server would refuse these manifests:\n{}", lines(.0))]
    Invalid(Vec<Problem>),
    /// The cluster cannot be asked.
    #[error(transparent)]
    Cluster(#[from] startup::Error),
    /// The cluster does not tell everything.
    #[error(
        "the {kind} objects of the cluster cannot be read ({cause}): use a kubeconfig that may list them, or --against none"
    )]
    List {
        /// Which.
        kind: Kind,
        /// The API server's words.
        cause: String,
    },
    /// AWS does not tell everything.
    #[error("AWS cannot be read, so that nobody knows what would change there:\n{}", unread(.0))]
    Aws(Vec<Failure>),
    /// The cluster does not tell what the plan of a bucket needs.
    #[error(
        "the Secret of the Blobstore {blobstore}, or the Pods that use it, cannot be read ({cause}): use a kubeconfig that may get Secrets and list Pods, or leave --aws out"
    )]
    Secret {
        /// Whose.
        blobstore: ObjectKey,
        /// The API server's words.
        cause: String,
    },
    /// A bug of ours.
    #[error("the answer cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Plans, prints, and tells by the exit code whether there is a difference.
pub(crate) async fn run(global: &Global, arguments: &PlanArguments) -> Result<ExitCode, Error> {
    let sources = files::read(&arguments.filenames)?;
    let mut cluster = match arguments.against {
        Against::None => None,
        Against::Cluster => Some(Reader::begin(startup::connect(global.kubeconfig.as_deref()).await?).await?),
    };
    let nothing = Objects::new();
    let existing = cluster.as_ref().map_or(&nothing, |cluster| &cluster.objects);
    let Manifests { objects, ignored, problems } = declared::parse(&sources, &arguments.namespace, existing);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    if let Some(cluster) = &mut cluster {
        let namespaces = leader_namespaces(&cluster.objects, &objects);
        cluster.leaders(&namespaces).await?;
        if arguments.aws {
            cluster.nodes().await?;
        }
    }
    let client = cluster.as_ref().filter(|_| arguments.aws).map(|cluster| cluster.client.clone());
    let existing = cluster.map_or(nothing, |cluster| cluster.objects);
    let platform = if arguments.standalone { Platform::Standalone } else { Platform::Kubernetes };
    let now = Timestamp::now();
    let answer = Answer::find(&existing, objects, ignored, now, platform);
    let aws = ask_aws(&answer, &existing, arguments, now).await?;
    let aws = match (aws, client) {
        (Some(aws), Some(client)) => Some(bucket_difference::add(aws, client, &answer.storage, now).await?),
        (aws, _) => aws,
    };
    let answer = answer.with_aws(aws);
    match arguments.output {
        Output::Table => stdout::print(&print::table(&answer)),
        Output::Json => stdout::print_line(&serde_json::to_string_pretty(&answer)?),
    }
    Ok(if answer.difference { ExitCode::from(DIFFERENCE) } else { ExitCode::SUCCESS })
}

/// What is to be said of AWS, which is asked for it if the arguments allow that.
async fn ask_aws(
    answer: &Answer,
    existing: &Objects,
    arguments: &PlanArguments,
    now: Timestamp,
) -> Result<Option<AwsDifference>, Error> {
    let order = answer.order.as_ref();
    let key = order.map(|order| (Kind::Cluster, ObjectKey::new("", &order.owner.name)));
    let existing = match key.and_then(|key| existing.get(&key)) {
        Some(Object::Cluster(cluster)) => Some(&**cluster),
        _ => None,
    };
    let question = Question { aws: arguments.aws, against: arguments.against, existing };
    aws_difference::find(order, question, now).await.map_err(Error::Aws)
}

/// What of manifests asks for AWS.
#[derive(Default)]
pub(crate) struct DeclaredForAws {
    /// The Clusters.
    pub(crate) clusters: Vec<Arc<Cluster>>,
    /// The Blobstores.
    pub(crate) blobstores: Vec<Arc<Blobstore>>,
}

/// The Clusters and Blobstores that manifests declare.
pub(crate) fn declared_for_aws(filenames: &[PathBuf]) -> Result<DeclaredForAws, Error> {
    let sources = files::read(filenames)?;
    let Manifests { objects, ignored: _, problems } = declared::parse(&sources, "default", &Objects::new());
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let mut found = DeclaredForAws::default();
    for declared in objects {
        match declared.object {
            Object::Cluster(cluster) => found.clusters.push(cluster),
            Object::Blobstore(blobstore) => found.blobstores.push(blobstore),
            _ => {}
        }
    }
    Ok(found)
}

/// Objects by what they are called.
type Objects = BTreeMap<(Kind, ObjectKey), Object>;

/// The namespaces with Routes to leaders, as they are or as they would be.
fn leader_namespaces(existing: &Objects, declared: &[Declared]) -> BTreeSet<String> {
    let declared = declared.iter().map(|declared| &declared.object);
    let routes = existing.values().chain(declared).filter_map(|object| match object {
        Object::Route(route) if Want::of(route).leader => Some(object.key().namespace),
        _ => None,
    });
    routes.collect()
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(|problem| format!("  {problem}")).collect();
    lines.join("\n")
}
