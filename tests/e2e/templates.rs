//! Do templates render in the cluster, and what does somebody learn of those that fail?

#[path = "../../sealer-core/tests/canary/forms.rs"]
mod forms;

use anyhow::{Result, ensure};
use forms::forms;
use sealer_core::Scope;
use sealer_core::template::function_names;
use sealer_tests::report::say;
use serde_json::{Map, Value, json};

use crate::scene::Scene;

async fn with_templates(scene: &Scene, name: &str, value: &str, templates: Value) -> Result<Value> {
    let mut object = scene.sealed(name, &[("password", value)], Scope::Strict).await?;
    object["spec"]["template"]["data"] = templates;
    Ok(object)
}

pub(crate) async fn templates_render_over_the_opened_values(scene: Scene) -> Result<()> {
    let templates = json!({
        "config.yaml": "user: admin\npassword: {{ .password | quote }}\nmissing: {{ .nope }}",
        "hash": "{{ sha256sum .password | trunc 8 }}",
        "password": "{{ fail \"an item of the same name wins, but this has to run\" | default \"\" }}",
    });
    let mut object = with_templates(&scene, "a", "s3\"cret", templates).await?;
    scene.apply(&object).await?;
    let message = scene.synced("a", "False").await?;
    ensure!(message.starts_with("template execution error at line 1, column 4: function `fail`"), "{message}");
    object["spec"]["template"]["data"]["password"] = json!("{{ 1 }}");
    scene.apply(&object).await?;
    let config = "user: admin\npassword: \"s3\\\"cret\"\nmissing: <no value>";
    scene.holds("a", &[("config.yaml", config), ("hash", "18bc4586"), ("password", "s3\"cret")]).await?;
    scene.synced("a", "True").await?;
    Ok(())
}

pub(crate) async fn a_failing_template_shows_no_value_anywhere(scene: Scene) -> Result<()> {
    let value = "zqcanary7f3a1xw9";
    let failing = [
        "{{ atoi .password | fail }}",
        "{{ mustToDate \"2006\" .password }}",
        "{{ index .password .password }}",
        "{{ mustRegexMatch (print \"(\" .password) \"x\" }}",
        "{{ .password.field }}",
        "{{ template .password }}",
        "{{ fail .password }}",
        "{{ genCA .password 1 }}",
        "{{ repeat 99999999 .password }}",
    ];
    for (number, template) in failing.iter().enumerate() {
        let name = format!("t{number}");
        scene.apply(&with_templates(&scene, &name, value, json!({ "out": template })).await?).await?;
    }
    for number in 0..failing.len() {
        let message = scene.synced(&format!("t{number}"), "False").await?;
        ensure!(message.starts_with("template "), "{message}");
        ensure!(!message.contains(value), "the status shows the value: {message}");
    }
    // The next object is not harmed.
    scene.apply(&scene.sealed("next", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("next", &[("k", "v")]).await?;
    let everything = format!("{}\n{}", scene.dump().await, scene.metrics().await?);
    ensure!(everything.contains("t0"), "the dump shows the objects");
    let shapes = [value.to_owned(), value.chars().rev().collect(), sealer_core::base64::encode(value)];
    ensure!(!shapes.iter().any(|shape| everything.contains(shape)), "the value shows in events, logs or metrics");
    Ok(())
}

/// Every function with the value in every place, through status, events, logs, metrics, HTTP answers and the command line.
pub(crate) async fn no_function_shows_a_value(scene: Scene) -> Result<()> {
    let value = "qzcanaryvalueofalltests";
    let (mut sites, mut told) = (0, String::new());
    for place in 0..3 {
        let mut templates = Map::new();
        for name in function_names() {
            for count in place + 1..4 {
                let arguments: Vec<&str> = (0..count).map(|at| if at == place { ".password" } else { "1" }).collect();
                let item = format!("{name}-{count}");
                templates.insert(item, json!(format!("{{{{ {name} {} }}}}", arguments.join(" "))));
                sites += 1;
            }
        }
        let name = format!("place{place}");
        let object = with_templates(&scene, &name, value, Value::Object(templates)).await?;
        scene.apply(&object).await?;
        told.push_str(&scene.synced(&name, "False").await?);
        let file = scene.suite.plane.folder.path().join(format!("{}-{name}.json", scene.namespace));
        std::fs::write(&file, object.to_string())?;
        for mode in ["--validate", "--re-encrypt"] {
            let answer = scene.shell().run(&format!("sealer {mode} < {}", file.display())).await?;
            ensure!(answer.status == Some(0), "{answer:?}");
            told.push_str(&format!("{}{}", answer.stdout, answer.stderr));
        }
    }
    told.push_str(&scene.dump().await);
    told.push_str(&scene.suite.whole_logs());
    told.push_str(&scene.metrics().await?);
    ensure!(told.contains("template execution error") && told.contains("unseal_errors_total"), "nothing was searched");
    let shown = forms(value).into_iter().find(|form| told.contains(form));
    ensure!(shown.is_none(), "the value shows as {shown:?}");
    say(&format!("  canary: {sites} sites, {} bytes searched, 0 hits", told.len()));
    Ok(())
}
