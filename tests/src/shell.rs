//! Commands as a user types them: through a shell, with the product and kubectl on PATH.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

/// Where commands run and what they find.
#[derive(Clone, Debug)]
pub struct Shell {
    folder: PathBuf,
    kubeconfig: PathBuf,
    path: std::ffi::OsString,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit status; none if it was killed.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Shell {
    /// A shell whose PATH begins with the given folders.
    ///
    /// # Errors
    /// A folder that cannot stand in PATH.
    pub fn new(folder: &Path, kubeconfig: &Path, tools: &[&Path]) -> Result<Self> {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = tools.iter().map(|tool| tool.to_path_buf()).chain(env::split_paths(&inherited));
        Ok(Self { folder: folder.to_owned(), kubeconfig: kubeconfig.to_owned(), path: env::join_paths(folders)? })
    }

    /// The same shell with another user's kubeconfig.
    #[must_use]
    pub fn with_kubeconfig(&self, kubeconfig: &Path) -> Self {
        Self { kubeconfig: kubeconfig.to_owned(), ..self.clone() }
    }

    /// Runs a command and returns whatever came of it.
    ///
    /// # Errors
    /// There is no shell, or the command takes longer than a minute.
    pub async fn run(&self, command: &str) -> Result<Output> {
        let child = Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.folder)
            .env("PATH", &self.path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.folder)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(COMMAND_TIMEOUT, child)
            .await
            .with_context(|| format!("`{command}` does not end"))??;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Output { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) })
    }

    /// Runs a command that must succeed; returns its standard output.
    ///
    /// # Errors
    /// It fails; the error holds all it said.
    pub async fn must(&self, command: &str) -> Result<String> {
        let output = self.run(command).await?;
        if output.status != Some(0) {
            bail!("`{command}` ended with {:?}\n{}{}", output.status, output.stdout, output.stderr);
        }
        Ok(output.stdout)
    }
}

const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);
