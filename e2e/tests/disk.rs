//! A disk that is full or cannot be written: it is told in words, nothing that was acknowledged is lost, and everything
//! goes on when the disk does. The disk is a piece of memory, mounted where the data of the API is; where the system does
//! not allow that, the tests say that they are skipped, and the store's own tests of a failing disk stand for them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::machine::Machine;
use e2e::{Embedded, eventually, tools};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, Error, ResourceExt};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
const SIZE: &str = "size=8m,mode=0700";
/// More ConfigMaps of this many bytes than the disk has room for.
const LARGE: usize = 200_000;
const MANY: usize = 100;

/// A small disk; it goes when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one over a new folder, if the system allows it.
    fn mount(folder: PathBuf) -> Result<Option<Self>> {
        std::fs::create_dir(&folder)?;
        let mounted = run(Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&folder));
        match mounted {
            Ok(()) => Ok(Some(Self(folder))),
            Err(error) => {
                eprintln!("skipped: {error}; run the suite in e2e/netns");
                Ok(None)
            }
        }
    }

    fn remount(&self, how: &str) -> Result<()> {
        run(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0))
    }

    /// Leaves no room.
    fn fill(&self) -> Result<()> {
        let mut ballast = std::fs::File::create(self.ballast())?;
        while ballast.write_all(&[0; 4096]).is_ok() {}
        Ok(())
    }

    fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// An API whose data is on a disk of its own.
async fn api(folder: &Path) -> Result<Option<(Disk, Embedded)>> {
    match Disk::mount(folder.join("data"))? {
        Some(disk) => Ok(Some((disk, Embedded::start(folder).await?))),
        None => Ok(None),
    }
}

async fn create(client: &Client, name: &str, bytes: usize) -> Result<ConfigMap, Error> {
    let map = json!({"metadata": {"name": name}, "data": {"content": "x".repeat(bytes)}});
    let map = serde_json::from_value(map).map_err(Error::SerdeError)?;
    Api::default_namespaced(client.clone()).create(&PostParams::default(), &map).await
}

/// The lengths of what is there, by name.
async fn stored(client: &Client) -> Result<Vec<(String, usize)>> {
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let maps = maps.list(&ListParams::default()).await?.items;
    let length = |map: &ConfigMap| map.data.iter().flatten().map(|(_, text)| text.len()).sum();
    Ok(maps.iter().map(|map| (map.name_any(), length(map))).collect())
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() -> Result<()> {
    let folder = tempfile::tempdir_in(tools::build_folder()?)?;
    let Some((disk, api)) = api(folder.path()).await? else { return Ok(()) };
    let client = api.client().await?;
    disk.fill()?;
    let mut acknowledged = Vec::new();
    let refusal = loop {
        ensure!(acknowledged.len() < MANY, "the disk is never full");
        let name = format!("map-{:02}", acknowledged.len());
        match create(&client, &name, LARGE).await {
            Ok(_) => acknowledged.push((name, LARGE)),
            Err(Error::Api(refusal)) => break refusal,
            Err(error) => return Err(error.into()),
        }
    };
    ensure!(
        refusal.code == 500 && refusal.message.contains("the disk is full: free some space"),
        "{refusal}"
    );
    ensure!(stored(&client).await? == acknowledged, "it is read as before");

    disk.free()?;
    eventually("there is room again", PATIENCE, || async { Ok(create(&client, "more", 1).await?) }).await?;
    acknowledged.push(("more".to_owned(), 1));
    api.kill()?;
    let begun = disk.0.join("new");
    std::fs::create_dir(&begun)?;
    disk.fill()?;
    api.start_again().await?;
    ensure!(stored(&api.client().await?).await? == acknowledged, "after a start there is something else");

    // The log of what fails is on the other disk.
    let other = folder.path().join("other");
    std::os::unix::fs::symlink(begun, &other)?;
    let (status, said) = Machine::fails::<&str>([], &other).await?;
    ensure!(status.code() == Some(1), "{status}: {said}");
    ensure!(said.contains("is full: free some space, or choose another folder"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told_and_left_as_it_is() -> Result<()> {
    let folder = tempfile::tempdir_in(tools::build_folder()?)?;
    let Some((disk, api)) = api(folder.path()).await? else { return Ok(()) };
    create(&api.client().await?, "kept", 1).await?;
    api.kill()?;
    disk.remount("ro")?;
    let sentence = "cannot be written: make it writable by this user, or choose another folder";
    let (status, said) = Machine::fails::<&str>([], &disk.0).await?;
    ensure!(status.code() == Some(1) && said.contains(sentence), "{status}: {said}");
    disk.remount("rw")?;
    api.start_again().await?;
    ensure!(stored(&api.client().await?).await? == [("kept".to_owned(), 1)]);
    Ok(())
}
