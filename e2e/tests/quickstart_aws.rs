//! `make run AWS=1`: one command on one machine, and what it prints was tried, an object that an App stores among it.

use std::net::Ipv4Addr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use e2e::platform::WAIT;
use e2e::{ports, tools};
use tokio::process::Command;
use tokio::time::timeout;

#[tokio::test]
async fn one_command_shows_the_quickstart_with_three_addresses_in_dns_and_an_object_in_a_bucket() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(tools::build_folder()?.join("quickstart-aws"));
    for name in ["http", "https", "api"] {
        command.arg(format!("--{name}-port={}", ports::free()?.port())); // no other test is given it
    }
    command.args(["--once", "--folder"]).arg(folder.path());
    let output = command.kill_on_drop(true).stdin(Stdio::null()).output();
    let output = timeout(2 * WAIT, output).await.context("it does not end")??;
    let told = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));

    for name in ["flynn.localhost", "www.flynn.localhost"] {
        let asked = |line: &&str| line.starts_with("$ dig @") && line.contains(&format!(" {name} A +short"));
        let answer = told.lines().skip_while(|line| !asked(line)).skip(1).take_while(|line| !line.is_empty());
        let addresses = answer.filter(|line| line.parse::<Ipv4Addr>().is_ok());
        ensure!(addresses.count() == 3, "{told}");
    }
    let row = told.lines().find(|line| line.starts_with("site ")).context("the Cluster is told")?;
    ensure!(row.contains(" 3/3 ") && row.contains(" True "), "{row}");
    ensure!(told.contains(" 3 ec2:AllocateAddress"), "{told}");
    ensure!(told.contains("Hello from the app www"), "{told}");
    let mut read = told.lines().skip_while(|line| !line.ends_with("/greeting")).skip(1);
    ensure!(read.next() == Some("Hello from a bucket."), "{told}");
    ensure!(told.contains("has the object greeting of 20 bytes"), "{told}");
    Ok(())
}
