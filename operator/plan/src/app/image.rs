//! Whether what an App names can be run by the platform, and the image that its Pods name.

use crds::Reason;

use super::AppInputs;
use crate::{ObjectKey, Platform, Refusal};

/// What the Pods of a process without an image name instead: the API wants something there.
const COMMAND_ONLY: &str = "command";

/// The image of every Pod.
///
/// | platform   | the App                                        | image                        |
/// |------------|------------------------------------------------|------------------------------|
/// | Kubernetes | names an image                                 | that                         |
/// | Kubernetes | names none                                     | `ImageRequired`              |
/// | standalone | has a command in every process                 | that, or `command`           |
/// | standalone | has an image, and a process without a command  | `ImageNeedsContainerRuntime` |
/// | standalone | has a process without a command                | `CommandRequired`            |
///
/// # Errors
/// The refusals in the table.
pub(super) fn image<'a>(inputs: &AppInputs<'a>) -> Result<&'a str, Refusal> {
    let app = ObjectKey::of(inputs.app);
    let image = inputs.app.spec.image.as_deref();
    if inputs.platform == Platform::Kubernetes {
        return image.ok_or_else(|| {
            let message =
                format!("App {app} names no image, and Kubernetes runs images only: set spec.image");
            Refusal::new(Reason::ImageRequired, message)
        });
    }
    let processes = &inputs.app.spec.processes;
    let Some((process, _)) = processes.iter().find(|(_, process)| process.command.is_empty()) else {
        return Ok(image.unwrap_or(COMMAND_ONLY));
    };
    let next = format!("set spec.processes.{process}.command");
    Err(match image {
        Some(image) => Refusal::new(
            Reason::ImageNeedsContainerRuntime,
            format!("App {app} relies on the image {image}, and images run on Kubernetes only: {next}"),
        ),
        None => Refusal::new(
            Reason::CommandRequired,
            format!("App {app} does not say what its process {process} runs: {next}"),
        ),
    })
}
