//! Writes the custom resource definitions as YAML, one file per kind, into the folder given as the argument
//! (`make generate` gives `crds/yaml`).

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: generate FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    for crd in crds::all() {
        let file = folder.join(format!("{}.yaml", crd.spec.names.plural));
        std::fs::write(
            file,
            format!("# Generated from crds/src by `make generate`.\n{}", serde_saphyr::to_string(&crd)?),
        )?;
    }
    Ok(())
}
