//! Kubeconfig files: read and merged as client-go reads and merges them. An empty text is an absent one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::manifest::node::Node;
use crate::manifest::read::{self, Wanted};

/// What one or more files say.
#[derive(Clone, Default)]
pub(super) struct Kubeconfig {
    pub(super) clusters: Vec<(String, ClusterEntry)>,
    pub(super) users: Vec<(String, UserEntry)>,
    pub(super) contexts: Vec<(String, Context)>,
    pub(super) current_context: Option<String>,
}

/// An API server.
#[derive(Clone, Default)]
pub(super) struct ClusterEntry {
    pub(super) server: Option<String>,
    pub(super) tls_server_name: Option<String>,
    pub(super) insecure_skip_tls_verify: bool,
    pub(super) certificate_authority: Option<String>,
    pub(super) certificate_authority_data: Option<String>,
    pub(super) proxy_url: Option<String>,
    pub(super) disable_compression: bool,
    /// What is meant for credential plugins alone.
    pub(super) plugin_config: Option<Value>,
}

/// Credentials.
#[derive(Clone, Default)]
pub(super) struct UserEntry {
    pub(super) client_certificate: Option<String>,
    pub(super) client_certificate_data: Option<String>,
    pub(super) client_key: Option<String>,
    pub(super) client_key_data: Option<Zeroizing<String>>,
    pub(super) token: Option<Zeroizing<String>>,
    pub(super) token_file: Option<String>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) act_as: Option<String>,
    pub(super) act_as_uid: Option<String>,
    pub(super) act_as_groups: Vec<String>,
    pub(super) act_as_extra: Vec<(String, Vec<String>)>,
    pub(super) auth_provider: Option<AuthProvider>,
    pub(super) exec: Option<ExecEntry>,
}

/// The way of authentication before credential plugins.
#[derive(Clone)]
pub(super) struct AuthProvider {
    pub(super) name: String,
    pub(super) config: Vec<(String, Zeroizing<String>)>,
}

/// A credential plugin.
#[derive(Clone, Default)]
pub(super) struct ExecEntry {
    pub(super) command: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, Zeroizing<String>)>,
    pub(super) api_version: String,
    pub(super) install_hint: Option<String>,
    pub(super) provide_cluster_info: bool,
    pub(super) interactive_mode: String,
}

/// A pair of both, with a namespace.
#[derive(Clone, Default)]
pub(super) struct Context {
    pub(super) cluster: String,
    pub(super) user: String,
    pub(super) namespace: Option<String>,
}

/// The files in their order: the flag alone, else the variable's list, else the user's own. `None` if there is none.
pub(super) fn load(choice: &Choice) -> Result<Option<Kubeconfig>, CliError> {
    if let Some(path) = &choice.kubeconfig {
        fs::metadata(path).map_err(|error| CliError::file("stat", path, &error))?;
        return file(path).map(Some);
    }
    let list = env::var_os("KUBECONFIG").filter(|list| !list.is_empty());
    let own = || env::home_dir().map(|home| home.join(".kube/config").into_os_string());
    let Some(list) = list.or_else(own) else { return Ok(None) };
    let mut merged = Kubeconfig::default();
    for path in env::split_paths(&list).filter(|path| path.exists()) {
        merged.add(file(&path.to_string_lossy())?);
    }
    Ok(Some(merged).filter(|config| !config.clusters.is_empty() || !config.contexts.is_empty()))
}

/// Reads one file; what it names stands beside it.
fn file(path: &str) -> Result<Kubeconfig, CliError> {
    let bytes = input::read_text(Some(path), Input::Kubeconfig)?;
    let mut config = parse(&bytes, path)?;
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    config.resolve(folder.unwrap_or_else(|| Path::new(".")));
    Ok(config)
}

/// Reads a text.
pub(super) fn parse(bytes: &[u8], path: &str) -> Result<Kubeconfig, CliError> {
    let wrong = |reason: &str| {
        CliError::new(format!("error loading config file \"{path}\": {reason}"))
            .hint(format!("check it with: kubectl config view --kubeconfig {path}"))
    };
    let documents =
        read::documents(bytes, "the file", Wanted::SealedSecrets).map_err(|error| wrong(error.message()))?;
    // Go reads the first document alone.
    let Some(document) = documents.into_iter().next() else { return Ok(Kubeconfig::default()) };
    let top = Field { node: &document.node, path: String::new() };
    kubeconfig(&top).map_err(|error| wrong(&error))
}

impl Kubeconfig {
    /// Adds what a later file says: names that are there already stay as they are.
    fn add(&mut self, other: Self) {
        add_new(&mut self.clusters, other.clusters);
        add_new(&mut self.users, other.users);
        add_new(&mut self.contexts, other.contexts);
        self.current_context = self.current_context.take().or(other.current_context);
    }

    /// Makes the paths of a file those of its folder. A command is one only if it has a slash.
    fn resolve(&mut self, folder: &Path) {
        let place = |path: &str| folder.join(PathBuf::from(path)).to_string_lossy().into_owned();
        let resolve = |path: &mut Option<String>| *path = path.take().map(|path| place(&path));
        for (_, cluster) in &mut self.clusters {
            resolve(&mut cluster.certificate_authority);
        }
        for (_, user) in &mut self.users {
            resolve(&mut user.client_certificate);
            resolve(&mut user.client_key);
            resolve(&mut user.token_file);
            if let Some(exec) = user.exec.as_mut().filter(|exec| exec.command.contains(std::path::MAIN_SEPARATOR)) {
                exec.command = place(&exec.command);
            }
        }
    }

    pub(super) fn context(&self, name: &str) -> Option<&Context> {
        entry(&self.contexts, name)
    }

    pub(super) fn cluster(&self, name: &str) -> Option<&ClusterEntry> {
        entry(&self.clusters, name)
    }

    pub(super) fn user(&self, name: &str) -> Option<&UserEntry> {
        entry(&self.users, name)
    }
}

fn add_new<T>(entries: &mut Vec<(String, T)>, others: Vec<(String, T)>) {
    for (name, value) in others {
        if entry(entries, &name).is_none() {
            entries.push((name, value));
        }
    }
}

fn entry<'a, T>(entries: &'a [(String, T)], name: &str) -> Option<&'a T> {
    entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// A place in the file. Errors name it, never what stands there: a kubeconfig holds credentials.
struct Field<'a> {
    node: &'a Node,
    path: String,
}

type Read<T> = Result<T, String>;

impl<'a> Field<'a> {
    fn wrong(&self, wanted: &str) -> String {
        format!("{} is to be {wanted}, and is of the type {}", self.path.trim_start_matches('.'), self.node.type_word())
    }

    fn get(&self, name: &str) -> Read<Option<Self>> {
        let Node::Map(fields) = self.node else { return Err(self.wrong("an object")) };
        let found = fields.iter().rev().find(|(key, _)| key == name).map(|(_, node)| node);
        let path = format!("{}.{name}", self.path);
        Ok(found.filter(|node| !matches!(node, Node::Null)).map(|node| Self { node, path }))
    }

    fn items(&self, name: &str) -> Read<Vec<Self>> {
        let Some(list) = self.get(name)? else { return Ok(Vec::new()) };
        let Node::List(items) = list.node else { return Err(list.wrong("a list")) };
        let item = |(at, node): (usize, &'a Node)| Self { node, path: format!("{}[{at}]", list.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    fn as_text(&self) -> Read<String> {
        self.node.as_text().map(str::to_owned).ok_or_else(|| format!("{}; quote it", self.wrong("a text")))
    }

    /// A text that is not empty.
    fn text(&self, name: &str) -> Read<Option<String>> {
        let text = self.get(name)?.map(|field| field.as_text()).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    fn secret(&self, name: &str) -> Read<Option<Zeroizing<String>>> {
        Ok(self.text(name)?.map(Zeroizing::new))
    }

    fn flag(&self, name: &str) -> Read<bool> {
        match self.get(name)? {
            None => Ok(false),
            Some(field) => match field.node {
                Node::Bool(value) => Ok(*value),
                _ => Err(field.wrong("true or false")),
            },
        }
    }

    fn texts(&self, name: &str) -> Read<Vec<String>> {
        self.items(name)?.iter().map(Self::as_text).collect()
    }

    /// Names and what stands behind each.
    fn entries(&self, name: &str) -> Read<Vec<(String, Self)>> {
        let Some(map) = self.get(name)? else { return Ok(Vec::new()) };
        let Node::Map(fields) = map.node else { return Err(map.wrong("an object")) };
        let field = |(key, node): &'a (String, Node)| (key.clone(), Self { node, path: format!("{}.{key}", map.path) });
        Ok(fields.iter().map(field).collect())
    }

    /// A list of `{name: …, FIELD: …}`.
    fn named<T: Default>(&self, list: &str, field: &str, read: fn(&Self) -> Read<T>) -> Read<Vec<(String, T)>> {
        let one = |item: &Self| {
            let name = item.text("name")?.unwrap_or_default();
            let value = item.get(field)?.map(|value| read(&value)).transpose()?;
            Ok((name, value.unwrap_or_default()))
        };
        self.items(list)?.iter().map(one).collect()
    }
}

fn kubeconfig(top: &Field<'_>) -> Read<Kubeconfig> {
    Ok(Kubeconfig {
        clusters: top.named("clusters", "cluster", cluster)?,
        users: top.named("users", "user", user)?,
        contexts: top.named("contexts", "context", context)?,
        current_context: top.text("current-context")?,
    })
}

fn cluster(field: &Field<'_>) -> Read<ClusterEntry> {
    let mut plugin_config = None;
    for extension in field.items("extensions")? {
        if extension.text("name")?.as_deref() == Some(PLUGIN_EXTENSION) {
            plugin_config = extension.get("extension")?.and_then(|config| config.node.to_value());
        }
    }
    Ok(ClusterEntry {
        server: field.text("server")?,
        tls_server_name: field.text("tls-server-name")?,
        insecure_skip_tls_verify: field.flag("insecure-skip-tls-verify")?,
        certificate_authority: field.text("certificate-authority")?,
        certificate_authority_data: field.text("certificate-authority-data")?,
        proxy_url: field.text("proxy-url")?,
        disable_compression: field.flag("disable-compression")?,
        plugin_config,
    })
}

fn user(field: &Field<'_>) -> Read<UserEntry> {
    let extra = field.entries("as-user-extra")?;
    let extra = extra.into_iter().map(|(name, values)| {
        let Node::List(items) = values.node else { return Err(values.wrong("a list")) };
        let item = |node| Field { node, path: values.path.clone() }.as_text();
        Ok((name, items.iter().map(item).collect::<Read<_>>()?))
    });
    Ok(UserEntry {
        client_certificate: field.text("client-certificate")?,
        client_certificate_data: field.text("client-certificate-data")?,
        client_key: field.text("client-key")?,
        client_key_data: field.secret("client-key-data")?,
        token: field.secret("token")?,
        token_file: field.text("tokenFile")?,
        username: field.text("username")?,
        password: field.secret("password")?,
        act_as: field.text("as")?,
        act_as_uid: field.text("as-uid")?,
        act_as_groups: field.texts("as-groups")?,
        act_as_extra: extra.collect::<Read<_>>()?,
        auth_provider: field.get("auth-provider")?.map(|provider| auth_provider(&provider)).transpose()?,
        exec: field.get("exec")?.map(|plugin| exec(&plugin)).transpose()?,
    })
}

fn auth_provider(field: &Field<'_>) -> Read<AuthProvider> {
    let config = field.entries("config")?.into_iter();
    let config = config.map(|(name, value)| Ok((name, Zeroizing::new(value.as_text()?)))).collect::<Read<_>>()?;
    Ok(AuthProvider { name: field.text("name")?.unwrap_or_default(), config })
}

fn exec(field: &Field<'_>) -> Read<ExecEntry> {
    let variable =
        |item: &Field<'_>| Ok((item.text("name")?.unwrap_or_default(), item.secret("value")?.unwrap_or_default()));
    Ok(ExecEntry {
        command: field.text("command")?.unwrap_or_default(),
        args: field.texts("args")?,
        env: field.items("env")?.iter().map(variable).collect::<Read<_>>()?,
        api_version: field.text("apiVersion")?.unwrap_or_default(),
        install_hint: field.text("installHint")?,
        provide_cluster_info: field.flag("provideClusterInfo")?,
        interactive_mode: field.text("interactiveMode")?.unwrap_or_default(),
    })
}

fn context(field: &Field<'_>) -> Read<Context> {
    Ok(Context {
        cluster: field.text("cluster")?.unwrap_or_default(),
        user: field.text("user")?.unwrap_or_default(),
        namespace: field.text("namespace")?,
    })
}

/// client-go passes this extension of a cluster to plugins (`pkg/apis/clientauthentication`).
const PLUGIN_EXTENSION: &str = "client.authentication.k8s.io/exec";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use super::*;

    #[test]
    fn unreadable_kubeconfig_is_placed_and_not_quoted() {
        for text in [
            "users:\n- name: u\n  user: hunter2hunter2\n",
            "users: hunter2hunter2\n",
            "users:\n- name: u\n  user:\n    as-groups: hunter2hunter2\n    exec: hunter2hunter2\n",
            "users:\n- name: u\n  user: {token: hunter2hunter2\n",
            "users:\n- name: u\n  user: {token: [hunter2hunter2]}\n",
            "clusters:\n- name: c\n  cluster: {insecure-skip-tls-verify: hunter2hunter2}\n",
            "hunter2hunter2: &x [\n",
            "- hunter2hunter2\n",
        ] {
            let message = parse(text.as_bytes(), "config").err().map(|error| format!("{error:?}")).unwrap_or_default();
            assert!(message.contains("error loading config file") && !message.contains("hunter2"), "{text}{message}");
        }
        let error = parse(b"users: [{name: u, user: {token: 12}}]", "config").err().unwrap();
        assert!(error.message().ends_with("users[0].user.token is to be a text, and is of the type number; quote it"));
    }

    #[test]
    fn empty_texts_are_absent_and_the_first_file_wins() {
        let empty = b"clusters: [{name: c, cluster: {server: a, certificate-authority: '', tls-server-name: ''}}]\ncurrent-context: ''";
        let mut config = parse(empty, "one").unwrap();
        assert!(config.clusters[0].1.certificate_authority.is_none() && config.clusters[0].1.tls_server_name.is_none());
        config
            .add(parse(b"clusters: [{name: c, cluster: {server: b}}, {name: d}]\ncurrent-context: x", "two").unwrap());
        assert_eq!(config.cluster("c").unwrap().server.as_deref(), Some("a"));
        assert_eq!((config.clusters.len(), config.current_context.as_deref()), (2, Some("x")));
        config.users.push(("u".to_owned(), UserEntry::default()));
        config.users[0].1.client_key = Some("k".to_owned());
        config.users[0].1.token_file = Some("/t".to_owned());
        config.resolve(Path::new("/etc/kube"));
        assert_eq!(config.users[0].1.client_key.as_deref(), Some("/etc/kube/k"));
        assert_eq!(config.users[0].1.token_file.as_deref(), Some("/t"));
    }
}
