//! The playground: control plane and product, left running or toured.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::control_plane::ControlPlane;
use crate::product::{self, Product};
use crate::report::say;
use crate::shell::Shell;

mod demo;
mod step;

/// Runs the program.
pub fn main(args: Vec<String>) -> ExitCode {
    let tour = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--demo"] => true,
        _ => {
            say("error: `cargo playground` takes no argument but --demo");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.context("cannot start the runtime").and_then(|runtime| runtime.block_on(run(tour)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Ctrl-C and SIGTERM end it wherever it is; what was started goes down with it.
async fn run(tour: bool) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let work = async {
        let started = Instant::now();
        let product = tokio::task::spawn_blocking(Product::build).await??;
        let plane = ControlPlane::start().await?;
        plane.node.provide("sealer-controller", &product.folder.join("controller"));
        let shell = product.shell(&plane)?;
        if tour {
            demo::run(&plane, &shell).await?;
            say(&format!("\nevery step held; {:.0} s in all", started.elapsed().as_secs_f64()));
            return Ok(());
        }
        stay(&plane, &shell).await
    };
    tokio::select! {
        outcome = work => outcome,
        _ = tokio::signal::ctrl_c() => {
            say("\nending; nothing is left behind");
            Ok(())
        }
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

async fn stay(plane: &ControlPlane, shell: &Shell) -> Result<()> {
    product::install(shell).await?;
    say("waiting for the controller: it makes its first key (a few seconds) …");
    demo::wait_for_controller(shell).await?;
    let folder = shell.must("command -v sealer").await?;
    let folder = folder.trim().trim_end_matches("/sealer");
    say(&format!(
        "\nready. In another terminal:\n\n  export KUBECONFIG={} PATH={folder}:$PATH\n\n  \
         kubectl create secret generic foobar -n default --dry-run=client -o yaml --from-literal=foo=bar | \
         sealer --namespace default --format yaml | kubectl apply -f -\n  kubectl get sealedsecrets,secrets -n default\n  \
         sealer keys rotate\n\nCtrl-C ends it and leaves nothing behind.",
        plane.kubeconfig().display()
    ));
    std::future::pending().await
}
