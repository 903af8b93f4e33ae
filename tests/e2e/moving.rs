//! A cluster is given up for a new one: does one command bring a repository over, with nothing typed again?

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt as _};
use sealer_tests::report::say;
use sealer_tests::shell::Shell;

use crate::scene::Scene;
use crate::suite::Suite;

pub(crate) async fn a_repository_follows_to_a_new_cluster_with_one_command(scene: Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (place, namespace) = (folder.path(), &scene.namespace);
    let old = scene.shell();
    repository(place, old, namespace).await?;
    old.must(&format!("kubectl apply -f {}", place.join("tree").display())).await?;
    let before = all(&scene, scene.client(), namespace).await?;
    ensure!(before.len() == FILES, "{} Secrets", before.len());
    fs::write(place.join("passphrase"), "correct horse battery staple\n")?;
    let backup = "sealer keys backup -o old.keys --passphrase-file passphrase";
    old.must(&format!("cd {} && {backup}", place.display())).await?;

    let new = Suite::start(scene.suite.installation, &scene.suite.product).await?;
    fs::write(place.join("both.kubeconfig"), kubeconfig(&[("k3d-old", &scene.suite), ("k3d-new", &new)])?)?;
    let both = old.with_kubeconfig(&place.join("both.kubeconfig"));
    let command = format!(
        "cd {} && sealer move --from-backup old.keys --passphrase-file passphrase --to-context k3d-new tree",
        place.display()
    );
    let done = both.run(&command).await?;
    let wanted = format!("{FILES} values in {FILES} files sealed anew, 0 current, 0 failed\n");
    ensure!(done.status == Some(0) && done.stderr.starts_with(&wanted), "{done:?}");

    let stat = old.must(&format!("git -C {} diff --stat=60", place.display())).await?;
    say(&stat);
    ensure!(
        stat.ends_with(&format!(" {FILES} files changed, {FILES} insertions(+), {FILES} deletions(-)\n")),
        "{stat}"
    );
    let lines =
        format!("git -C {} diff -U0 | grep '^[-+] ' | grep -v '^[-+]    password: A[gQ]' || true", place.display());
    ensure!(old.must(&lines).await?.is_empty(), "more than the sealed values changed");

    new.shell.must(&format!("kubectl create namespace {namespace}")).await?;
    new.shell.must(&format!("kubectl apply -f {}", place.join("tree").display())).await?;
    let after = all(&scene, new.plane.client.clone(), namespace).await?;
    ensure!(before == after, "the Secrets differ");
    // Again: nothing is left to do, although no key of the new cluster is at hand.
    let again = both.run(&command).await?;
    let wanted = format!("0 values in 0 files sealed anew, {FILES} current, 0 failed\n");
    ensure!(again.status == Some(0) && again.stderr.starts_with(&wanted), "{again:?}");
    // Who may read the keys of both needs no backup.
    let direct = format!(
        "cd {} && git checkout -q tree && sealer move --no-cache --from-context k3d-old --to-context k3d-new tree",
        place.display()
    );
    let done = both.run(&direct).await?;
    ensure!(done.status == Some(0) && done.stderr.starts_with(&format!("{FILES} values")), "{done:?}");
    restored(&scene, &both, &new, place).await
}

/// The other way: the files stay, and the new cluster gets the old keys.
async fn restored(scene: &Scene, both: &Shell, new: &Suite, place: &Path) -> Result<()> {
    let namespace = &scene.namespace;
    let restore = format!(
        "cd {} && git checkout -q tree && \
         sealer move --restore-keys --from-backup old.keys --passphrase-file passphrase --to-context k3d-new tree && \
         sealer keys check old.keys --passphrase-file passphrase --in tree && git diff --exit-code tree",
        place.display()
    );
    both.must(&restore).await?;
    new.shell
        .must(&format!(
            "kubectl delete secrets --all -n {namespace} && kubectl delete sealedsecrets --all -n {namespace}"
        ))
        .await?;
    new.shell.must(&format!("kubectl apply -f {}", place.join("tree").display())).await?;
    let before = all(scene, scene.client(), namespace).await?;
    ensure!(before == all(scene, new.plane.client.clone(), namespace).await?, "the Secrets differ");
    Ok(())
}

/// A Git repository of sealed files, each with a value of its own: a word, bytes, lines, a long text.
async fn repository(place: &Path, shell: &Shell, namespace: &str) -> Result<()> {
    fs::create_dir_all(place.join("tree"))?;
    let mut seal = String::from("set -e\n");
    for at in 0..FILES {
        let value = match at % 4 {
            0 => sealer_encoding::base64::encode(format!("correct horse {at}")),
            1 => sealer_encoding::base64::encode([0, 159, 146, 150, u8::try_from(at)?]),
            2 => sealer_encoding::base64::encode(format!("-----BEGIN-----\n{at}\n\n\ttab\r\n")),
            _ => sealer_encoding::base64::encode("x".repeat(at * 100)),
        };
        let secret = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{at}\n  namespace: {namespace}\ndata:\n  password: {value}\n"
        );
        let path = place.join("tree").join(format!("{at}.yaml"));
        fs::write(path.with_extension("clear"), &secret)?;
        writeln!(
            seal,
            "(echo '# secret {at}'; sealer -o yaml --cert {0}/cert.pem < {1}) > {2}; rm {1}",
            place.display(),
            path.with_extension("clear").display(),
            path.display()
        )?;
    }
    shell.must(&format!("sealer --fetch-cert > {}/cert.pem", place.display())).await?;
    shell.must(&seal).await?;
    let git = format!("git -C {} -c user.name=t -c user.email=t@example.com", place.display());
    shell.must(&format!("{git} init -q && {git} add tree && {git} commit -qm sealed")).await?;
    Ok(())
}

/// All Secrets of the repository in a cluster, byte for byte.
async fn all(scene: &Scene, client: Client, namespace: &str) -> Result<BTreeMap<String, BTreeMap<String, Vec<u8>>>> {
    let secrets: Api<Secret> = Api::namespaced(client, namespace);
    scene
        .eventually("all Secrets", async || {
            let listed = secrets.list(&ListParams::default()).await?.items;
            let bytes = |secret: &Secret| {
                let items = secret.data.iter().flatten();
                items.map(|(item, value)| (item.clone(), value.0.clone())).collect()
            };
            let found: BTreeMap<_, _> = listed.iter().map(|secret| (secret.name_any(), bytes(secret))).collect();
            Ok((found.len() == FILES).then_some(found))
        })
        .await
}

/// One file with a context for each cluster, as k3d makes it.
fn kubeconfig(clusters: &[(&str, &Suite)]) -> Result<String> {
    let mut lists = [String::from("clusters:\n"), String::from("users:\n"), String::from("contexts:\n")];
    for (name, suite) in clusters {
        let (server, folder) = (&suite.plane.server, suite.plane.folder.path().display());
        let [clusters, users, contexts] = &mut lists;
        writeln!(
            clusters,
            "- name: {name}\n  cluster: {{server: '{server}', certificate-authority: '{folder}/ca.crt'}}"
        )?;
        writeln!(
            users,
            "- name: {name}\n  user: {{client-certificate: '{folder}/admin.crt', client-key: '{folder}/admin.key'}}"
        )?;
        writeln!(contexts, "- name: {name}\n  context: {{cluster: {name}, user: {name}}}")?;
    }
    let (current, _) = clusters.first().context("no cluster")?;
    Ok(format!("apiVersion: v1\nkind: Config\n{}current-context: {current}\n", lists.concat()))
}

const FILES: usize = 50;
