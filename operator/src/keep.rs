//! The commands `backup` and `restore`: everything that the platform of this machine keeps, as one file.
//!
//! While the platform runs, the process that has the data folder is asked for the backup; otherwise the folder is read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use http_body_util::BodyExt as _;
use hyper::{Request, StatusCode};
use kube::client::Body;
use store::{BackupError, OpenError, RestoreError, Store, Target};

use crate::args::{BackupArguments, RestoreArguments};
use crate::reason::root_cause;
use crate::stdout::print_line;
use crate::{startup, up};

/// Where the embedded API gives its backup.
const BACKUP_PATH: &str = "/backup";

/// Why there is no backup, or nothing restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] up::Error),
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The process that has it does not answer.
    #[error(transparent)]
    Startup(#[from] startup::Error),
    /// It answers something else.
    #[error("the process that has {} gives no backup ({cause}): look at its log", .folder.display())]
    Refused {
        /// The data folder.
        folder: PathBuf,
        /// The process's words.
        cause: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The file cannot be written.
    #[error("{} cannot be written ({cause}): choose another file, or make room", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The file cannot be restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

/// Writes the backup.
pub(crate) async fn backup(arguments: &BackupArguments) -> Result<(), Error> {
    let folder = up::data_folder(&arguments.data)?;
    match Store::open(&up::store_folder(&folder)) {
        Ok(store) => store.backup(&arguments.file).await?,
        Err(OpenError::Locked { .. }) => {
            let bytes = ask(&folder).await?;
            let write = write_private(&arguments.file, &bytes);
            write.map_err(|cause| Error::Write { path: arguments.file.clone(), cause })?;
        }
        Err(error) => return Err(error.into()),
    }
    print_line(&format!("{} has everything that is in {}", arguments.file.display(), folder.display()));
    Ok(())
}

/// Fills an empty data folder.
pub(crate) fn restore(arguments: &RestoreArguments) -> Result<(), Error> {
    let folder = up::data_folder(&arguments.data)?;
    store::restore(&arguments.file, &up::store_folder(&folder), Target::Vacant)?;
    print_line(&format!("{} has everything that is in {}", folder.display(), arguments.file.display()));
    Ok(())
}

/// Writes a file that only its owner may read, beside the one that is there and then over it: the objects have Secrets.
fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let next = file.with_extension(format!("{}.new", std::process::id()));
    let mut new = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&next)?;
    new.write_all(bytes).and_then(|()| new.sync_all()).and_then(|()| std::fs::rename(&next, file))
}

async fn ask(folder: &Path) -> Result<Vec<u8>, Error> {
    let client = startup::connect(Some(&up::kubeconfig(folder))).await?;
    let refused = |cause: String| Error::Refused { folder: folder.to_owned(), cause };
    let request = Request::get(BACKUP_PATH).body(Body::empty());
    let request = request.expect("a constant path makes a request");
    let answer = client.send(request).await.map_err(|error| refused(root_cause(&error)))?;
    if answer.status() != StatusCode::OK {
        return Err(refused(answer.status().to_string()));
    }
    let body = answer.into_body().collect().await.map_err(|error| refused(root_cause(&error)))?;
    Ok(body.to_bytes().into())
}
