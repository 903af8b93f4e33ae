//! How is the controller installed: from `deploy/`, or with the objects, rights and resource definition of old charts?

use anyhow::{Context as _, Result};
use sealer_tests::product;
use sealer_tests::shell::Shell;
use serde_json::Value;

/// One way to install it.
pub(crate) struct Installation {
    /// Stands before the names of its tests; nothing for the product's own.
    pub(crate) name: &'static str,
    objects: Objects,
    /// Labels of its Pod.
    pub(crate) pods: &'static str,
    /// Names of the ports of the Services, for the endpoints and for the metrics.
    pub(crate) ports: [&'static str; 2],
    /// Tests that its rights do not allow, or that are about another installation.
    without: &'static [&'static str],
    answers: Answers,
}

/// What its controllers hear from the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    AsGiven,
    /// Every n-th answer of each kind is corrupted on its way.
    Corrupted,
}

/// Which objects.
enum Objects {
    /// Those of `deploy/`.
    Own,
    /// Recorded ones.
    Recorded(&'static str),
    /// The resource definition alone: tests start controllers of their own.
    NoController,
}

/// The product's own behind a proxy that corrupts answers, one without a controller, the product's own, and two that stand
/// in clusters (the newest, and without the right to watch Secrets).
pub(crate) const INSTALLATIONS: [&Installation; 5] = [
    &Installation {
        name: "corrupted-answers",
        objects: Objects::Own,
        pods: "name=sealed-secrets-controller",
        ports: ["", ""],
        without: &["rights::a_newer_definition"],
        answers: Answers::Corrupted,
    },
    &Installation {
        name: "",
        objects: Objects::NoController,
        pods: "",
        ports: ["", ""],
        without: &[],
        answers: Answers::AsGiven,
    },
    &Installation {
        name: "",
        objects: Objects::Own,
        pods: "name=sealed-secrets-controller",
        ports: ["", ""],
        without: &["rights::a_newer_definition"],
        answers: Answers::AsGiven,
    },
    &Installation {
        name: "chart-2.19.1",
        objects: Objects::Recorded(include_str!("../golden/chart-2.19.1.json")),
        pods: "app.kubernetes.io/name=sealed-secrets",
        ports: ["http", "metrics"],
        without: &[
            "chart::",
            "recorded::",
            "key_life::",
            "moving::",
            "rights::a_newer_definition",
            "rights::the_plain",
            "scale::two_hundred",
        ],
        answers: Answers::AsGiven,
    },
    &Installation {
        name: "chart-2.4.0",
        objects: Objects::Recorded(include_str!("../golden/chart-2.4.0.json")),
        pods: "app.kubernetes.io/name=sealed-secrets",
        ports: ["http", ""],
        without: &[
            "chart::",
            "recorded::",
            "key_life::",
            "moving::",
            "rights::the_plain",
            "scale::two_hundred",
            // Nobody may watch Secrets: what happens to them alone is not seen.
            "lifecycle::a_secret_deleted_by_hand",
            "scale::a_restart_costs",
            "lifecycle::a_secret_edited_by_hand",
            "lifecycle::what_other_tools_add",
            // It publishes no metrics.
            "templates::a_failing_template",
            "templates::no_function",
            "templates::two_values",
            "failures::broken_key_secrets",
            "failures::what_does_not_open",
            "lifecycle::deleting_it_takes",
            // Its definition has no columns.
            "lifecycle::kubectl_shows",
        ],
        answers: Answers::AsGiven,
    },
];

impl Installation {
    pub(crate) fn has(&self, test: &str) -> bool {
        let corrupts = self.corrupts_answers();
        if test.starts_with(CLOSING) || corrupts && LEFT_OUT.iter().any(|(left_out, _)| test.starts_with(left_out)) {
            return test.starts_with(CLOSING) && corrupts;
        }
        let brings_its_own = OWN_CONTROLLER.iter().any(|module| test.starts_with(module));
        match self.objects {
            Objects::NoController => brings_its_own,
            Objects::Own | Objects::Recorded(_) => {
                !brings_its_own && !self.without.iter().any(|left_out| test.starts_with(left_out))
            }
        }
    }

    /// Whether a proxy corrupts what its controllers are answered.
    pub(crate) fn corrupts_answers(&self) -> bool {
        self.answers == Answers::Corrupted
    }

    /// Names in the lists of tests that are left out, to which no test belongs.
    pub(crate) fn names_no_test(&self, tests: &[String]) -> Vec<&'static str> {
        let corrupted = if self.corrupts_answers() { LEFT_OUT } else { &[] };
        let names = self.without.iter().copied().chain(corrupted.iter().map(|(name, _)| *name));
        names.filter(|name| !tests.iter().any(|test| test.starts_with(name))).collect()
    }

    /// Whether its controller may watch Secrets.
    pub(crate) fn may_watch_secrets(&self) -> bool {
        self.name != "chart-2.4.0"
    }

    /// Whether it brings a controller.
    pub(crate) fn has_controller(&self) -> bool {
        !matches!(self.objects, Objects::NoController)
    }

    pub(crate) async fn install(&self, shell: &Shell) -> Result<()> {
        let recorded = match self.objects {
            Objects::Own => return product::install(shell).await.map(drop),
            Objects::NoController => return product::define(shell).await.map(drop),
            Objects::Recorded(recorded) => recorded,
        };
        let mut recorded: Value = serde_json::from_str(recorded)?;
        let folder = tempfile::tempdir()?;
        // These log all that there is to log: nothing may show there either.
        for object in recorded["objects"].as_array_mut().into_iter().flatten() {
            if let Some(args) =
                object.pointer_mut("/spec/template/spec/containers/0/args").and_then(Value::as_array_mut)
            {
                args.extend(["--log-level", "DEBUG"].map(Value::from));
            }
        }
        let is_definition = |object: &&Value| object["kind"] == "CustomResourceDefinition";
        let objects = recorded["objects"].as_array().context("there are no objects")?;
        let apply = async |name: &str, objects: Vec<&Value>| -> Result<()> {
            let file = folder.path().join(name);
            let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
            std::fs::write(&file, list.to_string())?;
            shell.must(&format!("kubectl apply -f {}", file.display())).await.map(drop)
        };
        apply("definition.json", objects.iter().filter(is_definition).collect()).await?;
        shell.must("kubectl wait --for=condition=Established crd/sealedsecrets.bitnami.com --timeout=110s").await?;
        apply("objects.json", objects.iter().filter(|object| !is_definition(object)).collect()).await
    }
}

/// Tests that start controllers of their own.
const OWN_CONTROLLER: [&str; 7] =
    ["faults::", "hostile::", "http_port::", "kills::", "own_keys::", "own_rights::", "spoilt::"];

/// The test that comes after all others of its installation.
pub(crate) const CLOSING: &str = "corrupted::";

/// Tests that say nothing behind a proxy that corrupts answers, or that cannot hold there, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("policies::", "the API server alone is asked"),
    ("chart::the_secure_preset", "helm and the API server alone are asked"),
    ("scale::calls_are_counted", "calls are counted, and made again where an answer cannot be read"),
    ("scale::a_restart_costs", "calls are counted, and made again where an answer cannot be read"),
    ("recorded::", "versions of objects are compared, and a status whose answer cannot be read is written again"),
    ("chart::a_release", "versions of objects are compared, and a status whose answer cannot be read is written again"),
    (
        "lifecycle::kubectl_shows",
        "all events of an object are compared, and an answer that cannot be read makes one more",
    ),
    (
        "failures::what_does_not_open",
        "errors are counted and the first event is compared, and each attempt makes one more",
    ),
    (
        "keys::a_restart_changes_nothing",
        "versions of objects are compared, and a status whose answer cannot be read is written again",
    ),
    ("templates::a_hostile_template", "the first status is looked at, which may tell of an answer that cannot be read"),
    ("templates::two_values", "everything that is told of two objects is compared, and answers are corrupted in turn"),
    ("ownership::only_what_was_ours", "a list that replaces a corrupted event does not tell whose Secret is missing"),
];
