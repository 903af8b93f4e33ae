//! How requests say whom they come from, as client-go's `transport.HTTPWrappersForConfig` has it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, header};
use kube::Config;
use kube::client::{Body, ConfigExt as _};
use sealer_encoding::base64;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tower::{Layer as _, ServiceExt as _};
use zeroize::Zeroizing;

use crate::cluster::kubeconfig::{AuthProvider, UserEntry};
use crate::cluster::plugin::{Issued, Plugin};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::network::Failure;
use crate::network::identity::Identities;
use crate::ui;

/// What a user authenticates with, beside a certificate.
pub(super) enum Credentials {
    /// Nothing, or the certificate.
    None,
    /// A header that stays.
    Fixed(HeaderValue),
    /// A token that others may replace in its file.
    File { path: String, token: Option<Zeroizing<String>> },
    /// A credential plugin, and what it gave.
    Plugin { plugin: Box<Plugin>, issued: Arc<Mutex<Option<Issued>>> },
    /// An OpenID provider, which kube asks, and what it gave: a token that renews may be good for one time.
    OpenId { config: Vec<(String, Zeroizing<String>)>, given: Mutex<Option<HeaderValue>> },
}

/// What plugins gave to this process, each once. Copies share it.
#[derive(Clone, Default)]
pub(crate) struct PluginCache(Arc<parking_lot::Mutex<Vec<Slot>>>);

/// What a plugin was told, and what it gave.
type Slot = (String, Arc<Mutex<Option<Issued>>>);

impl PluginCache {
    fn of(&self, plugin: &Plugin) -> Arc<Mutex<Option<Issued>>> {
        let told = plugin.told();
        let mut all = self.0.lock();
        if let Some((_, issued)) = all.iter().find(|(known, _)| *known == told) {
            return Arc::clone(issued);
        }
        let issued = Arc::default();
        all.push((told, Arc::clone(&issued)));
        issued
    }
}

/// What a request is to carry.
pub(super) struct Proof {
    pub(super) header: Option<HeaderValue>,
    /// There is another certificate than before: connections have to be made anew.
    pub(super) has_new_identity: bool,
}

impl Credentials {
    /// Of several the first in this order counts: a token, a name with a password, a plugin, a provider.
    pub(super) fn new(
        name: &str,
        user: &UserEntry,
        plugin: Option<Plugin>,
        cache: &PluginCache,
    ) -> Result<Self, CliError> {
        let wrong = |what: &str| {
            CliError::new(format!("invalid configuration: the {what} of user \"{name}\" cannot stand in a header"))
                .hint("it has a line break or another control character in it")
        };
        if let Some(path) = &user.token_file {
            return Ok(Self::File { path: path.clone(), token: user.token.clone() });
        }
        if let Some(token) = &user.token {
            return bearer(token).map(Self::Fixed).ok_or_else(|| wrong("token"));
        }
        if user.username.is_some() || user.password.is_some() {
            let name = user.username.clone().unwrap_or_default();
            let password = user.password.clone().unwrap_or_default();
            let pair = Zeroizing::new([name.as_bytes(), b":", password.as_bytes()].concat());
            return sensitive(&format!("Basic {}", base64::encode(&*pair)))
                .map(Self::Fixed)
                .ok_or_else(|| wrong("password"));
        }
        match (plugin, &user.auth_provider) {
            (Some(plugin), _) => Ok(Self::Plugin { issued: cache.of(&plugin), plugin: Box::new(plugin) }),
            (None, Some(provider)) => Self::of_provider(provider),
            (None, None) => Ok(Self::None),
        }
    }

    fn of_provider(provider: &AuthProvider) -> Result<Self, CliError> {
        let gone =
            |what: &str| CliError::new(format!("no Auth Provider found for name \"{}\"", provider.name)).hint(what);
        match provider.name.as_str() {
            "oidc" => Ok(Self::OpenId { config: provider.config.clone(), given: Mutex::default() }),
            "gcp" => Err(gone(
                "Kubernetes clients have lost it; install gke-gcloud-auth-plugin and write the kubeconfig anew: \
                 gcloud container clusters get-credentials CLUSTER",
            )),
            "azure" => Err(gone(
                "Kubernetes clients have lost it; install kubelogin (https://github.com/Azure/kubelogin) and convert the \
                 kubeconfig: kubelogin convert-kubeconfig",
            )),
            "openstack" => Err(gone("Kubernetes clients have lost it; use the credential plugin client-keystone-auth")),
            _ => Err(gone("replace the auth-provider of the user by a credential plugin (exec)")),
        }
    }

    /// Whether another try with new credentials makes sense where the server refused them.
    pub(super) fn can_be_renewed(&self) -> bool {
        matches!(self, Self::Plugin { .. })
    }

    /// What the next request carries. `anew` has a plugin run again whatever it gave before.
    pub(super) async fn proof(&self, identities: &Arc<Identities>, anew: bool) -> Result<Proof, Failure> {
        let fixed = |header| Ok(Proof { header, has_new_identity: false });
        match self {
            Self::None => fixed(None),
            Self::Fixed(header) => fixed(Some(header.clone())),
            Self::File { path, token } => {
                let read = input::read_text(Some(path), Input::Passphrase).ok();
                let read = read.and_then(|bytes| String::from_utf8(bytes).ok()).map(Zeroizing::new);
                let read = read.filter(|text| !text.trim().is_empty());
                let token = read.or_else(|| token.clone()).ok_or_else(|| {
                    Failure::new(format!("cannot read a token from {path}"))
                        .hint("tokenFile of the user names the file")
                })?;
                let header =
                    bearer(token.trim()).ok_or_else(|| Failure::new(format!("the text of {path} is no token")))?;
                fixed(Some(header))
            }
            Self::Plugin { plugin, issued } => {
                let mut issued = issued.lock().await;
                let is_valid = |issued: &Issued| issued.expires.is_none_or(|time| ui::now() < time);
                let is_fresh = anew || !issued.as_ref().is_some_and(is_valid);
                if is_fresh {
                    let given = plugin.issue().await.map_err(Failure::unasked)?;
                    *issued = Some(given);
                }
                let identity = issued.as_ref().and_then(|issued| issued.identity.as_ref());
                // Another connection of this process may have asked the plugin.
                let identity = identity.filter(|_| is_fresh || identities.current().is_none());
                if let Some(identity) = identity {
                    identities.replace(identity.clone());
                }
                let has_new_identity = identity.is_some();
                let token = issued.as_ref().and_then(|issued| issued.token.as_ref());
                let header = token.map(|token| {
                    bearer(token)
                        .ok_or_else(|| Failure::new("the token of the credential plugin cannot stand in a header"))
                });
                Ok(Proof { header: header.transpose()?, has_new_identity })
            }
            Self::OpenId { config, given } => {
                let mut given = given.lock().await;
                let header = match given.as_ref() {
                    Some(header) => header,
                    None => given.insert(open_id(config).await?),
                };
                fixed(Some(header.clone()))
            }
        }
    }
}

fn bearer(token: &str) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Has kube look at the token's time and have the provider renew it.
async fn open_id(config: &[(String, Zeroizing<String>)]) -> Result<HeaderValue, Failure> {
    let told = |reason: &str| {
        Failure::new(format!("oidc: {reason}")).unasked().hint(
            "log in anew, or replace the auth-provider of the user by the credential plugin kubelogin: kubectl oidc-login setup \
             (https://github.com/int128/kubelogin)",
        )
    };
    let fields: Map<String, Value> =
        config.iter().map(|(name, value)| (name.clone(), Value::String(value.to_string()))).collect();
    let user = serde_json::from_value(json!({ "auth-provider": { "name": "oidc", "config": fields } }));
    let mut asked = Config::new(http::Uri::from_static("https://localhost"));
    asked.auth_info = user.map_err(|_| told("its configuration cannot be read"))?;
    let layer = asked.auth_layer().map_err(|_| told("there is no id-token that can be used"))?;
    let layer = layer.ok_or_else(|| told("there is no id-token"))?;
    let answer = layer.layer(tower::service_fn(echo)).oneshot(Request::new(Body::empty())).await;
    let header = answer.ok().and_then(|answer| answer.headers().get(header::AUTHORIZATION).cloned());
    header.ok_or_else(|| told("the id-token has expired and could not be renewed"))
}

/// Whatever would be sent comes back as the answer.
async fn echo(request: Request<Body>) -> Result<http::Response<Body>, AnyError> {
    let mut answer = http::Response::new(Body::empty());
    *answer.headers_mut() = request.headers().clone();
    Ok(answer)
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Headers of every request.
#[derive(Default)]
pub(super) struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    /// Whom the user acts as.
    pub(super) fn impersonating(user: &UserEntry) -> Result<Self, String> {
        let mut headers = Self::default();
        if let Some(name) = &user.act_as {
            headers.add("Impersonate-User", name)?;
        }
        if let Some(uid) = &user.act_as_uid {
            headers.add("Impersonate-Uid", uid)?;
        }
        for group in &user.act_as_groups {
            headers.add("Impersonate-Group", group)?;
        }
        for (key, values) in &user.act_as_extra {
            for value in values {
                headers.add(&format!("Impersonate-Extra-{}", escaped(key)), value)?;
            }
        }
        Ok(headers)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = || format!("\"{value}\" cannot stand in the header {name}");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        self.0.push((name, HeaderValue::from_str(value).map_err(|_| wrong())?));
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }
}

/// client-go's `headerKeyEscape`: what no name of a header has, and the sign itself, in percents.
fn escaped(key: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
    let escape = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    key.bytes().map(escape).collect()
}
