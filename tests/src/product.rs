//! The product on the control plane: built, installed from `deploy/`, and ready.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::control_plane::{ControlPlane, binaries};
use crate::report::say;
use crate::shell::Shell;

/// Where the product's programs are.
#[derive(Clone, Debug)]
pub struct Product {
    /// Folder of `controller` and `sealer`.
    pub folder: PathBuf,
}

impl Product {
    /// Builds both programs with the cargo that runs this one.
    ///
    /// # Errors
    /// They do not build.
    pub fn build() -> Result<Self> {
        Self::built(&["--package", "sealer-controller", "--package", "sealer-cli", "--bins"])
    }

    /// The same for tests: `cargo test --workspace` has built them already. Without a test among what is asked for, or with fewer
    /// packages, dependencies would have other features, and all that uses them would be built once more.
    ///
    /// # Errors
    /// They do not build.
    pub fn build_as_for_tests() -> Result<Self> {
        Self::built(&["--workspace", "--bin", "sealer", "--bin", "controller", "--test", "hardening"])
    }

    fn built(selection: &[&str]) -> Result<Self> {
        say("building sealer and the controller (about 3 minutes the first time) …");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--locked"])
            .args(selection)
            .current_dir(repository())
            .status()
            .context("cannot run cargo")?;
        if !status.success() {
            bail!("the product does not build");
        }
        let own = env::current_exe()?;
        let debug =
            own.ancestors().find(|folder| folder.join("sealer").is_file() && folder.join("controller").is_file());
        let folder = debug.context("cannot find the programs that cargo built")?.to_owned();
        Ok(Self { folder })
    }

    /// A shell with the product and kubectl on PATH, and the administrator's kubeconfig.
    ///
    /// # Errors
    /// There is no kubectl.
    pub fn shell(&self, plane: &ControlPlane) -> Result<Shell> {
        let kubectl = binaries::kubectl()?;
        let tools = kubectl.parent().context("kubectl has no folder")?;
        Shell::new(plane.folder.path(), &plane.kubeconfig(), &[&self.folder, tools])
    }
}

/// Applies the manifests of `deploy/`.
///
/// # Errors
/// What kubectl says.
pub async fn install(shell: &Shell) -> Result<String> {
    let crd = define(shell).await?;
    let manifest = repository().join("deploy/controller.yaml");
    let controller = shell.must(&format!("kubectl apply -f {}", manifest.display())).await?;
    Ok(format!("{crd}{controller}"))
}

/// Applies the resource definition alone.
///
/// # Errors
/// What kubectl says.
pub async fn define(shell: &Shell) -> Result<String> {
    let definition = repository().join("deploy/crd.yaml");
    let crd = shell.must(&format!("kubectl apply -f {}", definition.display())).await?;
    shell.must("kubectl wait --for=condition=Established crd/sealedsecrets.bitnami.com --timeout=110s").await?;
    Ok(crd)
}

/// The workspace's root.
pub fn repository() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}
