//! Dependencies point one way, as the manifests say it: a crate uses only what the map lets it use.
//!
//! Deliberately absent: dev-dependencies. A test may put anything together.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::{Violation, map};

const RULE: &str = "dependencies";

/// A crate of this workspace and what its manifest asks for.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    /// Its manifest, from the root of the repository.
    manifest: String,
    /// Names of crates, whether of this workspace or not; those of tests left out.
    uses: Vec<String>,
    /// Those of `uses` that are of this workspace.
    ours: Vec<String>,
}

/// What cargo knows of the workspace at `root`.
pub(super) fn read(root: &Path) -> Result<Vec<Member>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata of the workspace")?;
    let names: Vec<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let member = |package: &cargo_metadata::Package| {
        let uses: Vec<String> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.clone())
            .collect();
        let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root);
        Member {
            name: package.name.to_string(),
            manifest: manifest.unwrap_or(&package.manifest_path).to_string(),
            ours: uses.iter().filter(|used| names.contains(used)).cloned().collect(),
            uses,
        }
    };
    Ok(metadata.packages.iter().map(member).collect())
}

pub(super) fn check(members: &[Member]) -> Vec<Violation> {
    members.iter().flat_map(check_member).collect()
}

fn check_member(member: &Member) -> Vec<Violation> {
    let Member { name, manifest, uses, ours } = member;
    let Some(may) = map::may_use(name) else {
        let what = format!("`{name}` is not on the map; say in xtask/src/tidy/map.rs whom it may use");
        return vec![Violation::new(manifest, 1, RULE, what)];
    };
    let wrong_way = ours.iter().filter(|used| !may.contains(&used.as_str())).map(|used| {
        let what = format!("`{name}` uses `{used}`; meet on the bus or through a trait in `contracts`, put together in `node`");
        Violation::new(manifest, 1, RULE, what)
    });
    let engines = uses
        .iter()
        .filter(|used| map::engine(used).is_some_and(|may| !may.contains(&name.as_str())))
        .map(|used| {
            let what =
                format!("`{name}` uses the engine `{used}`; use the trait of the store or bus instead");
            Violation::new(manifest, 1, RULE, what)
        });
    wrong_way.chain(engines).collect()
}

#[cfg(test)]
mod tests {
    use super::{Member, check};

    fn found(name: &str, ours: &[&str], theirs: &[&str]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let member = Member {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            uses: [owned(ours), owned(theirs)].concat(),
            ours: owned(ours),
        };
        check(&[member]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_dependency_the_wrong_way_is_found() {
        for (user, used) in [
            ("domain", "protocol"),
            ("bus", "contracts"),
            ("store-chat", "gateway"),
            ("store-chat", "store-group"),
            ("service-group", "service-messaging"),
            ("service-group", "store-chat"),
            ("service-notification", "store-registry"),
            ("service-messaging", "store-offline"),
            ("service-messaging", "store-kv"),
            ("gateway", "store-user"),
            ("gateway", "service-account"),
            ("connect-chat-client", "contracts"),
            ("connect-chat", "store-kv"),
        ] {
            let found = found(user, &["domain", used], &[]);
            let found = found.iter().filter(|line| line.contains(&format!("`{user}` uses `{used}`")));
            assert_eq!(found.count(), 1, "{user} -> {used}");
        }
    }

    #[test]
    fn an_engine_is_found_outside_its_store() {
        assert_eq!(found("service-messaging", &[], &["fjall"]).len(), 1);
        assert_eq!(found("node", &[], &["aws-sdk-dynamodb", "rdkafka"]).len(), 2);
        assert_eq!(found("store-kv", &[], &["fjall", "serde"]), [""; 0]);
        assert_eq!(found("bus", &["domain"], &["rdkafka"]), [""; 0]);
    }

    #[test]
    fn the_right_way_passes_and_a_newcomer_must_be_put_on_the_map() {
        assert_eq!(
            found("service-messaging", &["domain", "store-chat", "store-registry"], &["tokio"]),
            [""; 0]
        );
        assert_eq!(found("node", &["service-group", "store-group", "gateway"], &[]), [""; 0]);
        assert!(found("service-search", &[], &[])[0].contains("not on the map"));
    }
}
