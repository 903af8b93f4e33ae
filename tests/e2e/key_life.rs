//! The life of keys: rotated, resealed for, retired, backed up, proven and restored, on controllers of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use sealer_tests::product::repository;
use sealer_tests::shell::Output;
use serde_json::{Value, json};

use crate::scene::Scene;

/// A cluster as far as keys go: a namespace with keys and a controller of its own, and files sealed for it.
struct Cluster<'a> {
    scene: &'a Scene,
    namespace: String,
    folder: &'a Path,
}

impl<'a> Cluster<'a> {
    async fn new(scene: &'a Scene, namespace: String, folder: &'a Path) -> Result<Self> {
        if namespace != scene.namespace {
            scene.shell().must(&format!("kubectl create namespace {namespace}")).await?;
        }
        Ok(Self { scene, namespace, folder })
    }

    /// Starts its controller and waits until it serves a certificate.
    async fn start(&self) -> Result<()> {
        let file = self.folder.join(format!("{}.controller.json", self.namespace));
        fs::write(&file, self.objects()?.to_string())?;
        self.scene.shell().must(&format!("kubectl apply -f {}", file.display())).await?;
        self.scene.eventually("its certificate", async || Ok(self.active().await.ok())).await.map(drop)
    }

    /// What `deploy/` installs, here: what belongs to no namespace has another name or is shared.
    fn objects(&self) -> Result<Value> {
        let text = fs::read_to_string(repository().join("deploy/controller.yaml"))?;
        let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text.replace("kube-system", &self.namespace))?;
        for object in &mut objects {
            if object["kind"] == "ClusterRoleBinding" {
                object["metadata"]["name"] = self.namespace.clone().into();
            }
            if object["kind"] == "Deployment" {
                let container = &mut object["spec"]["template"]["spec"]["containers"][0];
                let args = container["args"].as_array().cloned().unwrap_or_default();
                let own = ["--all-namespaces=false", "--key-size=2048"].map(Value::from);
                container["args"] = args.into_iter().chain(own).collect();
            }
        }
        Ok(json!({ "apiVersion": "v1", "kind": "List", "items": objects }))
    }

    async fn stop(&self) -> Result<()> {
        let namespace = &self.namespace;
        let down = format!("kubectl delete deployment -n {namespace} --ignore-not-found sealed-secrets-controller");
        let rights = format!("kubectl delete clusterrolebinding --ignore-not-found {namespace}");
        self.scene.shell().must(&format!("{down} && {rights}")).await.map(drop)
    }

    /// Runs `sealer` on this cluster, among the files.
    async fn run(&self, command: &str) -> Result<Output> {
        let (folder, namespace) = (self.folder.display(), &self.namespace);
        self.scene.shell().run(&format!("cd {folder} && sealer {command} --controller-namespace {namespace}")).await
    }

    async fn must(&self, command: &str) -> Result<String> {
        let output = self.run(command).await?;
        ensure!(output.status == Some(0), "{command}: {output:?}");
        Ok(output.stdout)
    }

    /// Runs what must end with status 1; returns both streams.
    async fn refused(&self, command: &str) -> Result<(String, String)> {
        let output = self.run(command).await?;
        ensure!(output.status == Some(1), "{command}: {output:?}");
        Ok((output.stdout, output.stderr))
    }

    /// The fingerprint of the certificate that it serves.
    async fn active(&self) -> Result<String> {
        let pem = self.must("--fetch-cert").await?;
        Ok(sealer_core::Certificate::first_from_pem(pem.as_bytes())?.key().fingerprint().to_string())
    }

    /// Seals a file, for any namespace; `certificate` is a file, or nothing for the newest.
    async fn seal(&self, name: &str, certificate: Option<&str>) -> Result<()> {
        let certificate = certificate.map(|file| format!("--cert {file}")).unwrap_or_default();
        let (folder, namespace) = (self.folder.display(), &self.namespace);
        let command = format!(
            "cd {folder} && mkdir -p tree && kubectl create secret generic {name} -n {namespace} --dry-run=client --from-literal=k=value-of-{name} -o yaml \
             | sealer -o yaml --scope cluster-wide {certificate} --controller-namespace {namespace} > tree/{name}.yaml"
        );
        self.scene.shell().must(&command).await.map(drop)
    }

    async fn apply(&self, names: &[&str]) -> Result<()> {
        let (folder, namespace) = (self.folder.display(), &self.namespace);
        for name in names {
            let command =
                format!("sed 's/namespace: .*/namespace: {namespace}/' {folder}/tree/{name}.yaml | kubectl apply -f -");
            self.scene.shell().must(&command).await?;
        }
        Ok(())
    }

    async fn opens(&self, names: &[&str]) -> Result<()> {
        for name in names {
            let get = format!("kubectl get secret -n {} {name} -o jsonpath='{{.data.k}}' | base64 -d", self.namespace);
            let wanted = format!("value-of-{name}");
            let look = async || Ok((self.scene.shell().run(&get).await?.stdout == wanted).then_some(()));
            self.scene.eventually(&format!("{name} in {}", self.namespace), look).await?;
        }
        Ok(())
    }

    /// What `keys list` says of a key: its state, and how many items of the cluster and of files need it.
    async fn listed(&self, fingerprint: &str) -> Result<(String, i64, i64)> {
        let list: Value = serde_json::from_str(&self.must("keys list -o json --in tree").await?)?;
        let keys = list["keys"].as_array().context("no keys")?;
        let key = keys.iter().find(|key| key["fingerprint"] == fingerprint).context("the key is not listed")?;
        let count = |place: &str| key["items"][place].as_i64().unwrap_or(-1);
        Ok((key["state"].as_str().unwrap_or_default().to_owned(), count("cluster"), count("files")))
    }

    async fn key_secrets(&self) -> Result<Vec<Value>> {
        let label = "sealedsecrets.bitnami.com/sealed-secrets-key";
        let list = format!("kubectl get secret -n {} -l {label} -o json", self.namespace);
        let list: Value = serde_json::from_str(&self.scene.shell().must(&list).await?)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }
}

fn folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("passphrase"), "correct horse battery\n")?;
    Ok(folder)
}

const BACKUP: &str = "keys backup --passphrase-file passphrase -o";
const FILES: [&str; 4] = ["one", "two", "three", "four"];

pub(crate) async fn a_key_is_rotated_resealed_for_and_retired(scene: Scene) -> Result<()> {
    let folder = folder()?;
    let cluster = Cluster::new(&scene, scene.namespace.clone(), folder.path()).await?;
    cluster.start().await?;
    for name in FILES {
        cluster.seal(name, None).await?;
    }
    cluster.apply(&["one", "two"]).await?;
    cluster.opens(&["one", "two"]).await?;
    let old = cluster.active().await?;
    fs::write(folder.path().join("old.pem"), cluster.must("--fetch-cert").await?)?;

    // Not before the newest key is backed up.
    let (_, told) = cluster.refused("keys rotate --key-size 2048").await?;
    let hint = "hint: back it up first: sealer keys backup -o FILE; or rotate all the same with --no-backup-check\n";
    ensure!(told == format!("error: the newest key {old} has no recorded backup\n{hint}"), "{told}");
    cluster.must(&format!("{BACKUP} first.keys")).await?;
    cluster.must("keys rotate --key-size 2048").await?;
    let new = cluster.active().await?;
    ensure!(new != old);
    let listed = (cluster.listed(&old).await?, cluster.listed(&new).await?);
    ensure!(listed == (("in use".into(), 2, 4), ("active".into(), 0, 0)), "{listed:?}");

    it_stays_while_anything_needs_it(&cluster, &old, &new).await?;

    let prefix = &old[..20];
    cluster.must(&format!("keys retire {prefix} --in tree --dry-run")).await?;
    ensure!(cluster.listed(&old).await?.0 == "in use");
    cluster.must(&format!("keys retire {prefix} --in tree")).await?;
    ensure!(cluster.listed(&old).await? == ("retired".into(), 0, 0));
    cluster.opens(&["one", "two"]).await?;

    it_opens_nothing_until_it_is_taken_back(&cluster, prefix).await?;
    cluster.stop().await
}

async fn it_opens_nothing_until_it_is_taken_back(cluster: &Cluster<'_>, prefix: &str) -> Result<()> {
    cluster.seal("late", Some("old.pem")).await?;
    cluster
        .scene
        .eventually("the end of the old key", async || {
            let validate = format!("--validate < {}/tree/late.yaml", cluster.folder.display());
            Ok((cluster.run(&validate).await?.status == Some(1)).then_some(()))
        })
        .await?;
    cluster.apply(&["late"]).await?;
    cluster.must(&format!("keys retire {prefix} --undo")).await?;
    cluster.opens(&["late"]).await
}

async fn it_stays_while_anything_needs_it(cluster: &Cluster<'_>, old: &str, new: &str) -> Result<()> {
    let prefix = &old[..20];
    let (needs, told) = cluster.refused(&format!("keys retire {prefix} --in tree")).await?;
    let namespace = &cluster.namespace;
    let mut wanted: Vec<String> =
        ["one", "two"].iter().map(|name| format!("cluster: {namespace}/{name}, item k: needs the key")).collect();
    wanted.extend(
        FILES.iter().map(|name| format!("tree/{name}.yaml: document 1, {namespace}/{name}, item k: needs the key")),
    );
    wanted.sort();
    let mut lines: Vec<&str> = needs.lines().collect();
    lines.sort_unstable();
    ensure!(lines == wanted, "{needs}");
    ensure!(told.starts_with(&format!("error: 6 need {old}, or may need it; it stays in use\n")), "{told}");
    let (_, told) = cluster.refused(&format!("keys retire {new}")).await?;
    ensure!(told.starts_with(&format!("error: {new} is the active key: clients seal with it\n")), "{told}");

    cluster.must("reseal tree").await?;
    let (_, told) = cluster.refused(&format!("keys retire {prefix} --in tree")).await?;
    ensure!(told.starts_with("error: 2 need "), "what is in the cluster counts until it is applied: {told}");
    cluster.apply(&["one", "two"]).await?;
    Ok(())
}

pub(crate) async fn a_rotation_goes_on_after_an_interruption(scene: Scene) -> Result<()> {
    let folder = folder()?;
    let cluster = Cluster::new(&scene, scene.namespace.clone(), folder.path()).await?;
    cluster.start().await?;
    cluster.seal("one", None).await?;
    let old = cluster.active().await?;
    cluster.must(&format!("{BACKUP} first.keys")).await?;
    let before = fs::read(folder.path().join("tree/one.yaml"))?;
    let planned = cluster.must("keys rotate --dry-run --diff --reseal tree").await?;
    ensure!(planned.contains(&format!("old key  {old}\nnew key  would be made")), "{planned}");
    ensure!(planned.contains("\n+++ tree/one.yaml\n"), "{planned}");
    ensure!(cluster.key_secrets().await?.len() == 1 && fs::read(folder.path().join("tree/one.yaml"))? == before);
    // The key is stored, and nobody waits for the controller; or it is served at once.
    let first = cluster.run("keys rotate --key-size 2048 --timeout 1ms --reseal missing").await?;
    ensure!(first.status == Some(1), "{first:?}");
    let again = cluster.run("keys rotate --key-size 2048 --reseal tree").await?;
    ensure!(again.status == Some(0), "{again:?}");
    ensure!(again.stderr.starts_with("going on with key SHA256:"), "{again:?}");
    ensure!(cluster.key_secrets().await?.len() == 2, "one rotation makes one key");
    let new = cluster.active().await?;
    ensure!(new != old && cluster.listed(&new).await?.2 == 1, "the tree follows");
    // It is at its end: the next one is another rotation.
    let (_, told) = cluster.refused("keys rotate").await?;
    ensure!(told.starts_with(&format!("error: the newest key {new} has no recorded backup\n")), "{told}");
    cluster.stop().await
}

pub(crate) async fn a_backup_is_proven_and_restored_elsewhere(scene: Scene) -> Result<()> {
    let folder = folder()?;
    let path = folder.path();
    let a = Cluster::new(&scene, scene.namespace.clone(), path).await?;
    a.start().await?;
    for name in FILES {
        a.seal(name, None).await?;
    }
    a.must(&format!("{BACKUP} first.keys")).await?;
    a.must("keys rotate --key-size 2048").await?;
    for name in ["five", "six"] {
        a.seal(name, None).await?;
    }
    let second = a.must(&format!("{BACKUP} second.keys")).await?;
    ensure!(
        second.ends_with("second.keys holds these keys; it was opened again, and recorded in the cluster\n"),
        "{second}"
    );
    looks_as_promised(&a).await?;

    // A backup without the newest key: exactly its items are missing.
    let check = "keys check --passphrase-file passphrase --in tree";
    let (missing, told) = a.refused(&format!("{check} first.keys")).await?;
    let line = |name: &str| {
        format!("tree/{name}.yaml: document 1, {}/{name}, item k: no key of the backup opens it\n", a.namespace)
    };
    ensure!(
        missing == format!("{}{}4 of 6 items open with the keys of the backup\n", line("five"), line("six")),
        "{missing}"
    );
    ensure!(told.starts_with("error: 2 are not proven to open with this backup\n"), "{told}");
    ensure!(a.must(&format!("{check} second.keys")).await? == "6 of 6 items open with the keys of the backup\n");

    let b = it_restores_before_the_first_start(&a).await?;
    let c = it_restores_beside_other_keys(&a).await?;
    for cluster in [a, b, c] {
        cluster.stop().await?;
    }
    Ok(())
}

const RESTORE: &str = "keys restore second.keys --passphrase-file passphrase";
const ALL: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

async fn it_restores_before_the_first_start<'a>(a: &Cluster<'a>) -> Result<Cluster<'a>> {
    let b = Cluster::new(a.scene, format!("{}-b", &a.namespace[..20]), a.folder).await?;
    let planned = b.must(&format!("{RESTORE} --dry-run")).await?;
    ensure!(planned.matches("would be restored").count() == 2 && b.key_secrets().await?.is_empty(), "{planned}");
    b.must(RESTORE).await?;
    b.start().await?;
    ensure!(b.active().await? == a.active().await?, "the key that was active is active again");
    ensure!(b.key_secrets().await?.len() == 2, "the controller made no key of its own");
    b.apply(&ALL).await?;
    b.opens(&ALL).await?;
    ensure!(b.must("keys check --passphrase-file passphrase second.keys --in tree").await?.starts_with("6 of 6"));
    ensure!(b.must(RESTORE).await?.matches("there already").count() == 2);

    Ok(b)
}

/// Where there is a newer key already, and another Secret has an old one's name.
async fn it_restores_beside_other_keys<'a>(a: &Cluster<'a>) -> Result<Cluster<'a>> {
    let c = Cluster::new(a.scene, format!("{}-c", &a.namespace[..20]), a.folder).await?;
    c.start().await?;
    let own = c.active().await?;
    let taken = a.key_secrets().await?[0]["metadata"]["name"].as_str().context("no name")?.to_owned();
    let occupy = format!("kubectl create secret generic -n {} {taken} --from-literal=a=b", c.namespace);
    a.scene.shell().must(&occupy).await?;
    let told = c.must(RESTORE).await?;
    ensure!(told.contains(&format!("restored as Secret {taken}-")), "{told}");
    ensure!(told.contains(&format!("the active key is {own}\n")) && c.active().await? == own, "{told}");
    c.apply(&ALL).await?;
    c.opens(&ALL).await?;
    Ok(c)
}

/// The file is for its owner, openssl reads it, nothing replaces it, and the cluster knows of it.
async fn looks_as_promised(cluster: &Cluster<'_>) -> Result<()> {
    let file = cluster.folder.join("second.keys");
    ensure!(fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600);
    let (shell, folder) = (cluster.scene.shell(), cluster.folder.display());
    let checked =
        shell.run(&format!("cd {folder} && openssl rsa -in second.keys -passin file:passphrase -noout -check")).await?;
    ensure!(format!("{}{}", checked.stdout, checked.stderr).contains("RSA key ok"), "{checked:?}");
    let before = fs::read(&file)?;
    let (_, told) = cluster.refused(&format!("{BACKUP} second.keys")).await?;
    ensure!(told.starts_with("error: second.keys exists; a backup never replaces another file\n"), "{told}");
    ensure!(fs::read(&file)? == before);
    for secret in cluster.key_secrets().await? {
        let annotation =
            |name: &str| secret["metadata"]["annotations"][format!("sealedsecrets.bitnami.com/{name}")].clone();
        ensure!(annotation("backed-up-fingerprint").is_string() && annotation("backed-up-at").is_string(), "{secret}");
    }
    // What the other tool would have written, and what it reads.
    cluster.must("keys backup --plain --yes --no-record -o plain.yaml").await?;
    ensure!(fs::metadata(cluster.folder.join("plain.yaml"))?.permissions().mode() & 0o777 == 0o600);
    shell.must(&format!("kubectl apply --dry-run=server -f {folder}/plain.yaml")).await?;
    ensure!(cluster.must("keys check plain.yaml --in tree").await?.starts_with("6 of 6"));
    Ok(())
}

pub(crate) async fn whoever_may_not_read_keys_is_told_so(scene: Scene) -> Result<()> {
    let alice = scene.shell().with_kubeconfig(&scene.suite.plane.kubeconfig_of("alice")?);
    let forbidden = "cannot list secrets: secrets is forbidden: User \"alice\" cannot list resource \"secrets\" in API group \"\" in the namespace \"kube-system\"";
    let list = alice.run("sealer keys list").await?;
    ensure!(list.status == Some(0) && list.stdout.contains("  active  from "), "{list:?}");
    let warning = format!("warning: {forbidden}; only the certificate that the controller serves is shown\n");
    ensure!(list.stderr == warning, "{list:?}");
    let right = "hint: you need the right to: kubectl auth can-i list secrets --namespace kube-system\n";
    for command in ["keys backup -o /nonexistent", "keys rotate", "keys retire SHA256:abcdefgh"] {
        let output = alice.run(&format!("sealer {command}")).await?;
        ensure!(output.status == Some(1) && output.stdout.is_empty(), "{command}: {output:?}");
        ensure!(output.stderr.starts_with(&format!("error: {forbidden}\n{right}")), "{command}: {output:?}");
    }
    Ok(())
}
