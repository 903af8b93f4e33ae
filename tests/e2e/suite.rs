//! What all tests share: the control plane, with the product installed from `deploy/`.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use sealer_tests::control_plane::{ControlPlane, tail};
use sealer_tests::faults::Proxy;
use sealer_tests::product::Product;
use sealer_tests::report::say;
use sealer_tests::shell::Shell;
use tokio::sync::RwLock;

use crate::installation::Installation;

/// The running product.
pub(crate) struct Suite {
    pub(crate) plane: ControlPlane,
    pub(crate) shell: Shell,
    pub(crate) product: Product,
    /// The controller's program.
    pub(crate) program: PathBuf,
    pub(crate) installation: &'static Installation,
    /// Between the controllers and the API server, where answers are corrupted.
    pub(crate) proxy: Option<Proxy>,
    /// Held by every test; whole by those that disturb the controller.
    pub(crate) turn: RwLock<()>,
}

impl Suite {
    pub(crate) async fn start(installation: &'static Installation, product: &Product) -> Result<Self> {
        let plane = ControlPlane::start().await?;
        let program = product.folder.join("controller");
        for image in ["sealer-controller", "sealer/controller", "bitnami/sealed-secrets-controller"] {
            plane.node.provide(image, &program);
        }
        let proxy = if installation.corrupts_answers() { Some(corrupting(&plane).await?) } else { None };
        let shell = product.shell(&plane)?;
        installation.install(&shell).await?;
        if installation.has_controller() {
            say("waiting for the controller's first key …");
            let ready = "until sealer --fetch-cert >/dev/null 2>&1; do sleep 0.2; done";
            shell.must(ready).await?;
        }
        let product = product.clone();
        Ok(Self { plane, shell, product, program, installation, proxy, turn: RwLock::new(()) })
    }

    /// The end of every controller's log.
    pub(crate) fn logs(&self) -> String {
        let folder = self.plane.folder.path().join("pods");
        let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        files.map(|path| tail(&path)).collect::<Vec<_>>().join("\n---\n")
    }

    /// Everything that every controller logged.
    pub(crate) fn whole_logs(&self) -> String {
        self.each_log().concat()
    }

    /// The same, a text for each process.
    pub(crate) fn each_log(&self) -> Vec<String> {
        let folder = self.plane.folder.path().join("pods");
        let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let texts = files.filter_map(|path| fs::read_to_string(path).ok());
        // A Pod of a scene prints its Secret.
        texts.filter(|text| text.contains(STARTED)).collect()
    }
}

/// What every controller logs first.
const STARTED: &str = "Starting sealed-secrets controller";

/// A proxy that all Pods reach the API server through. They log all that there is to log.
async fn corrupting(plane: &ControlPlane) -> Result<Proxy> {
    let proxy = Proxy::corrupting(plane.anonymous().await?).await?;
    let most = ("SEALED_SECRETS_LOG_LEVEL".to_owned(), "DEBUG".to_owned());
    plane.node.connect_through(proxy.address(), vec![most]);
    Ok(proxy)
}
