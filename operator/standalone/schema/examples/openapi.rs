//! Prints an OpenAPI v3 document as it is served: `cargo run -p schema --example openapi -- apps v1`, with `""` for the core.

use std::env;

use schema::Catalog;

fn main() {
    let mut arguments = env::args().skip(1);
    let group = arguments.next().unwrap_or_default();
    let version = arguments.next().unwrap_or_else(|| "v1".to_owned());
    let document = Catalog::new().openapi(&group, &version).expect("the group and version are served");
    println!("{document}");
}
